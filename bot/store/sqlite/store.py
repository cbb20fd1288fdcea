"""The store in one SQLite file. The files of this folder are the only ones that know SQL.

One process owns the database, so leases of the outbox are kept in memory: a crash gives them all back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection

from bot.store.alarms import Alarm
from bot.store.outbox import Alert, Delivery
from bot.store.parked import Parked
from bot.store.sessions import Turn
from bot.store.sqlite import vitals
from bot.store.sqlite.alarms import alarms, tell_nurses
from bot.store.sqlite.backups import copy_to
from bot.store.sqlite.console import SqliteDesk
from bot.store.sqlite.deliveries import (
    DELIVERY,
    UNACKNOWLEDGED,
    WAITING,
    acknowledge,
    delivery,
    next_chats,
    next_retry,
    put_off,
    settle,
)
from bot.store.sqlite.nurse_chats import SqliteNurseChats
from bot.store.sqlite.parked import WAITING_PARKED, add_parked
from bot.store.sqlite.readings import Readings, new_id
from bot.store.sqlite.reports import SqliteReports
from bot.store.sqlite.troubles import takes_nothing
from bot.store.sqlite.turns import DUE_SESSIONS, KNOWN_ID, NEXT_WAKE, OPEN_SESSIONS, RECENT_SESSIONS, append
from bot.store.sqlite.values import maybe_moment, moment, text
from bot.store.store import Store
from bot.store.vitals import OpenEntries, Probe

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


class SqliteStore(Readings, Store):
    """See `Connections` for what `path` and `is_reader` do."""

    def __init__(self, path: Path, *, is_reader: bool = False, fresh_id: Callable[[], str] = new_id) -> None:
        super().__init__(path, is_reader=is_reader, fresh_id=fresh_id)
        self._leases: dict[int, _Lease] = {}

    @property
    def desk(self) -> SqliteDesk:
        return SqliteDesk(self)

    @property
    def nurse_chats(self) -> SqliteNurseChats:
        return SqliteNurseChats(self)

    @property
    def reports(self) -> SqliteReports:
        return SqliteReports(self)

    # --- turns

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

    # --- what no turn could be made of

    async def park(self, parked: Parked) -> None:
        await self.write(lambda db: add_parked(db, parked))

    async def parked(self) -> int:
        return sum(int(self._reader.execute(query).fetchone()[0]) for query in WAITING_PARKED)

    def takes_nothing(self, error: Exception) -> bool:
        return takes_nothing(error)

    async def prove_writable(self, at: datetime) -> None:
        await self.put_setting("proved_writable", text(at))

    # --- alarms

    async def alarms(self, limit: int = 100) -> Sequence[Alarm]:
        return alarms(self._reader, limit)

    async def tell_nurses(self, alarm: Alarm, alerts: Sequence[Alert], at: datetime) -> None:
        await self.write(lambda db: tell_nurses(db, alarm, alerts, at))

    # --- the outbox

    async def claim(self, channel: str, at: datetime, limit: int, resting: Collection[str] = ()) -> Sequence[Delivery]:
        leased = {one.address for one in self._leases.values() if one.channel == channel}
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
            self._leases[one.id] = _Lease(channel, one.sending.address)
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

    async def recent_sessions(self, patient: str, limit: int = 5) -> Sequence[str]:
        return [session for (session,) in self._reader.execute(RECENT_SESSIONS, (patient, limit))]

    # --- how it does

    async def add_probe(self, probe: Probe) -> None:
        await self.write(lambda db: vitals.add_probe(db, probe))

    async def probes(self) -> Sequence[Probe]:
        return vitals.probes(self._reader)

    async def copy_open(self, to: Path) -> None:
        # by the connection for reading: one in the middle of a write cannot be copied
        copy_to(self._reader, to)

    async def quick_check(self) -> Sequence[str]:
        return await vitals.quick_check(self.path)

    async def open_entries_by_disposition(self, at: datetime) -> Sequence[OpenEntries]:
        return vitals.open_entries(self._reader, at)

    async def accounts(self) -> int:
        return int(self.read_one(vitals.ACCOUNTS, ())[0])

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
