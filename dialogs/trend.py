"""The trend of a patient's symptoms: how bad each group of them was in one check. Pure; for the nurse's eye only."""

from __future__ import annotations

from enum import IntEnum

from dialogs.protocol import Findings, Question, TriageProtocol


class Level(IntEnum):
    """How bad a group of symptoms was, the worst last."""

    NOT_ASKED = 0
    NO = 1
    KNOWN = 2
    FOUND = 3
    WORSE = 4


def levels(answers: Findings, protocol: TriageProtocol) -> dict[str, Level]:
    """Of each group, in the protocol's order, the level of its worst symptom."""
    return {
        group.id: max(_level(answers, one, protocol) for one in protocol.questions if one.group == group.id)
        for group in protocol.groups
    }


def _level(answers: Findings, symptom: Question, protocol: TriageProtocol) -> Level:
    answer = answers.get(symptom.id)
    if answer is None:
        return Level.NOT_ASKED
    if symptom.is_mildest(answer):
        return Level.NO
    change = protocol.follow_up(symptom.id)
    if change is not None and change.is_mildest(answers.get(change.id)):
        return Level.KNOWN
    is_worse = symptom.is_worse(answer) or (change is not None and change.is_worse(answers.get(change.id)))
    return Level.WORSE if is_worse else Level.FOUND
