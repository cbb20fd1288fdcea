"""Vignettes against the protocol: what it decides, beside what a clinician expected."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from dialogs.decision import Decision, decide
from dialogs.protocol import Disposition, TriageProtocol


@dataclass(frozen=True, slots=True)
class Vignette:
    """One row of a file: findings of a finished check, and the disposition that a clinician expects."""

    id: str | int
    findings: dict[str, str]
    expected: Disposition


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the protocol decides for a vignette."""

    vignette: Vignette
    decision: Decision

    @property
    def is_under_triage(self) -> bool:
        return self.decision.disposition.urgency < self.vignette.expected.urgency

    @property
    def is_over_triage(self) -> bool:
        return self.decision.disposition.urgency > self.vignette.expected.urgency


class MalformedRows(Exception):
    """Rows that cannot be evaluated without guessing, one line a problem, each with file and line number."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def read(lines: Iterable[bytes], name: str, protocol: TriageProtocol) -> tuple[Vignette, ...]:
    """The vignettes of a JSON Lines file. Raises MalformedRows naming every problem; blank lines are passed over."""
    vignettes: list[Vignette] = []
    problems: list[str] = []
    seen: dict[str | int, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row, complaints = _row(line, protocol)
        if row is not None and row.id in seen:
            complaints.append(f"id {row.id!r} stands on line {seen[row.id]} too; give one of them another")
        problems += [f"{name}:{number}: {complaint}" for complaint in complaints]
        if row is not None:
            seen[row.id] = number
            vignettes.append(row)
    if not vignettes and not problems:
        problems.append(f"{name}: has no rows; write one JSON object a line with id, findings and expected")
    if problems:
        raise MalformedRows(problems)
    return tuple(vignettes)


def evaluate(vignettes: Iterable[Vignette], protocol: TriageProtocol) -> tuple[Outcome, ...]:
    """What the protocol decides. An open question about a known symptom counts as its worst answer."""
    return tuple(Outcome(vignette, decide(vignette.findings, protocol)) for vignette in vignettes)


def json_line(outcome: Outcome) -> str:
    """One outcome as a JSON object."""
    decision = outcome.decision
    row = {"id": outcome.vignette.id, "disposition": decision.disposition.value, "rules": list(decision.rules)}
    return json.dumps(row)


def report(outcomes: Sequence[Outcome]) -> str:
    """The count of rows, the confusion table, and every row that did not come out as expected."""
    under = [outcome for outcome in outcomes if outcome.is_under_triage]
    over = [outcome for outcome in outcomes if outcome.is_over_triage]
    agreed = len(outcomes) - len(under) - len(over)
    counted = "1 vignette" if len(outcomes) == 1 else f"{len(outcomes)} vignettes"
    return "\n".join(
        [
            f"{counted}: {agreed} as expected, {len(under)} under-triage, {len(over)} over-triage",
            "",
            *_confusion(outcomes),
            *_listed("Under-triage (less urgent than expected)", under),
            *_listed("Over-triage (more urgent than expected)", over),
        ]
    )


def _row(line: bytes, protocol: TriageProtocol) -> tuple[Vignette | None, list[str]]:
    try:
        table = json.loads(line.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        return None, [f"is not a JSON object ({error}); write one object a line"]
    if not isinstance(table, dict):
        return None, [f"is {type(table).__name__}, not a JSON object; write one object a line"]
    complaints = list(_complaints(table, protocol))
    if complaints:
        return None, complaints
    return Vignette(table["id"], table["findings"], Disposition(table["expected"])), []


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    repeated = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is given twice")
    return dict(pairs)


def _complaints(table: dict[str, Any], protocol: TriageProtocol) -> Iterator[str]:
    if not _is_name(table.get("id")):
        yield f"id is {table['id']!r}, not a name" if "id" in table else "id is missing; give the row a name"
    if table.get("expected") not in list(Disposition):
        codes = ", ".join(Disposition)
        yield (
            f"expected is {table['expected']!r}, which is not a disposition; use one of {codes}"
            if "expected" in table
            else f"expected is missing; use one of {codes}"
        )
    findings = table.get("findings")
    if not isinstance(findings, dict):
        yield "findings is missing or no object; give answers by question id"
        return
    codes_of = {question.id: question.codes for question in protocol.questions}
    for question, answer in findings.items():
        if question not in codes_of:
            yield f"findings: {question!r} is not a question; {_did_you_mean(question, codes_of)}"
        elif answer not in codes_of[question]:
            yield f"findings: {question!r} has no answer {answer!r}; {_did_you_mean(str(answer), codes_of[question])}"
    missing = [question for question in _always_asked(protocol, findings) if question not in findings]
    if missing:
        yield f"findings: no answer to {', '.join(missing)}; what is always asked must be answered"


def _is_name(value: Any) -> bool:
    if isinstance(value, str):
        return value.isprintable() and value != ""
    return isinstance(value, int) and not isinstance(value, bool)


def _always_asked(protocol: TriageProtocol, findings: dict[str, Any]) -> Iterator[str]:
    """After an emergency the check may end at once."""
    emergency = protocol.emergency
    if emergency.severity(str(findings.get(emergency.id))) == 0:
        yield from (question.id for question in protocol.questions if question.ask_if is None)


def _did_you_mean(value: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(value, names, 1)
    return f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(names)}"


def _confusion(outcomes: Sequence[Outcome]) -> Iterator[str]:
    counts = Counter((outcome.vignette.expected, outcome.decision.disposition) for outcome in outcomes)
    yield f"{'expected':>10} │ decided" + "".join(f"{code:>10}" for code in Disposition)
    for expected in Disposition:
        cells = "".join(f"{counts[expected, decided] or '·':>10}" for decided in Disposition)
        yield f"{expected:>10} │        {cells}"


def _listed(title: str, outcomes: Sequence[Outcome]) -> Iterator[str]:
    if outcomes:
        yield from ("", title)
    for outcome in outcomes:
        rules = ", ".join(outcome.decision.rules) or "no rule"
        vignette = outcome.vignette
        yield f"  {vignette.id}: expected {vignette.expected}, decided {outcome.decision.disposition} ({rules})"
