"""How long functions and files may be: what a reader keeps in mind at once."""

from __future__ import annotations

import ast
from statistics import median

from tests.test_layers import MODULES, ROOT

LINES = 400
TABLES = {
    "dialogs.events": "one dataclass for each of the forty kinds",
    "bot.store.sqlite.migrations": "every table as it came to be",
}
"""Files that are tables or catalogues may be longer."""


def test_functions_are_short() -> None:
    lengths = sorted(
        int(node.end_lineno or 0) - node.lineno + 1
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert median(lengths) <= 6
    assert lengths[len(lengths) * 9 // 10] <= 18


def test_no_file_is_long_but_tables() -> None:
    lengths = {module: path.read_text(encoding="utf-8").count("\n") for module, path in MODULES.items()}
    long = {module: lines for module, lines in lengths.items() if lines > LINES}
    assert {module: lines for module, lines in long.items() if module not in TABLES} == {}
    assert TABLES.keys() <= long.keys(), "a table that has become short needs no exception"


def test_what_lies_in_the_hall() -> None:
    """Everything but the package's own word, the wiring and the health stands in a room."""
    assert {path.name for path in (ROOT / "bot").glob("*.py")} == {"__init__.py", "app.py"}
