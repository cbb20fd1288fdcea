"""The two messages of an outcome: what to do, whom to call and by when; then what helps on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from bot.language.speech import Speech
from dialogs.events import Advised
from dialogs.protocol import Disposition, TriageProtocol
from dialogs.session import Session


def first_of_advice(advised: Advised, session: Session, protocol: TriageProtocol, speech: Speech) -> str:
    """What to do, the number for this hour, by when, and whom to call if nobody answers: at most 40 words."""
    disposition = Disposition(advised.disposition)
    window = protocol.window(disposition)
    if disposition is Disposition.EMERGENCY:
        return speech.say("advice_emergency")
    if window is None:
        again = speech.day(speech.at + timedelta(days=speech.clinic.check_in_days))
        return speech.say("advice_none", check_again=again)
    deadline = advised.decided_at + window
    if disposition is Disposition.WITHIN_12_HOURS:
        return speech.say(_key_12h(session, is_late=deadline <= speech.at), deadline=speech.deadline(deadline))
    return _first_of_weeks(advised, disposition, speech, speech.deadline(deadline), is_late=deadline <= speech.at)


def _key_12h(session: Session, is_late: bool) -> str:
    if Disposition.EMERGENCY in session.tiers:
        return "advice_12h_after_emergency"
    return "advice_12h_late" if is_late else "advice_12h"


def _first_of_weeks(advised: Advised, disposition: Disposition, speech: Speech, deadline: str, is_late: bool) -> str:
    calendar = speech.clinic.calendar
    if is_late:
        return speech.say(f"advice_{disposition}_late", deadline=deadline)
    hour = "open" if speech.is_open else "closed"
    call_by = calendar.end_of_next_working_day(advised.decided_at)
    if advised.is_call_today or call_by <= speech.at:
        call_by = speech.closes_today()
        return speech.say(f"advice_{disposition}_today_{hour}", deadline=deadline, call_by=speech.deadline(call_by))
    opening = speech.moment(calendar.next_opening(speech.at))
    key = f"advice_{disposition}_{hour}"
    return speech.say(key, deadline=deadline, call_by=speech.deadline(call_by), opening=opening)


def second_of_advice(
    advised: Advised, session: Session, protocol: TriageProtocol, speech: Speech, leads: Iterable[str]
) -> str:
    """What to say, what to show, what to do if it gets worse, what not to do, and who reads this chat."""
    disposition, earlier = Disposition(advised.disposition), list(leads)
    return _sections(
        (
            " ".join([*earlier, *_leads(advised, disposition, protocol, speech, has_leads=bool(earlier))]),
            speech.say(f"say_{disposition}"),
            _staff(advised, speech.say(f"tier_{disposition}"), session, protocol, speech),
            f"{speech.say('signs')}\n\n{speech.say('signs_sudden')}",
            speech.say("avoid_none" if disposition is Disposition.NO_WARNING_SYMPTOM else "avoid"),
            speech.reads(),
            speech.say("program"),
        )
    )


def first_of_unfinished(speech: Speech) -> str:
    return speech.say("advice_unfinished", call_by=speech.deadline(speech.closes_today()))


def second_of_unfinished(speech: Speech, leads: Iterable[str]) -> str:
    return _sections(
        (
            " ".join(leads),
            speech.say("say_unfinished"),
            f"{speech.say('signs')}\n\n{speech.say('signs_sudden')}",
            speech.say("avoid"),
            speech.reads(),
            speech.say("program"),
        )
    )


def refusal(speech: Speech) -> str:
    """For somebody who does not agree or is not meant: the numbers and the signs only."""
    return _sections(
        (
            speech.say("advice_refused"),
            f"{speech.say('signs')}\n\n{speech.say('signs_sudden')}",
            speech.reads(),
            speech.say("program"),
        )
    )


def answers(session: Session, protocol: TriageProtocol, speech: Speech) -> Iterator[str]:
    """The answers about health, a line each, in the protocol's order."""
    for question in protocol.questions:
        if question.id in session.answers:
            answer = speech.label(question.id, session.answers[question.id])
            yield speech.say("summary_line", topic=speech.topic(question.id), answer=answer)


def _leads(
    advised: Advised, disposition: Disposition, protocol: TriageProtocol, speech: Speech, has_leads: bool
) -> Iterator[str]:
    if advised.is_standing:
        yield speech.say("lead_standing")
    elif advised.is_repeat and not has_leads:
        yield speech.say("lead_repeat")
    if advised.is_worse:
        yield speech.say("lead_worse")
    if advised.is_call_today and disposition in (Disposition.WITHIN_1_WEEK, Disposition.WITHIN_2_WEEKS):
        yield speech.say("lead_today" if advised.is_finished else "lead_today_unfinished")
    tiers = {protocol.rule(rule).disposition for rule in advised.rules}
    if disposition is Disposition.EMERGENCY and Disposition.WITHIN_12_HOURS in tiers:
        yield speech.say("lead_spine_too")
    if advised.discounted:
        yield speech.say("lead_discounted", topics=", ".join(speech.topic(one) for one in advised.discounted))


def _staff(advised: Advised, tier: str, session: Session, protocol: TriageProtocol, speech: Speech) -> str:
    """A short text to show to ambulance or hospital staff."""
    given = [session.answered_at[one.id] for one in protocol.questions if one.id in session.answered_at]
    respondent = session.answers.get("respondent", "unknown")
    lines = [
        speech.say(
            "staff",
            tier=tier,
            decided=speech.moment_in_full(advised.decided_at),
            answered=speech.moment_in_full(max(given, default=advised.decided_at)),
            respondent=speech.say(f"respondent_{respondent}"),
        )
    ]
    if advised.rules:
        lines.append(speech.say("staff_because", reasons="; ".join(speech.reason(rule) for rule in advised.rules)))
    if given:
        lines += [speech.say("staff_answers"), *answers(session, protocol, speech)]
    return "\n".join(lines)


def _sections(sections: Iterable[str]) -> str:
    return "\n\n".join(section for section in sections if section)
