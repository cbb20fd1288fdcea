"""The buttons below a message: the answers of a question, and the ways on from what asks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels import Choice
from bot.language.phrases import Phrases
from bot.language.understand import ANY_TOKEN, codes_of
from dialogs.decision import question_before
from dialogs.events import Asked
from dialogs.protocol import Disposition, Question, TriageProtocol
from dialogs.session import Session
from dialogs.topic import LIST

SHORT_LABEL = 12
QUIET = ("following_up", "closed", "stopped", "expired")


@dataclass(frozen=True, slots=True)
class Buttons:
    """Those of one turn. `is_restarting`: a new check begins in it."""

    before: Session
    after: Session
    protocol: TriageProtocol
    phrases: Phrases
    offered: Sequence[str]
    is_restarting: bool

    def of_question(self, question: Question, asked: Asked) -> tuple[Choice, ...]:
        codes = codes_of(question.id, self.after, self.protocol, self.offered)
        if asked.wants_contact:
            codes = tuple(code for code in codes if code != "share")
        labels = [self.phrases.label(question.id, code) for code in codes]
        in_a_row = _in_a_row(labels)
        choices = [
            Choice(
                label,
                f"{asked.token}:{question.id}:{code}",
                index // in_a_row,
                "contact" if code == "share" else "answer",
            )
            for index, (code, label) in enumerate(zip(codes, labels, strict=True))
        ]
        row = choices[-1].row + 1 if choices else 0
        for action, is_offered in (("back", self._has_previous(question.id)), ("why", bool(question.why))):
            if is_offered:
                choices.append(self._action(action, f"{asked.token}:{question.id}:{action}", row))
        row = choices[-1].row + 1 if choices else 0
        return (*choices, self._action("person", f"{asked.token}:{question.id}:person", row))

    def ways_on(self) -> tuple[Choice, ...]:
        """Below a message that asks nothing: a person, what there is to read and, if nothing is open, a new check."""
        ways = [("person", "advice:person")]
        if self._is_reading_offered():
            ways.append(("read", f"topic:{LIST}"))
        return self._actions(ways + self._way_to_a_check())

    def ways_from_reading(self, first_row: int, is_list: bool = False) -> tuple[Choice, ...]:
        """Below what there is to read. A question that waits keeps its own buttons, and can be had again."""
        ways = [] if is_list else [("topics", f"topic:{LIST}")]
        if self.before.pending is not None:
            ways.append(("resume", "resume:yes"))
        return self._actions([*ways, ("person", "advice:person"), *self._way_to_a_check()], first_row)

    def _way_to_a_check(self) -> list[tuple[str, str]]:
        is_possible = self.after.pending is None and self.after.state in QUIET and not self.is_restarting
        return [("start", "start:yes")] if is_possible else []

    def _is_reading_offered(self) -> bool:
        """Never where somebody should be calling the emergency number, nor to somebody who has not agreed."""
        advice = self.after.advice
        is_emergency = advice is not None and advice.disposition == Disposition.EMERGENCY
        return not is_emergency and self.after.answers.get("consent") != "no"

    def _actions(self, ways: Sequence[tuple[str, str]], first_row: int = 0) -> tuple[Choice, ...]:
        return tuple(self._action(action, f"{ANY_TOKEN}:{to}", row) for row, (action, to) in enumerate(ways, first_row))

    def _action(self, action: str, data: str, row: int) -> Choice:
        return Choice(self.phrases.text(f"action_{action}"), data, row, "action")

    def _has_previous(self, question_id: str) -> bool:
        """Whether there is a question to go back to."""
        if question_id == "language" and self.after.state != "greeting":
            return False
        return question_before(question_id, self.after.answers, self.protocol) is not None


def _in_a_row(labels: Sequence[str]) -> int:
    """How many buttons stand side by side: all if they are short and few, otherwise each has its own row."""
    if any(len(label) > SHORT_LABEL for label in labels):
        return 1
    return max(len(labels), 1) if len(labels) <= 3 else 2
