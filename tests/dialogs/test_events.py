"""The stored form of events: what a log holds today is read for as long as there are logs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.events import (
    KINDS,
    Called,
    Event,
    NotUnderstood,
    Unprocessed,
    Unreadable,
    dump,
    parse,
)

AT = datetime(2026, 11, 23, 8, 59, 59, 123456, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
MOMENTS = st.datetimes(timezones=st.just(UTC))
ANY_EVENT = st.one_of(
    *(
        st.builds(
            kind,
            **{
                field.name: {
                    "str": TEXTS,
                    "str | None": st.none() | TEXTS,
                    "bool": st.booleans(),
                    "int": st.integers(-(2**53), 2**53),
                    "datetime": MOMENTS,
                    "datetime | None": st.none() | MOMENTS,
                    "tuple[str, ...]": st.lists(TEXTS).map(tuple),
                    "dict[str, str]": st.dictionaries(TEXTS, TEXTS),
                }[str(field.type)]
                for field in fields(kind)
            },
        )
        for kind in get_args(Event)
    )
)


@dataclass(frozen=True)
class OldEvent:
    """A line of events.jsonl: what some log holds, and every field that was read from it when the line was written.

    The seal is a digest of the seal before it and of this line, so that no line can be changed, moved or taken out.
    """

    kind: str
    stored: dict[str, object]
    read: dict[str, object]
    seal: str

    def sealed_after(self, before: str) -> str:
        line = {"kind": self.kind, "stored": self.stored, "read": self.read}
        return hashlib.sha256((before + json.dumps(line, ensure_ascii=False)).encode()).hexdigest()[:12]


OLD_EVENTS = [
    OldEvent(**json.loads(line))
    for line in Path(__file__).with_name("events.jsonl").read_text(encoding="utf-8").splitlines()
]


def plain(event: Event) -> dict[str, object]:
    """The fields as JSON has them. A moment ends on +00:00, and so differs from its stored form, which ends on Z."""

    def as_json(value: object) -> object:
        if isinstance(value, datetime):
            return value.isoformat()
        return list(value) if isinstance(value, tuple) else value

    return {field.name: as_json(getattr(event, field.name)) for field in fields(event)}


@settings(max_examples=300, deadline=None)
@given(ANY_EVENT)
def test_every_event_survives_its_stored_form(event: Event) -> None:
    assert parse(*dump(event)) == event


@pytest.mark.parametrize("old", OLD_EVENTS, ids=lambda old: f"{old.kind}-{old.seal}")
def test_what_a_log_has_ever_held_is_still_read_as_it_was(old: OldEvent) -> None:
    """Fields may have been added since; none is renamed, retyped, or left out with another meaning."""
    event = parse(old.kind, json.dumps(old.stored))
    assert type(event).__name__ == old.kind
    assert {name: value for name, value in plain(event).items() if name in old.read} == old.read


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_every_kind_has_old_forms(kind: type) -> None:
    """One with every field, as it is written today, and one that lacks all that have a default."""
    names = [field.name for field in fields(kind)]
    needed = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    lines = [old.stored for old in OLD_EVENTS if old.kind == kind.__name__ and list(old.read) == names]
    for wanted in (names, needed):
        forms = [stored for stored in lines if list(stored) == wanted]
        assert forms, f"add a line of {kind.__name__} with {wanted} to the end of events.jsonl, read as {names}"
    body = json.dumps(next(one for one in lines if list(one) == names), ensure_ascii=False, separators=(",", ":"))
    assert dump(parse(kind.__name__, body)) == (kind.__name__, body)


def test_old_forms_are_only_added() -> None:
    for number, (before, old) in enumerate(pairwise([None, *OLD_EVENTS]), 1):
        seal = old.sealed_after(before.seal if before else "")
        assert old.seal == seal, (
            f"events.jsonl:{number} is not the line that was sealed: logs hold it as it was, so restore it. "
            f"A new line goes to the end; the seal of this one would be {seal}"
        )


def test_every_kind_is_stored_under_its_name() -> None:
    assert {kind.__name__ for kind in get_args(Event)} == KINDS.keys()


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_what_a_later_version_added_is_left_out_and_what_it_lacks_has_a_default(kind: type) -> None:
    needed = {
        field.name: {"datetime": AT.isoformat(), "int": 1, "bool": True, "tuple[str, ...]": []}.get(
            str(field.type), "x"
        )
        for field in fields(kind)
        if field.default is MISSING and field.default_factory is MISSING
    }
    assert isinstance(parse(kind.__name__, json.dumps({**needed, "from_a_newer_version": [1]})), kind)


def test_an_unknown_kind_stands_as_unreadable() -> None:
    assert parse("Foretold", "{}") == Unreadable("Foretold")


@pytest.mark.parametrize("body", ["", "nonsense", "[]", '{"question":"weakness"}', '{"question":1,"answer":"yes"}'])
def test_a_body_that_does_not_fit_stands_as_unreadable(body: str) -> None:
    assert parse("Answered", body) == Unreadable("Answered")


@pytest.mark.parametrize(
    "event", [NotUnderstood("text", "a\ud83d b"), Unprocessed("KeyError", "\udc00"), Called("n", True, AT, "\ud800")]
)
def test_half_a_surrogate_pair_becomes_a_question_mark(event: Event) -> None:
    kind, body = dump(event)
    body.encode()
    assert "?" in body
    assert type(parse(kind, body)) is type(event)


@pytest.mark.parametrize("text", ["", "\0", "\u202egib", "ﷺ" * 2_000, "👩‍🦽", '{"a": "b"}', "a" * 10_000])
def test_words_are_kept_to_the_letter(text: str) -> None:
    assert parse(*dump(NotUnderstood("text", text))) == NotUnderstood("text", text)
