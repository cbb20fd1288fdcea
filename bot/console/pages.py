"""Draws the console's pages: templates in the nurse's language, and the files they need."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.clinic.languages import best_language, direction
from bot.clinic.settings import Clinic
from bot.console.labels import ROLES
from bot.language.console import ConsoleWords, available, console_words

TEMPLATES = Path(__file__).parent.parent / "templates" / "console"
STATIC = Path(__file__).parent.parent / "static" / "console"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the pages, as served."""

    body: bytes
    media_type: str
    version: str


class ConsolePages:
    """One environment for each language."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.languages = available()
        self.assets = {path.name: _asset(path) for path in sorted(STATIC.iterdir()) if path.suffix in TYPES}
        self._environments = {language: self._environment(console_words(language)) for language in self.languages}

    def best_language(self, wanted: Sequence[str]) -> str:
        """The first wanted language that the console speaks, else English."""
        return best_language(wanted, self.languages)

    def render(self, template: str, language: str, at: datetime, **values: Any) -> str:
        words, zone = console_words(language), self.clinic.time_zone
        return (
            self._environments[language]
            .get_template(template)
            .render(
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
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            words.gettext, words.ngettext, newstyle=True, pgettext=words.pgettext
        )
        environment.globals.update(
            asset=self._asset_url,
            clinic=self.clinic,
            comma=words.comma,
            semicolon=words.semicolon,
            direction=direction,
            language=words.language,
            language_name=words.language_name,
            roles=ROLES,
            short_id=short_id,
            translated=words.gettext,
        )
        return environment

    def _asset_url(self, name: str) -> str:
        return f"/console/static/{name}?v={self.assets[name].version}"


def short_id(patient: str) -> str:
    """What nurses call a patient among themselves: she has no name here."""
    return f"#{patient[-6:]}"


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(body, TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:12])
