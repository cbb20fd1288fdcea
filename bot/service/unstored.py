"""Messages that have come and are not committed: who waits, since when, and what she is told meanwhile.

Everything here is in memory and asks no store: it is for the hour in which the store does not answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.channels import Incoming

NO_LONGER_OFFERED = timedelta(minutes=15)
"""After so long without being handed in again a message is nobody's any more: its page was closed."""


@dataclass
class Unanswered:
    """A message that waits. Moments are those of the monotonic clock."""

    incoming: Incoming
    came_at: float
    offered_at: float


class Unstored:
    """`monotonic`: seconds by a clock that nobody sets."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._waiting: dict[str, Unanswered] = {}

    def came(self, incoming: Incoming) -> Unanswered:
        """A message has come, for the first time or again; it waits until it is `stored`."""
        now = self._monotonic()
        waiting = self._waiting.setdefault(incoming.external_id, Unanswered(incoming, now, now))
        waiting.offered_at = now
        return waiting

    def stored(self, incoming: Incoming) -> Unanswered | None:
        """It is committed; what was known of it."""
        return self._waiting.pop(incoming.external_id, None)

    def oldest(self) -> timedelta:
        """How long the message has waited that came first; nothing when none waits."""
        self._forget()
        came_at = min((one.came_at for one in self._waiting.values()), default=self._monotonic())
        return timedelta(seconds=self._monotonic() - came_at)

    def _forget(self) -> None:
        """What its channel has not handed in again for long."""
        before = self._monotonic() - NO_LONGER_OFFERED.total_seconds()
        for external_id in [key for key, one in self._waiting.items() if one.offered_at < before]:
            del self._waiting[external_id]
