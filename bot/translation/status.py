"""How far each language is: complete, fuzzy, reviewed, and how hard it is to read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from babel.messages.catalog import Catalog, Message

from bot.language.catalogue import SOURCE, CatalogueError, catalogue_path
from bot.language.po_file import PoFile, read_file
from bot.language.review import Text, from_headers
from bot.translation.extract import Template, languages
from bot.translation.reading_level import count, formula, is_measured, level

NOT_PROSE = ("wording.alias_", "wording.moment", "wording.day", "wording.transcript_")
"""Lists of words, patterns of times, and what only nurses read: not measured."""


@dataclass(frozen=True, slots=True)
class Row:
    """One catalogue of one language. `review`: none, holds or lapsed. `trouble`: why the file cannot be read."""

    language: str
    catalogue: str
    texts: int
    missing: tuple[str, ...] = ()
    fuzzy: tuple[str, ...] = ()
    review: str = "none"
    reviewed_by: str | None = None
    changed_since: tuple[str, ...] = ()
    reading_level: float | None = None
    formula: str | None = None
    harder: Mapping[str, float] = field(default_factory=dict)
    trouble: tuple[str, ...] = ()

    @property
    def translated(self) -> int:
        return self.texts - len(self.missing) - len(self.fuzzy)


def rows(locales: Path, templates: Mapping[str, Template]) -> Iterator[Row]:
    """English first, then every language; the console only where there is a catalogue of it."""
    for template in templates.values():
        if template.has_keys:
            yield _row(SOURCE, template, {_key(one): str(one.id) for one in _texts(template.catalog)}, "source", None)
    for language in languages(locales):
        for template in templates.values():
            path = catalogue_path(locales, language, template.domain)
            if template.has_keys or path.exists():
                yield row(path, language, template)


def row(path: Path, language: str, template: Template) -> Row:
    """How far one catalogue is."""
    keys = tuple(_key(one) for one in _texts(template.catalog))
    try:
        file = read_file(path, language)
    except CatalogueError as error:
        return Row(language, template.domain, len(keys), missing=keys, trouble=error.problems)
    missing, fuzzy, said = [], [], {}
    for message in _texts(template.catalog):
        known = find(file.catalog, message, template)
        if known is None or not is_said(known):
            missing.append(_key(message))
        elif known.fuzzy or known.id != message.id:
            fuzzy.append(_key(message))
        else:
            said[_key(message)] = _said(known)
    return _row(language, template, said, *_review(file, template), tuple(missing), tuple(fuzzy))


def find(catalog: Catalog, message: Message, template: Template) -> Message | None:
    """The entry of a text: by its key, in the console by its English."""
    if template.has_keys:
        return next((one for one in catalog if one.id and one.context == message.context), None)
    return catalog.get(message.id, message.context)


def is_said(message: Message) -> bool:
    return all(one.strip() for one in _forms(message))


def reviewable(catalog: Catalog, template: Template) -> list[Text]:
    """What a review of a catalogue is about: key, English and translation of every entry."""
    return [
        (_key(one), "\n".join(_ids(one)), _said(one)) for one in _texts(catalog) if one.context or not template.has_keys
    ]


# --- how it is shown


def lines(all_rows: list[Row]) -> Iterator[str]:
    """A table for a terminal, and below it what has to be known about single texts."""
    yield f"{'':<7} {'catalogue':<10} {'texts':>11} {'missing':>8} {'fuzzy':>6}  {'reading level':<52} review"
    for one in all_rows:
        measured = "-" if one.reading_level is None else formula(one.language).in_words(one.reading_level)
        if one.harder:
            measured += f", {len(one.harder)} harder"
        done = f"{one.translated}/{one.texts}"
        yield (
            f"{one.language:<7} {one.catalogue:<10} {done:>11} {len(one.missing):>8} {len(one.fuzzy):>6}  "
            f"{measured:<52} {_review_in_words(one)}"
        )
    yield from (f"{problem}" for one in all_rows for problem in one.trouble)


def details(one: Row, template: Template) -> Iterator[str]:
    """Every text of a catalogue that asks for attention."""
    for what, keys in (("missing", one.missing), ("fuzzy", one.fuzzy), ("changed since the review", one.changed_since)):
        yield from (f"{one.language} {one.catalogue}: {key} is {what}" for key in keys)
    for key, value in one.harder.items():
        reason = f"; {template.hard_words[key]}" if one.language == SOURCE and key in template.hard_words else ""
        measured = formula(one.language).in_words(value)
        yield f"{one.language} {one.catalogue}: {key} is harder to read: {measured}{reason}"


def json_line(one: Row) -> str:
    return json.dumps({"translated": one.translated} | asdict(one), ensure_ascii=False)


def texts(count: int) -> str:
    return "1 text" if count == 1 else f"{count} texts"


def _review_in_words(one: Row) -> str:
    if one.review == "source":
        return "the source; sign it: cordwatch protocol --table"
    if one.review == "none":
        return "not reviewed"
    if one.review == "holds":
        return f"reviewed by {one.reviewed_by}"
    changed = texts(len(one.changed_since)) if one.changed_since else "texts that are gone now"
    return f"changed since {one.reviewed_by}, reviewed it: {changed}"


# --- within


def _row(
    language: str,
    template: Template,
    said: Mapping[str, str],
    review: str,
    reviewed_by: str | None,
    changed: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    fuzzy: tuple[str, ...] = (),
) -> Row:
    prose = {key: text for key, text in said.items() if template.has_keys and not key.startswith(NOT_PROSE)}
    one = formula(language)
    levels = {key: one.measure(count([text], language)) for key, text in prose.items() if is_measured(text)}
    return Row(
        language,
        template.domain,
        len(_texts(template.catalog)),
        missing,
        fuzzy,
        review,
        reviewed_by,
        changed,
        level(prose.values(), language),
        one.name if levels else None,
        {key: value for key, value in levels.items() if one.is_hard(value)},
    )


def _review(file: PoFile, template: Template) -> tuple[str, str | None, tuple[str, ...]]:
    review = from_headers(file.headers)
    if review is None:
        return "none", None, ()
    current = reviewable(file.catalog, template)
    if review.holds_for(current):
        return "holds", review.in_words, ()
    return "lapsed", review.in_words, tuple(review.changed(current))


def _texts(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def _key(message: Message) -> str:
    return message.context or _ids(message)[0]


def _ids(message: Message) -> list[str]:
    return [message.id] if isinstance(message.id, str) else list(message.id)


def _forms(message: Message) -> list[str]:
    return [message.string or ""] if isinstance(message.string, str | None) else list(message.string)


def _said(message: Message) -> str:
    return "\n".join(_forms(message))
