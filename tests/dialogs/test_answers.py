"""How an answer is kept: corrections, discounts that are not believed, and the emergency that is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dialogs.events import (
    AskedForLanguage,
    CalledEmergency,
    Corrected,
    Listed,
    TappedStale,
    WentBack,
)
from tests.kit.driver import HOUR, IN_STATE, MINUTE, PROTOCOL, WAYS_OUT, Check

way_out = pytest.mark.parametrize("leave", WAYS_OUT.values(), ids=WAYS_OUT)


# --- corrections


def test_a_correction_upwards_is_advised_at_once() -> None:
    check = Check().greeted().until("summary").passes(MINUTE).says("saddle_numbness", "yes")
    assert check.advice.disposition == "12h"
    assert check.advice.decided_at == check.at


def test_a_corrected_symptom_is_followed_up() -> None:
    check = Check().greeted().until("summary").says("weakness", "yes")
    assert check.asked == "weakness_change"
    assert check.asking.is_urgent
    assert check.says("same_and_known").until("summary").advised == []


def test_a_correction_downwards_before_the_advice_is_listed() -> None:
    check = Check().greeted().until("summary", radiating_pain="one_side").says("radiating_pain", "none")
    assert check.new(Listed) == [Listed("corrected_down", "radiating_pain")]
    assert check.says("confirm").advice.disposition == "none"


def test_a_correction_downwards_after_the_advice_changes_nothing() -> None:
    check = Check().greeted().until("saddle_numbness").says("yes", "skip", "yes").receives(WentBack()).says("no")
    assert check.new(Corrected)
    assert check.session.findings["saddle_numbness"] == "no"
    assert check.session.advised == "12h"
    assert "corrected_down" not in check.listed
    assert check.waits(2 * HOUR).says("not_reached").advice.disposition == "12h"


def test_answers_that_no_longer_apply_are_dropped() -> None:
    check = Check().greeted().until("summary", back_or_neck_pain="yes", pain_severe="yes", on_steroids="yes")
    check.says("back_or_neck_pain", "no")
    dropped = ("pain_course", "pain_severe", "recent_spine_radiotherapy", "on_steroids")
    assert check.new(Corrected)[0].dropped == dropped
    assert not {*dropped} & check.session.findings.keys()


def test_an_answer_that_no_other_called_for_is_not_dropped_by_a_correction_elsewhere() -> None:
    check = Check().greeted().receives(TappedStale("pain_severe", "yes")).says("yes").until("summary")
    check.says("weakness", "no")
    assert check.session.findings["pain_severe"] == "yes"


def test_a_deadline_counts_from_the_first_answer_that_was_as_severe() -> None:
    check = Check().greeted().until("back_or_neck_pain").says("yes")
    answered_at = check.at
    check.until("summary").passes(MINUTE).says("back_or_neck_pain", "unsure", "confirm")
    assert check.advice.decided_at == answered_at
    assert "corrected_down" not in check.listed


def test_a_correction_outlives_a_change_of_language() -> None:
    check = Check(languages=2).greeted().until("summary").says("saddle_numbness")
    assert check.receives(AskedForLanguage()).says("nl").asked == "saddle_numbness"


def test_who_answers_can_be_corrected_too() -> None:
    check = Check().greeted().receives(WentBack()).says("carer")
    [corrected] = check.new(Corrected)
    assert (corrected.question, corrected.answer, corrected.was) == ("respondent", "carer", "patient")
    assert check.session.is_carer


# --- known and unchanged


@pytest.mark.parametrize(
    ("known", "is_believed"),
    [
        ({"is_first_check": True}, True),
        ({"is_first_check": False}, False),
        ({"is_first_check": False, "confirmed": ("weakness",)}, True),
        ({"is_first_check": False, "confirmed": ("lhermitte",)}, False),
        ({"is_first_check": False, "confirmed": ("weakness",), "previous": {"weakness": "no"}}, False),
        ({"is_first_check": False, "confirmed": ("weakness",), "previous": {"weakness": "yes"}}, True),
    ],
)
def test_known_and_unchanged_is_believed_within_limits(known: dict[str, object], is_believed: bool) -> None:
    check = Check().greeted(**known).until("weakness").says("yes", "same_and_known")
    assert check.session.answers["weakness_change"] == "same_and_known"
    assert check.advised == ([] if is_believed else ["12h"])


def test_a_correction_to_known_and_unchanged_that_is_not_believed_is_no_less_severe() -> None:
    check = Check().greeted(is_first_check=False).until("weakness").says("yes", "unsure")
    answered_at = check.at
    check.passes(MINUTE).says("skip", "yes").receives(WentBack()).says("same_and_known")
    [corrected] = check.new(Corrected)
    assert (corrected.question, corrected.counts_as) == ("weakness_change", "unsure")
    assert corrected.since == answered_at


def test_every_discount_is_named_in_the_outcome_and_listed_once() -> None:
    check = Check().greeted().until("weakness").says("yes", "same_and_known").until("summary").says("confirm")
    assert check.advice.disposition == "none"
    assert check.advice.discounted == ("weakness",)
    assert check.new(Listed) == [Listed("baseline", "weakness")]


@way_out
def test_a_discount_is_listed_however_the_check_ends(leave: Callable[[Check], Check]) -> None:
    check = leave(Check().greeted().until("weakness").says("yes", "same_and_known"))
    assert sorted(check.listed) == ["baseline", "unfinished"]


def test_a_discount_after_the_advice_is_listed_too() -> None:
    check = IN_STATE["asking_more"]().says("yes", "same_and_known")
    assert Listed("baseline", "lhermitte") in check.new(Listed)
    check.until("on_steroids").says("no")
    assert check.listed.count("baseline") == 1


# --- an emergency


def test_an_emergency_answers_the_question_that_has_the_role() -> None:
    """Also in a guideline that calls it something else."""
    questions = tuple(
        one.model_copy(update={"id": "alarm_signs"}) if one.role == "emergency" else one for one in PROTOCOL.questions
    )
    rules = tuple(
        one.model_copy(update={"when": {"alarm_signs": ("yes",)}}) if one.id == "emergency" else one
        for one in PROTOCOL.rules
    )
    check = Check(protocol=replace(PROTOCOL, questions=questions, rules=rules)).starts().receives(CalledEmergency())
    assert check.session.findings == {"alarm_signs": "yes"}
    assert check.advice.disposition == "emergency"
