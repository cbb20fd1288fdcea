"""One language at one moment: texts with the clinic's numbers for this hour, and times by the clinic's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from babel.dates import format_datetime

from bot.clinic.settings import Clinic
from bot.language.catalogue import Texts, fill, native_name
from dialogs.protocol import Question

NEAR = timedelta(days=6)
"""So long a weekday alone says which day is meant."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """What is said to one patient in one turn. `texts` have the clinic's own values filled in already."""

    clinic: Clinic
    texts: Texts
    language: str
    at: datetime

    def text(self, key: str, **values: str) -> str:
        """The wording of a key. Raises KeyError when there is no such wording or a value is missing."""
        text = self.texts[f"wording.{key}"]
        return fill(text, {"number": self.number, **values} if "{number}" in text else values)

    @property
    def is_open(self) -> bool:
        return self.clinic.calendar.is_open(self.at)

    @property
    def number(self) -> str:
        """The number that is answered at this hour."""
        return self.clinic.day_number if self.is_open else self.clinic.always_number

    def reads(self) -> str:
        """Who reads this chat, and when: true for this hour."""
        if self.is_open:
            return self.text("reads_open")
        return self.text("reads_closed", opening=self.moment(self.clinic.calendar.next_opening(self.at)))

    def closes_today(self) -> datetime:
        """Closing time today in opening hours, the end of the day otherwise."""
        midnight = datetime.combine(self.clinic.calendar.local(self.at).date(), time(), self.clinic.time_zone)
        if self.is_open:
            return self.clinic.calendar.end_of_next_working_day(midnight.astimezone(UTC) - timedelta(hours=1))
        return midnight.replace(hour=23, minute=59).astimezone(UTC)

    def moment(self, at: datetime) -> str:
        """Weekday and clock time; with the date unless it is in the next days."""
        return self._time(at, "moment_near" if timedelta() <= at - self.at < NEAR else "moment")

    def deadline(self, at: datetime) -> str:
        """As `moment`, and midnight as the minute before: "Saturday 00:00" is read as the end of Saturday."""
        here = self.clinic.calendar.local(at)
        return self.moment(at if here.hour or here.minute else at - timedelta(minutes=1))

    def moment_in_full(self, at: datetime) -> str:
        return self._time(at, "moment_full")

    def day(self, at: datetime) -> str:
        return self._time(at, "day")

    def _time(self, at: datetime, pattern: str) -> str:
        zone = self.clinic.time_zone
        return format_datetime(at, self.texts[f"wording.{pattern}"], tzinfo=zone, locale=self.language)

    # --- questions and answers

    def heading(self, question: Question) -> tuple[str, str]:
        """The question itself, and what stands below it."""
        heading, _, body = self.texts[f"question.{question.id}.text"].partition("\n")
        return heading, body.strip("\n")

    def topic(self, question_id: str) -> str:
        return self.texts.get(f"question.{question_id}.topic", question_id)

    def why(self, question_id: str) -> str:
        return self.texts.get(f"question.{question_id}.why", "")

    def reason(self, rule_id: str) -> str:
        return self.texts.get(f"rule.{rule_id}.reason", rule_id)

    def title(self, topic_id: str) -> str:
        """The title of what there is to read; the id of a topic that is no more."""
        return self.texts.get(f"topic.{topic_id}.title", topic_id)

    def label(self, question_id: str, code: str) -> str:
        """The words on the button of an answer; what was typed when it has none."""
        if question_id == "language":
            return native_name(code)
        if question_id == "summary" and (topic := self.texts.get(f"question.{code}.topic")):
            return self.text("summary_change", topic=topic)
        return self.texts.get(f"question.{question_id}.answer.{code}", code)
