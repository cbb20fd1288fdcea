"""A catalogue as a sheet for clinical review: to print and sign, or to fill in with a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from babel import Locale
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.clinic.languages import direction
from bot.language.catalogue import catalogue_path
from bot.language.po_file import read_file
from bot.language.review import sha256
from bot.translation.extract import Template
from bot.translation.status import find, is_said, reviewable
from bot.web.csv_file import csv_file

TEMPLATES = Path(__file__).parents[1] / "templates"
COLUMNS = ("Key", "Where it appears", "Note", "English", "Translation", "Back-translation", "OK")

PLACES: tuple[tuple[str, str], ...] = (
    ("question.*.text", "question"),
    ("question.*.why", "under a question: why it is asked"),
    ("question.*.topic", "short name of a question: summary, staff text, nurse"),
    ("question.*.picture_alt", "a picture in words"),
    ("question.*.answer.*", "button under a question"),
    ("rule.*.reason", "advice, second message: why"),
    ("topic.*.title", "button and title of a page to read"),
    ("topic.*", "page to read"),
    ("wording.alias_*", "words a patient may type"),
    ("wording.advice_*", "advice, first message"),
    ("wording.lead_*", "advice, second message"),
    ("wording.say_*", "advice, second message: what to say"),
    ("wording.staff*", "advice, second message: shown to staff"),
    ("wording.tier_*", "advice, second message: shown to staff"),
    ("wording.respondent_*", "advice, second message: shown to staff"),
    ("wording.signs*", "warning signs under every advice"),
    ("wording.avoid*", "advice, second message: what not to do"),
    ("wording.reads_*", "advice, second message: who reads the chat"),
    ("wording.action_*", "button"),
    ("wording.reached*", "after the advice: did you reach someone"),
    ("wording.not_understood*", "reply to what is no answer"),
    ("wording.moment*", "pattern of a time"),
    ("wording.day", "pattern of a day"),
    ("wording.bot_*", "Telegram: name and description"),
    ("wording.command_*", "Telegram: list of commands"),
    ("wording.web_*", "web chat"),
    ("wording.transcript_*", "the nurse's log, never shown to patients"),
    ("*", "message"),
)
"""Where a text is read, by its key; the first pattern that fits."""


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """One text to be reviewed. `translation` is empty where there is none that can be used."""

    key: str
    place: str
    note: str
    english: str
    translation: str
    is_fuzzy: bool


@dataclass(frozen=True, slots=True)
class ReviewSheet:
    """One catalogue of one language, and the hash that a signature is about."""

    language: str
    catalogue: str
    version: str
    sha256: str
    lines: tuple[ReviewLine, ...]

    @property
    def name(self) -> str:
        return Locale.parse(self.language).english_name or self.language

    @property
    def direction(self) -> str:
        return direction(self.language)


def sheet(locales: Path, language: str, template: Template) -> ReviewSheet:
    """Every text of a catalogue. Raises CatalogueError when its file cannot be read."""
    file = read_file(catalogue_path(locales, language, template.domain), language)
    lines = []
    for message in (one for one in template.catalog if one.id):
        known = find(file.catalog, message, template)
        key = message.context or ""
        place = next(place for pattern, place in PLACES if fnmatchcase(key, pattern))
        where = place if template.has_keys else ", ".join(name for name, _ in message.locations)
        is_current = known is not None and known.id == message.id and is_said(known)
        said = known.string if known is not None and is_current else ""
        lines.append(
            ReviewLine(
                key,
                where,
                " ".join(message.auto_comments),
                _shown(message.id),
                _shown(said),
                is_current and known is not None and known.fuzzy,
            )
        )
    digest = sha256(reviewable(file.catalog, template))
    return ReviewSheet(language, template.domain, template.version, digest, tuple(lines))


def page(sheets: Sequence[ReviewSheet]) -> str:
    """A self-contained HTML page to print and sign."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("sheet.html").render(sheets=sheets, columns=COLUMNS)


def spreadsheet(sheets: Iterable[ReviewSheet]) -> str:
    """The same as comma-separated values, for LibreOffice and Excel."""
    return csv_file(row for one in sheets for row in _rows(one))


def _rows(one: ReviewSheet) -> Iterator[Sequence[str]]:
    yield f"{one.name}, {one.catalogue} {one.version}", f"SHA-256 {one.sha256}"
    yield COLUMNS
    for line in one.lines:
        said = f"(fuzzy) {line.translation}" if line.is_fuzzy else line.translation
        yield line.key, line.place, line.note, line.english, said, "", ""
    yield from ((label, "") for label in ("Name", "Role", "Date", "Signature"))
    yield ()


def _shown(text: str | Iterable[str] | None) -> str:
    return text if isinstance(text, str) else " | ".join(text or ())
