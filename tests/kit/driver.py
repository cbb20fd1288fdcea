"""A patient's checks played against the pure machine: no store, no words, a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from dialogs.events import (
    Advised,
    Answered,
    Asked,
    Event,
    Listed,
    PatientEvent,
    Recorded,
    Started,
    Stopped,
    Woke,
    dump,
    parse,
)
from dialogs.machine import Standing, Timing, advance, wake_at
from dialogs.protocol import Disposition, TriageProtocol, load
from dialogs.session import Session, apply, replay

PROTOCOL = load()
SMALL = replace(
    PROTOCOL,
    questions=tuple(
        one
        for one in PROTOCOL.questions
        if one.id
        in (
            "emergency_signs",
            "weakness",
            "weakness_change",
            "saddle_numbness",
            "back_or_neck_pain",
            "pain_severe",
            "recent_spine_radiotherapy",
        )
    ),
    rules=tuple(
        one
        for one in PROTOCOL.rules
        if one.id in ("emergency", "weakness", "saddle", "back-pain", "pain-after-radiotherapy")
    ),
)
"""Every kind of question and rule, and few of each: chance gets everywhere in it."""
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
Kind = TypeVar("Kind")


def check_back(disposition: Disposition, at: datetime) -> datetime | None:
    return None if disposition is Disposition.NO_WARNING_SYMPTOM else at + HOUR


TIMING = Timing(check_back=check_back)


class Check:
    """One check. `started` fields describe the patient; `standing` is what no nurse has closed."""

    def __init__(
        self,
        number: int = 1,
        at: datetime = MONDAY,
        standing: Standing | None = None,
        languages: int = 1,
        protocol: TriageProtocol = PROTOCOL,
        are_carers_allowed: bool = True,
    ) -> None:
        self.at = at
        self.standing = standing
        self.languages = languages
        self.are_carers_allowed = are_carers_allowed
        self.protocol = protocol
        self.session = Session(f"session{number:010d}")
        self.log: list[Recorded] = []
        self.last: tuple[Event, ...] = ()

    def receives(self, event: PatientEvent | Woke) -> Check:
        """One step of the machine. The events go through their stored form, as they do in a store."""
        settings = (TIMING, self.standing, self.languages, self.are_carers_allowed)
        self.last = advance(self.session, event, self.protocol, self.at, *settings)
        return self.notes(*self.last)

    def notes(self, *events: Event) -> Check:
        """Events that nobody answers."""
        for event in events:
            stored = parse(*dump(event))
            self.log.append(Recorded(self.session.length, self.at, stored))
            self.session = apply(self.session, stored, self.at)
        return self

    def starts(self, **known: object) -> Check:
        return self.receives(replace(Started(self.protocol.version, "en"), **known))  # type: ignore[arg-type]

    def greeted(self, **known: object) -> Check:
        """Until the first question about health."""
        self.starts(**known)
        while self.session.state == "greeting":
            self.says("en" if self.asked == "language" else nothing(self.asked))
        return self

    def says(self, *answers: str) -> Check:
        """Answers the pending question, and those that follow."""
        for answer in answers:
            self.receives(Answered(self.asked, answer))
        return self

    def until(self, question: str, **findings: str) -> Check:
        """Answers as given, else that there is nothing, until this question is pending."""
        for _ in range(60):
            if self.asked == question:
                return self
            self.says(findings.get(self.asked) or nothing(self.asked, self.protocol))
        raise AssertionError(f"{question} is never asked; {self.asked} is")

    def waits(self, duration: timedelta) -> Check:
        """Time goes by, and whatever is due on the way happens at its moment."""
        end = self.at + duration
        self.last = ()
        for _ in range(20):
            due = wake_at(self.session, TIMING)
            if due is None or due > end:
                self.at = end
                return self
            so_far, self.at = self.last, max(due, self.at)
            self.receives(Woke(due))
            self.last = (*so_far, *self.last)
        raise AssertionError(f"wakes for ever: {self.last[-1]}")

    def passes(self, duration: timedelta) -> Check:
        """Time goes by, and nobody looks whether anything is due."""
        self.at += duration
        return self

    @property
    def asked(self) -> str:
        assert self.session.pending is not None, f"nothing is asked in state {self.session.state}"
        return self.session.pending.question

    @property
    def asking(self) -> Asked:
        """The latest question put."""
        return self.all(Asked)[-1]

    @property
    def is_silent(self) -> bool:
        return self.session.pending is None

    @property
    def wakes_at(self) -> datetime | None:
        return wake_at(self.session, TIMING)

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [recorded.event for recorded in self.log if isinstance(recorded.event, kind)]

    def new(self, kind: type[Kind]) -> list[Kind]:
        """Those of the last step, or of the last time that went by."""
        return [event for event in self.last if isinstance(event, kind)]

    @property
    def advice(self) -> Advised:
        """The one advice of the last step."""
        [advised] = self.new(Advised)
        return advised

    @property
    def advised(self) -> list[str]:
        """What was advised so far, in order."""
        return [one.disposition for one in self.all(Advised)]

    @property
    def listed(self) -> list[str]:
        return [one.reason for one in self.all(Listed)]

    def replayed(self) -> Session:
        return replay(self.session.id, self.log)


def nothing(question: str, protocol: TriageProtocol = PROTOCOL) -> str:
    """The answer that there is nothing: the least severe; the first button where the question is not clinical."""
    asked = protocol.question(question)
    return min(asked.answers, key=lambda one: one.severity).code if asked.is_clinical else asked.codes[0]


def choices(check: Check) -> tuple[str, ...]:
    """The answers that can be given to the pending question, the first button first."""
    match check.asked:
        case "language":
            return ("en", "nl")
        case "summary":
            return ("confirm", *(one.id for one in check.protocol.questions if one.id in check.session.answers))
        case "call_back_number":
            return ("skip", "+31612345678")
    return check.protocol.question(check.asked).codes


IN_STATE: dict[str, Callable[[], Check]] = {
    "greeting": lambda: Check().starts(),
    "asking": lambda: Check().greeted().until("weakness"),
    "reviewing": lambda: Check().greeted().until("summary"),
    "advised": lambda: Check().greeted().until("saddle_numbness").says("yes"),
    "asking_more": lambda: Check().greeted().until("saddle_numbness").says("yes", "skip", "yes"),
    "following_up": lambda: Check().greeted().until("saddle_numbness").says("yes", "skip", "no"),
    "closed": lambda: Check().greeted().until("summary").says("confirm"),
    "stopped": lambda: Check().greeted().receives(Stopped()),
    "expired": lambda: Check().greeted().waits(HOUR),
}
WAYS_OUT: dict[str, Callable[[Check], Check]] = {
    "stop": lambda check: check.receives(Stopped("stop")),
    "restart": lambda check: check.receives(Stopped("restart")),
    "blocked": lambda check: check.receives(Stopped("blocked")),
    "silence": lambda check: check.waits(HOUR),
}
