"""The protocol's data as a clinician says them: dispositions by name and colour, findings by labels."""

from __future__ import annotations

from collections.abc import Sequence

from dialogs.protocol import Condition, Disposition, Question, TriageProtocol, When

COLOURS = {
    Disposition.EMERGENCY: ("#7f1d1d", "#fde8e8"),
    Disposition.WITHIN_12_HOURS: ("#9a3412", "#ffedd5"),
    Disposition.WITHIN_1_WEEK: ("#854d0e", "#fef9c3"),
    Disposition.WITHIN_2_WEEKS: ("#1e40af", "#dbeafe"),
}
NAMES = {
    Disposition.EMERGENCY: "Emergency",
    Disposition.WITHIN_12_HOURS: "Within 12 hours",
    Disposition.WITHIN_1_WEEK: "Within 1 week",
    Disposition.WITHIN_2_WEEKS: "Within 2 weeks",
    Disposition.NO_WARNING_SYMPTOM: "No warning symptom",
}


def condition_in_words(condition: Condition, protocol: TriageProtocol) -> str:
    """The condition as a person says it: "Walking: Yes or Not sure; or …"."""
    return "; or ".join(when_in_words(when, protocol) for when in condition.any_of)


def when_in_words(when: When, protocol: TriageProtocol) -> str:
    """Findings as a person says them, by the short names of questions and the labels of buttons."""
    return " and ".join(
        f"{topic(protocol.question(question))}: {answers_in_words(answers, protocol.question(question))}"
        for question, answers in when.items()
    )


def answers_in_words(answers: Sequence[str], question: Question) -> str:
    return " or ".join(question.label(answer) or answer for answer in answers)


def short_condition(condition: Condition, protocol: TriageProtocol) -> str:
    """In words when it is short, else by its name."""
    words = condition_in_words(condition, protocol)
    return words if len(words) < 90 else condition.id.replace("_", " ")


def topic(question: Question) -> str:
    return question.topic or question.id.replace("_", " ")
