"""The made-up patients of the demonstration. Nobody of them exists, and none of their telephone numbers does."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialogs.events import Called, Claimed, Closed, HandedOver, NoteAdded, NurseEvent, Released, Replied, Snoozed

ROBIN, SAM, ALEX = "Robin Bakker", "Sam de Vries", "Alex Jansen"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WEAK = {"weakness": "yes", "weakness_change": "new_or_worse"}
WALKING = {"difficulty_walking": "yes", "difficulty_walking_change": "new_or_worse"}
NUMB = {"numbness_tingling": "yes", "numbness_tingling_change": "new_or_worse"}
BLADDER = {"bladder_bowel": "unsure", "bladder_bowel_change": "new_or_worse"}
KNOWN = {"numbness_tingling": "yes", "numbness_tingling_change": "same_and_known"}
BACK = {"back_or_neck_pain": "yes", "pain_course": "same"}
ONE_SIDE = {**BACK, "radiating_pain": "one_side"}
MORE = {"more": "yes"}


@dataclass(frozen=True, slots=True)
class Act:
    """What happens `after` the patient's check: her words, or what a nurse does."""

    after: timedelta
    does: NurseEvent | str


@dataclass(frozen=True, slots=True)
class Story:
    """One patient: when her check began, what she answered, and what happened then.

    `stops_at`: the question that she leaves open for ever. `earlier`: answers of a check some days before.
    """

    ago: timedelta
    answers: dict[str, str]
    language: str = "en"
    acts: Sequence[Act] = ()
    stops_at: str = ""
    number: str = ""
    is_blocked: bool = False
    earlier: Sequence[tuple[timedelta, dict[str, str]]] = ()


def stories(now: datetime, chance: random.Random, languages: Sequence[str]) -> list[Story]:
    """About forty, of all tiers and states. `languages`: what they speak, in turn."""
    written = [*_urgent(), *_weeks(now), *_quiet()]
    return [
        Story(
            one.ago,
            one.answers,
            languages[index % len(languages)],
            one.acts,
            one.stops_at,
            one.number or (f"+31 20 555 {chance.randint(1000, 9999)}" if index % 3 else ""),
            one.is_blocked,
            one.earlier,
        )
        for index, one in enumerate(written)
    ]


def _urgent() -> list[Story]:
    return [
        Story(4 * MINUTE, {"emergency_signs": "yes", "more": "yes", "emergency_kind": "heart_breath"}),
        Story(
            25 * MINUTE,
            {"emergency_signs": "yes", **MORE, "emergency_kind": "suicidal"},
            acts=[
                Act(6 * MINUTE, Claimed(ROBIN)),
                Act(9 * MINUTE, Called(ROBIN, True, None, "Spoke to her and her husband. Crisis team is on its way.")),
            ],
        ),
        Story(3 * HOUR, {"emergency_signs": "yes", **MORE, "emergency_kind": "fever"}, is_blocked=True),
        Story(9 * MINUTE, WEAK | MORE, earlier=[(8 * DAY, BACK), (15 * DAY, {})]),
        Story(18 * MINUTE, {"saddle_numbness": "unsure", **MORE, **BACK}),
        Story(50 * MINUTE, WALKING | MORE | ONE_SIDE | {"recent_spine_radiotherapy": "yes", "on_steroids": "yes"}),
        Story(
            2 * HOUR,
            NUMB | MORE,
            acts=[
                Act(10 * MINUTE, Claimed(SAM)),
                Act(15 * MINUTE, Called(SAM, False, None, "No answer, voicemail.")),
                Act(
                    16 * MINUTE,
                    Replied(SAM, "We hebben u gebeld en niet bereikt. Bel ons nu op +31 20 555 0100."),
                ),
            ],
        ),
        Story(5 * HOUR, BLADDER | MORE, is_blocked=True),
        Story(
            6 * HOUR,
            {"lhermitte": "yes", "lhermitte_change": "new_or_worse", **MORE},
            acts=[
                Act(20 * MINUTE, Claimed(ALEX)),
                Act(40 * MINUTE, Called(ALEX, True, None, "MRI tonight at 20:00, waits for transport.")),
                Act(5 * HOUR, "When does the taxi come?"),
            ],
        ),
        Story(
            20 * HOUR,
            {"radiating_pain": "band", "back_or_neck_pain": "yes", "pain_severe": "yes"},
            acts=[Act(25 * MINUTE, Claimed(ROBIN)), Act(HOUR, Closed(ROBIN, "sent_mri"))],
        ),
        Story(
            26 * HOUR,
            WEAK | WALKING | MORE,
            acts=[
                Act(12 * MINUTE, Claimed(SAM)),
                Act(30 * MINUTE, Closed(SAM, "sent_emergency")),
                Act(22 * HOUR, "They sent me home with tablets. My legs are worse this morning."),
            ],
        ),
        Story(70 * MINUTE, {"radiating_pain": "unsure", **BACK}, stops_at="pain_course"),
    ]


def _weeks(now: datetime) -> list[Story]:
    tomorrow = now + 20 * HOUR
    return [
        Story(40 * MINUTE, ONE_SIDE),
        Story(3 * HOUR, ONE_SIDE | {"pain_severe": "yes"}),
        Story(7 * HOUR, ONE_SIDE | KNOWN, acts=[Act(HOUR, Claimed(ROBIN))]),
        Story(28 * HOUR, ONE_SIDE | {"pain_course": "worse"}, earlier=[(9 * DAY, BACK)]),
        Story(
            30 * HOUR,
            ONE_SIDE,
            acts=[
                Act(2 * HOUR, Claimed(ALEX)),
                Act(3 * HOUR, Called(ALEX, False, now - HOUR, "Engaged twice.")),
            ],
        ),
        Story(
            2 * DAY,
            ONE_SIDE,
            acts=[
                Act(HOUR, Claimed(SAM)),
                Act(2 * HOUR, Snoozed(SAM, tomorrow)),
                Act(2 * HOUR, NoteAdded(SAM, "MRI is planned; look again tomorrow.")),
            ],
        ),
        Story(3 * DAY, ONE_SIDE, is_blocked=True),
        Story(4 * DAY, ONE_SIDE, acts=[Act(20 * HOUR, Claimed(ROBIN)), Act(21 * HOUR, Closed(ROBIN, "sent_mri"))]),
        Story(2 * HOUR, BACK | {"between_shoulder_blades": "unsure"}),
        Story(5 * HOUR, BACK),
        Story(8 * HOUR, BACK, acts=[Act(2 * HOUR, "Should I keep taking my pills for the heart?")]),
        Story(26 * HOUR, {"worse_lying_better_sitting": "yes", **BACK}),
        Story(27 * HOUR, BACK | {"respondent": "carer"}),
        Story(30 * HOUR, BACK | KNOWN, acts=[Act(HOUR, Claimed(SAM)), Act(3 * HOUR, Released(SAM))]),
        Story(2 * DAY, BACK, acts=[Act(5 * HOUR, Claimed(ALEX)), Act(6 * HOUR, HandedOver(ALEX, ROBIN))]),
        Story(2 * DAY, {"between_shoulder_blades": "yes"}, acts=[Act(4 * HOUR, Claimed(SAM))]),
        Story(3 * DAY, BACK, acts=[Act(5 * HOUR, Claimed(SAM)), Act(6 * HOUR, Closed(SAM, "known_problem"))]),
        Story(
            4 * DAY,
            BACK,
            acts=[Act(26 * HOUR, Claimed(ALEX)), Act(27 * HOUR, Snoozed(ALEX, now + 44 * HOUR))],
        ),
        Story(5 * DAY, BACK, acts=[Act(20 * HOUR, Claimed(ALEX)), Act(22 * HOUR, Closed(ALEX, "reached_advised"))]),
    ]


def _quiet() -> list[Story]:
    return [
        Story(90 * MINUTE, {}, stops_at="numbness_tingling"),
        Story(5 * HOUR, {}, stops_at="lhermitte"),
        Story(22 * HOUR, {}, stops_at="weakness"),
        Story(11 * MINUTE, {}, stops_at="bladder_bowel"),
        Story(3 * HOUR, KNOWN),
        Story(25 * HOUR, KNOWN | {"difficulty_walking": "yes", "difficulty_walking_change": "same_and_known"}),
        Story(6 * HOUR, {}, acts=[Act(HOUR, "Thank you. One question: may I swim?")]),
        Story(DAY, {}, earlier=[(8 * DAY, {}), (15 * DAY, BACK)]),
        Story(2 * DAY, {}, acts=[Act(2 * HOUR, "My wife asks whether her own back pain could be the same.")]),
    ]
