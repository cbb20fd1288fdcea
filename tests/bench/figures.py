"""What a measurement gives: lines of the table, medians with their spread, ratios of what stood side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

AT_ONCE = 50
"""Patients who talk at the same time."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what, the goal, what was measured."""

    what: str
    goal: str
    measured: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything. `events`: sizes of the log to compare with an empty one."""

    patients: int
    alternations: int
    events: tuple[int, ...]
    open_ones: int


@dataclass(frozen=True, slots=True)
class Dialog:
    """A whole conversation, written down at `path` for the yardsticks; `messages`: how many of them are the bot's."""

    path: Path
    messages: int


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median, in brackets the least and the most."""
    least, middle, most = (f"{value:.{digits}f}" for value in (min(values), median(values), max(values)))
    return f"{middle} ({least}–{most})"


def ratio(these: Sequence[float], those: Sequence[float]) -> str:
    """Of what was measured side by side, so that a slow minute slows both."""
    return spread([one / other for one, other in zip(these, those, strict=True)])


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that so large a share does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
