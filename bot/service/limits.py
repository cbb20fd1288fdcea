"""How long a turn may take, and how long a patient is left without a word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """Durations by a clock that nobody sets.

    `told_after`: when a patient learns that her message is not stored; `told_again_after`: when she may be told once
    more. `turn`: the longest that one turn may take. `tries`: after how many failures in a row, while the store takes
    writes, a message is parked. `forgotten_after`: a message that its channel has not handed in again for so long is
    nobody's any more: its page was closed.
    """

    told_after: timedelta = timedelta(seconds=10)
    told_again_after: timedelta = timedelta(minutes=10)
    turn: timedelta = timedelta(seconds=20)
    tries: int = 3
    forgotten_after: timedelta = timedelta(minutes=15)
