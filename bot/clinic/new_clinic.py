"""A new clinic.toml: what must be asked of a clinic, and the annotated file that comes of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Table

from bot.clinic.clinic_toml import WEEKDAYS, available_languages, parse
from bot.clinic.settings import DEMO, DEMO_NUMBERS
from bot.clinic.telephone import clinic_number, country_code, country_of_zone, dialled, public_number
from bot.clinic.values import name, spans, time_zone

Values = Mapping[tuple[str, str], Any]
"""What stands in the file by section and key: texts, and lists of texts or dates."""

HEADER = """\
# The settings of our clinic for Cordwatch. `cordwatch check` reads them and says what is wrong and how to mend it.
# Start anew after a change. Secrets such as the Telegram token do not belong here: they are environment variables.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """Something to ask. `read` gives its values by key of the section, or raises ValueError: what it must be.

    `read` and `usual`, which is what Enter alone means, may look at what is known already.
    """

    option: str
    section: str
    prompt: str
    read: Callable[[str, Values], dict[str, Any]]
    usual: Callable[[Values], str | None] = lambda _: None

    @property
    def flag(self) -> str:
        return f"--{self.option.replace('_', '-')}"

    def within(self, answer: Mapping[str, Any]) -> Values:
        """An answer by section and key."""
        return {(self.section, key): value for key, value in answer.items()}


def _text(key: str, read: Callable[[str], str]) -> Callable[[str, Values], dict[str, str]]:
    return lambda value, _: {key: read(value.strip())}


def _number(key: str) -> Callable[[str, Values], dict[str, str]]:
    return lambda value, known: {key: own_number(value, usual_country(known))}


def usual_country(known: Values) -> str | None:
    """The country given, else that of the time zone given."""
    given = known.get(("clinic", "country"))
    return given or country_of_zone(str(known.get(("clinic", "time_zone"))))


def own_number(value: str, country: str | None) -> str:
    """A telephone number that is not the demo clinic's. Raises ValueError."""
    number = clinic_number(value, country)
    if dialled(number) in DEMO_NUMBERS:
        raise ValueError("your clinic's own number; this is the demo clinic's, and nobody answers it")
    return number


def week(value: str, _: Values) -> dict[str, str]:
    """Opening hours such as "mo-th 09:00-17:00; fr 09:00-12:00" by weekday. Raises ValueError."""
    found = dict.fromkeys(WEEKDAYS, "")
    for part in filter(None, (part.strip() for part in value.lower().split(";"))):
        match = re.fullmatch(r"([a-z]{2})(?:\s*-\s*([a-z]{2}))?\s+(.+)", part)
        days = [match[1], match[2] or match[1]] if match else []
        if match is None or not set(days) <= set(WEEKDAYS) or WEEKDAYS.index(days[0]) > WEEKDAYS.index(days[1]):
            raise ValueError("days and hours such as 'mo-th 09:00-17:00; fr 09:00-12:30, 13:00-17:00'")
        spans(match[3])
        for day in WEEKDAYS[WEEKDAYS.index(days[0]) : WEEKDAYS.index(days[1]) + 1]:
            found[day] = match[3].strip()
    if not any(found.values()):
        raise ValueError("days and hours such as 'mo-fr 09:00-17:00', on at least one day")
    return found


def holidays(value: str, _: Values) -> dict[str, list[date]]:
    """Dates such as "2026-12-25, 2026-12-26"; nothing for none. Raises ValueError."""
    try:
        days = sorted({date.fromisoformat(part) for part in re.split(r"[,\s]+", value.strip()) if part})
    except ValueError as error:
        raise ValueError("dates such as '2026-12-25, 2026-12-26', or nothing") from error
    return {"holidays": days}


def languages(value: str, _: Values) -> dict[str, list[str]]:
    """Codes of languages with a catalogue, the usual one first. Raises ValueError."""
    codes = list(dict.fromkeys(part for part in re.split(r"[,\s]+", value.strip()) if part))
    if not codes or not set(codes) <= set(available_languages()):
        raise ValueError(f"one or more of {', '.join(available_languages())}, the usual one first")
    return {"languages": codes}


SETTINGS = (
    Setting("name", "clinic", "Name of the clinic, as patients call it", _text("name", name)),
    Setting("time_zone", "clinic", "Time zone (such as Europe/Amsterdam)", _text("time_zone", time_zone)),
    Setting("country", "clinic", "Country (two letters, such as NL)", _text("country", country_code), usual_country),
    Setting("emergency", "numbers", "Emergency number (such as 112)", _text("emergency", public_number)),
    Setting("crisis_line", "numbers", "Crisis line, for thoughts of suicide", _text("crisis_line", public_number)),
    Setting("day", "numbers", "The clinic's number in opening hours (+31 …)", _number("day")),
    Setting("always", "numbers", "The number that is answered day and night (+31 …)", _number("always")),
    Setting("hours", "hours", "Opening hours (such as mo-th 09:00-17:00; fr 09:00-12:00)", week),
    Setting("holidays", "hours", "Holidays (such as 2026-12-25, 2026-12-26; empty for none)", holidays, lambda _: ""),
    Setting("languages", "clinic", "Languages to offer, the usual one first", languages, lambda _: "en"),
)
"""Everything without which a clinic cannot start, and the three things that are wrong if nobody thinks of them."""


def clinic_toml(values: Values, database: Path | None = None) -> str:
    """The annotated file: the demo clinic's with these values. Raises ConfigError if the values do not go together.

    `database`: where the database is to be, if not beside the file.
    """
    document = tomlkit.parse(_demo_with(key for _, key in values))
    for (section, key), value in values.items():
        table = document.get(section)
        if not isinstance(table, Table) or key not in table:
            raise KeyError(f"{DEMO} has no line for {section}.{key}")
        table[key] = value
    if database is not None:
        document["store"] = {"database": str(database)}
    text = tomlkit.dumps(document)
    parse(text, Path("clinic.toml"))
    return text


def _demo_with(keys: Iterable[str]) -> str:
    """The demo clinic's file under our own heading, these keys being settings even where it comments them out."""
    _, _, settings = DEMO.read_text(encoding="utf-8").partition("\n\n")
    for key in keys:
        settings = settings.replace(f"\n# {key} = ", f"\n{key} = ")
    kept = [line for line in settings.splitlines() if not line.startswith("# Left out here")]
    return "\n".join((HEADER, *kept, ""))


def write(path: Path, text: str, is_forced: bool) -> None:
    """Writes the whole file or nothing. Raises FileExistsError unless `is_forced`."""
    if path.exists() and not is_forced:
        raise FileExistsError(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
