"""Which of the languages there are somebody gets, and which way it is written; for patients and nurses alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
MOST_WANTED = 20
"""So many languages of a browser are looked at: whoever sends thousands costs no more than others."""


def best_language(wanted: Iterable[str], offered: Sequence[str]) -> str:
    """The first of the wanted languages that is offered, by itself or without its region ("nl-BE"); else the usual."""
    codes = {_code(language): language for language in offered}
    for code in map(_code, wanted):
        if (found := codes.get(code) or codes.get(code.partition("_")[0])) is not None:
            return found
    return offered[0]


def accepted_languages(header: str) -> list[str]:
    """The languages of an Accept-Language header, the best liked first."""
    entries = [(_weight(entry), entry.partition(";")[0]) for entry in header.split(",")[:MOST_WANTED]]
    return [language for weight, language in sorted(entries, key=lambda entry: -entry[0]) if weight]


def direction(language: str) -> str:
    """The way a language is written: ltr or rtl."""
    return "rtl" if _code(language).partition("_")[0] in RIGHT_TO_LEFT else "ltr"


def _weight(entry: str) -> float:
    found = re.search(r";\s*q=([01](?:\.\d{1,3})?)", entry)
    return float(found[1]) if found else 1.0


def _code(language: str) -> str:
    return language.strip().replace("-", "_").lower()
