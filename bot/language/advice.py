"""The two messages of an outcome: what to do, whom to call and by when; then what helps on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from bot.language.phrases import Phrases
from dialogs.decision import CAN_WAIT
from dialogs.events import Advised
from dialogs.protocol import Disposition, TriageProtocol
from dialogs.session import Session


def first_of_advice(advised: Advised, session: Session, protocol: TriageProtocol, phrases: Phrases) -> str:
    """What to do, the number for this hour, by when, and whom to call if nobody answers: at most 40 words."""
    disposition = Disposition(advised.disposition)
    window = protocol.window(disposition)
    if disposition is Disposition.EMERGENCY:
        return phrases.text("advice_emergency")
    if window is None:
        again = phrases.day(phrases.at + timedelta(days=phrases.clinic.check_in_days))
        return phrases.text("advice_none", check_again=again)
    deadline = advised.decided_at + window
    if disposition is Disposition.WITHIN_12_HOURS:
        return phrases.text(
            _key_of_hours(disposition, session, is_late=deadline <= phrases.at), deadline=phrases.deadline(deadline)
        )
    return _first_of_weeks(advised, disposition, phrases, phrases.deadline(deadline), is_late=deadline <= phrases.at)


def _key_of_hours(disposition: Disposition, session: Session, is_late: bool) -> str:
    if Disposition.EMERGENCY in session.dispositions:
        return f"advice_{disposition}_after_emergency"
    return f"advice_{disposition}_late" if is_late else f"advice_{disposition}"


def _first_of_weeks(advised: Advised, disposition: Disposition, phrases: Phrases, deadline: str, is_late: bool) -> str:
    calendar = phrases.clinic.calendar
    if is_late:
        return phrases.text(f"advice_{disposition}_late", deadline=deadline)
    hour = "open" if phrases.is_open else "closed"
    call_by = calendar.end_of_next_working_day(advised.decided_at)
    if advised.is_call_today or call_by <= phrases.at:
        call_by = phrases.closes_today()
        return phrases.text(f"advice_{disposition}_today_{hour}", deadline=deadline, call_by=phrases.deadline(call_by))
    opening = phrases.moment(calendar.next_opening(phrases.at))
    key = f"advice_{disposition}_{hour}"
    return phrases.text(key, deadline=deadline, call_by=phrases.deadline(call_by), opening=opening)


def second_of_advice(
    advised: Advised, session: Session, protocol: TriageProtocol, phrases: Phrases, leads: Iterable[str]
) -> str:
    """What to say, what to show, what to do if it gets worse, what not to do, and who reads this chat."""
    disposition, earlier = Disposition(advised.disposition), list(leads)
    return _sections(
        (
            " ".join([*earlier, *_leads(advised, disposition, protocol, phrases, has_leads=bool(earlier))]),
            phrases.text(f"say_{disposition}"),
            _staff(advised, phrases.text(f"tier_{disposition}"), session, protocol, phrases),
            f"{phrases.text('signs')}\n\n{phrases.text('signs_sudden')}",
            phrases.text("avoid_none" if disposition is Disposition.NO_WARNING_SYMPTOM else "avoid"),
            phrases.reads(),
            phrases.text("program"),
        )
    )


def first_of_unfinished(phrases: Phrases) -> str:
    return phrases.text("advice_unfinished", call_by=phrases.deadline(phrases.closes_today()))


def second_of_unfinished(phrases: Phrases, leads: Iterable[str]) -> str:
    return _sections(
        (
            " ".join(leads),
            phrases.text("say_unfinished"),
            f"{phrases.text('signs')}\n\n{phrases.text('signs_sudden')}",
            phrases.text("avoid"),
            phrases.reads(),
            phrases.text("program"),
        )
    )


def refusal(phrases: Phrases) -> str:
    """For somebody who does not agree or is not meant: the numbers and the signs only."""
    return _sections(
        (
            phrases.text("advice_refused"),
            f"{phrases.text('signs')}\n\n{phrases.text('signs_sudden')}",
            phrases.reads(),
            phrases.text("program"),
        )
    )


def answers(session: Session, protocol: TriageProtocol, phrases: Phrases) -> Iterator[str]:
    """The answers about health, a line each, in the protocol's order."""
    for question in protocol.questions:
        if question.id in session.answers:
            answer = phrases.label(question.id, session.answers[question.id])
            yield phrases.text("summary_line", topic=phrases.topic(question.id), answer=answer)


def _leads(
    advised: Advised, disposition: Disposition, protocol: TriageProtocol, phrases: Phrases, has_leads: bool
) -> Iterator[str]:
    if advised.is_standing:
        yield phrases.text("lead_standing")
    elif advised.is_repeat and not has_leads:
        yield phrases.text("lead_repeat")
    if advised.is_worse:
        yield phrases.text("lead_worse")
    if advised.is_call_today and disposition in CAN_WAIT:
        yield phrases.text("lead_today" if advised.is_finished else "lead_today_unfinished")
    dispositions = {protocol.rule(rule).disposition for rule in advised.rules}
    if disposition is Disposition.EMERGENCY and Disposition.WITHIN_12_HOURS in dispositions:
        yield phrases.text("lead_spine_too")
    if advised.discounted:
        yield phrases.text("lead_discounted", topics=", ".join(phrases.topic(one) for one in advised.discounted))


def _staff(advised: Advised, disposition: str, session: Session, protocol: TriageProtocol, phrases: Phrases) -> str:
    """A short text to show to ambulance or hospital staff."""
    given = [session.answered_at[one.id] for one in protocol.questions if one.id in session.answered_at]
    respondent = session.answers.get("respondent", "unknown" if phrases.clinic.are_carers_allowed else "patient")
    lines = [
        phrases.text(
            "staff",
            tier=disposition,
            decided=phrases.moment_in_full(advised.decided_at),
            answered=phrases.moment_in_full(max(given, default=advised.decided_at)),
            respondent=phrases.text(f"respondent_{respondent}"),
        )
    ]
    if advised.rules:
        lines.append(phrases.text("staff_because", reasons="; ".join(phrases.reason(rule) for rule in advised.rules)))
    if given:
        lines += [phrases.text("staff_answers"), *answers(session, protocol, phrases)]
    return "\n".join(lines)


def _sections(sections: Iterable[str]) -> str:
    return "\n\n".join(section for section in sections if section)
