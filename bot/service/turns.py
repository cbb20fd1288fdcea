"""Makes a turn true: its rows of the worklist and the summary, one commit, and only then what follows from it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from bot.channels import Outgoing
from bot.clinic.settings import Clinic
from bot.service.digest import place_of
from bot.service.entry import calls_anew, entries, is_urgently_waiting
from bot.service.step import Step, patient_after
from bot.store.nurse_chats import StaffInbox
from bot.store.outbox import Alert
from bot.store.parked import Parked
from bot.store.sessions import Log, Patient, SessionChange, Sessions, Summary, Turn
from bot.store.signals import OUTBOX, WAKES, WORKLIST, Signals
from bot.store.worklist import Entry
from dialogs.events import BaselineConfirmed
from dialogs.machine import Timing, wake_at
from dialogs.protocol import Disposition

log = logging.getLogger("cordwatch.service")
ALERTS_WITHIN_S = 2.0
LOOK_AGAIN = timedelta(minutes=5)


class Turns:
    """One turn of a patient at a time. No fault in what surrounds a turn keeps the turn itself from being committed."""

    def __init__(
        self,
        store: Sessions,
        clinic: Clinic,
        timing: Timing,
        signals: Signals,
        staff: StaffInbox | None,
        limit: timedelta,
    ) -> None:
        """`limit`: the longest that a turn may take."""
        self._store, self._clinic, self._timing, self._signals, self._staff = store, clinic, timing, signals, staff
        self._limit_s = limit.total_seconds()
        self.committed_at = float("-inf")
        """When the last turn was committed, by the monotonic clock."""
        self.made = 0
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def one_of(self, channel: str, address: str) -> AsyncIterator[None]:
        """One turn of a patient at a time: what she writes meanwhile waits, in order. Raises TimeoutError."""
        key = (channel, address)
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        async with lock, asyncio.timeout(self._limit_s):
            yield

    async def commit(
        self,
        found: Log,
        external_id: str,
        steps: Sequence[Step],
        outgoing: Sequence[tuple[Outgoing, ...]],
        at: datetime,
        message_ref: str | None = None,
        parked: Parked | None = None,
    ) -> None:
        """`at`: the one moment of the turn, which every row that it writes bears."""
        rows = [self._rows(step, at) for step in steps]
        changes = tuple(
            self._change(step, row, said, at) for step, (_, row), said in zip(steps, rows, outgoing, strict=True)
        )
        confirmed = tuple(one.question for step in steps for one in step.events if isinstance(one, BaselineConfirmed))
        alerts = await self._alerts(steps, rows, at)
        patient = self._patient(found, steps)
        await self._store.append(Turn(patient, at, external_id, changes, confirmed, alerts, message_ref, parked))
        self.committed_at = time.monotonic()
        self.made += 1
        if any(outgoing) or alerts:
            self._signals.publish(OUTBOX)
        if any(change.entry is not None for change in changes):
            self._signals.publish(WORKLIST)
        if any(change.summary.wake_at is not None for change in changes):
            self._signals.publish(WAKES)

    # --- each part with something in its place when our code fails

    def _rows(self, step: Step, at: datetime) -> tuple[Entry | None, Entry | None]:
        """The entry before and after the step. One that cannot be told is listed as trouble."""
        before = len(step.recorded) - len(step.events)
        try:
            rows = [None, *entries(step.recorded, step.protocol, self._clinic)]
            return rows[before], rows[-1]
        except Exception as error:
            log.error("session %s: its entry cannot be told: %s", step.after.id, place_of(error))
            return None, _entry_of_trouble(step, at)

    def _patient(self, found: Log, steps: Sequence[Step]) -> Patient:
        try:
            return patient_after(found.patient, steps)
        except Exception as error:
            log.error("session %s: what she told of herself is not kept: %s", found.session, place_of(error))
            return found.patient

    async def _alerts(
        self, steps: Sequence[Step], rows: Sequence[tuple[Entry | None, Entry | None]], at: datetime
    ) -> tuple[Alert, ...]:
        """What nurses are told in the same commit; nothing if that fails or takes long, for the list shows it too."""
        found: list[Alert] = []
        try:
            async with asyncio.timeout(ALERTS_WITHIN_S):
                for step, (before, after) in zip(steps, rows, strict=True):
                    if self._staff is None or after is None or not is_urgently_waiting(after):
                        continue
                    if calls_anew(before, after):
                        found += await self._staff.alerts(step.after.id, after, at)
        except Exception as error:
            log.error("nurses are not told of an urgent entry in their chats: %s", place_of(error))
        return tuple(found)

    def _change(self, step: Step, row: Entry | None, said: tuple[Outgoing, ...], at: datetime) -> SessionChange:
        session = step.after
        clinical = {one.id for one in step.protocol.questions}
        summary = Summary(
            state=session.state,
            language=session.language,
            disposition=session.advised.value if session.advised else None,
            protocol_version=session.protocol_version,
            wake_at=self._wake_at(step, at),
            answers={question: answer for question, answer in session.answers.items() if question in clinical},
        )
        return SessionChange(session.id, session.length - len(step.events), step.events, summary, row, said)

    def _wake_at(self, step: Step, at: datetime) -> datetime | None:
        try:
            return wake_at(step.after, self._timing)
        except Exception as error:
            log.error("session %s: when to wake it cannot be told: %s", step.after.id, place_of(error))
            return at + LOOK_AGAIN


def _entry_of_trouble(step: Step, at: datetime) -> Entry:
    """Enough to be found at once: to be read by now, under the gravest advice that she has been given."""
    advice = step.after.advice
    told = step.after.advised
    row = Entry(None, ("unprocessed",), at, at, None, trouble="unprocessed")
    if told in (None, Disposition.NO_WARNING_SYMPTOM):
        return row
    return replace(row, disposition=told.value, decided_at=None if advice is None else advice.decided_at)
