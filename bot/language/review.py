"""The clinical review of a catalogue: who found exactly these texts fit for patients, when, in which role.

It is kept in the file's header, so that Poedit and Weblate carry it along. It holds for the texts whose SHA-256 it
names and for no others: whoever changes a text need not remember that the review is gone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

WHO, HASH, TEXTS = "X-Review", "X-Review-SHA256", "X-Review-Texts"
SHORT = 8
"""Signs of the hash of one text: enough to name those that have changed."""

Text = tuple[str, str, str]
"""Key, English, translation."""


@dataclass(frozen=True, slots=True)
class Review:
    """Who, in which role, when; and what exactly: the hash of all texts, and a short one of each."""

    by: str
    role: str
    on: date
    sha256: str
    texts: frozenset[str] = frozenset()

    def holds_for(self, texts: Iterable[Text]) -> bool:
        return self.sha256 == sha256(texts)

    def changed(self, texts: Iterable[Text]) -> list[str]:
        """The keys of the texts that were not among those reviewed."""
        return [text[0] for text in texts if self.texts and _short(text) not in self.texts]

    @property
    def in_words(self) -> str:
        return f"{self.by}, {self.role}, {self.on.isoformat()}"


def reviewed(by: str, role: str, on: date, texts: Iterable[Text]) -> Review:
    """The review of exactly these texts. Raises ValueError for a name or role that is no line of text."""
    kept = list(texts)
    for name, value in (("name", by), ("role", role)):
        if not value.strip() or not value.isprintable() or re.search(r'[;"\\]', value):
            raise ValueError(f"the {name} must be one line without semicolon, quote or backslash, not {value!r}")
    return Review(by.strip(), role.strip(), on, sha256(kept), frozenset(map(_short, kept)))


def sha256(texts: Iterable[Text]) -> str:
    """Of keys, English and translations, in any order."""
    return hashlib.sha256(json.dumps(sorted(texts), ensure_ascii=False).encode()).hexdigest()


def from_headers(headers: Mapping[str, str]) -> Review | None:
    """The review that a file records; None when it records none, or not all of it."""
    who = [part.strip() for part in headers.get(WHO, "").split(";")]
    digest = headers.get(HASH, "")
    if len(who) != 3 or not re.fullmatch(r"[0-9a-f]{64}", digest):
        return None
    try:
        return Review(who[0], who[1], date.fromisoformat(who[2]), digest, frozenset(headers.get(TEXTS, "").split()))
    except ValueError:
        return None


def to_headers(review: Review) -> dict[str, str]:
    """The lines of a header that record a review."""
    who = f"{review.by}; {review.role}; {review.on.isoformat()}"
    return {WHO: who, HASH: review.sha256, TEXTS: " ".join(sorted(review.texts))}


def _short(text: Text) -> str:
    return hashlib.sha256(json.dumps(text, ensure_ascii=False).encode()).hexdigest()[:SHORT]
