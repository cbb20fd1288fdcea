"""The console's words in a nurse's language: gettext out of `console.po`, and times as people say them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, format_skeleton, format_timedelta, get_day_names
from babel.messages.mofile import write_mo
from babel.units import format_unit

from bot.clinic.settings import LOCALES
from bot.language.po_file import CatalogueError, read_file

log = logging.getLogger(__name__)

SOURCE = "en"
Unit = Literal["day", "hour", "minute", "second"]
UNITS: tuple[tuple[Unit, int], ...] = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))

PUNCTUATION = {"ar": ("، ", "؛ ")}
"""Between short parts and between longer ones, where a language has signs of its own."""


def N_(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


def available(locales: Path = LOCALES) -> tuple[str, ...]:
    """The languages that the console speaks: English, and those whose catalogue can be read."""
    paths = sorted(locales.glob("*/LC_MESSAGES/console.po"))
    return (SOURCE, *(path.parents[1].name for path in paths if _translations(path) is not None))


@dataclass(frozen=True, slots=True)
class ConsoleWords:
    """One language. Without a translation the English stands; the catalogue says which plural form a number takes."""

    language: str
    translations: NullTranslations

    def gettext(self, text: str) -> str:
        return self.translations.gettext(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        return self.translations.ngettext(one, many, count)

    def pgettext(self, context: str, text: str) -> str:
        return self.translations.pgettext(context, text)

    @property
    def comma(self) -> str:
        return PUNCTUATION.get(self.language, (", ", "; "))[0]

    @property
    def semicolon(self) -> str:
        return PUNCTUATION.get(self.language, (", ", "; "))[1]

    # --- times

    @property
    def locale(self) -> Locale:
        return _locale(self.language)

    def relative(self, at: datetime, now: datetime) -> str:
        """ "in 12 minutes" or "3 hours ago"."""
        seconds = round((at - now).total_seconds())
        whole = seconds if abs(seconds) < 60 else int(seconds / 60) * 60
        return format_timedelta(timedelta(seconds=whole), threshold=1.5, add_direction=True, locale=self.locale)

    def left(self, at: datetime, now: datetime) -> str:
        """ "12 minutes left" or "3 hours late", in whole units as the page counts on."""
        seconds = (at - now).total_seconds()
        pattern = self.gettext("%(time)s left" if seconds > 0 else "%(time)s late")
        size = abs(round(seconds))
        unit, length = next(one for one in UNITS if size >= one[1] * (1.5 if one[1] > 1 else 0))
        return pattern % {"time": _counted(size // length, unit, self.language)}

    def days(self, duration: timedelta) -> str:
        """ "30 days"."""
        return _counted(duration.days, "day", self.language)

    def span(self, duration: timedelta) -> str:
        """How long something took, in its two largest units: "2 hr 5 min"."""
        seconds = max(round(duration.total_seconds()), 0)
        units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
        first = next((index for index, (_, size) in enumerate(units) if seconds >= size), len(units) - 1)
        counts = []
        for unit, size in units[first : first + 2]:
            count, seconds = divmod(seconds, size)
            counts.append((count, unit))
        shown = [one for index, one in enumerate(counts) if one[0] or not index]
        return " ".join(format_unit(count, f"duration-{unit}", "short", locale=self.locale) for count, unit in shown)

    def weekdays(self) -> tuple[str, ...]:
        """From Monday on, short."""
        names = get_day_names("abbreviated", context="stand-alone", locale=self.locale)
        return tuple(names[day] for day in range(7))

    def moment(self, at: datetime, now: datetime, zone: ZoneInfo) -> str:
        """Clock time today; with the weekday in the days around; with the date otherwise."""
        here, today = at.astimezone(zone), now.astimezone(zone)
        if here.date() == today.date():
            return f"{here:%H:%M}"
        if abs((here.date() - today.date()).days) < 7:
            return format_datetime(here, "EEE HH:mm", locale=self.locale)
        return f"{format_skeleton('MMMEd', here, locale=self.locale)} {here:%H:%M}"

    def full(self, at: datetime, zone: ZoneInfo) -> str:
        here = at.astimezone(zone)
        return f"{format_skeleton('yMMMEd', here, locale=self.locale)} {here:%H:%M}"

    def short_day(self, at: datetime, zone: ZoneInfo) -> str:
        return format_skeleton("Md", at.astimezone(zone), locale=self.locale)

    def language_name(self, code: str) -> str:
        return _language_name(code, self.language)


@cache
def _locale(language: str) -> Locale:
    """Babel would parse the code at every call."""
    return Locale.parse(language)


@lru_cache(maxsize=4_096)
def _counted(count: int, unit: Unit, language: str) -> str:
    """Three minutes: a worklist says the same few of them on every line, at every look."""
    length = dict(UNITS)[unit]
    return format_timedelta(
        timedelta(seconds=count * length), granularity=unit, threshold=float("inf"), locale=language
    )


@cache
def _language_name(code: str, language: str) -> str:
    return _locale(code).get_display_name(language) or code


@cache
def console_words(language: str, locales: Path = LOCALES) -> ConsoleWords:
    """The words of a language that `available` names; else English."""
    if language not in available(locales) or language == SOURCE:
        return ConsoleWords(SOURCE, NullTranslations())
    return ConsoleWords(
        language, _translations(locales / language / "LC_MESSAGES" / "console.po") or NullTranslations()
    )


@cache
def _translations(path: Path) -> NullTranslations | None:
    """A catalogue compiled; None, and a line in the log, where it cannot be read: one language never stops the rest."""
    try:
        catalogue = read_file(path, path.parents[1].name).catalog
    except CatalogueError as error:
        log.warning("the console does without a language: %s", error.problems[0])
        return None
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
