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


class Whereabouts:
    """Where the files of an open database are, and whether they are still the ones that were opened."""

    def __init__(self, path: Path) -> None:
        self._path, self._log_path = path, path.with_name(f"{path.name}-wal")
        self._opened, self._log_opened = path.stat(), _stat(self._log_path)

    def look(self) -> Place:
        found, log = _stat(self._path), _stat(self._log_path)
        # the log is made with the first write, and from then on it stays
        self._log_opened = self._log_opened or log
        is_same = _is_one(found, self._opened) and _is_one(log, self._log_opened)
        free = shutil.disk_usage(self._path.parent).free if self._path.parent.is_dir() else 0
        return Place(found is not None, is_same, found.st_size if found else 0, log.st_size if log else 0, free)


def _is_one(found: os.stat_result | None, opened: os.stat_result | None) -> bool:
    if found is None or opened is None:
        return found is opened
    return (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino)


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
