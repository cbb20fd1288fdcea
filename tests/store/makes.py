"""Every make of a store, and of signals. A second one is one line here, and the whole contract runs over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.store.signals import ChangeFeed, Signals
from bot.store.sqlite.store import SqliteStore
from bot.store.store import Store

STORES: dict[str, Callable[[Path], Store]] = {"sqlite": SqliteStore}
SIGNALS: dict[str, Callable[[], Signals]] = {"in memory": ChangeFeed}
