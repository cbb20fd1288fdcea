"""Watches the clock on the wall against one that nobody sets."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

log = logging.getLogger("cordwatch")
COUNTS_FROM = timedelta(seconds=30)
"""Smaller steps are how a machine keeps its clock right."""


def since_boot_s() -> float:
    """Seconds that also count while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass
class ClockWatch:
    """How far the clock has been set away from where it stood when the service began.

    `known`: a moment of an earlier life of the service, before which it cannot be now.
    """

    clock: Callable[[], datetime]
    steady_s: Callable[[], float] = since_boot_s
    known: datetime | None = None
    _off: timedelta = field(init=False, default=timedelta(0))
    _seen: tuple[datetime, float] = field(init=False)

    def __post_init__(self) -> None:
        self._seen = self.clock(), self.steady_s()

    def off(self) -> timedelta:
        """Less than nothing when it was set back; nothing again once it is set right."""
        at, steady_s = self.clock(), self.steady_s()
        step = (at - self._seen[0]) - timedelta(seconds=steady_s - self._seen[1])
        was_behind, self._seen = self._is_before_known(self._seen[0]), (at, steady_s)
        if abs(step) >= COUNTS_FROM:
            log.error("the clock was set by %d seconds while the service ran", step.total_seconds())
            self._off = timedelta(0) if was_behind and not self._is_before_known(at) else self._off + step
        if self.known is not None and self._is_before_known(at):
            return min(self._off, at - self.known)
        return self._off

    def _is_before_known(self, at: datetime) -> bool:
        return self.known is not None and at < self.known - COUNTS_FROM
