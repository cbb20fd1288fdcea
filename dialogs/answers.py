"""How an answer is kept: as given, as a correction, or counted as worse than given. Pure; see `as_recorded`."""

from __future__ import annotations

from dialogs.decision import GREETING, no_longer_asked
from dialogs.events import Answered, CalledEmergency, Corrected, Event, Listed, PatientEvent, Woke
from dialogs.protocol import Findings, TriageProtocol
from dialogs.session import Session


def as_recorded(event: PatientEvent | Woke, session: Session, protocol: TriageProtocol) -> tuple[Event, ...]:
    """What happened, as the log of this session holds it: an answer given before becomes a correction."""
    match event:
        case Answered():
            return _answered(event, session, protocol)
        case CalledEmergency():
            return (CalledEmergency(protocol.emergency.id),)
    return (event,)


def _answered(given: Answered, session: Session, protocol: TriageProtocol) -> tuple[Event, ...]:
    question = protocol.question(given.question)
    counts_as = question.if_unanswered if _is_discount_refused(given, session, protocol) else None
    counted = Answered(given.question, given.answer, counts_as)
    is_asked_once = question.is_clinical or question.id in GREETING
    is_correction = is_asked_once and question.id in session.answers
    return _corrected(counted, session, protocol) if is_correction else (counted,)


def _corrected(given: Answered, session: Session, protocol: TriageProtocol) -> tuple[Event, ...]:
    """The correction, and a mark for the nurse when it makes light of a symptom before any advice."""
    question, findings = protocol.question(given.question), session.findings
    now = {**findings, question.id: given.counts_as or given.answer}
    severity, was = (question.severity(one[question.id]) for one in (now, findings))
    corrected = Corrected(
        question=question.id,
        answer=given.answer,
        was=session.answers[question.id],
        dropped=_dropped(now, session, protocol),
        counts_as=given.counts_as,
        since=session.answered_at[question.id] if severity == was else None,
    )
    if question.is_clinical and severity < was and session.advised is None:
        return corrected, Listed("corrected_down", question.id)
    return (corrected,)


def _dropped(now: Findings, session: Session, protocol: TriageProtocol) -> tuple[str, ...]:
    """The answers that no longer apply, and did before."""
    kept_before = no_longer_asked(session.findings, protocol)
    return tuple(one for one in no_longer_asked(now, protocol) if one not in kept_before)


def _is_discount_refused(given: Answered, session: Session, protocol: TriageProtocol) -> bool:
    """Known and unchanged is believed on the first check, and later only of a baseline that a nurse confirmed."""
    question, started = protocol.question(given.question), session.started
    symptom = question.follows_up
    if symptom is None or started is None or question.severity(given.answer) > 0:
        return False
    earlier = started.previous.get(symptom)
    was_absent = earlier is not None and protocol.question(symptom).severity(earlier) == 0
    return was_absent or (not started.is_first_check and symptom not in started.confirmed)
