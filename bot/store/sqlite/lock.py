"""One service a database, by whatever name it comes to it: a lock that dies with its process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from bot.store.sqlite.files import open_private
from bot.store.store import StoreLocked

_HELD: set[tuple[int, int]] = set()
"""Databases that this process has locked. Closing a file drops all locks of SQLite's on it that the process has, so a
database that is open here must not be opened once more only to find it taken."""


class Lock:
    """Holds the database at `path`: the file itself, for links lead to it, and one beside it that outlives it.

    Makes the database, with nothing in it, where there is none and `makes` says so. Raises StoreLocked or OSError.
    """

    def __init__(self, path: Path, *, makes: bool = True) -> None:
        self._files: list[int] = []
        self._inode: tuple[int, int] | None = None
        try:
            self._take(path, Path(os.path.realpath(path)), makes)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._inode is not None:
            _HELD.discard(self._inode)
        for file in self._files:
            os.close(file)
        self._files, self._inode = [], None

    def _take(self, path: Path, real: Path, makes: bool) -> None:
        real.parent.mkdir(parents=True, exist_ok=True)
        beside = self._opened(real.with_name(f"{real.name}.lock"))
        _lock(beside, path, beside)
        if makes or real.exists():
            found = real.stat() if real.exists() else None
            if found is not None and (found.st_dev, found.st_ino) in _HELD:
                raise _locked(path, str(os.getpid()))
            itself = self._opened(real)
            _lock(itself, path, beside)
            found = os.fstat(itself)
            self._inode = (found.st_dev, found.st_ino)
            _HELD.add(self._inode)
        os.ftruncate(beside, 0)
        os.write(beside, str(os.getpid()).encode())

    def _opened(self, path: Path) -> int:
        file = open_private(path)
        self._files.append(file)
        return file


def _lock(file: int, path: Path, beside: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _locked(path, os.pread(beside, 20, 0).decode(errors="replace")) from error


def _locked(path: Path, owner: str) -> StoreLocked:
    return StoreLocked(
        f"{path}: process {owner or 'unknown'} already works on this database; stop it first, "
        "or give this one another database with BOT_DATABASE"
    )
