"""Whose database a file is, the demo clinic's or a real one's: read before anything is opened for writing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

from bot.store.settings import DEMO_CHANNEL, DEMO_CLEARED, DEMO_FILLED, IS_DEMO
from bot.store.sqlite.troubles import unfit

HAS_TABLES = "select count(*) = 2 from sqlite_master where type = 'table' and name in ('settings', 'patients')"
SETTING = "select value from settings where key = ?"
HAS_MADE_UP = "select exists (select 1 from patients where channel = ?)"
HAS_PATIENTS = "select exists (select 1 from patients)"
MARK = "insert into settings (key, value) values (?, ?) on conflict (key) do nothing"
YES, NO = "yes", "no"


def is_of_demo(path: Path) -> bool | None:
    """None when nobody has opened it yet, or nothing tells. Writes nothing. Raises UnfitStore."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return _is_of_demo(db)
    except sqlite3.DatabaseError as error:
        raise unfit(path, error) from error


def mark(path: Path, *, is_demo: bool) -> None:
    """Says it for good, on a database whose tables are there. The first to say it is right."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("pragma busy_timeout = 5000")
        db.execute(MARK, (IS_DEMO, YES if is_demo else NO))


def _is_of_demo(db: Connection) -> bool | None:
    db.execute("pragma busy_timeout = 5000")
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
