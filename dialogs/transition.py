"""A session for the length of one step: the words of the machine's table, and what they record. See `machine`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dialogs.advice import Standing, advise, news
from dialogs.answers import as_recorded
from dialogs.decision import (
    GREETING,
    URGENT,
    Decision,
    could_be_urgent,
    decide,
    decide_from_answers,
    decided_at,
    discounted,
    is_urgent_if_silent,
    next_question,
    question_before,
    question_for,
    settle,
)
from dialogs.events import (
    Answered,
    Asked,
    AskedForPerson,
    AskedToShare,
    CheckedBack,
    Entered,
    Event,
    Expired,
    LeftUnfinished,
    Listed,
    NotUnderstood,
    PatientEvent,
    Reminded,
    Said,
    Stopped,
    TappedStale,
    Woke,
)
from dialogs.protocol import Disposition, TriageProtocol
from dialogs.session import Session, apply
from dialogs.timers import Timing, check_back_due, expiry_due, reminder_due, urgent_due

WORDLESS = frozenset({"sticker", "animation", "dice", "game", "reaction", "contact", "button", "blocked", "unblocked"})
"""What can carry no symptom. Everything else that was not understood, a nurse has to look at."""


@dataclass(eq=False)
class Transition:
    """The model of one transition. Its methods are the table's words: conditions first, then what is done."""

    before: Session
    event: PatientEvent | Woke
    protocol: TriageProtocol
    at: datetime
    timing: Timing
    standing: Standing | None
    languages: int
    are_carers_allowed: bool

    def __post_init__(self) -> None:
        self.state = self.before.state
        self.session = self.before
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)
        self.session = apply(self.session, event, self.at)

    def record_entered(self) -> None:
        self.record(Entered(self.state))

    def take(self) -> None:
        for event in as_recorded(self.event, self.before, self.protocol):
            self.record(event)

    # --- conditions

    def has_greeting(self) -> bool:
        return self._next_greeting() is not None

    def is_greeted(self) -> bool:
        """Nothing is left to ask before the check, as with a patient we know where nobody may answer for her."""
        pending = self.session.pending
        is_waiting = pending is not None and self._is_offered(pending.question)
        return not is_waiting and not self.has_greeting()

    def is_about_language(self) -> bool:
        return self.before.pending is not None and self.before.pending.question == "language"

    def is_refused(self) -> bool:
        return self.session.answers.get("consent") == "no"

    def is_line(self) -> bool:
        """A line of the summary is to be changed."""
        line = self.event.answer if isinstance(self.event, Answered) else ""
        return line in self.session.answers and self.protocol.question(line).is_clinical

    def is_confirmed(self) -> bool:
        return self.session.answers.get("summary") == "confirm"

    def is_without_advice(self) -> bool:
        return self.standing is None and not settle(self.session.findings, self.protocol).rules

    def is_urgent(self) -> bool:
        """An emergency or 12 hours holds on the answers given and has not been advised in this check."""
        return self._urgent_news() is not None

    def is_complete(self) -> bool:
        return next_question(self.session.findings, self.protocol) is None

    def has_offer(self) -> bool:
        return self.session.is_consented and self._next_offer() is not None

    def has_more(self) -> bool:
        """There is a question left that the patient agreed to, or that holds back an urgent advice."""
        is_wanted = self.session.answers.get("more") == "yes" or self._urgent_since() is not None
        return is_wanted and not self.is_complete()

    def wants_more(self) -> bool:
        is_yes = isinstance(self.event, Answered) and (self.event.question, self.event.answer) == ("more", "yes")
        return is_yes and not self.is_complete()

    def is_new_check(self) -> bool:
        return isinstance(self.event, Stopped) and self.event.how in ("new_check", "restart")

    def is_stale_urgent(self) -> bool:
        return self.session.is_consented and self._is_tap_urgent()

    def is_urgent_due(self) -> bool:
        return self._is_due(urgent_due(self.before, self.timing))

    def is_expiry_due(self) -> bool:
        return self._is_due(expiry_due(self.before, self.timing))

    def is_reminder_due(self) -> bool:
        return self._is_due(reminder_due(self.before, self.timing))

    def is_check_back_due(self) -> bool:
        return self._is_due(check_back_due(self.before, self.timing))

    def _is_due(self, moment: datetime | None) -> bool:
        return moment is not None and moment <= self.at

    # --- what is asked and said

    def greet(self) -> None:
        """The first question; whatever else the first message said is kept for the nurse."""
        self._list_event()
        self.ask_next()

    def ask_next(self) -> None:
        """The next question of this state, if there is one."""
        match self.state:
            case "greeting":
                self._ask(self._next_greeting())
            case "asking" | "asking_more":
                question = next_question(self.session.findings, self.protocol, self.session.wanted)
                self._ask(question.id if question else None)
            case "reviewing":
                self._ask("summary")
            case "advised":
                self._ask(self._next_offer())
            case "following_up" if self._owes_answer():
                self._ask("reached")

    def ask_line(self) -> None:
        """The line of the summary that the patient wants to change."""
        if isinstance(self.event, Answered):
            self._ask(self.event.answer)

    def ask_previous(self) -> None:
        """The question before the pending one; the pending one again when there is none."""
        pending = self.before.pending
        answered = {one: code for one, code in self.session.answers.items() if self._is_offered(one)}
        previous = question_before(pending.question, answered, self.protocol) if pending else None
        if previous is None:
            self._ask_again()
        else:
            self._ask(previous)

    def ask_language(self) -> None:
        if self.languages > 1:
            self._ask("language")
        else:
            self._ask_again()

    def ask_resumed(self) -> None:
        """The question that the change of language has interrupted."""
        if self.session.resumes is None:
            self.ask_next()
        else:
            self._ask(self.session.resumes)

    def ask_tapped(self) -> None:
        """The question whose old button was tapped."""
        self._list_event()
        if isinstance(self.event, TappedStale):
            self._ask(question_for(self.event.question, self.session.findings, self.protocol).id)

    def reply(self) -> None:
        """Whatever was said is answered, and the pending question is put again; a second tap changes nothing."""
        if isinstance(self.event, TappedStale) and self.event.is_repeat:
            return
        self._list_event()
        self._ask_again(isinstance(self.event, AskedToShare))

    def stay(self) -> None:
        """Nothing is due after all, nothing is left to stop, or the patient only reads: whatever waits still waits."""

    def remind(self) -> None:
        self.record(Reminded())
        self._ask_again()

    def check_back(self) -> None:
        self.record(CheckedBack())
        self._ask("reached")

    # --- what is advised

    def go_on(self) -> None:
        """Advice that cannot wait, what else the nurse should know, then the next question."""
        urgent = self._urgent_news()
        if urgent is not None:
            self._advise(urgent)
        self._list_rest(decide_from_answers(self.session.findings, self.protocol))
        self.ask_next()

    def advise_emergency(self) -> None:
        decision = Decision(Disposition.EMERGENCY, decide_from_answers(self.session.findings, self.protocol).rules)
        self._advise(decision, is_repeat=Disposition.EMERGENCY in self.before.found)
        if self.state == "following_up":
            self.settle()
        else:
            self.ask_next()

    def advise_silent(self) -> None:
        """The urgent follow-up was not answered: it counts as its worst answer."""
        silent = news(decide(self.session.findings, self.protocol), self.session, self.protocol)
        if silent is not None:
            self._advise(silent)
        self._ask_again()

    def conclude(self) -> None:
        """The patient has confirmed her answers: the check is finished."""
        self._advise(settle(self.session.findings, self.protocol))
        self.ask_next()

    def expire(self) -> None:
        self.record(Expired())
        self.settle()

    def settle(self) -> None:
        """The check ends here: what is found and not yet advised is advised; nothing found is not a result."""
        decision = settle(self.session.findings, self.protocol)
        new = news(decision, self.session, self.protocol)
        if new is not None:
            self._advise(new, is_finished=self.state == "following_up" and self.is_complete())
        elif self.session.advised is None and self.standing is not None:
            self._advise(decision, is_finished=False)
        elif self.session.advised is None:
            self._leave()
        self._list_rest(decision)
        self.ask_next()

    def hear_back(self) -> None:
        """Anything but being helped in time repeats the advice and raises the entry."""
        answer, advice = self.session.answers.get("reached", "reached"), self.session.advice
        if answer != "reached" and advice is not None:
            self.record(Listed(answer))
            self._advise(settle(self.session.findings, self.protocol), advice.is_finished, is_repeat=True)

    def _advise(self, decision: Decision, is_finished: bool = True, is_repeat: bool = False) -> None:
        self.record(
            advise(decision, self.session, self.protocol, self.at, self.standing, is_finished, is_repeat=is_repeat)
        )
        self._list_rest(decision)

    def _leave(self) -> None:
        """Ended before anything was found. Who never agreed and answered nothing is no patient of the clinic's."""
        self.record(LeftUnfinished(is_refused=self.is_refused()))
        if self.session.is_consented or any(one.id in self.session.answers for one in self.protocol.questions):
            self.record(Listed("unfinished"))

    # --- what a nurse has to look at besides an advice

    def _list_event(self) -> None:
        match self.event:
            case NotUnderstood("command", text) if len(text.split()) < 2:
                return
            case NotUnderstood(what) if what not in WORDLESS:
                self.record(Listed("words", what))
            case Said():
                self.record(Listed("words", "text"))
            case AskedForPerson():
                self.record(Listed("person"))
            case TappedStale(question) if self._is_tap_urgent():
                self.record(Listed("stale_tap", question))

    def _list_rest(self, decision: Decision) -> None:
        """Symptoms called known and unchanged, and rules that matched since the advice."""
        found = discounted(self.session.findings, self.protocol)
        if unlisted := [symptom for symptom in found if symptom not in self.session.discounts]:
            self.record(Listed("baseline", " ".join(unlisted)))
        if more := [rule for rule in decision.rules if rule not in self.session.rules]:
            self.record(Listed("found_more", " ".join(more)))

    # --- within

    def _is_tap_urgent(self) -> bool:
        match self.event:
            case TappedStale(question, answer, is_repeat=False):
                return could_be_urgent(question, answer, self.protocol)
        return False

    def _urgent_news(self) -> Decision | None:
        """What is to be advised at once: urgent on the answers given, and not yet told."""
        found = news(decide_from_answers(self.session.findings, self.protocol), self.session, self.protocol)
        return found if found is not None and found.disposition in URGENT else None

    def _urgent_since(self) -> datetime | None:
        """Since when only silence holds back an urgent advice."""
        found = news(decide(self.session.findings, self.protocol), self.session, self.protocol)
        if found is None or found.disposition not in URGENT:
            return None
        return decided_at(found, self.session.answered_at, self.protocol) or self.at

    def _next_greeting(self) -> str | None:
        started, answers = self.session.started, self.session.answers
        asked = {
            "language": self.languages > 1 and not (started is not None and started.is_language_known),
            "consent": not self.session.is_consented,
            "respondent": self.are_carers_allowed,
        }
        return next((one for one in GREETING if asked[one] and one not in answers), None)

    def _next_offer(self) -> str | None:
        """After an advice: the call-back number, then the remaining questions unless they were declined."""
        answers = self.session.answers
        if "call_back_number" not in answers:
            return "call_back_number"
        return "more" if answers.get("more") != "no" and not self.is_complete() else None

    def _owes_answer(self) -> bool:
        """Asked whether somebody was reached, and has not said since."""
        asked, answered = self.session.checked_back_at, self.session.answered_at.get("reached")
        return asked is not None and (answered is None or answered < asked)

    def _is_offered(self, question_id: str) -> bool:
        return question_id != "respondent" or self.are_carers_allowed

    def _ask(self, question_id: str | None, wants_contact: bool = False) -> None:
        if question_id is None or not self._is_offered(question_id):
            return
        question, since = self.protocol.question(question_id), self._urgent_since()
        is_urgent = since is not None and is_urgent_if_silent(question, self.session.findings, self.protocol)
        token = f"{self.session.id[-10:]}{self.session.asked_count:x}"
        self.record(Asked(question_id, token, is_urgent, wants_contact, since))

    def _ask_again(self, wants_contact: bool = False) -> None:
        pending = self.session.pending
        if pending is None:
            self.ask_next()
        else:
            is_number = pending.question == "call_back_number"
            self._ask(pending.question, is_number and (wants_contact or pending.wants_contact))
