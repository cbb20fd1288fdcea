"""Draws the console's pages: templates in the nurse's language, and the files they need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jinja2 import Environment

from bot.clinic.languages import best_language, direction
from bot.clinic.settings import Clinic
from bot.clinic.telephone import dialled
from bot.console.labels import ROLES
from bot.language.console import ConsoleWords, available, console_words
from bot.web.assets import STATIC, Assets
from bot.web.templates import TEMPLATES, addresses, environment


class ConsolePages:
    """One environment for each language."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.languages = available()
        self.assets = Assets((STATIC / "console").iterdir(), "console_asset")
        self._environments = {language: self._environment(console_words(language)) for language in self.languages}

    def best_language(self, wanted: Sequence[str]) -> str:
        """The first wanted language that the console speaks, else English."""
        return best_language(wanted, self.languages)

    def render(self, template: str, language: str, at: datetime, root: str, **values: Any) -> str:
        """`root`: the prefix of the request, below which its links lead."""
        words, zone = console_words(language), self.clinic.time_zone
        return (
            self._environments[language]
            .get_template(template)
            .render(
                **addresses(root, self.assets),
                now=at,
                when=lambda moment: words.moment(moment, at, zone),
                when_in_full=lambda moment: words.full(moment, zone),
                short_day=lambda moment: words.short_day(moment, zone),
                relative=lambda moment: words.relative(moment, at),
                left=lambda moment: words.left(moment, at),
                **values,
            )
        )

    def _environment(self, words: ConsoleWords) -> Environment:
        found = environment(TEMPLATES / "console", ["jinja2.ext.i18n"])
        found.install_gettext_callables(  # type: ignore[attr-defined]
            words.gettext, words.ngettext, newstyle=True, pgettext=words.pgettext
        )
        found.globals.update(
            clinic=self.clinic,
            comma=words.comma,
            dialled=dialled,
            direction=direction,
            semicolon=words.semicolon,
            language=words.language,
            language_name=words.language_name,
            roles=ROLES,
            short_id=short_id,
            translated=words.gettext,
        )
        return found


def short_id(patient: str) -> str:
    """What nurses call a patient among themselves: she has no name here."""
    return f"#{patient[-6:]}"
