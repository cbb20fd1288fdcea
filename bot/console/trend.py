"""The trend of a patient's symptoms over her checks: what the strip shows, check by check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.language.console import N_
from bot.store.console import SessionSummary
from dialogs.protocol import TriageProtocol
from dialogs.trend import Level, levels

MOST = 8
LEVELS = {
    Level.NOT_ASKED: N_("not asked"),
    Level.NO: N_("no"),
    Level.KNOWN: N_("known, as before"),
    Level.FOUND: N_("yes or not sure"),
    Level.WORSE: N_("new or worse"),
}
LEFT, WIDE, HIGH = 84, 46, 30


@dataclass(frozen=True, slots=True)
class Trend:
    """`rows`: of each symptom the level of every check, the oldest first. Sizes are in the picture's own units."""

    moments: tuple[datetime, ...]
    rows: Mapping[str, tuple[Level, ...]]

    @property
    def width(self) -> int:
        return LEFT + WIDE * len(self.moments)

    @property
    def height(self) -> int:
        return HIGH * (len(self.rows) + 1)

    def x(self, column: int) -> int:
        return LEFT + WIDE * column + WIDE // 2

    def y(self, row: int) -> int:
        return HIGH * row + HIGH // 2


def trend(checks: Sequence[SessionSummary], protocol: TriageProtocol) -> Trend:
    """`checks`: the latest first. Without a moment where the protocol has no groups of symptoms."""
    shown = [one for one in reversed(checks[:MOST]) if one.answers and protocol.groups]
    found = [levels(one.answers, protocol) for one in shown]
    rows = {group.name: tuple(one[group.id] for one in found) for group in protocol.groups}
    return Trend(tuple(one.started_at for one in shown), rows)
