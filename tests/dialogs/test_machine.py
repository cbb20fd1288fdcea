"""When what is asked and advised, on the way to an outcome: the promises of clinical.md part 4, one by one."""

from __future__ import annotations

import pytest

from dialogs.events import (
    Advised,
    Answered,
    Asked,
    AskedForHelp,
    AskedForLanguage,
    AskedForPerson,
    AskedForTopics,
    AskedToShare,
    AskedWhy,
    CalledEmergency,
    Closed,
    Entered,
    Listed,
    NotUnderstood,
    PatientEvent,
    ReadTopic,
    Resumed,
    Said,
    Started,
    TappedStale,
    WentBack,
)
from tests.kit.driver import HOUR, MINUTE, MONDAY, PROTOCOL, Check, nothing

SYMPTOMS = ("difficulty_walking", "weakness", "numbness_tingling", "bladder_bowel", "lhermitte")
AT_ONCE = [
    *(
        (f"{symptom}_change", {symptom: found, f"{symptom}_change": change})
        for symptom in SYMPTOMS
        for found in ("yes", "unsure")
        for change in ("new_or_worse", "unsure")
    ),
    ("saddle_numbness", {"saddle_numbness": "yes"}),
    ("saddle_numbness", {"saddle_numbness": "unsure"}),
    ("radiating_pain", {"radiating_pain": "both_sides"}),
    ("radiating_pain", {"radiating_pain": "band"}),
    ("radiating_pain", {"radiating_pain": "unsure"}),
    *(
        (
            "recent_spine_radiotherapy",
            {"back_or_neck_pain": "yes", "pain_severe": pain, "recent_spine_radiotherapy": given},
        )
        for pain in ("yes", "unsure")
        for given in ("yes", "unsure")
    ),
]
MEANWHILE: list[PatientEvent] = [
    AskedWhy(),
    AskedForPerson(),
    AskedForHelp(),
    AskedForTopics(),
    ReadTopic("scan", "2026.1"),
    AskedForLanguage(),
    Resumed(),
    WentBack(),
    Said("hello"),
    NotUnderstood("text", "I don't know"),
    NotUnderstood("sticker"),
    TappedStale("weakness", "yes"),
    TappedStale("weakness", "no"),
    TappedStale("weakness", "yes", is_repeat=True),
    TappedStale("consent", "yes"),
]


# --- at once


@pytest.mark.parametrize(("decisive", "findings"), AT_ONCE)
def test_twelve_hours_are_advised_on_the_answer_that_decides(decisive: str, findings: dict[str, str]) -> None:
    check = Check().greeted().until(decisive, **findings)
    assert check.advised == []
    check.passes(MINUTE).says(findings[decisive])
    assert check.advice.disposition == check.advice.found == "12h"
    assert check.advice.decided_at == check.at
    assert [type(event) for event in check.last] == [Answered, Entered, Advised, Asked]


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_known_and_unchanged_is_no_reason(symptom: str) -> None:
    check = Check().greeted().until(symptom).says("yes", "same_and_known")
    assert check.advised == []
    assert check.session.state == "asking"


def test_an_emergency_is_advised_before_any_other_question() -> None:
    check = Check().greeted().says("yes")
    assert check.advice.disposition == "emergency"
    assert check.advice.rules == ("emergency",)


@pytest.mark.parametrize("words", [{}, {"is_consented": True}])
def test_an_emergency_can_be_called_with_the_first_message(words: dict[str, bool]) -> None:
    check = Check().notes(Started("2026.1", "en", **words)).receives(CalledEmergency())
    assert check.advice.disposition == "emergency"
    assert check.session.state == ("advised" if words else "following_up")


# --- the urgent follow-up


@pytest.mark.parametrize("symptom", SYMPTOMS)
@pytest.mark.parametrize("found", ["yes", "unsure"])
def test_the_follow_up_of_a_symptom_is_the_very_next_message_and_urgent(symptom: str, found: str) -> None:
    check = Check().greeted().until(symptom).says(found)
    assert check.asked == f"{symptom}_change"
    assert check.asking.is_urgent
    assert check.advised == []


def test_five_minutes_of_silence_count_as_new_or_worse() -> None:
    check = Check().greeted().until("weakness").says("yes")
    answered_at = check.at
    assert check.wakes_at == answered_at + 5 * MINUTE
    check.waits(5 * MINUTE)
    assert check.advice.disposition == "12h"
    assert check.advice.decided_at == answered_at
    assert check.asked == "call_back_number"


def test_a_second_less_is_not_silence() -> None:
    check = Check().greeted().until("weakness").says("yes").waits(5 * MINUTE - MINUTE / 60)
    assert check.advised == []
    assert check.asked == "weakness_change"


@pytest.mark.parametrize("event", MEANWHILE, ids=lambda event: type(event).__name__)
def test_nothing_said_meanwhile_puts_the_five_minutes_off(event: PatientEvent) -> None:
    check = Check(languages=2).greeted().until("weakness").says("yes")
    due = check.wakes_at
    check.passes(2 * MINUTE).receives(event)
    assert check.wakes_at == due
    assert check.waits(3 * MINUTE).advised == ["12h"]


def test_another_language_meanwhile_comes_back_to_the_follow_up() -> None:
    check = Check(languages=2).greeted().until("weakness").says("yes")
    due = check.wakes_at
    check.passes(MINUTE).receives(AskedForLanguage()).says("nl")
    assert check.asked == "weakness_change"
    assert check.asking.is_urgent
    assert check.wakes_at == due


@pytest.mark.parametrize("again", ["yes", "unsure"])
def test_going_back_to_say_the_same_does_not_put_the_five_minutes_off(again: str) -> None:
    check = Check().greeted().until("weakness").says("yes")
    due = check.wakes_at
    check.passes(2 * MINUTE).receives(WentBack()).passes(MINUTE).says(again)
    assert check.asked == "weakness_change"
    assert check.wakes_at == due


def test_going_back_to_say_no_ends_the_waiting() -> None:
    check = Check().greeted().until("weakness").says("yes").receives(WentBack()).says("no")
    assert check.asked == "numbness_tingling"
    assert check.waits(6 * MINUTE).advised == []


def test_a_known_symptom_ends_the_waiting() -> None:
    check = Check().greeted().until("weakness").says("yes", "same_and_known")
    assert check.waits(6 * MINUTE).advised == []


def test_an_urgent_old_button_does_not_make_the_follow_up_forgotten() -> None:
    check = Check().greeted().until("weakness").says("yes").receives(TappedStale("difficulty_walking", "yes"))
    assert check.asked == "difficulty_walking"
    assert check.says("no").asked == "weakness_change"
    assert check.waits(5 * MINUTE).advised == ["12h"]


def test_an_emergency_meanwhile_is_told_first_and_the_silence_after_it() -> None:
    check = Check().greeted().until("weakness").says("yes").passes(MINUTE).receives(CalledEmergency())
    assert check.advised == ["emergency"]
    assert check.waits(4 * MINUTE).advised == ["emergency", "12h"]
    assert check.asked == "call_back_number"
    assert check.waits(50 * MINUTE).advised == ["emergency", "12h"]


# --- after the advice


def test_after_the_advice_come_the_call_back_number_and_the_remaining_questions() -> None:
    check = Check().greeted().until("saddle_numbness").says("yes")
    assert check.asked == "call_back_number"
    assert check.says("+31612345678").asked == "more"
    assert check.says("yes").session.state == "asking_more"
    assert check.asked == "lhermitte"
    check.until("on_steroids").says("no")
    assert check.session.state == "following_up"
    assert check.is_silent
    assert check.advised == ["12h"]


def test_the_call_back_number_may_be_skipped_and_more_declined() -> None:
    check = Check().greeted().until("saddle_numbness").says("yes", "skip", "no")
    assert check.session.state == "following_up"
    assert check.is_silent


def test_the_number_may_be_shared_and_only_the_number() -> None:
    check = Check().greeted().receives(AskedToShare())
    assert not check.asking.wants_contact
    check.until("saddle_numbness").says("yes").receives(AskedToShare())
    assert check.asking.wants_contact
    assert check.says("+31612345678").asked == "more"


def test_the_kind_of_emergency_is_asked_after_its_notice_only() -> None:
    check = Check().greeted().says("yes", "skip", "yes").until("emergency_kind")
    assert check.says("fever").advised == ["emergency"]
    assert "emergency_kind" not in Check().greeted().until("summary").session.answers


def test_twelve_hours_after_an_emergency_are_told_once() -> None:
    check = Check().greeted().says("yes", "skip", "yes").until("weakness").says("yes", "new_or_worse")
    assert check.advice.disposition == "12h"
    check.until("saddle_numbness").says("yes")
    assert check.advised == ["emergency", "12h"]


def test_twelve_hours_that_only_silence_found_are_told_after_an_emergency_too() -> None:
    check = Check().greeted().says("yes", "skip", "yes").until("weakness").says("yes").waits(5 * MINUTE)
    assert check.advised == ["emergency", "12h"]
    assert check.waits(3 * HOUR).advised == ["emergency", "12h"]


def test_nothing_less_urgent_is_told_after_twelve_hours() -> None:
    check = Check().greeted().until("saddle_numbness").says("yes", "skip", "yes")
    check.until("on_steroids", back_or_neck_pain="yes", radiating_pain="one_side").says("no")
    assert check.advised == ["12h"]


def test_what_matches_after_the_advice_is_listed_at_once() -> None:
    check = Check().greeted().until("saddle_numbness").says("yes", "skip", "yes")
    check.until("back_or_neck_pain").says("yes")
    assert check.new(Listed) == [Listed("found_more", "back-pain")]


def test_an_emergency_called_again_is_said_again() -> None:
    check = Check().greeted().says("yes").passes(MINUTE).receives(CalledEmergency())
    assert check.advice.is_repeat
    assert check.advice.decided_at == MONDAY


def test_an_emergency_among_the_further_questions_offers_them_again() -> None:
    check = Check().greeted().until("saddle_numbness").says("yes", "skip", "yes").receives(CalledEmergency())
    assert check.advice.disposition == "emergency"
    assert check.asked == "more"
    assert check.says("yes").asked == "lhermitte"


def test_what_is_found_after_a_nurse_has_closed_is_advised_anew() -> None:
    check = Check().greeted().until("weakness").says("yes", "new_or_worse", "skip", "yes")
    check.notes(Closed("nurse", "reached_advised")).until("saddle_numbness")
    assert check.advised == ["12h"], "what she has closed stays closed"
    assert check.says("yes").advice.rules == ("weakness", "saddle")


def test_what_is_found_after_a_nurse_has_closed_an_emergency_is_told_as_it_is() -> None:
    check = Check().greeted().says("yes", "skip", "yes").notes(Closed("nurse", "sent_emergency"))
    advice = check.until("saddle_numbness").passes(MINUTE).says("yes").advice
    assert (advice.disposition, advice.is_standing, advice.decided_at) == ("12h", False, check.at)


# --- the summary


def test_a_check_without_findings_ends_with_a_summary_and_says_so() -> None:
    check = Check().greeted().until("summary")
    assert check.session.state == "reviewing"
    assert check.says("confirm").advice.disposition == "none"
    assert check.session.state == "closed"
    assert check.listed == []


@pytest.mark.parametrize(
    ("findings", "disposition"),
    [
        ({"radiating_pain": "one_side"}, "1w"),
        ({"back_or_neck_pain": "unsure"}, "2w"),
        ({"between_shoulder_blades": "yes"}, "2w"),
        ({"worse_lying_better_sitting": "yes"}, "2w"),
    ],
)
def test_weeks_are_advised_only_once_the_summary_is_confirmed(findings: dict[str, str], disposition: str) -> None:
    check = Check().greeted().until("summary", **findings)
    assert check.advised == []
    check.says("confirm")
    assert check.advice.disposition == disposition
    assert not check.advice.is_call_today
    assert check.says("skip").session.state == "following_up"


@pytest.mark.parametrize("pain", ["yes", "unsure"])
def test_very_bad_pain_is_called_about_today(pain: str) -> None:
    check = Check().greeted().until("summary", back_or_neck_pain="yes", pain_severe=pain).says("confirm")
    assert check.advice.disposition == "2w"
    assert check.advice.is_call_today


def test_nonsense_about_the_summary_shows_it_again() -> None:
    check = Check().greeted().until("summary").says("emergency_kind")
    assert check.asked == "summary"
    assert check.advised == []


# --- what is asked


def test_a_known_patient_is_greeted_with_fewer_questions() -> None:
    known = Check(languages=2).starts(is_language_known=True, is_consented=True)
    assert known.asked == "respondent"
    assert Check(languages=2).starts().asked == "language"


def test_every_question_is_asked_and_only_what_is_called_for() -> None:
    check = Check().greeted().until("summary")
    always = [question.id for question in PROTOCOL.questions if question.ask_if is None]
    assert [asked.question for asked in check.all(Asked)] == ["consent", "respondent", *always, "summary"]
    assert nothing("summary") == "confirm"
