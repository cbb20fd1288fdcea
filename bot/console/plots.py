"""The plots of the timeliness page as plain shapes: what stands where. `plots.html` draws them.

Our own, because the libraries do not fit these pages: pygal writes scripts and inline styles, which our content
security policy refuses for good reason; leather draws fixed pale greys on a fixed white, unreadable in the dark and
below the contrast that WCAG asks for. What is needed is bars, dots and squares in the page's own colours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

LEFT, WIDE = 150, 720
GRID_LEFT = 240
BAR_ROW, BAR_HIGH = 62, 40
RANGE_ROW, GRID_ROW, CELL = 38, 30, 28
LABEL_WIDE = 52
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=28)
TICKS = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=7),
    timedelta(days=28),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """`share`: from 0 to 1; None when there was nothing to be on time for."""

    x: float
    width: float
    height: float
    share: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Range:
    """From the median to the 95th percentile. `limit`: where the time allowed ends."""

    key: str
    y: float
    median: float
    p95: float
    limit: float | None


@dataclass(frozen=True, slots=True)
class Square:
    """An hour of a day of the week. `level`: from 0 (nothing) to 4 (the most)."""

    x: float
    y: float
    count: int
    level: int


def bars(cells: Sequence[tuple[float | None, int]]) -> tuple[Bar, ...]:
    """One row of bars side by side, over the whole width: share and count of each."""
    step = WIDE / max(len(cells), 1)
    return tuple(
        Bar(LEFT + index * step + step * 0.12, step * 0.76, BAR_HIGH * (share or 0), share, count)
        for index, (share, count) in enumerate(cells)
    )


def labelled(count: int) -> Sequence[int]:
    """Which of so many bars get a label, so that none runs into the next; the last always does."""
    every = max(1, math.ceil(count * LABEL_WIDE / WIDE))
    return [index for index in range(count) if (count - 1 - index) % every == 0]


def middle(index: int, count: int) -> float:
    step = WIDE / max(count, 1)
    return LEFT + (index + 0.5) * step


def ranges(
    times: Mapping[str, tuple[timedelta, timedelta]], limits: Mapping[str, timedelta], keys: Sequence[str]
) -> tuple[Range, ...]:
    """Median and 95th percentile by key, on a scale on which each step is several times the one before."""
    shown = [key for key in keys if key in times]
    return tuple(
        Range(key, row * RANGE_ROW + RANGE_ROW / 2, at(times[key][0]), at(times[key][1]), _limit(limits, key))
        for row, key in enumerate(shown)
    )


def at(duration: timedelta) -> float:
    """Where a duration stands on the scale."""
    within = min(max(duration, SHORTEST), LONGEST)
    return LEFT + WIDE * math.log(within / SHORTEST) / math.log(LONGEST / SHORTEST)


def squares(counts: Sequence[Sequence[int]]) -> tuple[Square, ...]:
    """`counts`: of seven days, twenty-four hours each."""
    most = max((count for day in counts for count in day), default=0)
    return tuple(
        Square(LEFT + hour * CELL, day * CELL, count, math.ceil(4 * count / most) if count else 0)
        for day, hours in enumerate(counts)
        for hour, count in enumerate(hours)
    )


def _limit(limits: Mapping[str, timedelta], key: str) -> float | None:
    return at(limits[key]) if key in limits else None
