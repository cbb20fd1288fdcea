"""The console's words in a nurse's language: gettext out of `console.po`, and times as people say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, format_skeleton, format_timedelta, get_day_names
from babel.messages.pofile import read_po
from babel.units import format_unit

from bot.config import LOCALES

SOURCE = "en"
Unit = Literal["day", "hour", "minute", "second"]
UNITS: tuple[tuple[Unit, int], ...] = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def available(locales: Path = LOCALES) -> tuple[str, ...]:
    """The languages that the console speaks."""
    return (SOURCE, *sorted(path.parent.parent.name for path in locales.glob("*/LC_MESSAGES/console.po")))


@dataclass(frozen=True, slots=True)
class ConsoleWords:
    """One language. Without a translation the English stands."""

    language: str
    texts: Mapping[tuple[str | None, str], tuple[str, ...]]

    def gettext(self, text: str) -> str:
        return self.texts.get((None, text), (text,))[0]

    def ngettext(self, one: str, many: str, count: int) -> str:
        forms = self.texts.get((None, one), (one, many))
        return forms[min(_plural(self.language, count), len(forms) - 1)]

    def pgettext(self, context: str, text: str) -> str:
        return self.texts.get((context, text), (text,))[0]

    # --- times

    def relative(self, at: datetime, now: datetime) -> str:
        """ "in 12 minutes" or "3 hours ago"."""
        seconds = round((at - now).total_seconds())
        whole = seconds if abs(seconds) < 60 else int(seconds / 60) * 60
        return format_timedelta(
            timedelta(seconds=whole), threshold=1.5, add_direction=True, locale=_locale(self.language)
        )

    def left(self, at: datetime, now: datetime) -> str:
        """ "12 minutes left" or "3 hours late", in whole units as the page counts on."""
        seconds = (at - now).total_seconds()
        pattern = self.gettext("%(time)s left" if seconds > 0 else "%(time)s late")
        size = abs(round(seconds))
        unit, length = next(one for one in UNITS if size >= one[1] * (1.5 if one[1] > 1 else 0))
        return pattern % {"time": _whole_units(size // length * length, unit, self.language)}

    def span(self, duration: timedelta) -> str:
        """How long something took, in its two largest units: "2 hr 5 min"."""
        seconds = max(round(duration.total_seconds()), 0)
        units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
        first = next((place for place, (_, size) in enumerate(units) if seconds >= size), len(units) - 1)
        counts = []
        for unit, size in units[first : first + 2]:
            count, seconds = divmod(seconds, size)
            counts.append((count, unit))
        shown = [one for place, one in enumerate(counts) if one[0] or not place]
        return " ".join(
            format_unit(count, f"duration-{unit}", "short", locale=_locale(self.language)) for count, unit in shown
        )

    def weekdays(self) -> tuple[str, ...]:
        """From Monday on, short."""
        names = get_day_names("abbreviated", context="stand-alone", locale=_locale(self.language))
        return tuple(names[day] for day in range(7))

    def moment(self, at: datetime, now: datetime, zone: ZoneInfo) -> str:
        """Clock time today; with the weekday in the days around; with the date otherwise."""
        here, today = at.astimezone(zone), now.astimezone(zone)
        if here.date() == today.date():
            return f"{here:%H:%M}"
        if abs((here.date() - today.date()).days) < 7:
            return format_datetime(here, "EEE HH:mm", locale=_locale(self.language))
        return f"{format_skeleton('MMMEd', here, locale=_locale(self.language))} {here:%H:%M}"

    def full(self, at: datetime, zone: ZoneInfo) -> str:
        here = at.astimezone(zone)
        return f"{format_skeleton('yMMMEd', here, locale=_locale(self.language))} {here:%H:%M}"

    def short_day(self, at: datetime, zone: ZoneInfo) -> str:
        return format_skeleton("Md", at.astimezone(zone), locale=_locale(self.language))

    def language_name(self, code: str) -> str:
        return _display_name(code, self.language)


@cache
def console_words(language: str, locales: Path = LOCALES) -> ConsoleWords:
    """The words of a language that `available` names; else English."""
    if language not in available(locales) or language == SOURCE:
        return ConsoleWords(SOURCE, {})
    path = locales / language / "LC_MESSAGES" / "console.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    texts = {}
    for message in catalogue:
        if not message.id or message.fuzzy or not message.string:
            continue
        key = message.id if isinstance(message.id, str) else message.id[0]
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string)
        if all(forms):
            texts[message.context, key] = forms
    return ConsoleWords(language, texts)


@cache
def _locale(language: str) -> Locale:
    """Parsed once: a page of the worklist asks for it a hundred times."""
    return Locale.parse(language)


@lru_cache(maxsize=1_000)
def _whole_units(seconds: int, unit: Unit, language: str) -> str:
    """ "12 minutes". There are few of them: a list of deadlines says the same ones over and over."""
    return format_timedelta(
        timedelta(seconds=seconds), granularity=unit, threshold=float("inf"), locale=_locale(language)
    )


@cache
def _display_name(code: str, language: str) -> str:
    return _locale(code).get_display_name(_locale(language)) or code


def _plural(language: str, count: int) -> int:
    forms = {"zero": 0, "one": 0}
    return forms.get(_locale(language).plural_form(count), 1)
