"""The triage protocol: questions, rules, notes and English wording as data; parsed once, nonsense refused."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialogs.data_file import first_complaint
from dialogs.protocol_checks import below_floor, check_texts, did_you_mean, nonsense
from dialogs.protocol_parts import (
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

__all__ = [
    "PROTOCOLS",
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
]

PROTOCOLS = Path(__file__).parent / "protocols"


def load(path: Path = PROTOCOLS / "spinal_metastases.toml") -> TriageProtocol:
    """The protocol of a file. Raises ProtocolError naming file, item, value and remedy."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{path}: cannot be read ({error}); give the path of a UTF-8 TOML file") from error
    return parse(text, str(path))


def parse(text: str, name: str = "protocol") -> TriageProtocol:
    """The protocol of a TOML text. Raises ProtocolError as `load` does, also for anything laxer than the floor."""
    protocol = _read(text, name)
    for complaint in check_texts(protocol):
        raise ProtocolError(f"{name}: {complaint}")
    floor = _read((PROTOCOLS / "floor.toml").read_text(encoding="utf-8"), "floor.toml")
    for complaint in below_floor(protocol, floor):
        raise ProtocolError(f"{name}: {complaint}. A clinic may be stricter than the guideline, never laxer")
    return protocol


def _read(text: str, name: str) -> TriageProtocol:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(f"{name}: is not TOML: {error}; mend the line named") from error
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
