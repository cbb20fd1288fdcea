"""The stored form of events: what a log holds today is read for as long as there are logs."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.events import (
    KINDS,
    Advised,
    Answered,
    Asked,
    Called,
    Corrected,
    Event,
    NotUnderstood,
    Started,
    Unprocessed,
    Unreadable,
    Woke,
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
STORED: list[tuple[Event, str]] = [
    (
        Started("2026.1", "nl", True, True, False, {"weakness": "no"}, ("lhermitte",)),
        '{"protocol_version":"2026.1","language":"nl","is_language_known":true,"is_consented":true,'
        '"is_first_check":false,"previous":{"weakness":"no"},"confirmed":["lhermitte"]}',
    ),
    (Answered("weakness", "yes"), '{"question":"weakness","answer":"yes","counts_as":null}'),
    (
        Corrected("weakness", "no", "yes", ("weakness_change",), None, AT),
        '{"question":"weakness","answer":"no","was":"yes","dropped":["weakness_change"],"counts_as":null,'
        '"since":"2026-11-23T08:59:59.123456Z"}',
    ),
    (
        Asked("weakness", "abc", True, False, AT),
        '{"question":"weakness","token":"abc","is_urgent":true,"wants_contact":false,'
        '"urgent_since":"2026-11-23T08:59:59.123456Z"}',
    ),
    (
        Advised("12h", ("saddle",), None, AT),
        '{"disposition":"12h","rules":["saddle"],"found":null,"decided_at":"2026-11-23T08:59:59.123456Z",'
        '"is_standing":false,"is_finished":true,"is_call_today":false,"is_repeat":false,"is_worse":false,'
        '"discounted":[]}',
    ),
    (Woke(AT), '{"due":"2026-11-23T08:59:59.123456Z"}'),
]


@settings(max_examples=300, deadline=None)
@given(ANY_EVENT)
def test_every_event_survives_its_stored_form(event: Event) -> None:
    assert parse(*dump(event)) == event


@pytest.mark.parametrize(("event", "body"), STORED, ids=lambda one: type(one).__name__)
def test_the_stored_form_of_the_core_events_stays(event: Event, body: str) -> None:
    assert dump(event) == (type(event).__name__, body)
    assert parse(type(event).__name__, body) == event


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
