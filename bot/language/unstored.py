"""What a patient is told while her message cannot be stored, in words made at the start: nothing is read then."""

from __future__ import annotations

from datetime import datetime

from bot.channels import Outgoing, Priority
from bot.clinic.languages import best_language
from bot.clinic.settings import Clinic
from bot.language.texts import PatientTexts


class UnstoredNotices:
    """The notice in every language that is offered, for hours in which the clinic is open and for all others."""

    def __init__(self, words: PatientTexts, clinic: Clinic) -> None:
        self._calendar, self._offered = clinic.calendar, words.offered
        numbers = {True: clinic.day_number, False: clinic.always_number}
        self._notices = {
            (language, is_open): _notice(words.ui("unstored", language, number=number), language)
            for language in words.offered
            for is_open, number in numbers.items()
        }

    def of(self, known: str | None, hint: str | None, at: datetime) -> Outgoing:
        """In the language that she is known to read, else the one nearest to the hint, else the clinic's."""
        language = known if known in self._offered else best_language([hint or ""], self._offered)
        return self._notices[language, self._calendar.is_open(at)]


def _notice(text: str, language: str) -> Outgoing:
    heading, _, body = text.partition("\n")
    return Outgoing(body, heading=heading, priority=Priority.EMERGENCY, language=language)
