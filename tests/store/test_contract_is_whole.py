"""The contract covers every method of every interface of a store, so that a second make is held to all of them."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from abc import ABC
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import bot.store
from bot.store.console import Desk
from bot.store.copies import Copies
from bot.store.nurse_chats import NurseChats, StaffInbox
from bot.store.reports import Reports
from bot.store.signals import Signals
from bot.store.store import Store

PARTS: dict[str, type] = {
    "store": Store,
    "desk": Desk,
    "chats": NurseChats,
    "reports": Reports,
    "signals": Signals,
}
"""By the name of its fixture in the contract."""
NOT_OF_A_STORE = {StaffInbox, Copies}
"""The service keeps the one; tests/cli/test_copies.py holds the other, a database as a whole."""
CONTRACT = sorted(Path(__file__).parent.glob("test_contract_*.py"))


def interfaces() -> set[type]:
    modules = [
        import_module(f"bot.store.{one.name}") for one in pkgutil.iter_modules(bot.store.__path__) if not one.ispkg
    ]
    classes = {one for module in modules for one in vars(module).values() if inspect.isclass(one)}
    return {one for one in classes if issubclass(one, ABC) and getattr(one, "__abstractmethods__", None)}


def called() -> Iterator[tuple[str, str]]:
    """Fixture and method wherever the contract calls one: `desk.page(…)`, `store.desk.page(…)`."""
    for node in (node for path in CONTRACT for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            yield name, node.attr


def test_every_interface_is_part_of_what_a_make_gives() -> None:
    given = {base for part in PARTS.values() for base in part.__mro__}
    assert interfaces() - given - NOT_OF_A_STORE == set()


def test_every_method_is_called_in_the_contract() -> None:
    found = {*called(), *(("store", part) for part in ("desk", "nurse_chats", "reports"))}
    steps = (Path(__file__).parent / "steps.py").read_text(encoding="utf-8")
    missing = [
        f"{fixture}.{method}"
        for fixture, part in PARTS.items()
        for method in sorted(part.__abstractmethods__)  # type: ignore[attr-defined]
        if (fixture, method) not in found and f"await {fixture}.{method}(" not in steps
    ]
    assert missing == [], " ".join(missing)
