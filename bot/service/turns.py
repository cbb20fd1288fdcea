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
from bot.store.parked import Parked
from bot.store.sessions import Log, Patient, SessionChange, Sessions, Summary, Turn
from bot.store.signals import ALARMS, OUTBOX, WAKES, WORKLIST, Signals
from bot.store.worklist import Entry
from dialogs.events import BaselineConfirmed
from dialogs.machine import Timing, wake_at
from dialogs.protocol import Disposition

log = logging.getLogger("cordwatch.service")
LOOK_AGAIN = timedelta(minutes=5)


class Turns:
    """One turn of a patient at a time. No fault in what surrounds a turn keeps the turn itself from being committed."""

    def __init__(
        self,
        store: Sessions,
        clinic: Clinic,
        timing: Timing,
        signals: Signals,
        calls_nurses: bool,
        limit: timedelta,
    ) -> None:
        """`limit`: the longest that a turn may take."""
        self._store, self._clinic, self._timing, self._signals = store, clinic, timing, signals
        self._calls_nurses = calls_nurses
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
        changes = tuple(self._change(step, said, at) for step, said in zip(steps, outgoing, strict=True))
        confirmed = tuple(one.question for step in steps for one in step.events if isinstance(one, BaselineConfirmed))
        patient = self._patient(found, steps)
        await self._store.append(Turn(patient, at, external_id, changes, confirmed, message_ref, parked))
        self.committed_at = time.monotonic()
        self.made += 1
        if any(outgoing):
            self._signals.publish(OUTBOX)
        if any(change.entry is not None for change in changes):
            self._signals.publish(WORKLIST)
        if any(change.is_alarm for change in changes):
            self._signals.publish(ALARMS)
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

    def _is_alarm(self, before: Entry | None, after: Entry | None) -> bool:
        """One that cannot be told is one: before nurses are told, it is looked at again."""
        if not self._calls_nurses or after is None:
            return False
        try:
            return is_urgently_waiting(after) and calls_anew(before, after)
        except Exception as error:
            log.error("whether an entry calls nurses cannot be told: %s", place_of(error))
            return True

    def _change(self, step: Step, said: tuple[Outgoing, ...], at: datetime) -> SessionChange:
        session, (before, row) = step.after, self._rows(step, at)
        clinical = {one.id for one in step.protocol.questions}
        summary = Summary(
            state=session.state,
            language=session.language,
            disposition=session.advised.value if session.advised else None,
            protocol_version=session.protocol_version,
            wake_at=self._wake_at(step, at),
            answers={question: answer for question, answer in session.answers.items() if question in clinical},
        )
        length, is_alarm = session.length - len(step.events), self._is_alarm(before, row)
        return SessionChange(session.id, length, step.events, summary, row, said, is_alarm)

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
