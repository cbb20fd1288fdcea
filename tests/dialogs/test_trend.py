"""How bad nurses see a group of symptoms: from the answers of one check to one level."""

from __future__ import annotations

import pytest

from dialogs.protocol import load
from dialogs.trend import Level, levels

PROTOCOL = load()


def test_the_groups_are_those_of_the_protocol() -> None:
    assert list(levels({}, PROTOCOL)) == ["walking", "strength", "feeling", "bladder", "pain"]
    assert {*levels({}, PROTOCOL).values()} == {Level.NOT_ASKED}


@pytest.mark.parametrize(
    ("group", "answers", "level"),
    [
        ("strength", {"weakness": "no"}, Level.NO),
        ("strength", {"weakness": "no", "weakness_change": "new_or_worse"}, Level.NO),
        ("strength", {"weakness": "yes", "weakness_change": "same_and_known"}, Level.KNOWN),
        ("strength", {"weakness": "unsure", "weakness_change": "same_and_known"}, Level.KNOWN),
        ("strength", {"weakness": "yes"}, Level.FOUND),
        ("strength", {"weakness": "yes", "weakness_change": "unsure"}, Level.FOUND),
        ("strength", {"weakness": "unsure", "weakness_change": "new_or_worse"}, Level.WORSE),
        ("strength", {"weakness": "an answer of before"}, Level.FOUND),
        ("feeling", {"saddle_numbness": "unsure"}, Level.FOUND),
        ("feeling", {"saddle_numbness": "no", "lhermitte": "yes", "lhermitte_change": "new_or_worse"}, Level.WORSE),
        ("pain", {"radiating_pain": "none"}, Level.NO),
        ("pain", {"radiating_pain": "one_side"}, Level.FOUND),
        ("pain", {"radiating_pain": "unsure"}, Level.FOUND),
        ("pain", {"radiating_pain": "both_sides"}, Level.WORSE),
        ("pain", {"radiating_pain": "band"}, Level.WORSE),
        ("pain", {"radiating_pain": "none", "back_or_neck_pain": "yes", "pain_course": "worse"}, Level.FOUND),
    ],
)
def test_a_group_is_as_bad_as_its_worst_symptom(group: str, answers: dict[str, str], level: Level) -> None:
    assert levels(answers, PROTOCOL)[group] is level
