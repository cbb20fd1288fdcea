"""A session is its events replayed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest

from dialogs.events import (
    Advised,
    Answered,
    Asked,
    CheckedBack,
    Claimed,
    Closed,
    Corrected,
    DeliveryFailed,
    Entered,
    Event,
    Expired,
    Listed,
    NoteAdded,
    NurseEvent,
    PatientEvent,
    Recorded,
    Reminded,
    Replied,
    Said,
    ShellEvent,
    Started,
    Stopped,
    TappedStale,
    ToldUnstored,
    Unprocessed,
    WentBack,
    Woke,
)
from dialogs.protocol import Disposition
from dialogs.session import Asking, Session, apply, replay
from tests.kit.driver import MINUTE, MONDAY, Check

STARTED = Started("2026.1", "en")
LATER = MONDAY + MINUTE


def session_of(*events: Event, at: datetime = MONDAY) -> Session:
    return replay("s1", [Recorded(seq, at, event) for seq, event in enumerate(events)])


def test_without_events_it_is_new() -> None:
    session = replay("s1", [])
    assert session == Session("s1")
    assert (session.state, session.length, session.pending, session.advised) == ("new", 0, None, None)


def test_it_is_applied_one_event_at_a_time() -> None:
    check = Check(languages=2).greeted().until("weakness").says("yes", "new_or_worse", "skip", "no")
    session = Session(check.session.id)
    for recorded in check.log:
        before, session = session, apply(session, recorded.event, recorded.at)
        assert session.length == before.length + 1
    assert session == check.session == check.replayed()


def test_applying_an_event_leaves_the_session_before_as_it_was() -> None:
    before = session_of(STARTED)
    apply(before, Answered("weakness", "yes"), LATER)
    assert before == session_of(STARTED)


def test_a_second_start_changes_neither_protocol_nor_language() -> None:
    session = session_of(STARTED, Started("2027.1", "nl", is_consented=True))
    assert (session.protocol_version, session.language, session.is_consented) == ("2026.1", "en", False)


def test_an_asking_waits_until_it_is_answered_or_the_state_changes() -> None:
    asked = Asked("weakness", "t1", is_urgent=True, urgent_since=MONDAY)
    assert session_of(STARTED, asked).pending == Asking("weakness", "t1", True, False)
    assert session_of(STARTED, asked).urgent_at == MONDAY
    for end in (Answered("weakness", "no"), Entered("stopped")):
        assert session_of(STARTED, asked, end).pending is None
        assert session_of(STARTED, asked, end).urgent_at is None


def test_the_latest_token_of_each_question_is_remembered() -> None:
    session = session_of(STARTED, Asked("a", "t1"), Asked("b", "t2"), Asked("a", "t3"))
    assert session.last_token == {"a": "t3", "b": "t2"}
    assert session.asked_count == 3


def test_a_refused_discount_is_what_was_said_and_what_counts() -> None:
    session = session_of(STARTED, Answered("weakness_change", "same_and_known", counts_as="unsure"))
    assert session.answers["weakness_change"] == "same_and_known"
    assert session.findings["weakness_change"] == "unsure"


def test_a_correction_drops_what_no_longer_applies_and_keeps_the_moment() -> None:
    since = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    session = session_of(
        STARTED,
        Answered("weakness", "yes"),
        Answered("weakness_change", "unsure"),
        Corrected("weakness", "no", "yes", ("weakness_change",), since=since),
    )
    assert session.answers == session.findings == {"weakness": "no"}
    assert session.answered_at == {"weakness": since}


def test_a_language_is_an_answer_that_changes_the_language() -> None:
    session = session_of(STARTED, Asked("weakness", "t1"), Asked("language", "t2"), Answered("language", "nl"))
    assert session.language == "nl"
    assert session.resumes == "weakness"
    assert apply(session, Asked("weakness", "t3"), LATER).resumes is None


def test_the_most_urgent_advice_never_falls() -> None:
    session = session_of(STARTED, Advised("emergency", ("emergency",), "emergency", MONDAY))
    after = apply(session, Advised("12h", ("emergency", "saddle"), "12h", LATER), LATER)
    assert after.advised is Disposition.EMERGENCY
    assert after.dispositions == {Disposition.EMERGENCY, Disposition.WITHIN_12_HOURS}
    assert after.told == {Disposition.EMERGENCY: MONDAY, Disposition.WITHIN_12_HOURS: LATER}


def test_the_same_told_again_keeps_its_earliest_moment() -> None:
    session = session_of(STARTED, Advised("12h", ("saddle",), "12h", MONDAY))
    assert apply(session, Advised("12h", ("saddle",), "12h", LATER), LATER).told == {"12h": MONDAY}


def test_what_a_nurse_closes_stands_no_more_but_was_advised() -> None:
    session = session_of(STARTED, Advised("12h", ("saddle",), "12h", MONDAY), Closed("nurse", "sent_mri"))
    assert session.dispositions == frozenset()
    assert session.closed_rules == {"saddle"}
    assert session.advised is Disposition.WITHIN_12_HOURS


def test_new_advice_asks_anew_whether_somebody_was_reached_and_a_repeat_does_not() -> None:
    session = session_of(STARTED, Advised("12h", (), "12h", MONDAY), CheckedBack())
    assert apply(session, Advised("12h", (), "12h", MONDAY, is_repeat=True), LATER).checked_back_at == MONDAY
    assert apply(session, Advised("emergency", (), "emergency", LATER), LATER).checked_back_at is None


@pytest.mark.parametrize("event", [Said("hello"), WentBack(), TappedStale("weakness", "yes"), Stopped(), STARTED])
def test_whatever_the_patient_does_is_a_sign_of_life(event: Event) -> None:
    assert apply(session_of(STARTED), event, LATER).active_at == LATER


@pytest.mark.parametrize(
    "event",
    [
        *(Woke(LATER), Reminded(), Expired(), Entered("asking"), Asked("weakness", "t"), Listed("words")),
        *(DeliveryFailed(1, "blocked"), Unprocessed("KeyError"), ToldUnstored(MONDAY)),
        *(Claimed("n"), NoteAdded("n", "x"), Replied("n", "x"), Closed("n", "sent_mri")),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_others_do_is_none(event: Event) -> None:
    assert apply(session_of(STARTED), event, LATER).active_at == MONDAY


def test_no_event_of_a_nurse_or_of_the_shell_is_taken_for_the_patients() -> None:
    assert not {*get_args(PatientEvent)} & {*get_args(NurseEvent), *get_args(ShellEvent)}


def test_an_urgent_old_button_before_the_first_question_is_remembered() -> None:
    assert session_of(STARTED, Entered("greeting"), Listed("stale_tap", "weakness")).wanted == "weakness"
    assert session_of(STARTED, Entered("asking"), Listed("stale_tap", "weakness")).wanted is None


def test_consent_of_an_earlier_check_counts() -> None:
    assert session_of(Started("2026.1", "en", is_consented=True)).is_consented
    assert session_of(STARTED, Answered("consent", "yes")).is_consented
    assert not session_of(STARTED, Answered("consent", "no")).is_consented


def test_who_answers_is_known() -> None:
    assert session_of(STARTED, Answered("respondent", "carer")).is_carer
    assert not session_of(STARTED, Answered("respondent", "patient")).is_carer


@pytest.mark.parametrize("state", ["closed", "stopped", "expired"])
def test_a_check_is_over_where_nothing_is_asked_any_more(state: str) -> None:
    assert session_of(STARTED, Entered(state)).is_over


@pytest.mark.parametrize("state", ["greeting", "asking", "reviewing", "advised", "asking_more", "following_up"])
def test_a_check_is_not_over_elsewhere(state: str) -> None:
    assert not session_of(STARTED, Entered(state)).is_over
