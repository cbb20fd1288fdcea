"""The one place that says which make of a store serves. Everybody else sees only what the make promises."""

from __future__ import annotations

from bot.clinic.settings import DEMO_DATABASE, Config, ConfigError
from bot.store.sqlite.origin import is_of_demo, mark
from bot.store.sqlite.store import SqliteStore
from bot.store.store import Store


def open_store(config: Config, *, is_reader: bool = False) -> Store:
    """The clinic's database. `is_reader`: it may be open elsewhere, and is not written to.

    Raises ConfigError, StoreLocked or UnfitStore.
    """
    if not is_reader or not config.is_demo:
        refuse_wrong_database(config)
    store = SqliteStore(config.database, is_reader=is_reader)
    if not is_reader:
        mark(config.database, is_demo=config.is_demo)
    return store


def refuse_wrong_database(config: Config) -> None:
    """Raises ConfigError when made-up and real patients would come together. Writes nothing."""
    found = is_of_demo(config.database)
    if found is None or found == config.is_demo:
        return
    if found:
        raise ConfigError(
            f"{config.database}: the demo clinic's database, with made-up patients; a real clinic never opens one. "
            "Set BOT_DATABASE to another file, or move this one away"
        )
    raise ConfigError(
        f"{config.database}: a real clinic's database; the demo clinic never opens one. "
        f"Set BOT_DATABASE to another file such as {DEMO_DATABASE}"
    )
