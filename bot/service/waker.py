"""What silence calls for, in every session whose time has come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from bot.service.digest import Digest, place_of
from bot.service.pulse import Pulse
from bot.service.turns import Turns
from bot.store.sessions import DuplicateMessage, Log, Sessions, StaleSession
from bot.store.signals import LONGEST_WAIT_S, WAKES, Signals

log = logging.getLogger("cordwatch.service")
WOKEN_AT_ONCE = 100
WAKE_AGAIN_S = 5.0


class Waker:
    def __init__(
        self, store: Sessions, digest: Digest, turns: Turns, clock: Callable[[], datetime], signals: Signals
    ) -> None:
        self._store, self._digest, self._turns, self._clock = store, digest, turns, clock
        self._news = signals.subscribe(WAKES)
        self.pulse = Pulse("wakes")

    async def run(self) -> None:
        """Wakes sessions when they are due, until cancelled."""
        while True:
            self._news.consume()
            try:
                await self.wake_due()
                left_s = await self._left_s()
                self.pulse.succeeded()
            except Exception as error:
                self.pulse.failed(error)
                log.error("waking failed: %s; trying again", type(error).__name__)
                left_s = 0.0
            if left_s > 0:
                await self._news.wait(left_s)
            else:  # somebody could not be woken: not at once and without end
                await asyncio.sleep(WAKE_AGAIN_S)

    async def _left_s(self) -> float:
        """Until the next session is due; 0 or less when one is."""
        due = await self._store.next_wake()
        return LONGEST_WAIT_S if due is None else (due - self._clock()).total_seconds()

    async def wake_due(self) -> int:
        """Returns how many sessions there were."""
        done: set[tuple[str, datetime]] = set()
        while fresh := [
            one for one in await self._store.due_sessions(self._clock(), WOKEN_AT_ONCE + len(done)) if one not in done
        ]:
            for session_id, due in fresh:
                done.add((session_id, due))
                try:
                    await self._wake_alone(session_id, due)
                    self.pulse.succeeded()
                except Exception as error:
                    log.error("session %s could not be woken: %s; trying again later", session_id, place_of(error))
        return len(done)

    async def _wake_alone(self, session_id: str, due: datetime) -> None:
        patient = (await self._store.load(session_id)).patient
        async with self._turns.one_of(patient.channel, patient.address):
            await self.wake(await self._store.load(session_id), due)

    async def wake(self, found: Log, due: datetime) -> None:
        """Within the patient's turn."""
        at = self._clock()
        digested = self._digest.of_silence(found, due, at)
        try:
            external_id = f"wake:{found.session}:{due.isoformat()}"
            await self._turns.commit(found, external_id, digested.steps, digested.outgoing, at)
        except (DuplicateMessage, StaleSession):
            log.info("session %s: somebody else woke it", found.session)
