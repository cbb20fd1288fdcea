"""Languages written from right to left: numbers, times and commands among their words stay readable."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from bot.clinic.languages import direction
from bot.clinic.settings import LOCALES
from bot.language.catalogue import catalogue_path, read
from tests.kit.each import each

LANGUAGES = [
    path.parents[1].name
    for path in sorted(LOCALES.glob("*/LC_MESSAGES/patient.po"))
    if direction(path.parents[1].name) == "rtl"
]
PATTERNS = ("wording.moment", "wording.day")
NUMBERS = ("emergency_number", "crisis_line", "day_number", "always_number", "number", "phone")
ISOLATED = re.compile("[\u2066\u2068][^\u2066-\u2069]*\u2069")
"""What an isolate holds is laid out by itself, as U+2066 to U+2069 of Unicode's bidirectional algorithm say."""


def texts(language: str) -> Iterator[tuple[str, str]]:
    for key, text in read(catalogue_path(LOCALES, language), language).texts.items():
        if not key.startswith(PATTERNS):
            yield key, text


def test_arabic_is_there() -> None:
    assert "ar" in LANGUAGES


@each("language", LANGUAGES)
def test_numbers_names_and_commands_are_set_apart(language: str) -> None:
    wanted = re.compile(rf"\{{(?:{'|'.join((*NUMBERS, 'clinic_name', 'nurse', 'words'))})\}}|/[a-z]+")
    assert [(key, found[0]) for key, text in texts(language) if (found := wanted.search(ISOLATED.sub("", text)))] == []


@each("language", LANGUAGES)
def test_every_isolate_ends_in_its_line(language: str) -> None:
    for key, text in texts(language):
        for line in text.split("\n"):
            assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", ISOLATED.sub("", line)), key


@each("language", LANGUAGES)
def test_every_line_begins_right_to_left(language: str) -> None:
    """Telegram asks the first strong letter of a line for the direction of all of it."""
    for key, text in texts(language):
        for line in ISOLATED.sub("", re.sub(r"\{\w+\}", "", text)).split("\n"):
            strong = [kind for sign in line if (kind := unicodedata.bidirectional(sign)) in ("L", "R", "AL")]
            assert not strong or strong[0] != "L", (key, line)


@each("language", LANGUAGES)
def test_digits_are_those_of_telephones_and_clocks(language: str) -> None:
    assert [key for key, text in texts(language) if re.search(r"(?![0-9])\d", text)] == []
