"""What outlives a check or comes from outside of it: old buttons, words for the nurse, open entries."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dialogs.events import (
    Answered,
    AskedForPerson,
    CalledEmergency,
    Closed,
    Listed,
    NotUnderstood,
    PatientEvent,
    Resumed,
    Said,
    Started,
    TappedStale,
)
from dialogs.machine import Standing
from dialogs.protocol import Disposition
from tests.kit.driver import HOUR, IN_STATE, MINUTE, MONDAY, PROTOCOL, WAYS_OUT, Check

WEEK_AGO = MONDAY - 7 * 24 * HOUR
TWELVE_HOURS = Standing(Disposition.WITHIN_12_HOURS, WEEK_AGO)
EMERGENCY = Standing(Disposition.EMERGENCY, WEEK_AGO)
NO_WARNING_SYMPTOM = Standing(Disposition.NO_WARNING_SYMPTOM, WEEK_AGO)
way_out = pytest.mark.parametrize("leave", WAYS_OUT.values(), ids=WAYS_OUT)


# --- old buttons


@pytest.mark.parametrize("state", IN_STATE)
@pytest.mark.parametrize("tap", [("weakness", "yes"), ("emergency_signs", "yes"), ("weakness_change", "unsure")])
def test_an_old_button_never_answers_and_an_urgent_one_is_listed(state: str, tap: tuple[str, str]) -> None:
    check = IN_STATE[state]()
    before = check.session
    check.receives(TappedStale(*tap))
    assert check.session.answers == before.answers
    assert check.session.advised == before.advised
    assert check.new(Listed) == [Listed("stale_tap", tap[0])]


@pytest.mark.parametrize("state", ["asking", "reviewing", "advised", "asking_more", "following_up"])
def test_the_question_of_an_urgent_old_button_is_asked_next(state: str) -> None:
    assert IN_STATE[state]().receives(TappedStale("difficulty_walking", "unsure")).asked == "difficulty_walking"


@pytest.mark.parametrize("state", ["asking", "reviewing"])
def test_a_symptom_that_an_old_button_brought_up_is_followed_up_before_all_others(state: str) -> None:
    check = IN_STATE[state]().receives(TappedStale("lhermitte", "yes")).says("yes")
    assert check.asked == "lhermitte_change"
    assert check.asking.is_urgent


def test_what_an_old_button_brings_up_after_the_end_is_followed_up_and_advised() -> None:
    check = Check().greeted().until("summary", back_or_neck_pain="yes").says("confirm", "skip")
    check.receives(TappedStale("weakness", "yes")).says("yes")
    assert check.asking.is_urgent
    assert check.waits(5 * MINUTE).advised == ["2w", "12h"]


def test_after_an_old_button_the_call_back_number_is_not_forgotten() -> None:
    check = IN_STATE["advised"]().receives(TappedStale("difficulty_walking", "yes")).says("no")
    assert check.session.state == "advised"
    assert check.asked == "call_back_number"


def test_after_an_old_button_declined_questions_stay_declined() -> None:
    check = IN_STATE["following_up"]().receives(TappedStale("difficulty_walking", "yes")).says("no")
    assert check.session.state == "following_up"
    assert check.is_silent


def test_the_follow_up_of_a_symptom_not_found_is_asked_as_the_symptom() -> None:
    assert Check().greeted().receives(TappedStale("lhermitte_change", "unsure")).asked == "lhermitte"


@pytest.mark.parametrize("tapped", ["lhermitte", "lhermitte_change"])
def test_an_urgent_old_button_during_the_greeting_is_asked_about_first(tapped: str) -> None:
    check = Check().starts().says("yes").receives(TappedStale(tapped, "unsure"))
    assert check.asked == "respondent"
    assert check.says("patient").asked == "lhermitte"
    assert check.says("no").asked == "emergency_signs"


def test_an_urgent_old_button_as_the_first_message_is_asked_about_first() -> None:
    check = Check().notes(Started("2026.1", "en", is_consented=True)).receives(TappedStale("lhermitte", "yes"))
    assert check.listed == ["stale_tap"]
    assert check.says("patient").asked == "lhermitte"


@pytest.mark.parametrize("tap", [("weakness", "no"), ("pain_course", "new"), ("consent", "no"), ("summary", "confirm")])
def test_any_other_old_button_only_puts_the_question_again(tap: tuple[str, str]) -> None:
    for state in ("greeting", "asking", "reviewing", "advised", "asking_more"):
        check = IN_STATE[state]()
        pending = check.asked
        assert check.receives(TappedStale(*tap)).asked == pending
        assert check.new(Listed) == []
    assert Check().starts().receives(TappedStale(*tap)).says("yes", "patient").asked == "emergency_signs"


@pytest.mark.parametrize("state", IN_STATE)
def test_a_second_tap_on_the_same_button_changes_nothing(state: str) -> None:
    check = IN_STATE[state]()
    tap = TappedStale("difficulty_walking", "yes", is_repeat=True)
    assert check.receives(tap).last == (tap,)


def test_an_answer_to_another_question_is_an_old_button() -> None:
    check = Check().greeted().receives(Answered("summary", "confirm"))
    assert check.new(TappedStale)
    assert check.asked == "emergency_signs"


def test_a_second_start_only_opens_the_chat_again() -> None:
    check = Check().greeted().says("no").receives(Started("2027.1", "nl"))
    assert check.new(Resumed)
    assert check.session.protocol_version == PROTOCOL.version
    assert check.asked == "difficulty_walking"


# --- what a nurse must see


@pytest.mark.parametrize("state", IN_STATE)
@pytest.mark.parametrize(
    "event",
    [Said("legs"), AskedForPerson(), *(NotUnderstood(what) for what in ("text", "voice", "photo", "unknown"))],
    ids=str,
)
def test_words_and_the_wish_for_a_person_are_listed_in_every_state(state: str, event: PatientEvent) -> None:
    assert len(IN_STATE[state]().receives(event).new(Listed)) == 1


def test_a_command_with_words_is_listed_and_one_without_is_not() -> None:
    assert Check().greeted().receives(NotUnderstood("command", "/pain in my legs")).listed == ["words"]
    assert Check().greeted().receives(NotUnderstood("command", "/foo")).listed == []
    assert Check().greeted().receives(NotUnderstood("sticker")).listed == []


@pytest.mark.parametrize("state", IN_STATE)
def test_an_emergency_can_be_called_in_every_state(state: str) -> None:
    check = IN_STATE[state]().receives(CalledEmergency())
    assert check.advice.disposition == "emergency"
    assert check.advice.decided_at == check.at


# --- open entries outlive checks


def test_a_finished_check_without_findings_is_told_what_still_stands() -> None:
    check = Check(standing=TWELVE_HOURS).greeted().until("summary").says("confirm")
    assert check.session.state == "advised"
    assert check.advice.disposition == "12h"
    assert check.advice.found == "none"
    assert check.advice.is_standing
    assert check.advice.decided_at == WEEK_AGO


def test_what_stood_is_said_again_to_whoever_reached_nobody_even_if_a_nurse_has_closed_it() -> None:
    check = Check(standing=TWELVE_HOURS).greeted().until("summary").says("confirm", "skip")
    check.notes(Closed("nurse", "reached_advised")).standing = None
    assert check.waits(HOUR).says("not_reached").advice.disposition == "12h"


@way_out
def test_an_unfinished_check_is_told_what_still_stands(leave: Callable[[Check], Check]) -> None:
    check = leave(Check(standing=TWELVE_HOURS).greeted())
    assert check.advice.disposition == "12h"
    assert check.advice.found is None


def test_the_earliest_deadline_counts_when_the_same_is_found_again() -> None:
    check = Check(standing=TWELVE_HOURS).greeted().until("saddle_numbness").says("yes")
    assert check.advice.decided_at == WEEK_AGO
    assert not check.advice.is_standing


def test_twelve_hours_are_told_as_the_emergency_that_still_stands() -> None:
    check = Check(standing=EMERGENCY).greeted().until("saddle_numbness").says("yes")
    assert check.advice.disposition == "emergency"
    assert check.advice.found == "12h"


def test_twelve_hours_after_this_checks_own_emergency_are_told_as_such_though_its_entry_stands() -> None:
    check = Check().greeted().says("yes", "skip", "yes")
    check.standing = Standing(Disposition.EMERGENCY, MONDAY)
    assert check.until("saddle_numbness").says("yes").advice.disposition == "12h"


@way_out
def test_no_warning_symptom_never_stands_for_an_unfinished_check(leave: Callable[[Check], Check]) -> None:
    check = leave(Check(standing=NO_WARNING_SYMPTOM).greeted())
    assert check.advised == []
    assert check.listed == ["unfinished"]


def test_no_warning_symptom_never_stands_beside_a_check_that_finds_nothing() -> None:
    check = Check(standing=NO_WARNING_SYMPTOM).greeted().until("summary").says("confirm")
    assert check.session.state == "closed"
    assert check.advice.decided_at == check.at


@pytest.mark.parametrize(
    ("previous", "is_worse"),
    [({}, False), ({"back_or_neck_pain": "yes"}, True), ({"saddle_numbness": "yes"}, False)],
)
def test_worse_than_last_time_is_said(previous: dict[str, str], is_worse: bool) -> None:
    check = Check().greeted(previous=previous).until("saddle_numbness").says("yes")
    assert check.advice.is_worse is is_worse
