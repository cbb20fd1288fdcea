"""Looks at the parts of the service when asked, and remembers for how long they have not been well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from bot.channels import ChannelStatus
from bot.health.backup import read
from bot.health.clock import ClockWatch, since_boot_s
from bot.health.status import Figures, Status, TaskState
from bot.service.pulse import Pulse
from bot.store.copies import LAST_BACKUP
from bot.store.vitals import Vitals

log = logging.getLogger("cordwatch")
CHECK_EVERY_S = 24 * 3600.0
RESTART_AFTER = timedelta(minutes=10)
"""A new start that may mend something, or not, is not tried more often than so."""

T = TypeVar("T")


@dataclass
class Health:
    """`channels` gives how each channel does at this moment, `pulses` how each task does.

    `unanswered`: for how long the oldest message has waited that is not committed.
    """

    store: Vitals
    clock: Callable[[], datetime]
    channels: Callable[[], Mapping[str, ChannelStatus]] = dict
    pulses: Callable[[], Iterable[Pulse]] = tuple
    unanswered: Callable[[], timedelta] = timedelta
    figures: Callable[[], Figures] = Figures
    steady_s: Callable[[], float] = since_boot_s
    started_at: datetime = field(init=False)
    watch: ClockWatch = field(init=False)
    _faults: tuple[str, ...] = field(init=False, default=())
    _red_since: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.started_at = self.clock()
        self.watch = ClockWatch(self.clock, self.steady_s)

    async def status(self) -> Status:
        """Raises nothing: what cannot be read is a reason by itself."""
        at, seen = self.clock(), _Reading()
        waiting, since = await seen.of(self.store.waiting(), (0, None))
        return Status(
            at=at,
            started_at=self.started_at,
            channels=dict(self.channels()),
            tasks=tuple(_state(one) for one in self.pulses()),
            waiting_chats=waiting,
            oldest_waiting=_since(since, at),
            wake_lag=_since(await seen.of(self.store.next_wake(), None), at),
            unanswered=self.unanswered(),
            parked=await seen.of(self.store.parked(), 0),
            backup=read(await seen.of(self.store.get_setting(LAST_BACKUP), None)),
            accounts=await seen.of(self.store.accounts(), 0),
            entries=tuple(await seen.of(self.store.open_entries_by_disposition(at), ())),
            commits=self.store.commits,
            has_writer_died=self.store.has_died,
            unreadable=seen.error,
            faults=self._faults,
            place=self.store.place(),
            clock_off=self.watch.off(),
            figures=self.figures(),
        )

    async def is_better_left_alone(self) -> bool:
        """Whether a new start of the process would mend nothing, or do harm."""
        status, now = await self.status(), self.steady_s()
        self._red_since = (self._red_since or now) if status.reasons else None
        red_for = timedelta(seconds=now - (self._red_since or now))
        return status.is_better_left_alone(red_for, RESTART_AFTER)

    async def inspect(self) -> None:
        """Reads the whole database at the start and once a day, until cancelled."""
        self.watch.known = max((one.at for one in await self.store.probes()), default=None)
        while True:
            self._faults = tuple(await self.store.quick_check())
            for fault in self._faults:
                log.critical("the database is broken: %s", fault)
            await asyncio.sleep(CHECK_EVERY_S)


@dataclass
class _Reading:
    """`error`: the kind of what the last reading met that did not succeed."""

    error: str | None = None

    async def of(self, reading: Awaitable[T], otherwise: T) -> T:
        try:
            return await reading
        except Exception as error:
            # Whatever the store raises, the answer is the same, and this page must outlive it.
            self.error = type(error).__name__
            return otherwise


def _state(pulse: Pulse) -> TaskState:
    return TaskState(
        name=pulse.name,
        unwell=timedelta(seconds=pulse.unwell_s),
        failures=pulse.failures,
        error=pulse.error,
        vain_ends=pulse.vain_ends if pulse.is_begun_in_vain else 0,
        is_failing=pulse.is_failing,
        is_silent=pulse.is_silent,
        has_failed_lately=pulse.has_failed_lately,
        has_rounds=pulse.has_rounds,
    )


def _since(moment: datetime | None, at: datetime) -> timedelta:
    return timedelta(0) if moment is None else max(timedelta(0), at - moment)
