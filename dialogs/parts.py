"""What a triage protocol is made of: questions, rules, notes, windows and wording, and how to look them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Findings = Mapping[str, str]
When = dict[str, tuple[str, ...]]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
Version = Annotated[str, StringConstraints(pattern=r"^\d{4}\.\d+(\.\d+)?$")]
Sentence = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
EMERGENCY, CALL_TODAY = "emergency_signs", "call_today"
"""Names that had a role of their own before a file could say so; sessions of then are still read."""


class ProtocolError(ValueError):
    """The protocol file cannot be used. Names the file, the item, the value and the remedy."""


class Disposition(StrEnum):
    """How soon care should be reached. Ordered by `urgency`, not by its text."""

    EMERGENCY = "emergency"
    WITHIN_12_HOURS = "12h"
    WITHIN_1_WEEK = "1w"
    WITHIN_2_WEEKS = "2w"
    NO_WARNING_SYMPTOM = "none"

    @property
    def urgency(self) -> int:
        """0 for no warning symptom up to 4 for an emergency."""
        return _URGENCY[self]


_URGENCY = {disposition: 4 - rank for rank, disposition in enumerate(Disposition)}


def most_urgent(dispositions: Iterable[Disposition]) -> Disposition:
    """The most urgent; no warning symptom when there are none."""
    return max(dispositions, key=lambda one: one.urgency, default=Disposition.NO_WARNING_SYMPTOM)


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(Part):
    """One button. `severity` orders the answers of a question: a higher one never lowers the decision.

    `is_worse`: nurses see it as new or worse in the trend of a patient's checks.
    """

    code: Code
    label: Sentence
    severity: int = 0
    is_worse: bool = False


class Question(Part):
    """One closed question. `topic` is its short name on the summary and for the nurse.

    `ask_if`: id of a condition; None means always. `if_unanswered`: the answer that silence counts as;
    `if_unanswered_at_end`: the same, but only when the check has ended. `follows_up`: the symptom whose baseline this
    question asks about. `is_optional`: may be skipped. `is_clinical`: counts for decision and summary. `role`: what the
    dialog asks it for. `group`: the row of the trend that shows it. `hard_words`: why it is harder to read than others.
    """

    id: Id
    text: Sentence
    answers: tuple[Answer, ...]
    topic: str = ""
    why: str = ""
    note: str = ""
    ask_if: Id | None = None
    if_unanswered: Code | None = None
    if_unanswered_at_end: Code | None = None
    follows_up: Id | None = None
    is_optional: bool = False
    role: Literal["emergency"] | None = None
    group: Id | None = None
    hard_words: str = ""
    picture: str | None = None
    picture_alt: str = ""
    is_clinical: bool = True

    @cached_property
    def codes(self) -> tuple[str, ...]:
        return tuple(answer.code for answer in self.answers)

    def label(self, code: str) -> str | None:
        """The English words on the button of `code`, None for an answer without a button."""
        return next((answer.label for answer in self.answers if answer.code == code), None)

    def severity(self, code: str) -> int:
        return next((answer.severity for answer in self.answers if answer.code == code), 0)

    def is_mildest(self, code: str | None) -> bool:
        """Whether the answer says that there is nothing, or of a follow-up, that it is known and unchanged."""
        return any(answer.code == code and answer.severity == 0 for answer in self.answers)

    def is_worse(self, code: str | None) -> bool:
        return any(answer.code == code and answer.is_worse for answer in self.answers)


class Condition(Part):
    """A named condition: any one of `any_of` holds. `role`: what it decides besides asking."""

    id: Id
    any_of: tuple[When, ...]
    role: Literal["call_today"] | None = None

    def holds(self, findings: Findings) -> bool:
        return any(matches(when, findings) for when in self.any_of)


class Group(Part):
    """Symptoms that nurses see as one row of the trend, under this name."""

    id: Id
    name: Sentence


class Baseline(Part):
    """`holds_days`: how long a nurse's word that a symptom is known and unchanged is believed."""

    holds_days: int = Field(default=30, ge=1)


class Rule(Part):
    """Findings that together call for a disposition, with the guideline that says so."""

    id: RuleId
    when: When
    disposition: Disposition
    source: Sentence
    reason: Sentence


class Note(Part):
    """What the nurse should think of; never shown to the patient."""

    id: RuleId
    text: Sentence
    source: Sentence
    when: When = Field(default_factory=dict)
    disposition: Disposition | None = None


class Window(Part):
    """What a disposition means: how soon care should be reached, and what the guideline says."""

    code: Disposition
    within_hours: int | None = None
    guideline: Sentence


class Wording(Part):
    """A sentence for patients, with a note for translators."""

    text: Sentence
    note: str = ""


class Source(Part):
    id: str
    title: Sentence


class File(Part):
    """A protocol file as it is written."""

    version: Version
    title: Sentence
    sources: tuple[Source, ...]
    dispositions: tuple[Window, ...]
    answer_sets: dict[str, tuple[Answer, ...]] = Field(default_factory=dict)
    condition: tuple[Condition, ...] = ()
    question: tuple[Question, ...]
    administrative: tuple[Question, ...] = ()
    rule: tuple[Rule, ...]
    note: tuple[Note, ...] = ()
    group: tuple[Group, ...] = ()
    baseline: Baseline = Baseline()
    wording: dict[str, Wording] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class TriageProtocol:
    """The parsed protocol. `sha256` is that of `text`, so that changed content never passes under an old version."""

    version: str
    title: str
    text: str
    sha256: str
    questions: tuple[Question, ...]
    administrative: tuple[Question, ...]
    conditions: Mapping[str, Condition]
    rules: tuple[Rule, ...]
    notes: tuple[Note, ...]
    windows: Mapping[Disposition, Window]
    wording: Mapping[str, Wording]
    sources: tuple[Source, ...]
    groups: tuple[Group, ...] = ()
    baseline_holds: timedelta = timedelta(days=30)

    def question(self, question_id: str) -> Question:
        """Raises KeyError for an id that is not a question."""
        return self._by_id[question_id]

    def rule(self, rule_id: str) -> Rule:
        return self._rules_by_id[rule_id]

    def is_question(self, question_id: str) -> bool:
        return question_id in self._by_id

    def window(self, disposition: Disposition) -> timedelta | None:
        """How soon care should be reached; None when the disposition sets no window."""
        hours = self.windows[disposition].within_hours
        return None if hours is None else timedelta(hours=hours)

    def is_asked(self, question: Question, findings: Findings) -> bool:
        """Whether the answers so far call for this question."""
        return question.ask_if is None or self.conditions[question.ask_if].holds(findings)

    @cached_property
    def emergency(self) -> Question:
        """The question that `/emergency` answers. Files before 2026.1.1 know it by its name."""
        return next((one for one in self.questions if one.role == "emergency"), None) or self._by_id[EMERGENCY]

    @cached_property
    def call_today(self) -> Condition | None:
        """When advice of weeks is to call today. Files before 2026.1.1 know it by its name."""
        named = (one for one in self.conditions.values() if one.role == "call_today")
        return next(named, None) or self.conditions.get(CALL_TODAY)

    def follow_up(self, symptom: str) -> Question | None:
        """The question about the symptom's baseline."""
        return next((one for one in self.questions if one.follows_up == symptom), None)

    @cached_property
    def _by_id(self) -> dict[str, Question]:
        return {question.id: question for question in (*self.questions, *self.administrative)}

    @cached_property
    def _rules_by_id(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def silence(self) -> dict[str, str]:
        """What an open question counts as at any time."""
        return {question.id: question.if_unanswered for question in self.questions if question.if_unanswered}

    @cached_property
    def silence_at_end(self) -> dict[str, str]:
        """What an open question counts as when the check has ended."""
        return self.silence | {
            question.id: question.if_unanswered_at_end for question in self.questions if question.if_unanswered_at_end
        }


def matches(when: When, findings: Findings) -> bool:
    """All named questions have one of the answers that count."""
    return all(findings.get(question_id) in answers for question_id, answers in when.items())
