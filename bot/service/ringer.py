"""What follows a turn for nurses: they are told of what waits urgently, once it is committed and each time once.

An alarm is a row of the turn's commit. It ends in a commit of its own, with what nurses are told; so a fault or the end
of the process in between leaves it to be found again, and nothing here can hold up a patient.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from bot.service.digest import place_of
from bot.service.entry import is_urgently_waiting
from bot.service.pulse import Pulse
from bot.store.alarms import Alarm, Alarms
from bot.store.nurse_chats import StaffInbox
from bot.store.outbox import Alert
from bot.store.signals import ALARMS, LONGEST_WAIT_S, OUTBOX, Signals

log = logging.getLogger("cordwatch.service")
RUNG_AT_ONCE = 100
TOLD_WITHIN_S = 5.0
RING_AGAIN_S = 5.0


class Ringer:
    def __init__(
        self, store: Alarms, staff: StaffInbox | None, clock: Callable[[], datetime], signals: Signals
    ) -> None:
        self._store, self._staff, self._clock, self._signals = store, staff, clock, signals
        self._news = signals.subscribe(ALARMS)
        self.pulse = Pulse("alarms")

    async def run(self) -> None:
        """Tells nurses as soon as something calls them, until cancelled; also what was left by a process before."""
        while True:
            self._news.consume()
            try:
                is_done = await self.ring_due()
                self._beat(is_done)
            except Exception as error:
                log.error("alarms cannot be read: %s; trying again", place_of(error))
                is_done = False
                self.pulse.failed(error)
            await self._news.wait(LONGEST_WAIT_S if is_done else RING_AGAIN_S)

    def _beat(self, is_done: bool) -> None:
        if is_done:
            self.pulse.succeeded()
        else:
            self.pulse.failed("nurses cannot be told")

    async def ring_due(self) -> bool:
        """Whether no alarm is left of which nurses could not be told."""
        failed: set[Alarm] = set()
        while fresh := [one for one in await self._store.alarms(RUNG_AT_ONCE + len(failed)) if one not in failed]:
            failed.update([one for one in fresh if not await self._ring(one)])
        return not failed

    async def _ring(self, alarm: Alarm) -> bool:
        """One that fails or hangs holds up the others for a moment, and itself until the next time."""
        at = self._clock()
        try:
            async with asyncio.timeout(TOLD_WITHIN_S):
                alerts = await self._alerts(alarm, at)
                await self._store.tell_nurses(alarm, alerts, at)
        except Exception as error:
            log.error("session %s: nurses cannot be told: %s; trying again", alarm.session, place_of(error))
            return False
        if alerts:
            self._signals.publish(OUTBOX)
        return True

    async def _alerts(self, alarm: Alarm, at: datetime) -> Sequence[Alert]:
        """Nothing where a nurse has read it meanwhile."""
        if self._staff is None or not is_urgently_waiting(alarm.entry):
            return ()
        return await self._staff.alerts(alarm.session, alarm.entry, at)
