"""The trend of a patient's symptoms over her checks: what the strip shows, check by check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.console.labels import N_
from bot.store.console import Check

MOST = 8
SYMPTOMS: dict[str, tuple[str, ...]] = {
    N_("Walking"): ("difficulty_walking",),
    N_("Strength"): ("weakness",),
    N_("Feeling"): ("numbness_tingling", "saddle_numbness", "lhermitte"),
    N_("Bladder"): ("bladder_bowel",),
    N_("Pain"): ("back_or_neck_pain", "between_shoulder_blades", "worse_lying_better_sitting", "radiating_pain"),
}
LEVELS = {
    0: N_("not asked"),
    1: N_("no"),
    2: N_("known, as before"),
    3: N_("yes or not sure"),
    4: N_("new or worse"),
}
LEFT, WIDE, HIGH = 84, 46, 30


@dataclass(frozen=True, slots=True)
class Trend:
    """`rows`: of each symptom the level of every check, the oldest first. Sizes are in the picture's own units."""

    moments: tuple[datetime, ...]
    rows: Mapping[str, tuple[int, ...]]

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


def trend(checks: Sequence[Check]) -> Trend:
    """`checks`: the latest first."""
    shown = [one for one in reversed(checks[:MOST]) if one.answers] or []
    rows = {name: tuple(_level(one.answers, questions) for one in shown) for name, questions in SYMPTOMS.items()}
    return Trend(tuple(one.started_at for one in shown), rows)


def _level(answers: Mapping[str, str], questions: Sequence[str]) -> int:
    return max(_level_of(answers, question) for question in questions)


def _level_of(answers: Mapping[str, str], question: str) -> int:
    answer = answers.get(question)
    if answer is None:
        return 0
    if answer in ("no", "none"):
        return 1
    change = answers.get(f"{question}_change")
    if change == "same_and_known":
        return 2
    return 4 if change == "new_or_worse" or (question == "radiating_pain" and answer in ("both_sides", "band")) else 3
