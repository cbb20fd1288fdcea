"""`cordwatch init`: a clinic's settings out of options and answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.clinic.settings import load
from tests.kit.command import cordwatch

GIVEN = {
    "--name": "St. Anna",
    "--time-zone": "Europe/Amsterdam",
    "--country": "NL",
    "--emergency": "112",
    "--crisis-line": "113",
    "--day": "+31 20 123 4567",
    "--always": "+31 20 123 4568",
    "--hours": "mo-th 09:00-17:00; fr 09:00-12:00",
    "--holidays": "2026-12-26 2026-12-25",
    "--languages": "en",
}


def flags(**changes: str | None) -> list[str]:
    """Every option of init, with some changed or (None) left out."""
    given = GIVEN | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return [part for option, value in given.items() if value is not None for part in (option, value)]


def test_init_by_options_writes_a_file_that_passes_check():
    assert cordwatch("init", *flags()).exit_code == 0
    assert cordwatch("check").exit_code == 0
    clinic = load(Path("clinic.toml"), {}).clinic
    assert (clinic.name, clinic.always_number, len(clinic.calendar.holidays)) == ("St. Anna", "+31 20 123 4568", 2)
    assert [days for days, _ in clinic.calendar.week()] == [(0, 1, 2, 3), (4,)]


def test_init_asks_for_what_is_missing_and_asks_again():
    result = cordwatch("init", *flags(always=None), stdin="112\n+31 20 555 0100\n+31 20 123 4568\n")
    assert result.exit_code == 0
    assert result.stderr.count("answered day and night") == 3
    assert "is the demo clinic's, and nobody answers it" in result.stderr
    assert load(Path("clinic.toml"), {}).clinic.always_number == "+31 20 123 4568"


@pytest.mark.parametrize("option", ["name", "time_zone", "emergency", "crisis_line", "day", "always", "hours"])
def test_init_does_not_go_on_without_what_is_required(option):
    result = cordwatch("init", *flags(**{option: None}))
    assert result.exit_code == 1
    assert f"or give --{option.replace('_', '-')}. Nothing is written" in result.stderr
    assert not Path("clinic.toml").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("time_zone", "Amsterdam"),
        ("always", "112"),
        ("day", "020 123 456"),
        ("country", "UK"),
        ("hours", "weekdays"),
        ("hours", "fr-mo 09:00-17:00"),
        ("holidays", "Christmas"),
        ("languages", "tlh"),
        ("name", " "),
    ],
)
def test_init_refuses_an_option_that_makes_no_sense_before_it_asks_anything(option, value):
    result = cordwatch("init", *flags(**{option: value, "crisis_line": None}))
    assert result.exit_code == 2
    assert f"--{option.replace('_', '-')} must be" in result.stderr
    assert not Path("clinic.toml").exists()


def test_init_takes_the_country_of_the_time_zone_unless_told_otherwise():
    result = cordwatch("init", *flags(time_zone="Europe/Paris", country=None, emergency=None), stdin="\n15\n")
    assert result.exit_code == 0
    assert "Country (two letters, such as NL) [FR]" in result.stderr
    clinic = load(Path("clinic.toml"), {}).clinic
    assert (clinic.country, clinic.emergency_number) == ("FR", "15")


def test_init_reads_the_clinic_s_numbers_by_the_plan_of_its_country():
    assert cordwatch("init", *flags(day="020 123 4567", always="+31 (0)20 123 4568")).exit_code == 0
    clinic = load(Path("clinic.toml"), {}).clinic
    assert (clinic.day_number, clinic.always_number) == ("+31 20 123 4567", "+31 20 123 4568")


def test_init_never_overwrites_unless_forced():
    Path("clinic.toml").write_text("precious", encoding="utf-8")
    assert cordwatch("init", *flags()).exit_code == 1
    assert Path("clinic.toml").read_text(encoding="utf-8") == "precious"
    assert cordwatch("init", "--force", *flags()).exit_code == 0
    assert load(Path("clinic.toml"), {}).clinic.name == "St. Anna"


def test_init_offers_a_language_that_nobody_reviewed_only_when_told_to():
    refused = cordwatch("init", *flags(languages="nl en"), stdin="n\n")
    assert (refused.exit_code, Path("clinic.toml").exists()) == (1, False)
    assert cordwatch("init", "--offer-unreviewed", *flags(languages="nl en")).exit_code == 0
    clinic = load(Path("clinic.toml"), {}).clinic
    assert (clinic.languages, clinic.unreviewed_languages) == (("nl", "en"), ("nl",))


def test_names_with_quotes_and_signs_survive():
    cordwatch("init", *flags(name='"Sint Jan" \\ #1 – Óscar'))
    assert load(Path("clinic.toml"), {}).clinic.name == '"Sint Jan" \\ #1 – Óscar'
