"""Damage to a database file as a bad sector does it: whole pages of one table overwritten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

INTERIOR, LEAF = 2, 10
"""The first byte of a page of an index, or of a table without rowid."""


def leaves(path: Path, table: str) -> list[int]:
    """The numbers of the pages that hold its rows, in order of its key. Whoever has the file open must have left it."""
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("select rootpage from sqlite_master where name = ?", (table,)).fetchone()
        (size,) = db.execute("pragma page_size").fetchone()
    return list(_leaves_below(path.read_bytes(), root, size))


def _leaves_below(file: bytes, number: int, size: int) -> Iterator[int]:
    page = file[(number - 1) * size : number * size]
    if page[0] == LEAF:
        yield number
        return
    assert page[0] == INTERIOR, f"page {number} begins with {page[0]}"
    for place in range(int.from_bytes(page[3:5])):
        cell = int.from_bytes(page[12 + 2 * place : 14 + 2 * place])
        yield from _leaves_below(file, int.from_bytes(page[cell : cell + 4]), size)
    yield from _leaves_below(file, int.from_bytes(page[8:12]), size)


def overwrite(path: Path, *numbers: int) -> None:
    with closing(sqlite3.connect(path)) as db:
        (size,) = db.execute("pragma page_size").fetchone()
    with path.open("r+b") as file:
        for number in numbers:
            file.seek((number - 1) * size)
            file.write(b"\xa5" * size)


def unreadable(path: Path) -> set[str]:
    """Addresses of patients of whom a session cannot be read."""
    found = set()
    with closing(sqlite3.connect(path)) as db:
        for session, address in db.execute("select id, address from sessions").fetchall():
            try:
                db.execute("select body from events where session = ?", (session,)).fetchall()
            except sqlite3.DatabaseError:
                found.add(address)
    return found
