"""How checks end: every way out settles, what silence leads to, and whether somebody was reached."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dialogs.events import (
    Advised,
    Asked,
    AskedWhy,
    CalledEmergency,
    CheckedBack,
    Expired,
    LeftUnfinished,
    Listed,
    Reminded,
    Said,
    Started,
    Stopped,
    TappedStale,
    WentBack,
    Woke,
)
from tests.kit.driver import HOUR, IN_STATE, MINUTE, MONDAY, WAYS_OUT, Check

way_out = pytest.mark.parametrize("leave", WAYS_OUT.values(), ids=WAYS_OUT)


@pytest.mark.parametrize("state", IN_STATE)
def test_the_places_of_these_tests_are_what_they_say(state: str) -> None:
    assert IN_STATE[state]().session.state == state


# --- every way out settles


@way_out
def test_an_open_follow_up_counts_as_its_worst_when_the_patient_leaves(leave: Callable[[Check], Check]) -> None:
    check = leave(Check().greeted().until("weakness").says("yes"))
    assert check.advised == ["12h"]


@way_out
@pytest.mark.parametrize(("pain", "disposition"), [("one_side", "1w"), ("none", "2w")])
def test_weeks_found_in_an_unfinished_check_are_called_about_today(
    leave: Callable[[Check], Check], pain: str, disposition: str
) -> None:
    check = leave(Check().greeted().until("pain_course", back_or_neck_pain="yes", radiating_pain=pain))
    assert check.advice.disposition == check.advice.found == disposition
    assert check.advice.is_call_today
    assert not check.advice.is_finished


@way_out
@pytest.mark.parametrize("state", ["asking", "reviewing"])
def test_an_unfinished_check_without_findings_is_never_none(leave: Callable[[Check], Check], state: str) -> None:
    check = leave(IN_STATE[state]())
    assert check.advised == []
    assert check.new(LeftUnfinished) == [LeftUnfinished()]
    assert check.listed == ["unfinished"]


@way_out
@pytest.mark.parametrize("pain", ["yes", "unsure"])
def test_very_bad_pain_without_the_radiotherapy_answer_counts_as_after_it(
    leave: Callable[[Check], Check], pain: str
) -> None:
    check = Check().greeted().until("pain_severe", back_or_neck_pain="yes").says(pain)
    assert check.advised == []
    assert leave(check).advice.rules == ("pain-after-radiotherapy", "back-pain")


def test_very_bad_pain_counts_at_the_end_of_a_finished_check_too() -> None:
    check = Check().greeted().receives(TappedStale("pain_severe", "yes")).says("yes").until("summary").says("confirm")
    assert check.advice.disposition == "12h", "the question about radiotherapy was never called for"


@way_out
def test_leaving_after_the_advice_advises_no_second_time(leave: Callable[[Check], Check]) -> None:
    assert leave(IN_STATE["advised"]()).advised == ["12h"]


def test_a_refused_consent_ends_the_check_and_lists_nobody() -> None:
    check = Check().starts().says("no")
    assert check.session.state == "stopped"
    assert check.new(LeftUnfinished) == [LeftUnfinished(is_refused=True)]
    assert check.listed == []
    assert check.is_silent


def test_who_leaves_before_agreeing_is_not_listed() -> None:
    assert Check().starts().receives(Stopped()).listed == []
    assert Check().starts().waits(HOUR).listed == []


def test_a_consent_withdrawn_after_an_answer_settles() -> None:
    check = Check().greeted().until("between_shoulder_blades", back_or_neck_pain="yes")
    while check.asked != "consent":
        check.receives(WentBack())
    check.says("no")
    assert check.session.state == "stopped"
    assert check.advice.disposition == "2w"


def test_a_consent_withdrawn_among_the_further_questions_ends_them() -> None:
    check = IN_STATE["asking_more"]()
    while check.asked != "consent":
        check.receives(WentBack())
    check.says("no")
    assert check.session.state == "stopped"
    assert check.session.advised == "12h"


def test_stopping_before_the_first_question_is_possible() -> None:
    check = Check().notes(Started("2026.1", "en")).receives(Stopped())
    assert check.session.state == "stopped"


def test_a_restart_as_the_first_message_begins() -> None:
    check = Check().notes(Started("2026.1", "en")).receives(Stopped("restart"))
    assert check.asked == "consent"


@pytest.mark.parametrize("state", ["following_up", "stopped", "expired"])
@pytest.mark.parametrize("how", ["restart", "new_check"])
def test_a_new_check_lets_the_old_one_rest(state: str, how: str) -> None:
    check = IN_STATE[state]().receives(Stopped(how))
    assert check.session.state == "closed"
    assert check.wakes_at is None


def test_there_is_nothing_to_stop_where_nothing_is_open() -> None:
    check = IN_STATE["following_up"]()
    due = check.wakes_at
    assert check.receives(Stopped()).session.state == "following_up"
    assert check.wakes_at == due, "and it is still asked whether somebody was reached"


# --- silence


def test_the_question_is_put_once_more_after_fifteen_minutes() -> None:
    check = Check().greeted().until("weakness").waits(15 * MINUTE)
    assert check.new(Reminded)
    assert check.new(Asked)[0].question == "weakness"


@pytest.mark.parametrize("state", ["greeting", "asking", "reviewing"])
def test_the_check_ends_after_an_hour_with_one_reminder(state: str) -> None:
    check = IN_STATE[state]().waits(HOUR)
    assert len(check.all(Reminded)) == 1
    assert check.new(Expired)
    assert check.session.state == "expired"


def test_chatter_puts_the_end_off_and_brings_no_second_reminder() -> None:
    check = Check().greeted().waits(16 * MINUTE).receives(AskedWhy()).waits(50 * MINUTE)
    assert check.session.state == "asking"
    assert len(check.all(Reminded)) == 1
    assert check.waits(10 * MINUTE).session.state == "expired"


def test_the_next_question_may_be_reminded_of_again() -> None:
    check = Check().greeted().waits(16 * MINUTE).says("no").waits(16 * MINUTE)
    assert len(check.all(Reminded)) == 2


def test_after_an_advice_silence_ends_the_questions_without_a_reminder() -> None:
    check = IN_STATE["advised"]().waits(HOUR - MINUTE)
    assert check.last == ()
    assert check.waits(MINUTE).session.state == "following_up"


def test_a_wake_for_nothing_changes_nothing() -> None:
    check = Check().greeted().receives(Woke(MONDAY))
    assert check.last == (Woke(MONDAY),)


def test_everything_due_at_one_moment_is_done_in_one_wake() -> None:
    check = IN_STATE["advised"]().passes(HOUR).receives(Woke(MONDAY + HOUR))
    assert check.new(CheckedBack)
    assert check.wakes_at is None


def test_a_long_outage_loses_nothing() -> None:
    check = Check().greeted().until("weakness").says("yes").passes(9 * HOUR)
    for _ in range(2):
        assert check.wakes_at is not None
        check.receives(Woke(check.wakes_at))
    assert check.session.state == "following_up"
    assert [advised.decided_at for advised in check.all(Advised)] == [MONDAY]
    assert check.wakes_at == check.at + HOUR


# --- was somebody reached?


def reached(answer: str) -> Check:
    return IN_STATE["following_up"]().waits(HOUR).says(answer)


@pytest.mark.parametrize("state", ["following_up", "advised"])
def test_an_hour_after_the_advice_it_is_asked_whether_somebody_was_reached(state: str) -> None:
    assert IN_STATE[state]().waits(HOUR).asked == "reached"


@way_out
def test_whoever_leaves_is_asked_too(leave: Callable[[Check], Check]) -> None:
    check = leave(Check().greeted().until("weakness").says("yes")).waits(3 * HOUR)
    assert check.all(CheckedBack) if check.session.state != "closed" else check.advised == ["12h"]


def test_having_reached_somebody_closes_the_check() -> None:
    check = reached("reached")
    assert check.session.state == "closed"
    assert check.new(Listed) == []


@pytest.mark.parametrize("answer", ["told_to_wait", "appointment_late", "not_reached"])
def test_not_being_helped_repeats_the_advice_and_raises_the_entry(answer: str) -> None:
    check = reached(answer)
    assert check.new(Listed) == [Listed(answer)]
    assert check.advice.disposition == "12h"
    assert check.advice.is_repeat
    assert check.advice.decided_at == MONDAY


def test_it_is_asked_once_and_after_new_advice_once_more() -> None:
    check = IN_STATE["following_up"]().waits(5 * HOUR)
    assert len(check.all(CheckedBack)) == 1
    check.receives(CalledEmergency()).waits(5 * HOUR)
    assert len(check.all(CheckedBack)) == 2


def test_words_meanwhile_leave_the_question_open() -> None:
    check = IN_STATE["following_up"]().waits(HOUR).receives(Said("my back"))
    assert check.asked == "reached"
    assert check.receives(TappedStale("weakness", "yes")).says("no").asked == "reached"


def test_nobody_is_asked_after_no_warning_symptom() -> None:
    assert IN_STATE["closed"]().wakes_at is None
    assert Check().greeted().receives(Stopped()).wakes_at is None
