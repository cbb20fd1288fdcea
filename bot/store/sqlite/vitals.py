"""How this make of a store does: its file, its commits, its probes."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection

from bot.store.sqlite.values import maybe_moment, moment, text
from bot.store.vitals import KEPT_PROBES, OpenEntries, Place, Probe

ADD_PROBE = "insert into probes (at, step, prepared_ms) values (?, ?, ?)"
FORGET_PROBES = "delete from probes where id <= ?"
PROBES = "select at, step, prepared_ms from probes order by id desc"
OPEN_BY_TIER = """
    select tier, count(*), sum(due_at <= :at), min(case when acknowledged_at is null then opened_at end)
    from worklist where is_open = 1 group by tier
"""
ACCOUNTS = "select count(*) from nurses where is_active = 1 and (password is not null or is_demo = 1)"
MOST_FAULTS = 5


def add_probe(db: Connection, probe: Probe) -> None:
    added = db.execute(ADD_PROBE, (text(probe.at), probe.step, probe.prepared_ms)).lastrowid or 0
    db.execute(FORGET_PROBES, (added - KEPT_PROBES,))


def probes(db: Connection) -> Sequence[Probe]:
    return [Probe(moment(at), step, prepared_ms) for at, step, prepared_ms in db.execute(PROBES)]


def open_entries(db: Connection, at: datetime) -> Sequence[OpenEntries]:
    rows = db.execute(OPEN_BY_TIER, {"at": text(at)})
    return [OpenEntries(tier, count, overdue, maybe_moment(oldest)) for tier, count, overdue, oldest in rows]


def place(path: Path, opened: os.stat_result) -> Place:
    """`opened`: the file as it was when it was opened."""
    free = shutil.disk_usage(path.parent).free if path.parent.is_dir() else 0
    found = _stat(path)
    if found is None:
        return Place(is_there=False, is_same=False, free_bytes=free)
    log = _stat(path.with_name(f"{path.name}-wal"))
    is_same = (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino)
    return Place(True, is_same, found.st_size, 0 if log is None else log.st_size, free)


def _stat(path: Path) -> os.stat_result | None:
    with suppress(OSError):
        return path.stat()
    return None


# --- the whole file


async def quick_check(path: Path) -> Sequence[str]:
    """In a thread and by a connection of its own. Nobody waits for it when the process ends."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Sequence[str]] = loop.create_future()
    address = f"{path.absolute().as_uri()}?mode=ro"  # noqa: ASYNC240 - asks the disk nothing
    db = sqlite3.connect(address, uri=True, check_same_thread=False)

    def tell(faults: Sequence[str]) -> None:
        if not found.done():
            found.set_result(faults)

    def check() -> None:
        with closing(db):
            faults = _faults(db)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, faults)

    threading.Thread(target=check, name="quick-check", daemon=True).start()
    try:
        return await found
    except asyncio.CancelledError:
        with suppress(sqlite3.Error):
            db.interrupt()
        raise


def _faults(db: Connection) -> Sequence[str]:
    try:
        rows = db.execute(f"pragma quick_check({MOST_FAULTS})").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [row[0] for row in rows if row[0] != "ok"]
