"""Reading up disturbs nothing: what waits still waits, and what is found and advised is the same as without it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.events import Answered, AskedForTopics, Event, Listed, PatientEvent, ReadTopic, parse
from tests.kit.driver import HOUR, IN_STATE, MINUTE, Check, choices
from tests.laws.model import READING

SCAN = ReadTopic("scan", "2026.1")


@pytest.mark.parametrize("state", IN_STATE)
@pytest.mark.parametrize("event", READING, ids=str)
def test_reading_records_itself_and_nothing_else_in_every_state(state: str, event: PatientEvent) -> None:
    check = IN_STATE[state]()
    before = check.session
    check.receives(event)
    assert check.last == (event,)
    assert (check.session.state, check.session.pending) == (before.state, before.pending)


@pytest.mark.parametrize("state", IN_STATE)
def test_reading_is_never_listed_for_the_nurse(state: str) -> None:
    assert IN_STATE[state]().receives(AskedForTopics()).receives(SCAN).new(Listed) == []


def test_the_first_message_may_be_a_wish_to_read_and_is_greeted_as_usual() -> None:
    check = Check().starts()
    first = Check().notes(*check.last[:1]).receives(AskedForTopics())
    assert first.session.state == "greeting"
    assert first.asked == check.asked
    assert first.listed == []


def test_a_check_that_is_over_stays_over() -> None:
    check = IN_STATE["closed"]().receives(SCAN)
    assert check.session.state == "closed"
    assert check.is_silent


def test_reading_does_not_put_the_five_minutes_off() -> None:
    check = Check().greeted().until("weakness").says("yes")
    due, token = check.wakes_at, check.asking.token
    check.passes(4 * MINUTE).receives(AskedForTopics()).receives(SCAN)
    assert check.wakes_at == due
    assert check.session.pending is not None
    assert check.session.pending.token == token
    assert check.waits(MINUTE).advised == ["12h"]


def test_the_question_whether_somebody_was_reached_is_asked_all_the_same() -> None:
    check = Check().greeted().until("saddle_numbness").says("yes", "skip", "no")
    due = check.wakes_at
    assert check.passes(MINUTE).receives(SCAN).wakes_at == due
    assert check.waits(HOUR).asked == "reached"


@settings(max_examples=60, deadline=None)
@given(
    taps=st.lists(st.integers(0, 40), min_size=1, max_size=40),
    readings=st.dictionaries(st.integers(0, 40), st.lists(st.sampled_from(READING), min_size=1, max_size=3)),
)
def test_reading_anywhere_changes_neither_findings_nor_question_nor_advice(
    taps: list[int], readings: dict[int, list[PatientEvent]]
) -> None:
    plain, reader = said(taps, {}), said(taps, readings)
    assert without_reading(reader) == without_reading(plain)
    for what in ("findings", "answers", "pending", "state", "advised", "advice", "urgent_at", "told"):
        assert getattr(reader.session, what) == getattr(plain.session, what)
    assert reader.replayed() == reader.session


def said(taps: list[int], readings: dict[int, list[PatientEvent]]) -> Check:
    """A check answered by these taps among the buttons, with reading before some of the answers."""
    check = Check(languages=2).starts()
    for step, tap in enumerate(taps):
        for event in readings.get(step, []):
            check.receives(event)
        if not check.is_silent:
            possible = choices(check)
            check.receives(Answered(check.asked, possible[tap % len(possible)]))
    return check


def without_reading(check: Check) -> list[Event]:
    return [one.event for one in check.log if one.event not in READING]


def test_a_stored_reading_without_its_version_is_readable() -> None:
    assert parse("ReadTopic", '{"topic": "scan"}') == ReadTopic("scan")
