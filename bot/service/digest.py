"""What a message or silence leads to: the steps of a session and what is said. Pure; its own faults are answered."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from bot.channels import Incoming, Outgoing, Priority
from bot.clinic.settings import Clinic
from bot.language.texts import PatientTexts
from bot.language.understand import is_emergency
from bot.service.step import Step, standing_of, step_of
from bot.store.sessions import Log
from dialogs.beginning import begins_anew, believed
from dialogs.events import (
    Event,
    PatientEvent,
    Recorded,
    Resumed,
    Started,
    Stopped,
    Unprocessed,
    Unreadable,
    Woke,
)
from dialogs.machine import Timing, advance, wake_at
from dialogs.protocol import TriageProtocol
from dialogs.session import Session, apply, replay

log = logging.getLogger("cordwatch.service")


@dataclass(frozen=True, slots=True)
class Digested:
    """The steps of one or two sessions, what is said of each, and a short word for the patient's button."""

    steps: Sequence[Step]
    outgoing: Sequence[tuple[Outgoing, ...]]
    word: str | None = None


class Digest:
    """`protocols`: every version that a session may have begun under; `current`: the one that new ones begin under."""

    def __init__(
        self,
        words: PatientTexts,
        clinic: Clinic,
        protocols: Mapping[str, TriageProtocol],
        current: TriageProtocol,
        timing: Timing,
        fresh_session: Callable[[], str],
    ) -> None:
        self._fresh_session = fresh_session
        self.words, self.clinic, self.current, self.timing = words, clinic, current, timing
        self._protocols = {current.version: current, **protocols}

    def of_message(self, found: Log, incoming: Incoming, at: datetime) -> Digested:
        """Never raises: what cannot be digested is kept for the nurse and answered with the clinic's numbers."""
        try:
            return self._of_message(found, incoming, at)
        except Exception as error:
            log.error("session %s: a message could not be digested: %s", found.session, place_of(error))
            return self._give_up(found, error, _words_of(incoming), at)

    def of_trouble(self, found: Log, incoming: Incoming, error: Exception, at: datetime) -> Digested:
        """For a message of which no turn can be made. What says by itself that it is an emergency counts as one."""
        if is_emergency(incoming):
            with suppress(Exception):
                return self.of_message_in_trouble(found, incoming, error, at)
        return self._give_up(found, error, _words_of(incoming), at)

    def of_message_in_trouble(self, found: Log, incoming: Incoming, error: Exception, at: datetime) -> Digested:
        """What the message means and leads to, and that the nurse has to look; the numbers are told too."""
        digested = self._of_message(found, incoming, at)
        *earlier, last = digested.steps
        *said_before, said = digested.outgoing
        trouble = Unprocessed(type(error).__name__, _words_of(incoming))
        noted = step_of(last.after, last.recorded, (trouble,), last.protocol, at)
        step = replace(noted, before=last.before, events=(*last.events, trouble))
        numbers = self._numbers(step.after, at)
        is_urgent = any(one.priority >= Priority.URGENT for one in said)
        return Digested([*earlier, step], [*said_before, (*said, *numbers) if is_urgent else (*numbers, *said)])

    def of_silence(self, found: Log, due: datetime, at: datetime) -> Digested:
        """What it means that nothing came until `due`. Never raises, as above."""
        try:
            return self._of_silence(found, due, at)
        except Exception as error:
            log.error("session %s: silence could not be digested: %s", found.session, place_of(error))
            return self._give_up(found, error, "", at)

    def due(self, found: Log) -> datetime | None:
        """When the session's silence means something; None also if that cannot be told."""
        try:
            return wake_at(self.session_of(found), self.timing)
        except Exception as error:
            log.error("session %s: what is due cannot be told: %s", found.session, place_of(error))
            return None

    def noted(self, found: Log, at: datetime, *events: Event) -> Step:
        """Facts that the dialog does not answer."""
        session = self.session_of(found)
        return step_of(session, found.events, events, self.protocol_of(session), at)

    def said(self, step: Step, at: datetime) -> tuple[Outgoing, ...]:
        return tuple(self.words.render(step.events, step.before, step.after, step.protocol, at))

    def protocol_of(self, session: Session) -> TriageProtocol:
        """The protocol that the session began under."""
        return begun_under(session, self._protocols, self.current)

    @staticmethod
    def session_of(found: Log) -> Session:
        """The log replayed; what our code stumbles over is left out, and the session counts as broken."""
        try:
            return replay(found.session, found.events)
        except Exception as error:
            log.error("session %s cannot be replayed: %s", found.session, place_of(error))
        session = Session(found.session)
        for recorded in found.events:
            with suppress(Exception):
                session = apply(session, recorded.event, recorded.at)
        return replace(session, length=found.length, is_broken=True)

    # --- a message

    def _of_message(self, found: Log, incoming: Incoming, at: datetime) -> Digested:
        session = self.session_of(found)
        if session.is_broken and session.is_running:
            return self._settled(found, session, incoming.text, at)
        event = self.words.understand(incoming, session, self.protocol_of(session))
        steps = self._steps(found, session, event, incoming, at)
        return Digested(
            steps, [self.said(step, at) for step in steps], self.words.word_for_button(event, steps[-1].after)
        )

    def _steps(
        self, found: Log, session: Session, event: PatientEvent, incoming: Incoming, at: datetime
    ) -> Sequence[Step]:
        if session.length == 0:
            return [self._begin(found, found.session, event, incoming, at)]
        if not begins_anew(session, event, self.words.is_start(incoming), self.protocol_of(session)):
            return [self._advance(found, session, found.events, event, at)]
        leaving = event if isinstance(event, Stopped) else Stopped("new_check")
        steps = []
        if not session.is_over or wake_at(session, self.timing) is not None:
            steps.append(self._advance(found, session, found.events, leaving, at))
        opening = Resumed() if isinstance(event, Stopped) else event
        # The new check opens with a question, or with an emergency after one that is over, of which nothing new stands:
        # so what no nurse has closed is as the store holds it.
        beginning = replace(found, previous=self._previous(session, found))
        steps.append(self._begin(beginning, self._fresh_session(), opening, incoming, at))
        return steps

    def _begin(self, found: Log, session_id: str, event: PatientEvent, incoming: Incoming, at: datetime) -> Step:
        """A new check, opened by whatever the patient said first."""
        patient = found.patient
        started = Started(
            protocol_version=self.current.version,
            language=patient.language or self.words.best_language(incoming.language_hint),
            is_language_known=patient.language is not None,
            is_consented=patient.is_consented,
            is_first_check=found.previous is None,
            previous=dict(found.previous or {}),
            confirmed=believed(found.confirmed, self.current, at),
        )
        session = Session(session_id)
        if isinstance(event, Resumed):
            return self._advance(found, session, (), started, at)
        opened = Recorded(0, at, started)
        step = self._advance(found, apply(session, started, at), (opened,), event, at)
        return replace(step, before=session, events=(started, *step.events))

    def _advance(
        self,
        found: Log,
        session: Session,
        recorded: Iterable[Recorded],
        event: PatientEvent | Woke,
        at: datetime,
    ) -> Step:
        protocol = self.protocol_of(session)
        standing = standing_of(found)
        languages, are_carers_allowed = len(self.words.offered), self.clinic.are_carers_allowed
        events = advance(session, event, protocol, at, self.timing, standing, languages, are_carers_allowed)
        return step_of(session, recorded, events, protocol, at)

    def _previous(self, session: Session, found: Log) -> dict[str, str] | None:
        clinical = {one.id for one in self.protocol_of(session).questions}
        answers = {question: answer for question, answer in session.answers.items() if question in clinical}
        return answers or found.previous

    # --- silence

    def _of_silence(self, found: Log, due: datetime, at: datetime) -> Digested:
        session = self.session_of(found)
        now_due = wake_at(session, self.timing)
        if now_due is None or now_due > at:
            # the row is older than the log: let it say what the log says
            return Digested([self.noted(found, at, Woke(due))], [()])
        if session.is_broken and session.is_running:
            return self._settled(found, session, "", at)
        step = self._advance(found, session, found.events, Woke(due), at)
        return Digested([step], [self.said(step, at)])

    # --- trouble

    def _settled(self, found: Log, session: Session, text: str, at: datetime) -> Digested:
        step = self._end_broken(found, session, text, at)
        return Digested([step], [self.said(step, at)])

    def _end_broken(self, found: Log, session: Session, text: str, at: datetime) -> Step:
        """A log that cannot be read whole may hide a finding: what can be read is settled, and the check is over."""
        log.error("session %s is broken; what was found is settled", found.session)
        trouble = Unprocessed(Unreadable.__name__, text)
        recorded = (*found.events, Recorded(session.length, at, trouble))
        step = self._advance(found, apply(session, trouble, at), recorded, Stopped("broken"), at)
        return replace(step, before=session, events=(trouble, *step.events))

    def _give_up(self, found: Log, error: Exception, text: str, at: datetime) -> Digested:
        """The message is kept for the nurse and answered with the clinic's numbers. Stands on as little as it can.

        The check goes on if the question can still be put; otherwise the fault is in the session, and it is settled.
        """
        session = self.session_of(found)
        if session.is_running and not self._can_go_on(found, session, at):
            with suppress(Exception):
                return self._settled(found, session, text, at)
        events: tuple[Event, ...] = (Unprocessed(type(error).__name__, text),)
        if not found.events:
            events = (Started(self.current.version, self.words.offered[0]), *events)
        step = self._kept(found, session, events, at)
        return Digested([step], [self._numbers(step.after, at)])

    def _kept(self, found: Log, session: Session, events: tuple[Event, ...], at: datetime) -> Step:
        """The events as a step, even when they cannot be applied."""
        protocol = self.protocol_of(session)
        try:
            return step_of(session, found.events, events, protocol, at)
        except Exception as error:
            log.error("session %s: trouble cannot be applied: %s", session.id, place_of(error))
        recorded = (*found.events, *(Recorded(session.length + n, at, event) for n, event in enumerate(events)))
        return Step(session, replace(session, length=session.length + len(events)), recorded, events, protocol)

    def _numbers(self, session: Session, at: datetime) -> tuple[Outgoing, ...]:
        try:
            return self.words.fallback_reply(session, at)
        except Exception as error:
            log.error("session %s: the usual words for trouble failed: %s", session.id, place_of(error))
        numbers = f"{self.clinic.always_number}\n{self.clinic.emergency_number}"
        return (Outgoing(numbers, priority=Priority.ADVICE),)

    def _can_go_on(self, found: Log, session: Session, at: datetime) -> bool:
        try:
            step = self._advance(found, session, found.events, Resumed(), at)
            self.said(step, at)
        except Exception as error:
            log.error("session %s cannot go on: %s", session.id, place_of(error))
            return False
        return True


def begun_under(session: Session, protocols: Mapping[str, TriageProtocol], current: TriageProtocol) -> TriageProtocol:
    return protocols.get(session.protocol_version, current)


def _words_of(incoming: Incoming) -> str:
    """What the nurse reads of it: her words, or the question and the answer that she tapped."""
    return incoming.text or (incoming.choice or "").partition(":")[2]


def place_of(error: Exception) -> str:
    """What went wrong and where, without the error's text, which may quote the patient."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {frame.filename}:{frame.lineno} in {frame.name}"
