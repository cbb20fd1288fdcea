"""What the service and the console both read: a session's log, its transcript, and the nurse's list."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from bot.store.sessions import Log, Patient
from bot.store.sqlite.connections import Connections
from bot.store.sqlite.deliveries import TRANSCRIPT, said
from bot.store.sqlite.turns import (
    LATEST_SESSION,
    NUMBER_OF,
    PATIENT_AT,
    PATIENT_OF,
    WORKLIST,
    ReadEvents,
    patient_of,
    read_anew,
    read_log,
    worklist_row,
)
from bot.store.sqlite.values import text
from bot.store.transcripts import SentMessage, Transcripts
from bot.store.worklist import Worklist, WorklistRow


def new_id() -> str:
    """Sixteen letters and digits: the millisecond, so that new rows lie side by side, and 30 bits of chance."""
    return _base32(time.time_ns() // 1_000_000, 10) + _base32(secrets.randbits(30), 6)


class Readings(Connections, Transcripts, Worklist):
    """`fresh_id` makes the ids of patients and sessions."""

    def __init__(self, path: Path, *, is_reader: bool = False, fresh_id: Callable[[], str] = new_id) -> None:
        super().__init__(path, is_reader=is_reader)
        self._fresh_id = fresh_id
        self._read = ReadEvents()

    async def open(self, channel: str, address: str) -> Log:
        with self.snapshot() as db:
            row = db.execute(PATIENT_AT, (channel, address)).fetchone()
            if row is None:
                return Log(self._fresh_id(), Patient(self._fresh_id(), channel, address))
            session, number = db.execute(LATEST_SESSION, (row[0],)).fetchone()
            return read_log(db, patient_of(row), session, number, self._read)

    async def anew(self, channel: str, address: str) -> Log:
        with self.snapshot() as db:
            row = db.execute(PATIENT_AT, (channel, address)).fetchone()
            if row is None:
                return Log(self._fresh_id(), Patient(self._fresh_id(), channel, address))
            return read_anew(db, patient_of(row), self._fresh_id())

    async def load(self, session: str) -> Log:
        with self.snapshot() as db:
            row = db.execute(PATIENT_OF, (session,)).fetchone()
            if row is None:
                raise KeyError(f"there is no session {session!r}")
            (number,) = db.execute(NUMBER_OF, (session,)).fetchone()
            return read_log(db, patient_of(row), session, number, self._read)

    async def worklist(self, at: datetime | None = None, limit: int | None = None) -> Sequence[WorklistRow]:
        moment = "" if at is None else text(at)
        found: list[WorklistRow] = []
        with self.snapshot() as db:
            for part in WORKLIST:
                left = -1 if limit is None else limit - len(found)
                found += [worklist_row(row) for row in db.execute(part, {"at": moment, "limit": left})]
        return found

    async def transcript(self, session: str, after: int = 0) -> Sequence[SentMessage]:
        return [said(row) for row in self._reader.execute(TRANSCRIPT, (session, after))]


def _base32(number: int, length: int) -> str:
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    return "".join(digits[number >> 5 * index & 31] for index in reversed(range(length)))
