"""No page writes an address down: all take it by name, so that the service can be mounted under a prefix."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from starlette.requests import Request

from bot.web.paths import PATHS, page_path, path_for

BOT = Path(__file__).resolve().parents[2] / "bot"
OURS = re.compile(r"""(?:^|[\s"'`=(}])/(?:console|chat)\b(?!\w*\.(?:py|html))""")


def test_no_address_stands_outside_the_table() -> None:
    """In code, templates and scripts; docstrings may speak of them."""
    table = BOT / "web" / "paths.py"
    code = [path for path in BOT.rglob("*.py") if path != table]
    pages = [*BOT.rglob("*.html"), *(path for path in BOT.rglob("*.js") if not path.name.endswith(".min.js"))]
    assert code
    assert pages
    found = [f"{path}: {text}" for path in code for text in _texts(path) if OURS.search(text)]
    found += [f"{path}: {hit.group()}" for path in pages for hit in OURS.finditer(path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("literal", ['f"{base}/console/entries/{id}"', '"/chat"', '"see /console here"', "'/chat/new'"])
def test_an_address_is_found_however_it_is_written(literal: str, tmp_path: Path) -> None:
    file = tmp_path / "page.py"
    file.write_text(f"x = {literal}", encoding="utf-8")
    assert any(OURS.search(text) for text in _texts(file))


def test_a_part_cannot_lead_elsewhere() -> None:
    assert page_path("entry", session="../../x?y") == "/console/entries/..%2F..%2Fx%3Fy"


def test_every_path_lies_below_the_prefix() -> None:
    request = Request({"type": "http", "root_path": "/north", "headers": []})
    parts = {"session": "s", "act": "a", "secret": "t", "table": "u", "name": "n"}
    paths = [path_for(request, name, **parts) for name in PATHS if "{name}" not in PATHS[name]]
    assert {path.partition("/north/")[0] for path in paths} == {""}


def _texts(path: Path) -> list[str]:
    """Every literal text that is not a docstring; what is inserted into it counts as a blank."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    loose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    joined = [
        "".join(part.value if isinstance(part, ast.Constant) else " " for part in node.values)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
    ]
    return joined + [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in loose | parts
    ]
