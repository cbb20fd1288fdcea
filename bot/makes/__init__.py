"""The one place that says which make of a store serves. Everybody else sees only what the make promises."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.clinic.settings import DEMO_DATABASE, Config, ConfigError
from bot.store.copies import Copies
from bot.store.sqlite.backups import SqliteCopies
from bot.store.sqlite.connections import refuse_newer_tables
from bot.store.sqlite.lock import Lock
from bot.store.sqlite.origin import begin, is_begun, is_of_demo, mark
from bot.store.sqlite.store import SqliteStore
from bot.store.store import Store, UnfitStore


def open_store(config: Config, *, is_reader: bool = False, is_new: bool = False) -> Store:
    """The clinic's database. `is_reader`: it may be open elsewhere, and is not written to.

    A real clinic's is made only when `is_new` says so: one that is gone must not go unnoticed.
    Raises ConfigError, StoreLocked or UnfitStore.
    """
    if not is_reader or not config.is_demo:
        refuse_wrong_database(config)
    if is_new:
        begin(config.database)
    elif not config.is_demo:
        refuse_missing(config)
    store = SqliteStore(config.database, is_reader=is_reader)
    if not is_reader:
        mark(config.database, is_demo=config.is_demo)
    return store


def refuse_missing(config: Config) -> None:
    """Raises UnfitStore where a clinic's database should be and is not. Writes nothing."""
    if not is_begun(config.database):
        raise UnfitStore(
            f"{config.database}: there is no clinic's database here. Is this the right path, and is its disk mounted? "
            "`cordwatch restore` puts a backup here; a new clinic's is begun by `cordwatch init`, or by "
            "`cordwatch run --new-database`"
        )


def is_begun_at(config: Config) -> bool:
    """Whether the clinic has a database. Raises UnfitStore where something else is."""
    return is_begun(config.database)


async def begin_store(config: Config) -> None:
    """Makes a new clinic's database. Raises ConfigError, StoreLocked or UnfitStore, also where there is one."""
    await open_store(config, is_new=True).close()


def copies_of(config: Config) -> Copies:
    """What can be done with the clinic's database as a whole."""
    return SqliteCopies(config.database, lambda: datetime.now(UTC))


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


def refuse_newer(config: Config) -> None:
    """Raises UnfitStore for a database of a later version, or one that is none. Writes nothing."""
    refuse_newer_tables(config.database)


def refuse_taken(config: Config) -> None:
    """Raises StoreLocked when another process works on the database."""
    if config.database.exists():
        Lock(config.database, makes=False).close()
