"""The one place that says which make of a store serves. Everybody else sees only what the make promises."""

from __future__ import annotations

from bot.clinic.settings import Config
from bot.store.sqlite.store import SqliteStore
from bot.store.store import Store


def open_store(config: Config, *, is_reader: bool = False) -> Store:
    """The clinic's database. `is_reader`: it may be open elsewhere, and is not written to.

    Raises StoreLocked or UnfitStore.
    """
    return SqliteStore(config.database, is_reader=is_reader)
