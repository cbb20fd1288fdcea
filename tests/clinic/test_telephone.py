"""Telephone numbers by each country's plan: what patients see, what a link dials, what is made of typed ones."""

from __future__ import annotations

import pytest

from bot.clinic.telephone import call_back, clinic_number, country_of_zone, dialled, doubt, public_number


@pytest.mark.parametrize(
    ("country", "number", "dials"),
    [
        ("FR", "15", "15"),
        ("MA", "19", "19"),
        ("NL", "112", "112"),
        ("GB", "116 123", "116123"),
        ("PL", "116 123", "116123"),
        ("DE", "116123", "116123"),
        ("NL", "0800 0113", "08000113"),
        ("NL", "0800-0113", "08000113"),
        ("DE", "0800 111 0 111", "08001110111"),
        ("IN", "1800-599-0019", "18005990019"),
        ("AU", "13 11 14", "131114"),
        ("US", "988", "988"),
        ("TR", "155", "155"),
        ("NL", "+31 900 0113", "+319000113"),
    ],
)
def test_numbers_of_an_emergency_are_shown_and_dialled_as_the_country_does(country, number, dials):
    assert public_number(number) == number
    assert dialled(number) == dials
    assert doubt(number, country) is None


@pytest.mark.parametrize(
    ("country", "number", "is_emergency"),
    [("NL", "15", True), ("FR", "116 123", True), ("US", "0800 0113", False), ("NL", "0800 111", False)],
)
def test_what_the_country_s_plan_does_not_know_is_said_and_left_as_it_is(country, number, is_emergency):
    assert public_number(number) == number
    assert f" of {country}" in str(doubt(number, country, is_emergency=is_emergency))


@pytest.mark.parametrize("number", ["", "1", "call 112", "113a", "+31 20 1", "+31 20 123 4567 890", "+999 123 4567"])
def test_what_nobody_can_dial_is_no_number(number):
    with pytest.raises(ValueError, match=r"a short number|a telephone number"):
        public_number(number)


@pytest.mark.parametrize(
    ("country", "written", "shown"),
    [
        ("NL", "+31 20 123 4567", "+31 20 123 4567"),
        ("NL", "+31 20-123 45 67", "+31 20-123 45 67"),
        ("NL", "+31 (0)20 123 4567", "+31 20 123 4567"),
        ("NL", "+31(0)201234567", "+31 20 123 4567"),
        ("NL", "+31 020 123 4567", "+31 20 123 4567"),
        ("NL", "0031 20 123 4567", "+31 20 123 4567"),
        ("NL", "020 123 4567", "+31 20 123 4567"),
        ("NL", "020/123 4567", "+31 20 123 4567"),
        ("NL", "+44 (0)20 7946 0018", "+44 20 7946 0018"),
        ("IT", "06 1234567", "+39 06 123 4567"),
        ("IT", "+39 06 1234567", "+39 06 1234567"),
        ("NL", "0800 1234", "0800 1234"),
        ("NL", "14 020", "14 020"),
        ("IN", "1800 599 0019", "1800 599 0019"),
    ],
)
def test_the_clinic_s_own_numbers_are_international_unless_only_the_country_dials_them(country, written, shown):
    assert clinic_number(written, country) == shown


@pytest.mark.parametrize("written", ["112", "020 123 456", "my number", "+31", "", "0800 0113 0113 0113"])
def test_what_is_no_number_of_a_clinic_is_refused(written):
    with pytest.raises(ValueError, match="a telephone number in international form"):
        clinic_number(written, "NL")


SPELLINGS = (
    "06 12345678",
    "06-12345678",
    "(06) 12345678",
    "06.12.34.56.78",
    "06,12,34,56,78",
    "06/12345678",
    "+31 (0)6 12345678",
    "+31(0)612345678",
    "0031 (0)6 12345678",
    "00 31 6 12345678",
    "+(31)6 12345678",
    "(+31) 6 12345678",
    "+31 06 12345678",
    "+31\u202f6\u202f12345678",
    "+31\u20096\u200912345678",
    "+31\u00a06 12345678",
    "\uff0b31612345678",
    "\uff10\uff16\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
    "+31\u22126\u221212345678",
    "+31\u20146\u201412345678",
    "+31\u20136\u201312345678",
    "tel:+31612345678",
    "tel:+31-6-12345678",
    "\u2066+31 6 12345678\u2069",
    "\u0660\u0666\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668",
)


@pytest.mark.parametrize("typed", SPELLINGS)
def test_one_number_is_the_same_however_it_is_typed(typed):
    assert call_back(typed, "NL") == "+31612345678"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+44 (0)7700 900123", "+447700900123"),
        ("0044 7700 900123", "+447700900123"),
        ("+49 (0) 30 1234567", "+49301234567"),
        ("+39 06 12345678", "+390612345678"),
        ("0048 601 234 567", "+48601234567"),
        ("06 12345678 ext 12", "+31612345678,12"),
        ("06 12345678 ext. 12", "+31612345678,12"),
        ("06 12345678 x12", "+31612345678,12"),
        ("tel:+31-6-12345678;ext=12", "+31612345678,12"),
        ("06-1234567", "061234567"),
        ("1234567", "1234567"),
    ],
)
def test_a_number_of_elsewhere_is_kept_so_that_it_can_be_dialled(typed, kept):
    assert call_back(typed, "NL") == kept
    assert dialled(kept) == kept


@pytest.mark.parametrize(
    "typed",
    ["06 12345678 / 020 1234567", "06 12345678/020 1234567", "1", "112", "+31 6", "+31 6 12345678 90123 45", "no"],
)
def test_two_numbers_or_none_are_no_number_to_call(typed):
    assert call_back(typed, "NL") is None


@pytest.mark.parametrize(
    ("kept", "dials"),
    [
        ("+310612345678", "+31612345678"),
        ("+4407700900123", "+447700900123"),
        ("+31 (0)20 123 4567", "+31201234567"),
        ("0612345678", "0612345678"),
        ("+31 20 555 0100", "+31205550100"),
    ],
)
def test_what_was_kept_with_a_needless_zero_dials_all_the_same(kept, dials):
    assert dialled(kept) == dials


def test_the_country_is_that_of_the_clinic_s_clocks():
    assert [country_of_zone(zone) for zone in ("Europe/Amsterdam", "Asia/Kolkata", "US/Eastern")] == ["NL", "IN", None]
