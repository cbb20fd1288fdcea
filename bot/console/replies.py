"""Prepared replies: reviewed texts with blanks, in every language that the console's catalogue has."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.language_console import SOURCE, console_words

FILE = Path(__file__).with_name("replies.toml")
BLANK = re.compile(r"\{(\w+)\}")
LONGEST_BLANK = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """`blanks`: what must be filled in, in the order of the English text."""

    id: str
    title: str
    text: str

    @property
    def blanks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(BLANK.findall(self.text)))

    def template(self, language: str) -> str | None:
        """The text in a language; None when it has not been translated."""
        translated = console_words(language).gettext(self.text)
        return translated if language == SOURCE or translated != self.text else None

    def say(self, language: str, values: Mapping[str, str]) -> str | None:
        text = self.template(language)
        return None if text is None else BLANK.sub(lambda blank: values[blank[1]], text)


def load(path: Path = FILE) -> dict[str, Reply]:
    """All prepared replies by id."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["reply"]
    return {row["id"]: Reply(**row) for row in rows}


REPLIES = load()
