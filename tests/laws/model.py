"""A patient's life with the machine, and what must hold after anything that she, a nurse or time can do."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dialogs.decision import decide_from_answers, settle
from dialogs.events import (
    Advised,
    Answered,
    Asked,
    AskedForHelp,
    AskedForLanguage,
    AskedForPerson,
    AskedForTopics,
    AskedToShare,
    AskedWhy,
    CalledEmergency,
    Closed,
    LeftUnfinished,
    NotUnderstood,
    PatientEvent,
    ReadTopic,
    Resumed,
    Said,
    Started,
    Stopped,
    TappedStale,
    WentBack,
    Woke,
)
from dialogs.machine import Standing, advance, wake_at
from dialogs.protocol import Disposition
from dialogs.session import Session, replay
from tests.kit.driver import MINUTE, MONDAY, PROTOCOL, SMALL, TIMING, Check, choices, nothing

URGENT = (Disposition.EMERGENCY, Disposition.WITHIN_12_HOURS)
OPEN_STATES = ("greeting", "asking", "reviewing", "advised", "asking_more")
QUIET_STATES = ("following_up", "closed", "stopped", "expired")
CHATTER: list[PatientEvent] = [
    AskedWhy(),
    AskedForPerson(),
    AskedForHelp(),
    AskedToShare(),
    Resumed(),
    Said("no, but my legs"),
    NotUnderstood("text", "what?"),
    NotUnderstood("sticker"),
    NotUnderstood("command", "/pain in my back"),
    *(WentBack(),) * 6,
    *(AskedForLanguage(),) * 3,
]
READING: list[PatientEvent] = [AskedForTopics(), ReadTopic("scan", "2026.1"), ReadTopic("no_more", "2019.1")]
DRASTIC: list[PatientEvent] = [CalledEmergency(), CalledEmergency(), Stopped("stop"), Stopped("blocked")]
ANEW: dict[str, PatientEvent | None] = {
    "by a start": None,
    "by words": Said("hello"),
    "by emergency": CalledEmergency(),
}
SHORT = [timedelta(seconds=1), MINUTE, 4 * MINUTE, 5 * MINUTE, 11 * MINUTE]
LONG = [16 * MINUTE, 61 * MINUTE, 125 * MINUTE, timedelta(days=1)]


class Life(RuleBasedStateMachine):
    """One patient's checks, as the service would lead them: the next begins with what the earlier ones left."""

    @initialize(
        is_small=st.booleans(),
        languages=st.integers(1, 2),
        are_carers_allowed=st.booleans(),
        opening=st.sampled_from([None, *CHATTER, *READING, *DRASTIC]),
    )
    def begins(self, is_small: bool, languages: int, are_carers_allowed: bool, opening: PatientEvent | None) -> None:
        self.protocol = SMALL if is_small else PROTOCOL
        self.clinical = {question.id: question for question in self.protocol.questions}
        self.follow_ups = {one.follows_up: one.id for one in self.protocol.questions if one.follows_up}
        self.taps = [(question.id, code) for question in self.protocol.questions for code in question.codes]
        self.taps += [("consent", "no"), ("summary", "confirm"), ("more", "yes"), ("reached", "reached")]
        self.are_carers_allowed = are_carers_allowed
        self.checks = [self.new_check(1, languages)]
        self.confirmed: set[str] = set()
        self.opens(opening, Started(self.protocol.version, "en"))

    def new_check(self, number: int, languages: int, at: datetime = MONDAY) -> Check:
        return Check(number, at, None, languages, self.protocol, self.are_carers_allowed)

    @property
    def check(self) -> Check:
        return self.checks[-1]

    @property
    def is_asked(self) -> bool:
        return not self.check.is_silent

    # --- what can happen

    @precondition(lambda self: self.is_asked)
    @rule(indexes=st.lists(st.integers(0, 40), min_size=1, max_size=5))
    def answers(self, indexes: list[int]) -> None:
        for index in indexes:
            if self.is_asked:
                possible = choices(self.check)
                self.takes(Answered(self.check.asked, possible[index % len(possible)]))

    @precondition(lambda self: self.is_asked)
    @rule(state=st.sampled_from(OPEN_STATES[1:]), finding=st.integers(0, 60))
    def heads_for(self, state: str, finding: int) -> None:
        """Answers that there is nothing but one finding, and goes on, until this state is reached."""
        found = dict([self.taps[finding % len(self.taps)]])
        for _ in range(40):
            if not self.is_asked or self.check.session.state == state:
                return
            self.takes(Answered(self.check.asked, found.get(self.check.asked) or choices_of_nothing(self.check)))

    @rule(event=st.sampled_from(CHATTER))
    def says(self, event: PatientEvent) -> None:
        self.takes(event)

    @rule(event=st.sampled_from(READING))
    def reads(self, event: PatientEvent) -> None:
        """Nothing is different afterwards, but that the patient is there."""
        before = self.check.session
        self.takes(event)
        after = self.check.session
        assert replace(before, length=before.length + 1, active_at=self.check.at) == after

    @rule(index=st.integers(0, 60), is_repeat=st.booleans(), is_believed=st.booleans())
    def taps_an_old_button(self, index: int, is_repeat: bool, is_believed: bool) -> None:
        """`is_believed`: the shell took it for an answer."""
        question, code = self.taps[index % len(self.taps)]
        if not is_believed:
            self.takes(TappedStale(question, code, is_repeat))
        elif self.check.is_silent or self.check.asked != question:
            answers = dict(self.check.session.answers)
            self.takes(Answered(question, code))
            assert self.check.session.answers == answers

    @rule(pause=st.sampled_from(SHORT), is_late=st.booleans())
    def waits(self, pause: timedelta, is_late: bool) -> None:
        self.lets_pass(pause, is_late)

    @rule(what=st.sampled_from([*DRASTIC, *LONG, *ANEW]), is_late=st.booleans())
    def changes_course(self, what: PatientEvent | timedelta | str, is_late: bool) -> None:
        """Everything that may end a check, in one rule, so that lives are not all short."""
        match what:
            case timedelta():
                self.lets_pass(what, is_late)
            case str():
                self.begins_anew(ANEW[what])
            case _:
                self.takes(what)

    @rule()
    def is_woken_for_nothing(self) -> None:
        if self.check.wakes_at is None or self.check.wakes_at > self.check.at:
            before = self.check.session
            self.takes(Woke(self.check.at))
            assert replace(self.check.session, length=before.length) == before

    @precondition(lambda self: self.standing() is not None)
    @rule()
    def nurse_closes(self) -> None:
        for one in self.checks:
            if one.session.told:
                one.notes(Closed("nurse", "reached_advised"))

    @rule(index=st.integers(0, 4))
    def nurse_confirms(self, index: int) -> None:
        self.confirmed.add(sorted(self.follow_ups)[index % len(self.follow_ups)])

    # --- how it happens

    def begins_anew(self, opening: PatientEvent | None = None) -> None:
        """/restart in the middle of a check, /start after it."""
        is_quiet = self.check.session.state in QUIET_STATES
        self.takes(Stopped("new_check" if is_quiet else "restart"))
        if self.check.session.state == "greeting":  # the first message was /restart
            return
        assert self.check.session.state == "closed"
        assert self.check.wakes_at is None
        with_answers = [one.session.answers for one in self.checks if self.clinical.keys() & one.session.answers.keys()]
        previous = with_answers[-1] if with_answers else {}
        started = Started(
            self.protocol.version,
            "en",
            is_language_known=any("language" in one.session.answers for one in self.checks),
            is_consented=any(one.session.is_consented for one in self.checks),
            is_first_check=not with_answers,
            previous={question: code for question, code in previous.items() if question in self.clinical},
            confirmed=tuple(self.confirmed),
        )
        self.checks.append(self.new_check(len(self.checks) + 1, self.check.languages, self.check.at))
        self.opens(opening, started)

    def opens(self, opening: PatientEvent | None, started: Started) -> None:
        """With a start, or with anything else, which the service hands over behind it."""
        if opening is None:
            self.takes(started)
        else:
            self.check.notes(started)
            self.is_woken_for_nothing()
            self.takes(opening)

    def lets_pass(self, pause: timedelta, is_late: bool) -> None:
        """`is_late`: what becomes due meanwhile happens only at the end, one thing after the other."""
        end = self.check.at + pause
        if is_late:
            self.check.at = end
        for _ in range(9):
            due = self.check.wakes_at
            if due is None or due > end:
                self.check.at = end
                return
            self.check.at = max(due, self.check.at)
            self.takes(Woke(due))
            after = self.check.wakes_at
            assert after is None or after > due, f"woken at {due}, and again for {after}"
        raise AssertionError(f"wakes for ever: {self.check.last}")

    def standing(self) -> Standing | None:
        """The most urgent advice of any check that no nurse has closed, this one's included.

        Also no warning symptom, which the store would not hold as an entry: the machine itself must know better.
        """
        open_advice = [
            Standing(disposition, moment) for one in self.checks for disposition, moment in one.session.told.items()
        ]
        return min(open_advice, key=lambda one: (-one.disposition.urgency, one.decided_at), default=None)

    def takes(self, event: PatientEvent | Woke) -> None:
        self.check.standing = self.standing()
        before = self.check.session
        self.check.receives(event)
        self.is_a_right_step(event, before, self.check.session)
        self.looks_right()

    # --- what must hold

    def is_a_right_step(self, event: PatientEvent | Woke, before: Session, after: Session) -> None:
        check = self.check
        if before.advised is not None:
            assert after.advised is not None
            assert after.advised.urgency >= before.advised.urgency
        if isinstance(event, TappedStale):
            assert after.answers == before.answers
        for advised in check.new(Advised):
            self.is_a_right_advice(advised, event, before)
        if check.new(LeftUnfinished):
            assert not settle(after.findings, self.protocol).rules
            assert after.state in ("stopped", "expired", "closed")
        for asked in check.new(Asked):
            is_again = asked.question in before.answers and asked.question in (*self.clinical, "consent", "respondent")
            was_pending = before.pending is not None and before.pending.question == asked.question
            is_wished = isinstance(event, WentBack | TappedStale) or event == Answered("summary", asked.question)
            is_resumed = before.resumes == asked.question or isinstance(event, Answered)
            assert not is_again or was_pending or is_wished or is_resumed, f"{asked.question} is asked again"
            assert len(asked.token) <= 16

    def is_a_right_advice(self, advised: Advised, event: PatientEvent | Woke, before: Session) -> None:
        told, check = Disposition(advised.disposition), self.check
        assert advised.decided_at <= check.at
        if told is Disposition.NO_WARNING_SYMPTOM:
            assert event == Answered("summary", "confirm")
            assert advised.is_finished
        is_second = told is Disposition.WITHIN_12_HOURS and Disposition.EMERGENCY in check.session.told
        standing = check.standing
        if standing is not None and standing.disposition is not Disposition.NO_WARNING_SYMPTOM:
            assert is_second or told.urgency >= standing.disposition.urgency
            assert told is not standing.disposition or advised.decided_at <= standing.decided_at
        if before.advised is not None and not is_second and before.told:
            assert told.urgency >= max(one.urgency for one in before.told)
        if not advised.is_repeat and advised.found is not None:
            assert Disposition(advised.found) not in before.found, "advised once more without news"
        for symptom in advised.discounted:
            self.is_a_right_discount(symptom)

    def is_a_right_discount(self, symptom: str) -> None:
        started = self.check.session.started
        assert started is not None
        assert started.is_first_check or symptom in started.confirmed
        assert started.previous.get(symptom) != "no"

    @invariant()
    def looks_right(self) -> None:
        check, session = self.check, self.check.session
        if session.state == "greeting":
            return
        self.nothing_urgent_is_untold()
        self.no_urgent_question_waits_for_ever()
        if session.state in OPEN_STATES:
            assert session.pending is not None
            assert check.wakes_at is not None
        else:
            shown = session.rules | session.closed_rules
            assert set(settle(session.findings, self.protocol).rules) <= shown, "the nurse is not shown everything"

    def nothing_urgent_is_untold(self) -> None:
        session = self.check.session
        decision = decide_from_answers(session.findings, self.protocol)
        for one in decision.rules:
            disposition = self.protocol.rule(one).disposition
            assert disposition not in URGENT or one in session.closed_rules or disposition in session.dispositions
        if decision.disposition in URGENT:
            assert session.advised is not None
            assert session.advised.urgency >= decision.disposition.urgency

    def no_urgent_question_waits_for_ever(self) -> None:
        session = self.check.session
        if Disposition.WITHIN_12_HOURS in session.found or session.closed_rules:
            return
        for symptom, change in self.follow_ups.items():
            is_found = symptom in session.findings and self.clinical[symptom].severity(session.findings[symptom]) > 0
            if is_found and change not in session.findings:
                assert self.check.wakes_at is not None
                assert self.check.wakes_at <= session.answered_at[symptom] + TIMING.urgent_after

    def teardown(self) -> None:
        for check in self.checks:
            assert check.replayed() == check.session
            every_prefix_has_a_meaning(check)
        ends_in_silence(self.check)
        ends_by_first_buttons(self.check)


def choices_of_nothing(check: Check) -> str:
    return "en" if check.asked == "language" else nothing(check.asked, check.protocol)


def ends_in_silence(check: Check) -> None:
    alone = continued(check)
    for _ in range(8):
        due = alone.wakes_at
        if due is None:
            break
        alone.at = max(due, alone.at)
        alone.receives(Woke(due))
    assert alone.wakes_at is None
    assert alone.session.state in QUIET_STATES


def ends_by_first_buttons(check: Check) -> None:
    eager = continued(check)
    for _ in range(60):
        if eager.is_silent:
            break
        eager.says(choices(eager)[0])
    assert eager.is_silent
    assert eager.session.state in QUIET_STATES


def every_prefix_has_a_meaning(check: Check) -> None:
    for length in range(1, len(check.log), 11):
        session = replay(check.session.id, check.log[:length])
        assert session.length == length
        wake_at(session, TIMING)
        assert advance(session, Resumed(), check.protocol, check.at, TIMING)


def continued(check: Check) -> Check:
    again = copy(check)
    again.log = list(check.log)
    return again
