"""A new clinic.toml: what must be asked of a clinic, and the annotated file that comes of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bot.clinic.clinic_toml import WEEKDAYS, available_languages, parse
from bot.clinic.settings import DEMO, DEMO_NUMBERS
from bot.clinic.values import digits, name, phone, short_or_phone, spans, time_zone

Values = Mapping[tuple[str, str], str]
"""TOML literals by section and key."""

HEADER = """\
# The settings of our clinic for Cordwatch. `cordwatch check` reads them and says what is wrong and how to mend it.
# Start anew after a change. Secrets such as the Telegram token do not belong here: they are environment variables.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """Something to ask. `read` gives its TOML literals by key of the section, or raises ValueError: what it must be."""

    option: str
    section: str
    prompt: str
    read: Callable[[str], dict[str, str]]
    default: str | None = None

    @property
    def flag(self) -> str:
        return f"--{self.option.replace('_', '-')}"


def _text(key: str, read: Callable[[str], str]) -> Callable[[str], dict[str, str]]:
    return lambda value: {key: literal(read(value.strip()))}


def own_number(value: str) -> str:
    """A telephone number in international form that is not the demo clinic's. Raises ValueError."""
    number = phone(value)
    if digits(number) in DEMO_NUMBERS:
        raise ValueError("your clinic's own number; this is the demo clinic's, and nobody answers it")
    return number


def week(value: str) -> dict[str, str]:
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
    return {day: literal(hours) for day, hours in found.items()}


def holidays(value: str) -> dict[str, str]:
    """Dates such as "2026-12-25, 2026-12-26"; nothing for none. Raises ValueError."""
    try:
        days = sorted({date.fromisoformat(part) for part in re.split(r"[,\s]+", value.strip()) if part})
    except ValueError as error:
        raise ValueError("dates such as '2026-12-25, 2026-12-26', or nothing") from error
    return {"holidays": f"[{', '.join(day.isoformat() for day in days)}]"}


def languages(value: str) -> dict[str, str]:
    """Codes of languages with a catalogue, the usual one first. Raises ValueError."""
    codes = list(dict.fromkeys(part for part in re.split(r"[,\s]+", value.strip()) if part))
    if not codes or not set(codes) <= set(available_languages()):
        raise ValueError(f"one or more of {', '.join(available_languages())}, the usual one first")
    return {"languages": literal(codes)}


SETTINGS = (
    Setting("name", "clinic", "Name of the clinic, as patients call it", _text("name", name)),
    Setting("time_zone", "clinic", "Time zone (such as Europe/Amsterdam)", _text("time_zone", time_zone)),
    Setting("emergency", "numbers", "Emergency number (such as 112)", _text("emergency", short_or_phone)),
    Setting("crisis_line", "numbers", "Crisis line, for thoughts of suicide", _text("crisis_line", short_or_phone)),
    Setting("day", "numbers", "The clinic's number in opening hours (+31 …)", _text("day", own_number)),
    Setting("always", "numbers", "The number that is answered day and night (+31 …)", _text("always", own_number)),
    Setting("hours", "hours", "Opening hours (such as mo-th 09:00-17:00; fr 09:00-12:00)", week),
    Setting("holidays", "hours", "Holidays (such as 2026-12-25, 2026-12-26; empty for none)", holidays, ""),
    Setting("languages", "clinic", "Languages to offer, the usual one first", languages, "en"),
)
"""Everything without which a clinic cannot start, and the three things that are wrong if nobody thinks of them."""


def literal(value: str | list[str]) -> str:
    """The TOML form of a text or a list of texts."""
    return json.dumps(value, ensure_ascii=False)


def clinic_toml(values: Values) -> str:
    """The annotated file: the demo clinic's with these values. Raises ConfigError if the values do not go together."""
    section, lines, left = "", [HEADER.rstrip()], dict(values)
    for line in DEMO.read_text(encoding="utf-8").split("\n\n", 1)[1].splitlines():
        if heading := re.match(r"\[(\w+)\]", line):
            section = heading[1]
            lines.append("")
        setting = re.match(r"(?:# )?(\w+) = ", line)
        if setting and (section, setting[1]) in left:
            lines.append(f"{setting[1]} = {left.pop((section, setting[1]))}{_comment(line)}")
        elif line and not line.startswith("# Left out here"):
            lines.append(line)
    text = "\n".join(lines) + "\n"
    if left:
        raise KeyError(f"{DEMO} has no line for {', '.join('.'.join(key) for key in left)}")
    parse(text, Path("clinic.toml"))
    return text


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


def _comment(line: str) -> str:
    """The remark at the end of a line of the demo file, which has no # within its values."""
    remark = re.search(r"\s+#.*$", line.removeprefix("# "))
    return remark[0] if remark else ""
