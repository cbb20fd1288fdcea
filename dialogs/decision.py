"""What the findings call for, and what to ask next. Pure functions over the protocol's data."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from dialogs.protocol import Disposition, Findings, Question, Rule, TriageProtocol, matches, most_urgent

GREETING = ("language", "consent", "respondent")
URGENT = (Disposition.EMERGENCY, Disposition.WITHIN_12_HOURS)
CAN_WAIT = (Disposition.WITHIN_1_WEEK, Disposition.WITHIN_2_WEEKS)
"""A scan is called for, and not today: a nurse may put the entry off, and its deadline is told with its date."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The most urgent disposition and all the rules that matched: the rationale."""

    disposition: Disposition
    rules: tuple[str, ...]


def decide(findings: Findings, protocol: TriageProtocol) -> Decision:
    """What these findings call for. An open question about a known symptom counts as its worst answer."""
    return _decide({**protocol.silence, **findings}, protocol)


def settle(findings: Findings, protocol: TriageProtocol) -> Decision:
    """What the findings call for when no further answer will come."""
    return _decide({**protocol.silence_at_end, **findings}, protocol)


def decide_from_answers(findings: Findings, protocol: TriageProtocol) -> Decision:
    """What the answers given call for, nothing read into silence."""
    return _decide(findings, protocol)


def next_question(findings: Findings, protocol: TriageProtocol, wanted: str | None = None) -> Question | None:
    """The question that is called for and has no answer; None at the end.

    First the one that alone holds back an urgent rule, then `wanted`, then the protocol's order.
    """
    open_questions = [one for one in protocol.questions if one.id not in findings and protocol.is_asked(one, findings)]
    urgent = (one for one in open_questions if is_urgent_if_silent(one, findings, protocol))
    pointed_at = (one for one in _pointed_at(wanted, findings, protocol) if one.id not in findings)
    return next(chain(urgent, pointed_at, open_questions), None)


def question_for(question_id: str, findings: Findings, protocol: TriageProtocol) -> Question:
    """The question to ask when an old button of this one was tapped: of a symptom not found, the symptom first."""
    question = protocol.question(question_id)
    if question.follows_up is None or protocol.is_asked(question, findings):
        return question
    return protocol.question(question.follows_up)


def question_before(question_id: str, answers: Findings, protocol: TriageProtocol) -> str | None:
    """The question that "back" leads to from this one: the last that was answered before it, if any."""
    if question_id == "more":
        return "call_back_number"
    order = [*GREETING, *(one.id for one in protocol.questions), "summary"]
    if question_id not in order:
        return None
    return next((one for one in reversed(order[: order.index(question_id)]) if one in answers), None)


def no_longer_asked(findings: Findings, protocol: TriageProtocol) -> tuple[str, ...]:
    """Answers to questions that the other answers do not call for any more."""
    left = dict(findings)
    dropped = []
    for question in protocol.questions:
        if question.id in left and not protocol.is_asked(question, left):
            del left[question.id]
            dropped.append(question.id)
    return tuple(dropped)


def is_urgent_if_silent(question: Question, findings: Findings, protocol: TriageProtocol) -> bool:
    """The question is open, and silence about it is all that an urgent rule waits for."""
    if question.if_unanswered is None or question.id in findings:
        return False
    assumed = {**findings, question.id: question.if_unanswered}
    return any(
        rule.disposition in URGENT and question.id in rule.when and matches(rule.when, assumed)
        for rule in protocol.rules
    )


def could_be_urgent(question_id: str, answer: str, protocol: TriageProtocol) -> bool:
    """Whether this answer can be part of a reason for an emergency or 12 hours."""
    return any(rule.disposition in URGENT and answer in rule.when.get(question_id, ()) for rule in protocol.rules)


def decided_at(decision: Decision, answered_at: Mapping[str, datetime], protocol: TriageProtocol) -> datetime | None:
    """The moment of the answer by which the decision first held; None without any rule. Deadlines count from it."""
    moments = [
        _held_since(rule, answered_at)
        for rule in (protocol.rule(rule_id) for rule_id in decision.rules)
        if rule.disposition is decision.disposition
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def discounted(findings: Findings, protocol: TriageProtocol) -> tuple[str, ...]:
    """Symptoms that were found but called known and unchanged, so that no rule counts them."""
    return tuple(
        question.follows_up
        for question in protocol.questions
        if question.follows_up is not None
        and question.id in findings
        and question.severity(findings[question.id]) == 0
        and protocol.is_asked(question, findings)
    )


def unconfirmed(answers: Findings, confirmed: Container[str], protocol: TriageProtocol) -> tuple[str, ...]:
    """Symptoms that the patient called known and unchanged and whose baseline no nurse has confirmed."""
    return tuple(
        question.follows_up
        for question in protocol.questions
        if question.follows_up is not None
        and question.follows_up not in confirmed
        and question.is_mildest(answers.get(question.id))
    )


def _pointed_at(question_id: str | None, findings: Findings, protocol: TriageProtocol) -> tuple[Question, ...]:
    if question_id is None or not protocol.is_question(question_id):
        return ()
    return (question_for(question_id, findings, protocol),)


def _decide(findings: Findings, protocol: TriageProtocol) -> Decision:
    matched = [rule for rule in protocol.rules if matches(rule.when, findings)]
    return Decision(most_urgent(rule.disposition for rule in matched), tuple(rule.id for rule in matched))


def _held_since(rule: Rule, answered_at: Mapping[str, datetime]) -> datetime | None:
    """A rule holds from its last answer; what silence supplied has no moment of its own."""
    return max((answered_at[question] for question in rule.when if question in answered_at), default=None)
