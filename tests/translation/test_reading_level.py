"""How hard texts are to read: English for patients at most at school grade 6, and formulas that count right."""

from __future__ import annotations

import pytest

from bot.clinic.settings import LOCALES
from bot.translation.extract import templates
from bot.translation.reading_level import count, formula, is_measured, level, syllables
from bot.translation.status import rows
from dialogs.protocol import load as load_protocol
from dialogs.topic import load as load_topics

TEMPLATES = templates(load_protocol(), load_topics())
ENGLISH = [row for row in rows(LOCALES, TEMPLATES) if row.language == "en"]


@pytest.mark.parametrize("row", ENGLISH, ids=lambda row: row.catalogue)
def test_english_for_patients_is_at_most_at_grade_six(row) -> None:
    assert row.reading_level is not None
    assert row.reading_level <= 6


def test_only_texts_that_have_a_reason_are_harder() -> None:
    excused = TEMPLATES["patient"].hard_words
    harder = {key for row in ENGLISH for key in row.harder}
    assert harder <= excused.keys()
    assert {excused[key] for key in harder} == {*excused.values()}, "every excuse is still needed"


def test_flesch_kincaid_is_that_of_the_formula() -> None:
    text = "The cat sat on the mat and it was happy."
    assert count([text], "en").syllables == 11
    assert level([text], "en") == pytest.approx(0.39 * 10 + 11.8 * 1.1 - 15.59)


def test_a_line_ends_a_sentence_and_a_name_is_a_word() -> None:
    counts = count(["Call now: {number}\n• it hurts\n• you fell. Then call again!"], "en")
    assert (counts.words, counts.sentences) == (10, 4)


def test_a_label_is_not_measured() -> None:
    assert not is_measured("Known, exactly as before")
    assert level(["Yes", "Not sure"], "en") is None


@pytest.mark.parametrize(
    ("language", "word", "spoken"),
    [
        ("en", "radiotherapy", 6),
        ("en", "weak", 1),
        ("en", "numb", 1),
        ("de", "Rückenmark", 3),
        ("de", "neu", 1),
        ("nl", "rugpijn", 2),
        ("nl", "nieuwe", 2),
        ("fr", "moelle", 1),
        ("fr", "douleur", 2),
        ("es", "médula", 3),
        ("es", "cáncer", 2),
        ("tr", "İlaçlarınızı", 6),
        ("tr", "omurga", 3),
        ("pl", "kręgosłup", 3),
        ("pl", "pielęgniarka", 4),
    ],
)
def test_syllables_are_those_that_are_spoken(language: str, word: str, spoken: int) -> None:
    assert syllables(word, language) == spoken


@pytest.mark.parametrize("language", ["en", "de", "nl", "fr", "es", "tr", "pl", "ar", "it"])
def test_every_language_has_a_formula(language: str) -> None:
    assert formula(language).name
    assert level(["Dit is een zin van meer dan acht woorden in elke taal."], language) is not None


def test_a_long_sentence_of_long_words_is_hard_in_every_language() -> None:
    text = "Neurologische Verschlechterungen bedürfen unverzüglicher kernspintomographischer Untersuchungen "
    text += "beziehungsweise operativer Stabilisierungsmaßnahmen."
    for language in ("en", "de", "nl", "fr", "es", "tr", "pl", "ar", "it"):
        value = level([text], language)
        assert value is not None
        assert formula(language).is_hard(value), language
