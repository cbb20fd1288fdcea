"""The connections to one SQLite file: one that writes, in a thread of its own, and one that can only read.

Reads run in the event loop's thread and take microseconds. The lock keeps a second service off the database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Any, TypeVar

from sqlite_utils import Database

from bot.store.sqlite import vitals
from bot.store.sqlite.files import connect_to_read
from bot.store.sqlite.lock import Lock
from bot.store.sqlite.migrations import MIGRATIONS, NAMES, bring_up_to_date
from bot.store.sqlite.troubles import unfit
from bot.store.sqlite.writer import Writer
from bot.store.store import UnfitStore
from bot.store.vitals import Commits, Place

T = TypeVar("T")
LARGEST_LOG = 8 * 1024 * 1024
"""Bytes that the write-ahead log keeps on the disk, once whoever made it grow has finished reading."""


class Connections:
    """Opens or makes the database at `path`, brings its tables up to date and locks it against a second service.

    With `is_reader` it takes no lock, makes nothing and refuses to write. Raises StoreLocked or UnfitStore.
    """

    def __init__(self, path: Path, *, is_reader: bool = False) -> None:
        with ExitStack() as undone:
            self._lock = None if is_reader else undone.enter_context(closing(_locked(path)))
            writing = None if is_reader else undone.enter_context(closing(_connect_to_write(path)))
            self._reader = _connect_to_read(path, is_alone=is_reader)
            self.path, self._whereabouts = path, vitals.Whereabouts(path)
            undone.pop_all()
        self._writer = None if writing is None else Writer(writing)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """One transaction of the writer's."""
        if self._writer is None:
            raise RuntimeError("this store was opened for reading only")
        return await self._writer.write(work)

    @property
    def has_died(self) -> bool:
        """See `Writer`."""
        return self._writer is not None and self._writer.has_died

    @property
    def commits(self) -> Commits:
        """See `Writer`."""
        return Commits() if self._writer is None else self._writer.commits

    def place(self) -> Place:
        return self._whereabouts.look()

    def read_one(self, query: str, values: Sequence[str]) -> Any:
        """The first row of one statement, which needs no snapshot; None when there is none."""
        return self._reader.execute(query, values).fetchone()

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """The read-only connection, with everything read as of one moment."""
        self._reader.execute("begin")
        try:
            yield self._reader
        finally:
            self._reader.execute("rollback")

    async def close(self) -> None:
        """Finishes what is queued and lets the database go, as one file that is whole by itself.

        Whoever closes last folds the log into it, and a reader may not.
        """
        self._reader.close()
        if self._writer is not None:
            await self._writer.close()
        if self._lock is not None:
            self._lock.close()


# --- opening


def _locked(path: Path) -> Lock:
    try:
        return Lock(path)
    except OSError as error:
        raise unfit(path, error) from error


def _connect_to_write(path: Path) -> Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        db.execute("pragma busy_timeout = 5000")
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        db.execute(f"pragma journal_size_limit = {LARGEST_LOG}")
        db.execute("pragma foreign_keys = on")
        tables = Database(db, execute_plugins=False)
        _refuse_newer(tables, path)
        bring_up_to_date(tables)
    except sqlite3.DatabaseError as error:
        db.close()
        raise unfit(path, error) from error
    except BaseException:
        db.close()
        raise
    return db


def _connect_to_read(path: Path, *, is_alone: bool) -> Connection:
    if not path.exists():
        raise UnfitStore(f"{path}: there is no database here; 'cordwatch run' makes one")
    try:
        db = connect_to_read(path, is_alone=is_alone)
    except sqlite3.DatabaseError as error:
        raise unfit(path, error) from error
    try:
        tables = Database(db, execute_plugins=False)
        _refuse_newer(tables, path)
        if MIGRATIONS.pending(tables):
            raise UnfitStore(f"{path}: the tables are of an older version; start 'cordwatch run' once")
    except sqlite3.DatabaseError as error:
        db.close()
        raise unfit(path, error) from error
    except BaseException:
        db.close()
        raise
    return db


def refuse_newer_tables(path: Path) -> None:
    """Raises UnfitStore for tables of a later version, and for what is no database. Writes nothing."""
    if not path.exists():
        return
    try:
        with closing(connect_to_read(path)) as db:
            _refuse_newer(Database(db, execute_plugins=False), path)
    except sqlite3.DatabaseError as error:
        raise unfit(path, error) from error


def _refuse_newer(tables: Database, path: Path) -> None:
    if unknown := [one.name for one in MIGRATIONS.applied(tables) if one.name not in NAMES]:
        raise UnfitStore(f"{path}: made by a newer cordwatch ({unknown[0]}); install that version")
