"""Going back, and choosing another language: nothing is lost on the way."""

from __future__ import annotations

import pytest

from dialogs.events import (
    AskedForLanguage,
    WentBack,
)
from tests.kit.driver import IN_STATE, Check


@pytest.mark.parametrize(
    ("pending", "previous"),
    [
        ("respondent", "consent"),
        ("emergency_signs", "respondent"),
        ("difficulty_walking", "emergency_signs"),
        ("weakness", "difficulty_walking"),
        ("back_or_neck_pain", "lhermitte"),
        ("summary", "radiating_pain"),
    ],
)
def test_back_asks_the_question_before(pending: str, previous: str) -> None:
    assert Check().starts().until(pending).receives(WentBack()).asked == previous


def test_back_from_a_follow_up_asks_about_the_symptom() -> None:
    assert Check().greeted().until("weakness").says("yes").receives(WentBack()).asked == "weakness"


def test_back_from_the_first_question_asks_it_again() -> None:
    assert Check().starts().receives(WentBack()).asked == "consent"
    assert Check(languages=2).starts().receives(WentBack()).asked == "language"


def test_back_after_an_advice_never_leads_into_the_check_again() -> None:
    check = Check().greeted().until("saddle_numbness").says("yes").receives(WentBack())
    assert check.asked == "call_back_number"
    assert check.says("skip").receives(WentBack()).asked == "call_back_number"
    assert check.says("+31612345678").asked == "more"


def test_going_all_the_way_back_and_on_skips_nothing() -> None:
    check = Check().greeted().until("summary")
    asked = []
    while check.receives(WentBack()).asked not in asked:
        asked.append(check.asked)
    assert asked == [*reversed([*check.session.answers])]
    assert check.says("yes").asked == "summary"


def test_another_language_asks_the_interrupted_question_again() -> None:
    check = Check(languages=2).greeted().until("summary")
    assert check.receives(AskedForLanguage()).asked == "language"
    assert check.receives(AskedForLanguage()).asked == "language"
    assert check.says("nl").asked == "summary"
    assert check.session.language == "nl"


@pytest.mark.parametrize("state", IN_STATE)
def test_the_language_can_be_changed_in_every_state_and_nothing_else_changes(state: str) -> None:
    check = IN_STATE[state]()
    check.languages = 8
    before = check.session
    assert check.receives(AskedForLanguage()).asked == "language"
    after = check.says("ar").session
    assert after.language == "ar"
    assert (after.state, after.advised) == (before.state, before.advised)
    assert after.answers == {**before.answers, "language": "ar"}
    assert (after.pending and after.pending.question) == (before.pending and before.pending.question)


@pytest.mark.parametrize("pending", ["consent", "weakness", "summary"])
def test_back_from_the_choice_of_language_goes_on_where_it_was(pending: str) -> None:
    check = Check(languages=2).starts(is_language_known=True).until(pending).receives(AskedForLanguage())
    assert check.receives(WentBack()).asked == pending


def test_the_only_language_is_not_asked_about() -> None:
    assert Check().starts().asked == "consent"
    assert Check().greeted().receives(AskedForLanguage()).asked == "emergency_signs"
