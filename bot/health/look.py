"""Looks at the parts of the service when asked, and remembers for how long they have not been well."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.channels import ChannelStatus
from bot.health.status import Status, TaskState
from bot.service.pulse import Pulse
from bot.store.vitals import Vitals

WRITE_AGAIN_AFTER = timedelta(seconds=10)
WRITE_PATIENCE_S = 5.0
RESTART_AFTER = timedelta(minutes=10)
"""A new start that may mend something, or not, is not tried more often than so."""


@dataclass
class Health:
    """`channels` gives how each channel does at this moment, `pulses` how each task does."""

    store: Vitals
    clock: Callable[[], datetime]
    channels: Callable[[], Mapping[str, ChannelStatus]] = dict
    pulses: Callable[[], Iterable[Pulse]] = tuple
    monotonic: Callable[[], float] = time.monotonic
    started_at: datetime = field(init=False)
    _wrote_at: datetime | None = field(init=False, default=None)
    _red_since: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.started_at = self.clock()

    async def status(self) -> Status:
        at = self.clock()
        is_writable = await self._is_writable(at)
        waiting, since = await self.store.waiting() if is_writable else (0, None)
        wake = await self.store.next_wake() if is_writable else None
        return Status(
            at=at,
            started_at=self.started_at,
            channels=dict(self.channels()),
            tasks=tuple(_state(one) for one in self.pulses()),
            waiting_chats=waiting,
            oldest_waiting=_since(since, at),
            wake_lag=_since(wake, at),
            is_writable=is_writable,
            has_writer_died=self.store.has_died,
        )

    async def is_better_left_alone(self) -> bool:
        """Whether a new start of the process would mend nothing, or do harm."""
        status, now = await self.status(), self.monotonic()
        self._red_since = (self._red_since or now) if status.reasons else None
        red_for = timedelta(seconds=now - (self._red_since or now))
        return status.is_better_left_alone(red_for, RESTART_AFTER)

    async def _is_writable(self, at: datetime) -> bool:
        """Tried by writing, at most every few seconds however often somebody looks."""
        if self._wrote_at is not None and timedelta(0) <= at - self._wrote_at < WRITE_AGAIN_AFTER:
            return True
        try:
            async with asyncio.timeout(WRITE_PATIENCE_S):
                await self.store.put_setting("health", at.isoformat())
        except Exception:
            # Whatever the store raises, the answer is the same, and this page must outlive it.
            self._wrote_at = None
            return False
        self._wrote_at = at
        return True


def _state(pulse: Pulse) -> TaskState:
    return TaskState(
        name=pulse.name,
        unwell=timedelta(seconds=pulse.unwell_s),
        failures=pulse.failures,
        error=pulse.error,
        vain_ends=pulse.vain_ends if pulse.is_begun_in_vain else 0,
        is_failing=pulse.is_failing,
        is_silent=pulse.is_silent,
    )


def _since(moment: datetime | None, at: datetime) -> timedelta:
    return timedelta(0) if moment is None else max(timedelta(0), at - moment)
