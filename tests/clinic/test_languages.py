"""Which language somebody gets, asked once for browsers, telephones and nurses."""

from __future__ import annotations

import pytest
from babel import Locale

from bot.clinic.languages import RIGHT_TO_LEFT, accepted_languages, best_language, direction
from bot.clinic.settings import load


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("nl", "nl"),
        ("nl-BE,en;q=0.5", "nl"),
        ("en;q=0.2, ar-EG;q=0.9", "ar"),
        ("fr, *;q=0.1", "en"),
        ("ar;q=0, nl;q=0.1", "nl"),
        (";;;q=x,,nl", "nl"),
        ("pt, PT-br", "pt_BR"),
        (",".join(["xx"] * 5000), "en"),
        (",".join(["xx"] * 5000 + ["nl"]), "en"),
    ],
)
def test_the_browsers_favourite_of_the_offered_languages_is_spoken(accepted: str, language: str) -> None:
    assert best_language(accepted_languages(accepted), ("en", "nl", "ar", "pt_BR")) == language


def test_a_language_comes_before_the_same_without_its_region() -> None:
    assert best_language(["pt-BR"], ("en", "pt", "pt_BR")) == "pt_BR"


@pytest.mark.parametrize("language", [*load(None, {}).clinic.languages, *sorted(RIGHT_TO_LEFT)])
def test_a_language_is_written_as_babel_says(language: str) -> None:
    assert direction(language) == Locale.parse(language).text_direction
