"""Telephone numbers by each country's own numbering plan: how one is shown, dialled, and read from what people type."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType, shortnumberinfo

WRITTEN = re.compile(r"\(?\+?[0-9(][0-9 ()./-]*")
AS_DIALLED = (PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST, PhoneNumberType.PREMIUM_RATE)
"""Numbers that are often reached from their own country alone, whatever the plan says of calls from abroad."""
MINUS = "\u2212"
WITHOUT_CODE = "a telephone number in international form, with + and country code, such as '+31 10 123 4567'"


# --- the clinic's numbers -------------------------------------------------------------------------------------------


def public_number(value: str) -> str:
    """An emergency number or a crisis line as patients see it: as written, unless it has a needless (0).

    Raises ValueError for what nobody can dial.
    """
    number = plain(value)
    if not WRITTEN.fullmatch(number) or not 2 <= len(digits(number).lstrip("+")) <= 15:
        raise ValueError("a short number such as '112', or one in international form ('+31 …')")
    return _international(number) if digits(number).startswith(("+", "00")) else number


def clinic_number(value: str, country: str | None) -> str:
    """The clinic's own number as patients see it: in international form, or as dialled where only that works.

    Raises ValueError.
    """
    number = plain(value)
    if not WRITTEN.fullmatch(number):
        raise ValueError(WITHOUT_CODE)
    if digits(number).startswith(("+", "00")):
        return _international(number)
    if country is None:
        raise ValueError(WITHOUT_CODE)
    found = _parsed(number, country)
    if found is None or not phonenumbers.is_valid_number(found):
        raise ValueError(f"{WITHOUT_CODE}, or a national one of {country}")
    return number if _is_dialled_as_written(found) else _format(found, PhoneNumberFormat.INTERNATIONAL)


def doubt(number: str, country: str, *, is_emergency: bool = False) -> str | None:
    """Why the country's numbering plan does not know a number of the clinic's, None if it does."""
    if is_emergency and shortnumberinfo.is_emergency_number(digits(number), country):
        return None
    if is_emergency:
        return f"is no emergency number of {country}"
    found = _parsed(number, country)
    if found is None or not (
        phonenumbers.is_valid_number(found) or shortnumberinfo.is_valid_short_number_for_region(found, country)
    ):
        return f"is not in the numbering plan of {country}"
    return None


def country_code(value: str) -> str:
    """The ISO code of a country with a numbering plan. Raises ValueError."""
    code = value.strip().upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        names = {name.lower(): code for code, name in _table("iso3166.tab")}
        near = {"UK": "GB"}.get(code) or names.get(value.strip().lower())
        raise ValueError("the two letters of a country, such as 'NL'" + (f" (did you mean {near!r}?)" if near else ""))
    return code


@lru_cache(maxsize=64)
def country_of_zone(zone: str) -> str | None:
    """The country that a time zone is named after a place of; None for old names such as US/Eastern."""
    return next((row[0] for row in _table("zone.tab") if row[2] == zone), None)


# --- what is dialled, and what people type --------------------------------------------------------------------------


def plain(text: str) -> str:
    """A number as people write it, in the signs of a keyboard: Latin digits, plain blanks and strokes."""
    signs = (_plain_sign(sign) for sign in unicodedata.normalize("NFKC", text))
    return " ".join("".join(signs).split())


def digits(number: str) -> str:
    """The number without the signs that people write in it; a leading plus stays."""
    return re.sub(r"(?!^\+)\D", "", number.lstrip(" ("))


@lru_cache(maxsize=4096)
def dialled(number: str) -> str:
    """What a link dials: the number of the plan, where it is written with a (0) or an extension, else its digits."""
    found = _parsed(number, None) if number.lstrip(" (").startswith("+") else None
    if found is None or not _is_possible(found):
        return digits(number)
    extension = f",{found.extension}" if found.extension else ""
    return _format(found, PhoneNumberFormat.E164) + extension


def call_back(text: str, country: str) -> str | None:
    """The one number of a message that is nothing but a number; None if it is none, or there are two.

    In international form, so that it can be dialled from anywhere; as typed where the country's plan does not know it.
    An extension stands behind a comma.
    """
    number = re.sub(r"^tel:", "", plain(text), flags=re.I).replace(",", " ")
    bare = re.sub(r"[ ;]*(?:;ext=|ext\.?|x|#|tst\.?|poste|durchwahl) ?(\d{1,6})$", "", number, flags=re.I)
    if not WRITTEN.fullmatch(bare) or not 7 <= len(digits(bare).lstrip("+")) <= 17:
        return None
    if len(list(phonenumbers.PhoneNumberMatcher(bare, country))) > 1:
        return None
    extension = number[len(bare) :]
    found = _of_patient(bare, country)
    called = digits(bare) if found is None else _format(found, PhoneNumberFormat.E164)
    if not 7 <= len(called.lstrip("+")) <= 15:
        return None
    return called + (f",{digits(extension).lstrip('+')}" if extension else "")


def is_like_number(text: str) -> bool:
    """Whether a message has the signs of a number alone, and more than one of them."""
    number = plain(text)
    return WRITTEN.fullmatch(number) is not None and len(digits(number)) > 1


def _of_patient(number: str, country: str) -> PhoneNumber | None:
    """The number by the plan: nationally if valid there, else internationally behind + or 00."""
    found = _parsed(number, country)
    if found is not None and phonenumbers.is_valid_number(found):
        return found
    bare = digits(number)
    if bare.startswith("00"):
        found = _parsed(f"+{bare.removeprefix('00')}", None)
    elif not bare.startswith("+"):
        return None
    return found if found is not None and _is_possible(found) else None


def _international(number: str) -> str:
    """As written, unless another number is dialled than the one that reads so."""
    bare = re.sub("^00", "+", digits(number))
    found = _parsed(f"+{number.lstrip(' (0+')}" if not number.lstrip(" (").startswith("+") else number, None)
    if found is None or not _is_possible(found):
        raise ValueError(f"{WITHOUT_CODE}; this one cannot be dialled")
    if _format(found, PhoneNumberFormat.E164) == bare and number.startswith("+"):
        return number
    return _format(found, PhoneNumberFormat.INTERNATIONAL)


def _is_dialled_as_written(number: PhoneNumber) -> bool:
    return phonenumbers.number_type(number) in AS_DIALLED or not phonenumbers.can_be_internationally_dialled(number)


def _is_possible(number: PhoneNumber) -> bool:
    """Whether it has as many digits as a number of its country may have, area code and all."""
    return phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE


def _parsed(number: str, country: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(number, country)
    except NumberParseException:
        return None


def _format(number: PhoneNumber, form: int) -> str:
    bare = PhoneNumber()
    bare.merge_from(number)
    bare.extension = None
    return str(phonenumbers.format_number(bare, form))


def _plain_sign(sign: str) -> str:
    if unicodedata.category(sign) == "Pd" or sign == MINUS:
        return "-"
    if unicodedata.category(sign) == "Cf":
        return ""
    return " " if sign.isspace() else str(unicodedata.decimal(sign, sign))


def _table(name: str) -> Iterator[list[str]]:
    """The rows of a table that comes with the time zone database."""
    text = files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8")
    return (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
