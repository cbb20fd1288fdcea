"""The store in one SQLite file. The files bot/sqlite*.py and bot/migrations.py are the only ones that know SQL.

Reads run in the event loop's thread on a read-only connection and take microseconds; writes run in the writer's thread.
One process owns the database, so leases of the outbox are kept in memory: a crash gives them all back.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any, TypeVar

from sqlite_utils import Database

from bot.store.records import Delivery, Log, Patient, Said, Store, StoreLocked, Turn, UnfitStore, WorklistRow
from bot.store.sqlite.deliveries import (
    DELIVERY,
    TRANSCRIPT,
    UNACKNOWLEDGED,
    WAITING,
    acknowledge,
    delivery,
    maybe_moment,
    moment,
    next_chats,
    next_retry,
    put_off,
    said,
    settle,
    text,
)
from bot.store.sqlite.migrations import MIGRATIONS, NAMES
from bot.store.sqlite.turns import (
    DUE_SESSIONS,
    KNOWN_ID,
    LATEST_SESSION,
    NEXT_WAKE,
    NUMBER_OF,
    OPEN_SESSIONS,
    PATIENT_AT,
    PATIENT_OF,
    RECENT_SESSIONS,
    WORKLIST,
    ReadEvents,
    append,
    patient_of,
    read_log,
    worklist_row,
)
from bot.store.sqlite.writer import Writer

T = TypeVar("T")
log = logging.getLogger("cordwatch.store")

PROTOCOL_SHA256 = "select sha256 from protocols where version = ?"
ADD_PROTOCOL = "insert into protocols (version, sha256, content) values (?, ?, ?)"
ALL_PROTOCOLS = "select version, content from protocols order by version"
SETTING = "select value from settings where key = ?"
KEEP_SETTING = """
    insert into settings (key, value) values (?, ?) on conflict (key) do update set value = excluded.value
"""


@dataclass(frozen=True, slots=True)
class _Lease:
    channel: str
    address: str
    until: datetime


def new_id() -> str:
    """Sixteen letters and digits: the millisecond, so that new rows lie side by side, and 30 bits of chance."""
    return _base32(time.time_ns() // 1_000_000, 10) + _base32(secrets.randbits(30), 6)


class SqliteStore(Store):
    """Opens or makes the database at `path`, brings its tables up to date and locks it against a second service.

    With `is_reader` it takes no lock, makes nothing and refuses to write. Raises StoreLocked or UnfitStore.
    """

    def __init__(self, path: Path, *, is_reader: bool = False, fresh_id: Callable[[], str] = new_id) -> None:
        self._fresh_id = fresh_id
        self._leases: dict[int, _Lease] = {}
        self._read = ReadEvents()
        with ExitStack() as undone:
            self._lock = None if is_reader else _lock(path)
            undone.callback(self._unlock)
            writing = None if is_reader else undone.enter_context(closing(_connect_to_write(path)))
            self._reader = _connect_to_read(path)
            undone.pop_all()
        self._writer = None if writing is None else Writer(writing)

    # --- turns

    async def open(self, channel: str, address: str) -> Log:
        with self.snapshot() as db:
            row = db.execute(PATIENT_AT, (channel, address)).fetchone()
            if row is None:
                return Log(self.fresh_session(), Patient(self._fresh_id(), channel, address))
            session, number = db.execute(LATEST_SESSION, (row[0],)).fetchone()
            return read_log(db, patient_of(row), session, number, self._read)

    async def load(self, session: str) -> Log:
        with self.snapshot() as db:
            row = db.execute(PATIENT_OF, (session,)).fetchone()
            if row is None:
                raise KeyError(f"there is no session {session!r}")
            (number,) = db.execute(NUMBER_OF, (session,)).fetchone()
            return read_log(db, patient_of(row), session, number, self._read)

    def fresh_session(self) -> str:
        return self._fresh_id()

    async def append(self, turn: Turn) -> tuple[int, ...]:
        return await self.write(lambda db: append(db, turn))

    async def is_known(self, external_id: str) -> bool:
        return self._reader.execute(KNOWN_ID, (external_id,)).fetchone() is not None

    async def open_entries(self, patient: str) -> Sequence[str]:
        return [session for (session,) in self._reader.execute(OPEN_SESSIONS, (patient,))]

    async def due_sessions(self, at: datetime, limit: int = 100) -> Sequence[tuple[str, datetime]]:
        rows = self._reader.execute(DUE_SESSIONS, (text(at), limit))
        return [(session, moment(wake_at)) for session, wake_at in rows]

    async def next_wake(self) -> datetime | None:
        return maybe_moment(self._reader.execute(NEXT_WAKE).fetchone()[0])

    # --- the outbox

    async def claim(
        self, channel: str, at: datetime, limit: int, lease: timedelta, resting: Collection[str] = ()
    ) -> Sequence[Delivery]:
        leased = {one.address for one in self._leases.values() if one.channel == channel and one.until > at}
        taken = leased.union(resting)
        with self.snapshot() as db:
            chats = [chat for chat in next_chats(db, channel, at, limit + len(taken)) if chat[2] not in taken]
            claimed, unreadable = [], []
            for priority, oldest, _ in chats[:limit]:
                try:
                    claimed.append(delivery(db, db.execute(DELIVERY, (oldest,)).fetchone(), priority))
                except ValueError:
                    unreadable.append(oldest)
        for one in claimed:
            self._leases[one.id] = _Lease(channel, one.sending.address, at + lease)
        for one_id in unreadable:  # it must not hold up everybody else
            log.error("delivery %d cannot be read and is given up", one_id)
            await self.failed(one_id, at, "unreadable")
        return claimed

    async def next_retry(self, channel: str, after: datetime) -> datetime | None:
        return next_retry(self._reader, channel, after)

    async def waiting(self) -> tuple[int, datetime | None]:
        chats, oldest = self._reader.execute(WAITING).fetchone()
        return chats, maybe_moment(oldest)

    async def sent(self, delivery: int, at: datetime, message_ref: str | None, acknowledged: bool = True) -> None:
        state = "sent" if acknowledged else "handed_over"
        await self.write(lambda db: settle(db, delivery, state, sent_at=at, message_ref=message_ref))
        await self.release(delivery)

    async def later(self, delivery: int, retry_at: datetime, error: str) -> None:
        await self.write(lambda db: put_off(db, delivery, retry_at, error))
        await self.release(delivery)

    async def failed(self, delivery: int, at: datetime, error: str) -> None:
        await self.write(lambda db: settle(db, delivery, "failed", failed_at=at, error=error))
        await self.release(delivery)

    async def release(self, delivery: int | None = None) -> None:
        if delivery is None:
            self._leases.clear()
        else:
            self._leases.pop(delivery, None)

    async def acknowledged(self, delivery: int, address: str, at: datetime) -> None:
        await self.write(lambda db: acknowledge(db, delivery, address, at))

    async def unacknowledged_advice(self, before: datetime, limit: int = 100) -> Sequence[Delivery]:
        with self.snapshot() as db:
            return [delivery(db, row) for row in db.execute(UNACKNOWLEDGED, (text(before), limit)).fetchall()]

    # --- pages

    async def worklist(self, at: datetime | None = None, limit: int | None = None) -> Sequence[WorklistRow]:
        moment = "" if at is None else text(at)
        found: list[WorklistRow] = []
        with self.snapshot() as db:
            for part in WORKLIST:
                left = -1 if limit is None else limit - len(found)
                found += [worklist_row(row) for row in db.execute(part, {"at": moment, "limit": left})]
        return found

    async def transcript(self, session: str, after: int = 0) -> Sequence[Said]:
        return [said(row) for row in self._reader.execute(TRANSCRIPT, (session, after))]

    async def recent_sessions(self, patient: str, limit: int = 5) -> Sequence[str]:
        return [session for (session,) in self._reader.execute(RECENT_SESSIONS, (patient, limit))]

    # --- small things

    async def keep_protocol(self, version: str, sha256: str, content: str) -> None:
        def keep(db: Connection) -> None:
            kept = db.execute(PROTOCOL_SHA256, (version,)).fetchone()
            if kept is None:
                db.execute(ADD_PROTOCOL, (version, sha256, content))
            elif kept != (sha256,):
                raise ValueError(
                    f"protocol {version}: sessions have begun under this version with other content; "
                    "give the changed protocol a new version"
                )

        await self.write(keep)

    async def protocols(self) -> dict[str, str]:
        return dict(self._reader.execute(ALL_PROTOCOLS))

    async def get_setting(self, key: str) -> str | None:
        row = self._reader.execute(SETTING, (key,)).fetchone()
        return None if row is None else row[0]

    async def put_setting(self, key: str, value: str) -> None:
        await self.write(lambda db: db.execute(KEEP_SETTING, (key, value)) and None)

    async def close(self) -> None:
        if self._writer is not None:
            await self._writer.close()
        self._reader.close()
        self._unlock()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """One transaction of the writer's; for this file and its neighbours."""
        if self._writer is None:
            raise RuntimeError("this store was opened for reading only")
        return await self._writer.write(work)

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

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


# --- opening


def _lock(path: Path) -> int:
    """A lock that the operating system takes away from a process that dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.read(lock, 20).decode(errors="replace") or "unknown"
        os.close(lock)
        raise StoreLocked(
            f"{path}: process {owner} already works on this database; stop it first, "
            "or give this one another database with BOT_DATABASE"
        ) from error
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def _connect_to_write(path: Path) -> Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # nobody else on the machine may read patients' answers
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        db.execute("pragma busy_timeout = 5000")
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        db.execute("pragma foreign_keys = on")
        tables = Database(db, execute_plugins=False)
        _refuse_newer(tables, path)
        MIGRATIONS.apply(tables)
    except sqlite3.DatabaseError as error:
        db.close()
        raise UnfitStore(f"{path}: SQLite cannot open this database ({error}); restore it from a backup") from error
    except BaseException:
        db.close()
        raise
    return db


def _connect_to_read(path: Path) -> Connection:
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise UnfitStore(f"{path}: there is no database here ({error}); 'cordwatch run' makes one") from error
    try:
        db.execute("pragma busy_timeout = 5000")
        db.execute("pragma query_only = on")
        tables = Database(db, execute_plugins=False)
        _refuse_newer(tables, path)
        if MIGRATIONS.pending(tables):
            raise UnfitStore(f"{path}: the tables are of an older version; start 'cordwatch run' once")
    except sqlite3.DatabaseError as error:
        db.close()
        raise UnfitStore(f"{path}: SQLite cannot read this database ({error}); restore it from a backup") from error
    except BaseException:
        db.close()
        raise
    return db


def _refuse_newer(tables: Database, path: Path) -> None:
    if unknown := [one.name for one in MIGRATIONS.applied(tables) if one.name not in NAMES]:
        raise UnfitStore(f"{path}: made by a newer cordwatch ({unknown[0]}); install that version")


def _base32(number: int, length: int) -> str:
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    return "".join(digits[number >> 5 * place & 31] for place in reversed(range(length)))
