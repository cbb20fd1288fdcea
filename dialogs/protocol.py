"""The triage protocol: questions, rules, notes and English wording as data; parsed once, nonsense refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialogs.checks import below_floor, check_texts, did_you_mean, nonsense
from dialogs.data_file import file_of, first_complaint
from dialogs.parts import (
    Answer,
    Condition,
    Disposition,
    File,
    Findings,
    Note,
    ProtocolError,
    Question,
    Rule,
    Source,
    TriageProtocol,
    When,
    Window,
    Wording,
    matches,
    most_urgent,
)
from dialogs.toml_file import NotToml, table_of, text_of

__all__ = [
    "PROTOCOLS",
    "SPINAL_METASTASES",
    "Answer",
    "Condition",
    "Disposition",
    "Findings",
    "Note",
    "ProtocolError",
    "Question",
    "Rule",
    "Source",
    "TriageProtocol",
    "When",
    "Window",
    "Wording",
    "load",
    "matches",
    "most_urgent",
    "parse",
    "served_before",
]

PROTOCOLS = Path(__file__).resolve().parent / "protocols"
FLOOR = "floor.toml"
SPINAL_METASTASES = PROTOCOLS / "spinal_metastases"
"""The guideline that comes with Cordwatch. A guideline is a folder: protocol.toml, floor.toml, topics.toml."""


def load(path: Path | None = None) -> TriageProtocol:
    """The protocol of a guideline: of its folder, or of a file; None means the one that comes with Cordwatch.

    It is measured against the floor.toml beside it; one from elsewhere always against the built-in floor as well.
    Raises ProtocolError naming file, item, value and remedy.
    """
    file = file_of(path or SPINAL_METASTASES, "protocol.toml")
    return parse(_text(file), str(file), _floors(file.parent))


def parse(text: str, name: str = "protocol", floors: Sequence[TriageProtocol] = ()) -> TriageProtocol:
    """The protocol of a TOML text. Raises ProtocolError as `load` does, also for anything laxer than a floor.

    `floors`: those that it is measured against; the built-in one where none is given.
    """
    protocol = _read(text, name)
    for complaint in check_texts(protocol):
        raise ProtocolError(f"{name}: {complaint}")
    measured = tuple(floors) or _floors(SPINAL_METASTASES)
    for complaint in (complaint for floor in measured for complaint in below_floor(protocol, floor)):
        raise ProtocolError(f"{name}: {complaint}. A clinic may be stricter than the guideline, never laxer")
    return protocol


def served_before(version: str, text: str) -> TriageProtocol:
    """The protocol of a text under which checks have begun.

    It was measured when it was first served. A floor that has risen since takes it from nobody who still answers it.
    """
    return _read(text, f"protocol {version}")


def _text(path: Path) -> str:
    try:
        return text_of(path)
    except OSError as error:
        raise ProtocolError(f"{path}: cannot be read ({error.strerror}); give the path of a TOML file") from error
    except NotToml as error:
        raise ProtocolError(f"{path}: {error}") from error


def _floors(guideline: Path) -> tuple[TriageProtocol, ...]:
    """A floor from elsewhere comes on top of the built-in one, so that nobody brings a laxer floor along."""
    own, built_in = guideline / FLOOR, SPINAL_METASTASES / FLOOR
    files = [own] if own.exists() else []
    if not files or not guideline.resolve().is_relative_to(PROTOCOLS):
        files.append(built_in)
    return tuple(_read(_text(file), str(file)) for file in files)


def _read(text: str, name: str) -> TriageProtocol:
    try:
        table = table_of(text)
    except NotToml as error:
        raise ProtocolError(f"{name}: {error}") from error
    try:
        file = File.model_validate(_with_answer_sets(table, name))
    except ValidationError as error:
        raise ProtocolError(f"{name}: {first_complaint(error, table)}") from error
    protocol = TriageProtocol(
        version=file.version,
        title=file.title,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        questions=file.question,
        administrative=tuple(question.model_copy(update={"is_clinical": False}) for question in file.administrative),
        conditions=_unique(file.condition, "condition", name),
        rules=file.rule,
        notes=file.note,
        windows=_unique(file.dispositions, "disposition", name, "code"),
        wording=file.wording,
        sources=file.sources,
        groups=file.group,
        baseline_holds=timedelta(days=file.baseline.holds_days),
    )
    for complaint in nonsense(protocol):
        raise ProtocolError(f"{name}: {complaint}")
    return protocol


def _with_answer_sets(table: dict[str, Any], name: str) -> dict[str, Any]:
    """Questions may name a set of answers instead of spelling them out."""
    sets = table.get("answer_sets", {})
    questions = [
        question
        for kind in ("question", "administrative")
        if isinstance(table.get(kind), list)
        for question in table[kind]
        if isinstance(question, dict)
    ]
    for question in questions:
        answers = question.get("answers")
        if isinstance(answers, str):
            if answers not in sets:
                raise ProtocolError(
                    f"{name}: question {question.get('id')!r}: answers = {answers!r} is not an answer set"
                    f"; {did_you_mean(answers, sets)}"
                )
            question["answers"] = sets[answers]
    return table


def _unique(parts: Iterable[Any], kind: str, name: str, key: str = "id") -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for part in parts:
        if (own := getattr(part, key)) in found:
            raise ProtocolError(f"{name}: two {kind}s are called {str(own)!r}; remove one, or give it another {key}")
        found[own] = part
    return found
