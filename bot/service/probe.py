"""Somebody who is nobody goes through the check, a step every 20 s, on the path of every patient's message.

Her messages are received, replayed, advanced, put into words and committed by the same code and the same writer. Only
what is committed differs: a row of the table of probes. What was said stays in memory, and nobody is called.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from uuid import uuid4

from bot.channels import Incoming
from bot.service.digest import place_of
from bot.service.pulse import Pulse
from bot.service.service import Service
from bot.store.alarms import Alarm
from bot.store.outbox import Alert, Delivery
from bot.store.parked import Parked
from bot.store.sessions import Log, Patient, SessionChange, Sessions, Turn
from bot.store.vitals import Probe, Probes
from dialogs.events import NotUnderstood, Recorded, Unprocessed

log = logging.getLogger("cordwatch.probe")
EVERY_S = 20.0
CHANNEL = "probe"
BEGIN_AGAIN_AFTER = timedelta(minutes=5)
GOES_ON = ("greeting", "asking", "reviewing")
QUIET = ("none", "no")
"""Answers that lead through the whole check; to a question that is not clinical the first is given, which goes on."""


class ProbeFailed(Exception):
    """Something was committed, but not what a patient would need."""


class Rehearsal(Sessions):
    """The log of one conversation, in memory. A turn is committed as one row of `probes`."""

    def __init__(self, store: Probes, monotonic: Callable[[], float]) -> None:
        self._store, self._monotonic = store, monotonic
        self._began_s = 0.0
        self.begin()

    def begin(self) -> None:
        """Forgets the conversation so far."""
        self._log = Log(self.fresh_session(), Patient(CHANNEL, CHANNEL, CHANNEL))
        self.last: tuple[datetime, SessionChange] | None = None

    def fresh_session(self) -> str:
        return f"{CHANNEL}-{uuid4().hex}"

    async def open(self, channel: str, address: str) -> Log:  # noqa: ARG002
        self._began_s = self._monotonic()
        await self._store.probes()  # by the connection that reads patients' logs
        return self._log

    async def load(self, session: str) -> Log:  # noqa: ARG002
        return self._log

    async def anew(self, channel: str, address: str) -> Log:
        return await self.open(channel, address)

    async def append(self, turn: Turn) -> tuple[int, ...]:
        change = turn.changes[-1]
        prepared_ms = (self._monotonic() - self._began_s) * 1000
        await self._store.add_probe(Probe(turn.at, _step(change), round(prepared_ms, 3)))
        self.last = (turn.at, change)
        kept = self._log.events if change.session == self._log.session else ()
        added = [Recorded(len(kept) + number, turn.at, event) for number, event in enumerate(change.events)]
        self._log = replace(self._log, session=change.session, patient=turn.patient, events=(*kept, *added))
        return ()

    # --- of which there is nothing

    async def is_known(self, external_id: str) -> bool:  # noqa: ARG002
        return False

    async def open_entries(self, patient: str) -> Sequence[str]:  # noqa: ARG002
        return ()

    async def due_sessions(self, at: datetime, limit: int = 100) -> Sequence[tuple[str, datetime]]:  # noqa: ARG002
        return ()

    async def next_wake(self) -> datetime | None:
        return None

    async def unacknowledged_advice(self, before: datetime, limit: int = 100) -> Sequence[Delivery]:  # noqa: ARG002
        return ()

    async def alarms(self, limit: int = 100) -> Sequence[Alarm]:  # noqa: ARG002
        return ()

    async def tell_nurses(self, alarm: Alarm, alerts: Sequence[Alert], at: datetime) -> None:
        raise ProbeFailed(f"somebody who is nobody called nurses at {at}: {alarm.session}, {len(alerts)}")

    async def park(self, parked: Parked) -> None:
        raise ProbeFailed(parked.error)

    async def parked(self) -> int:
        return 0

    def takes_nothing(self, error: Exception) -> bool:  # noqa: ARG002
        """Nothing of a probe is parked."""
        return True

    async def prove_writable(self, at: datetime) -> None:
        """What a probe writes is proof enough."""


class Prober:
    """`serve` makes the service of the clinic on another store."""

    def __init__(
        self,
        store: Probes,
        serve: Callable[[Sessions], Service],
        language: str,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rehearsal = Rehearsal(store, monotonic)
        self._service, self._language, self._clock = serve(self._rehearsal), language, clock
        self._clinical = {one.id for one in self._service.current.questions}
        self._numbers = count(1)
        self.pulse = Pulse("probe")

    async def run(self) -> None:
        """Goes on until cancelled."""
        while True:
            try:
                await self.step()
                self.pulse.succeeded()
            except Exception as error:
                log.error("a probe of the path of a message failed: %s", place_of(error))
                self.pulse.failed(error)
            await asyncio.sleep(EVERY_S)

    async def step(self) -> None:
        """One message and its answer. Raises what kept a patient from hers."""
        message = self._message()
        try:
            await self._service.receive(message)
            _judge(self._rehearsal.last)
        except Exception:
            self._rehearsal.begin()
            raise

    def _message(self) -> Incoming:
        """The next answer, or the first words of a new conversation."""
        if (choice := self._choice()) is None:
            self._rehearsal.begin()
        external_id = f"{CHANNEL}:{next(self._numbers)}"
        said = "/start" if choice is None else ""
        return Incoming(CHANNEL, CHANNEL, external_id, said, choice, language_hint=self._language)

    def _choice(self) -> str | None:
        if self._rehearsal.last is None:
            return None
        at, change = self._rehearsal.last
        is_fresh = timedelta(0) <= self._clock() - at < BEGIN_AGAIN_AFTER
        if not is_fresh or change.summary.state not in GOES_ON:
            return None
        shown = {one.data.split(":")[2]: one.data for said in change.outgoing for one in said.choices}
        wanted = QUIET if _step(change) in self._clinical else ()
        return next((shown[code] for code in wanted if code in shown), next(iter(shown.values()), None))


def _judge(last: tuple[datetime, SessionChange] | None) -> None:
    if last is None:
        raise ProbeFailed("nothing was committed")
    _, change = last
    if any(isinstance(one, Unprocessed | NotUnderstood) for one in change.events):
        raise ProbeFailed(f"not understood at {_step(change)}")
    if not change.outgoing:
        raise ProbeFailed(f"nothing was said at {_step(change)}")


def _step(change: SessionChange) -> str:
    """The question that is asked now, or the state that was reached."""
    asked = [one.data.split(":")[1] for said in change.outgoing for one in said.choices]
    return asked[-1] if asked else change.summary.state
