"""What is wrong with a database, with what to do about it, for whoever has to start the service again."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from bot.store.store import UnfitStore

BROKEN = "`cordwatch db check` names what is broken, and `cordwatch restore` puts a backup in its place"
HELD = "another program holds it; end that program (`fuser` with this path shows which) and start again"
FULL = "the disk is full; make room and start again"
SHUT = "it must belong to the user who runs the service, on a disk that can be written to"
FAULTY = "the disk gave an error; look into the machine's log, and keep a backup elsewhere"

BY_CODE = {
    sqlite3.SQLITE_BUSY: HELD,
    sqlite3.SQLITE_LOCKED: HELD,
    sqlite3.SQLITE_PROTOCOL: HELD,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: FAULTY,
    sqlite3.SQLITE_READONLY: SHUT,
    sqlite3.SQLITE_CANTOPEN: SHUT,
    sqlite3.SQLITE_PERM: SHUT,
}
BY_NUMBER = {
    errno.ENOENT: "make that folder first, or mount its disk",
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EIO: FAULTY,
}
TAKES_NOTHING = frozenset(code for code, remedy in BY_CODE.items() if remedy != FAULTY)
"""An error of the disk is not among them: a bad sector may be one patient's alone."""


def takes_nothing(error: Exception) -> bool:
    """See `ParkedMessages`."""
    return isinstance(error, sqlite3.Error) and _code(error) in TAKES_NOTHING


def unfit(path: Path, error: sqlite3.Error | OSError) -> UnfitStore:
    """One sentence; anything that is not the machine's fault counts as a broken file."""
    if isinstance(error, OSError):
        return UnfitStore(f"{path}: {error.strerror}; {BY_NUMBER.get(error.errno or 0, SHUT)}")
    return UnfitStore(f"{path}: SQLite cannot use this database ({error}); {BY_CODE.get(_code(error), BROKEN)}")


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary code."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)) & 0xFF
