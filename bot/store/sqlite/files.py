"""The files of a database: made for their owner alone, and read without leaving anything beside them."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection


def open_private(path: Path) -> int:
    """Opens a file, or makes it, that nobody else on the machine may read; root's belong to whoever has the folder."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        file = os.open(path, os.O_RDWR)
        if stat.S_IMODE(os.fstat(file).st_mode) & 0o077:
            with suppress(PermissionError):  # somebody else's, who lets us write
                os.fchmod(file, 0o600)
        return file
    give(file, path.parent)
    return file


def give(file: int, owner: Path) -> None:
    """What root makes belongs to whoever has the folder, or the file, that it is for."""
    if os.geteuid() == 0:
        of = owner.stat()
        os.fchown(file, of.st_uid, of.st_gid)


def log_of(path: Path) -> Path:
    """The write-ahead log of a database that is open, or that was not closed."""
    return path.with_name(f"{path.name}-wal")


def connect_to_read(path: Path, *, is_alone: bool = True) -> Connection:
    """A connection that refuses to write and makes no database.

    `is_alone`: nobody else may have it open; then SQLite takes away again the files it puts beside the database, which
    it does only for whoever could write.
    """
    may_write = is_alone and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    mode = "rw" if may_write else "ro"
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    db.execute("pragma busy_timeout = 5000")
    db.execute("pragma query_only = on")
    return db
