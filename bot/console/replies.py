"""Prepared replies: reviewed texts with blanks that a nurse fills in, in every language that patients read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.console.labels import REPLIES
from bot.language.catalogue import SOURCE, open_names, substitute
from bot.language.phrases import Phrases
from bot.language.texts import NO_MOMENT, PatientTexts
from dialogs.events import Replied

PICKED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
"""A moment as a browser's picker writes it, by the clinic's clock."""
LONGEST_BLANK = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """`theirs`: what the patient will read; `mine`: the same for the nurse, in English where her language lacks it."""

    id: str
    title: str
    theirs: str
    mine: str

    @property
    def blanks(self) -> tuple[str, ...]:
        """What must be filled in, in the order of the patient's text."""
        return open_names(self.theirs)

    def say(self, values: Mapping[str, str], phrases: Phrases) -> str:
        return filled(self.theirs, values, phrases)


def prepared(words: PatientTexts, theirs: str, mine: str) -> dict[str, Reply]:
    """The replies that can be sent in the patient's language, by id."""
    texts = {id_: words.prepared_reply(id_, theirs) for id_ in REPLIES}
    return {id_: Reply(id_, REPLIES[id_], text, _read_by(words, id_, mine)) for id_, text in texts.items() if text}


def in_language(event: Replied, words: PatientTexts, language: str) -> str:
    """What a nurse sent, in another nurse's language; word for word where it was not a prepared reply."""
    if event.template not in REPLIES:
        return event.text
    phrases = words.read_in(language).phrases(language, words.protocol, NO_MOMENT)
    return filled(_read_by(words, event.template, language), event.values, phrases)


def filled(text: str, values: Mapping[str, str], phrases: Phrases) -> str:
    """The text with its blanks filled in, picked moments as its language says them; a blank without a value stays."""
    return substitute(text, lambda blank: _said(values.get(blank, f"{{{blank}}}"), phrases))


def with_gaps(text: str) -> str:
    """The text with a gap for each blank, as a nurse reads it before she fills them in."""
    return substitute(text, lambda _: "____")


def _said(value: str, phrases: Phrases) -> str:
    if not PICKED.fullmatch(value):
        return value
    try:
        picked = datetime.fromisoformat(value)
    except ValueError:
        return value
    return phrases.moment(picked.replace(tzinfo=phrases.clinic.time_zone).astimezone(UTC))


def _read_by(words: PatientTexts, id_: str, language: str) -> str:
    return words.prepared_reply(id_, language) or words.prepared_reply(id_, SOURCE) or ""
