"""Whose database a file is, the demo clinic's or a real one's: read before anything is opened for writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection

from bot.store.settings import DEMO_CHANNEL, DEMO_CLEARED, DEMO_FILLED, IS_DEMO
from bot.store.sqlite.files import connect_to_read, log_of
from bot.store.sqlite.troubles import unfit
from bot.store.store import UnfitStore

TABLES = """
    select count(*), total(name in ('settings', 'patients')) from sqlite_master
    where type = 'table' and name not like 'sqlite%'
"""
HAS_TABLES = "select count(*) = 2 from sqlite_master where type = 'table' and name in ('settings', 'patients')"
SETTING = "select value from settings where key = ?"
HAS_MADE_UP = "select exists (select 1 from patients where channel = ?)"
HAS_PATIENTS = "select exists (select 1 from patients)"
MARK = "insert into settings (key, value) values (?, ?) on conflict (key) do nothing"
YES, NO = "yes", "no"


def is_begun(path: Path) -> bool:
    """Whether a clinic's tables are in it. Writes nothing. Raises UnfitStore for another program's database."""
    if not path.exists():
        return False
    with _reading(path) as db:
        tables, ours = db.execute(TABLES).fetchone()
    if tables and ours != 2:
        raise UnfitStore(f"{path}: another program's database, or a part of one; name another file with BOT_DATABASE")
    return bool(tables)


def begin(path: Path) -> None:
    """Makes room for a new database. Raises UnfitStore where there is one, or what is left of one."""
    if is_begun(path):
        raise UnfitStore(f"{path}: there is a database already; start without --new-database")
    log = log_of(path)
    if log.exists() and log.stat().st_size:
        raise UnfitStore(f"{log} belongs to a database that is gone; find that, or move this file away")


def is_of_demo(path: Path) -> bool | None:
    """None when nobody has opened it yet, or nothing tells. Writes nothing. Raises UnfitStore."""
    if not path.exists():
        return None
    with _reading(path) as db:
        return _is_of_demo(db)


def mark(path: Path, *, is_demo: bool) -> None:
    """Says it for good, on a database whose tables are there. The first to say it is right."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("pragma busy_timeout = 5000")
        db.execute(MARK, (IS_DEMO, YES if is_demo else NO))


@contextmanager
def _reading(path: Path) -> Iterator[Connection]:
    try:
        with closing(connect_to_read(path)) as db:
            yield db
    except sqlite3.DatabaseError as error:
        raise unfit(path, error) from error


def _is_of_demo(db: Connection) -> bool | None:
    if not _one(db, HAS_TABLES):
        return None
    if (said := _one(db, SETTING, IS_DEMO)) is not None:
        return bool(said == YES)
    return _guessed(db)


def _guessed(db: Connection) -> bool | None:
    """Databases of before the mark. Once cleared, it may be either's: clinics went on with what they had tried out."""
    filled = _one(db, SETTING, DEMO_FILLED)
    if filled not in (None, DEMO_CLEARED) or _one(db, HAS_MADE_UP, DEMO_CHANNEL):
        return True
    return False if filled is None and _one(db, HAS_PATIENTS) else None


def _one(db: Connection, query: str, *values: str) -> object:
    row = db.execute(query, values).fetchone()
    return None if row is None else row[0]
