"""What is wrong with a triage protocol: nonsense, and anything laxer than the floor. Complaints name their remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import pairwise, product

from dialogs.parts import (
    EMERGENCY,
    Condition,
    Disposition,
    Findings,
    Question,
    Rule,
    TriageProtocol,
    When,
    matches,
    most_urgent,
)

LONGEST_LABEL = 64
NEVER = Condition(id="never", any_of=())
RESERVED_CODES = ("back", "why", "person", "stop")
LONGEST_CHOICE = 46
"""Letters of question id and answer code on a button: Telegram takes 64 bytes, 18 are for the token and two colons."""


def nonsense(protocol: TriageProtocol) -> Iterator[str]:
    """What makes the protocol unusable; each check may rest on those before it."""
    for check in (
        _check_questions,
        _check_conditions,
        _check_roles,
        _check_groups,
        _check_rules,
        _check_silence,
        _check_windows,
    ):
        yield from check(protocol)


def did_you_mean(value: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(value, names, 1)
    return f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(names)}"


def _check_questions(protocol: TriageProtocol) -> Iterator[str]:
    everything = (*protocol.questions, *protocol.administrative)
    seen: set[str] = set()
    previous: str | None = None
    for question in everything:
        if question.id in seen:
            yield f"two questions are called {question.id!r}; give one of them another id"
        seen.add(question.id)
        codes = question.codes
        if question.is_clinical and len(codes) < 2:
            yield f"question {question.id!r} has {len(codes)} answers; a closed question needs at least two"
        for code in codes:
            if codes.count(code) > 1:
                yield f"question {question.id!r} has the answer {code!r} twice; remove one"
            if code in RESERVED_CODES:
                yield f"question {question.id!r}: the answer code {code!r} is reserved; choose another"
            if (length := len(question.id) + len(code)) > LONGEST_CHOICE:
                yield (
                    f"question {question.id!r}: its id and the answer code {code!r} have {length} letters, too many "
                    f"for a button; shorten them to {LONGEST_CHOICE} together"
                )
        for key in ("if_unanswered", "if_unanswered_at_end"):
            silence = getattr(question, key)
            if silence is not None and silence not in codes:
                yield f"question {question.id!r}: {key} = {silence!r} is not an answer; {did_you_mean(silence, codes)}"
        if question.follows_up is not None and question.follows_up not in seen:
            yield (
                f"question {question.id!r} follows up {question.follows_up!r}, which is not an earlier question; "
                f"{did_you_mean(question.follows_up, seen)}"
            )
        elif question.follows_up not in (None, previous):
            yield f"question {question.id!r} follows up {question.follows_up!r}; move it directly below that question"
        previous = question.id
    if not protocol.questions:
        yield "there is no [[question]]; add at least one"


def _check_conditions(protocol: TriageProtocol) -> Iterator[str]:
    for condition in protocol.conditions.values():
        if not condition.any_of:
            yield f"condition {condition.id!r} lists nothing, so that it never holds; add to any_of"
        for when in condition.any_of:
            yield from _check_when(f"condition {condition.id!r}", when, protocol)
    asked: set[str] = set()
    for question in protocol.questions:
        if question.ask_if is not None:
            if question.ask_if not in protocol.conditions:
                yield (
                    f"question {question.id!r}: ask_if = {question.ask_if!r} is not a condition; "
                    f"{did_you_mean(question.ask_if, protocol.conditions)}"
                )
                return
            ways = protocol.conditions[question.ask_if].any_of
            if not any(asked.issuperset(when) for when in ways):
                yield (
                    f"question {question.id!r} can never be reached: its condition {question.ask_if!r} looks only at "
                    "questions that are asked later; move it down or change the condition"
                )
        asked.add(question.id)


def _check_roles(protocol: TriageProtocol) -> Iterator[str]:
    with_role = [
        *(("question", one.id, one.role) for one in protocol.questions if one.role),
        *(("condition", one.id, one.role) for one in protocol.conditions.values() if one.role),
    ]
    roles = [role for _, _, role in with_role]
    for kind, owner, role in with_role:
        if roles.count(role) > 1:
            yield f"{kind} {owner!r}: role {role!r} is given twice; keep it where it belongs"
    if "emergency" not in roles and not protocol.is_question(EMERGENCY):
        yield 'no question has role = "emergency"; give it to the one that asks for emergency signs'
    elif "yes" not in protocol.emergency.codes or protocol.emergency.severity("yes") == 0:
        yield f"question {protocol.emergency.id!r} asks for emergency signs; give it an answer 'yes' with a severity"


def _check_groups(protocol: TriageProtocol) -> Iterator[str]:
    groups = [group.id for group in protocol.groups]
    for group in groups:
        if groups.count(group) > 1:
            yield f"two groups are called {group!r}; give one of them another id"
        if not any(question.group == group for question in protocol.questions):
            yield f"group {group!r} has no question; name it at one, or remove it"
    for question in protocol.questions:
        if question.group is None:
            continue
        if question.group not in groups:
            yield f"question {question.id!r}: {question.group!r} is not a group; {did_you_mean(question.group, groups)}"
        if question.follows_up is not None:
            yield f"question {question.id!r} follows up {question.follows_up!r}; remove its group, the symptom's counts"


def _check_when(owner: str, when: When, protocol: TriageProtocol) -> Iterator[str]:
    clinical = {question.id: question for question in protocol.questions}
    for question_id, answers in when.items():
        if question_id not in clinical:
            yield f"{owner} asks about {question_id!r}, which is not a question; {did_you_mean(question_id, clinical)}"
            continue
        if not answers:
            yield f"{owner}: no answer to {question_id!r} counts, so that it never holds; name at least one"
        for answer in answers:
            codes = clinical[question_id].codes
            if answer not in codes:
                yield f"{owner}: {answer!r} is not an answer to {question_id!r}; {did_you_mean(answer, codes)}"


def _check_rules(protocol: TriageProtocol) -> Iterator[str]:
    for kind, rules in (("rule", protocol.rules), ("note", protocol.notes)):
        seen: set[str] = set()
        for rule in rules:
            if rule.id in seen:
                yield f"two {kind}s are called {rule.id!r}; give one of them another id"
            seen.add(rule.id)
            yield from _check_when(f"{kind} {rule.id!r}", rule.when, protocol)
            yield from _check_source(f"{kind} {rule.id!r}", rule.source, protocol)
    for rule in protocol.rules:
        if not rule.when:
            yield f"rule {rule.id!r} names no finding, so that it always holds; add its when"
        if rule.disposition is Disposition.NO_WARNING_SYMPTOM:
            yield f"rule {rule.id!r} calls for 'none', which is what no rule means; give it a disposition or remove it"
        yield from _check_upward(rule, protocol)


def _check_source(owner: str, source: str, protocol: TriageProtocol) -> Iterator[str]:
    known = {one.id for one in protocol.sources}
    if not any(f"[{one}]" in source for one in known):
        names = ", ".join(sorted(known))
        yield f"{owner}: source {source!r} names none of the sources; name one of {names} in brackets"


def _check_upward(rule: Rule, protocol: TriageProtocol) -> Iterator[str]:
    """A worse answer must reach the same urgency by this or another rule: law (a) holds by construction."""
    for findings in _combinations(rule.when):
        for question_id, given in findings.items():
            question = protocol.question(question_id)
            for worse in question.answers:
                if worse.severity < question.severity(given):
                    continue
                reached = most_urgent(
                    one.disposition
                    for one in protocol.rules
                    if matches(one.when, {**findings, question_id: worse.code})
                )
                if reached.urgency < rule.disposition.urgency:
                    yield (
                        f"rule {rule.id!r}: {question_id!r} counts {given!r} but not {worse.code!r}, which is at least "
                        "as severe; add it"
                    )


def _check_silence(protocol: TriageProtocol) -> Iterator[str]:
    """Silence counts as the worst answer: law (b) holds by construction."""
    for question in protocol.questions:
        if question.follows_up is not None and question.if_unanswered is None:
            yield f"question {question.id!r} follows up a symptom; add if_unanswered = its worst answer"
        for silence in (question.if_unanswered, question.if_unanswered_at_end):
            if silence is not None and question.severity(silence) < max(one.severity for one in question.answers):
                yield f"question {question.id!r}: silence counts as {silence!r}, not its worst answer; name the worst"


def _check_windows(protocol: TriageProtocol) -> Iterator[str]:
    for disposition in Disposition:
        if disposition not in protocol.windows:
            yield f"[[dispositions]] lacks {disposition.value!r}; add it"
    hours = [protocol.windows[one].within_hours for one in Disposition]
    known = [one for one in hours[1:4] if one is not None]
    if len(known) < 3 or known != sorted(known):
        yield f"[[dispositions]] within_hours for 12h, 1w, 2w is {hours[1:4]}; give three numbers that grow"


def check_texts(protocol: TriageProtocol) -> Iterator[str]:
    for question in protocol.questions:
        for key in ("topic", "why"):
            if not getattr(question, key):
                yield f"question {question.id!r} has no {key}; add it"
    for question in (*protocol.questions, *protocol.administrative):
        for answer in question.answers:
            if len(answer.label) > LONGEST_LABEL:
                yield f"question {question.id!r}: the button {answer.label!r} is too long; at most {LONGEST_LABEL} fit"


def below_floor(protocol: TriageProtocol, floor: TriageProtocol) -> Iterator[str]:
    clinical = {question.id: question for question in protocol.questions}
    for question in floor.questions:
        if question.id not in clinical:
            yield f"question {question.id!r} is missing; it must be asked"
            return
        yield from _weaker_question(clinical[question.id], question, protocol, floor)
    yield from _later_questions(list(clinical), [question.id for question in floor.questions])
    yield from _missing_administrative(protocol, floor)
    yield from _weaker_rules(protocol, floor)
    yield from _other_roles(protocol, floor)
    if protocol.baseline_holds > floor.baseline_holds:
        days = floor.baseline_holds.days
        yield f"[baseline] holds_days is {protocol.baseline_holds.days}, above {days}; lower it"
    for disposition, window in floor.windows.items():
        ours_hours, floor_hours = protocol.windows[disposition].within_hours, window.within_hours
        if floor_hours is not None and (ours_hours is None or ours_hours > floor_hours):
            yield f"[[dispositions]] {disposition.value!r}: within_hours is {ours_hours}, above {floor_hours}; lower it"


def _other_roles(protocol: TriageProtocol, floor: TriageProtocol) -> Iterator[str]:
    ours, theirs = protocol.emergency.id, floor.emergency.id
    if ours != theirs:
        yield f'question {ours!r} has role = "emergency", which belongs to {theirs!r}; move it there'
    today, floor_today = protocol.call_today, floor.call_today
    for findings in _not_covered(floor_today, today or NEVER) if floor_today is not None else ():
        owner = f"condition {today.id!r}" if today is not None else 'no condition has role = "call_today", which'
        yield f"{owner} does not hold with {_shown(findings)}; restore it"


def _weaker_question(
    ours: Question, theirs: Question, protocol: TriageProtocol, floor: TriageProtocol
) -> Iterator[str]:
    yield from _other_codes(ours, theirs)
    for answer in theirs.answers:
        if ours.severity(answer.code) < answer.severity:
            yield f"question {ours.id!r}: severity of {answer.code!r} is below {answer.severity}; raise it"
    for key in ("if_unanswered", "if_unanswered_at_end", "follows_up"):
        if getattr(ours, key) != getattr(theirs, key):
            yield f"question {ours.id!r}: {key} must be {getattr(theirs, key)!r}, not {getattr(ours, key)!r}"
    if ours.ask_if is None:
        return
    if theirs.ask_if is None:
        yield f"question {ours.id!r}: ask_if = {ours.ask_if!r}, but it must always be asked; remove ask_if"
        return
    for findings in _not_covered(floor.conditions[theirs.ask_if], protocol.conditions[ours.ask_if]):
        yield f"question {ours.id!r} is not asked after {_shown(findings)}, but it must be; widen its ask_if"


def _other_codes(ours: Question, theirs: Question) -> Iterator[str]:
    """An answer that the floor does not know could be a way around its rules."""
    for code in theirs.codes:
        if code not in ours.codes:
            yield f"question {ours.id!r} lacks the answer {code!r}; add it"
    for code in ours.codes:
        if code not in theirs.codes:
            yield f"question {ours.id!r} has the further answer {code!r}, which no guideline rule counts; remove it"


def _later_questions(ours: list[str], theirs: list[str]) -> Iterator[str]:
    """The most urgent is asked first, so that a patient who stops early has answered what matters most."""
    for earlier, later in pairwise(theirs):
        if ours.index(earlier) > ours.index(later):
            yield f"question {later!r} is asked before {earlier!r}; move it down, the most urgent comes first"


def _missing_administrative(protocol: TriageProtocol, floor: TriageProtocol) -> Iterator[str]:
    """The dialog itself asks these, so that their answers have to be the ones it knows."""
    ours = {question.id: question for question in protocol.administrative}
    for question in floor.administrative:
        if question.id not in ours:
            yield f"[[administrative]] {question.id!r} is missing; add it"
            return
        yield from _other_codes(ours[question.id], question)
    for unknown in ours.keys() - {question.id for question in floor.administrative}:
        yield f"[[administrative]] {unknown!r} is never asked; remove it, or make it a [[question]]"


def _weaker_rules(protocol: TriageProtocol, floor: TriageProtocol) -> Iterator[str]:
    for rule in floor.rules:
        for findings in _combinations(rule.when):
            reached = most_urgent(one.disposition for one in protocol.rules if matches(one.when, findings))
            if reached.urgency < rule.disposition.urgency:
                yield (
                    f"with {_shown(findings)} the rules reach {reached.value!r}, below the floor "
                    f"{rule.disposition.value!r}; restore rule {rule.id!r}"
                )


def _not_covered(wanted: Condition, given: Condition) -> Iterator[Findings]:
    """Findings with which the wanted condition holds and the given one does not."""
    return (findings for when in wanted.any_of for findings in _combinations(when) if not given.holds(findings))


def _combinations(when: When) -> Iterator[dict[str, str]]:
    """Every set of findings that fits, one answer a question."""
    return (dict(zip(when, answers, strict=True)) for answers in product(*when.values()))


def _shown(findings: Findings) -> str:
    return ", ".join(f"{question} = {answer}" for question, answer in findings.items())
