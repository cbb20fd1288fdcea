"""For translators: every text as a gettext template, and catalogues brought up to date with it.

Three catalogues a language: `patient` and `topics`, where a text is found by its key (the msgctxt), and `console`,
where it is found by its English. The commands are those of `cordwatch locale`; docs/translating.md says how it is done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import normalize, read_po, write_po

from bot.language.catalogue import DOMAINS, NAME, SOURCE, catalogue_path, messages, topic_messages
from bot.language.po_file import headers_of, plural_header
from bot.translation import extract_console
from dialogs.protocol import TriageProtocol
from dialogs.topic import Topics

CONSOLE = "console"
ALL_DOMAINS = (*DOMAINS, CONSOLE)
LINE = 110
WIDTH = {"patient": LINE, "topics": LINE, CONSOLE: 100}
"""Signs in a line of a catalogue: as they were first written, so that a new text changes no other line."""
ALIKE = 0.75
"""So much of an English text of the console must have stayed that its translation is worth looking at again."""

COMMENTS = {
    "patient": "Cordwatch: the words patients read. English is the protocol's own; names in {braces} are filled in.",
    "topics": "Cordwatch: what patients can read up on. English is the topics' own; numbers must stay as they are.",
    CONSOLE: "Cordwatch: the nurse's console; %(names)s are filled in.",
}
PLACEHOLDERS = re.compile(r"FULL NAME|EMAIL@ADDRESS|YEAR-MO-DA|LL@li\.org|VERSION")
HEADER = re.compile(r'^msgid ""[ \t]*\r?\nmsgstr[ \t]*(?:"(?:[^"\\]|\\.)*"[ \t]*\r?\n)+', re.M)
MOMENT = "%Y-%m-%d %H:%M%z"


class NoLanguage(ValueError):
    """A code that a language cannot be begun with. Says which one may be meant."""


@dataclass(frozen=True, slots=True)
class Template:
    """The English of one catalogue, in the order of its source. `version`: of the protocol, the topics, the program.

    `hard_words`: of a text that may be harder than school grade 6, why it has to be.
    """

    domain: str
    version: str
    catalog: Catalog
    hard_words: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_keys(self) -> bool:
        return self.domain in DOMAINS


def templates(protocol: TriageProtocol, topics: Topics) -> Mapping[str, Template]:
    """Every text that wants a translation, by catalogue."""
    patient, read_up_on = Catalog(fuzzy=False), Catalog(fuzzy=False)
    for catalog, source in ((patient, messages(protocol)), (read_up_on, topic_messages(topics))):
        for one in source:
            _add(catalog, one.text, context=one.key, auto_comments=[one.note] if one.note else [])
    return {
        "patient": Template("patient", protocol.version, patient, _hard_words(protocol)),
        "topics": Template("topics", topics.version, read_up_on),
        CONSOLE: Template(CONSOLE, version("cordwatch"), extract_console.catalogue(protocol)),
    }


def _hard_words(protocol: TriageProtocol) -> dict[str, str]:
    hard = [one for one in protocol.questions if one.hard_words]
    return {f"question.{one.id}.{part}": one.hard_words for one in hard for part in ("text", "why")}


def _add(catalog: Catalog, text: str, said: str = "", **kept: Iterable[str] | str | None) -> Message:
    """Adds a text that is found by its key. A per cent sign is no format here; {names} are, and editors check them."""
    message = catalog.add(text, said, **kept)  # type: ignore[arg-type]
    message.flags -= {"python-format", "python-brace-format"}
    if NAME.search(text):
        message.flags.add("python-brace-format")
    return message


# --- writing files


def write_template(locales: Path, template: Template, at: datetime) -> bool:
    """Writes the template that every translation starts from. Whether anything changed."""
    headers = {
        "Project-Id-Version": f"Cordwatch {template.version}",
        "Report-Msgid-Bugs-To": "",
        "POT-Creation-Date": at.strftime(MOMENT),
        "PO-Revision-Date": "YEAR-MO-DA HO:MI+ZONE",
        "Last-Translator": "FULL NAME <EMAIL@ADDRESS>",
        "Language-Team": "LANGUAGE <LL@li.org>",
        "Language": "",
    }
    path = locales / f"{template.domain}.pot"
    return _write(path, template.catalog, headers | FORMAT, f"# {COMMENTS[template.domain]}")


def update(locales: Path, language: str, template: Template, at: datetime) -> bool:
    """Brings a catalogue up to date, or begins it: new texts empty, changed ones fuzzy. Whether anything changed.

    The record of a review stays; it no longer holds once a text has changed.
    """
    path = catalogue_path(locales, language, template.domain)
    content = path.read_bytes() if path.exists() else b""
    earlier = read_po(BytesIO(content), locale=language)
    fresh = Catalog(locale=language, fuzzy=False)
    fresh.mime_headers = [("Plural-Forms", plural_header(language))]
    for message in template.catalog:
        if message.id:
            _take_over(fresh, message, _known(message, earlier, template), template)
    comment = earlier.header_comment if content else f"# {COMMENTS[template.domain]}"
    return _write(path, fresh, _headers(language, template, at, headers_of(content)), comment)


def with_headers(content: str, headers: Mapping[str, str]) -> str:
    """The file's text with another header and nothing else changed. Raises ValueError if it has none."""
    written, count = HEADER.subn(lambda _: _header(headers), content, count=1)
    if not count:
        raise ValueError("there is no header")
    return written


FORMAT = {
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Transfer-Encoding": "8bit",
}


def _known(message: Message, earlier: Catalog, template: Template) -> Message | None:
    """The entry whose translation is kept: of the same key; in the console, of the same or much the same English."""
    if template.has_keys:
        return next((one for one in earlier if one.context == message.context), None)
    if (same := earlier.get(message.id, message.context)) is not None:
        return same
    gone = {
        _singular(one): one
        for one in earlier
        if one.id and one.pluralizable == message.pluralizable and template.catalog.get(one.id, one.context) is None
    }
    alike = get_close_matches(_singular(message), gone, 1, ALIKE)
    return gone[alike[0]] if alike else None


def _take_over(fresh: Catalog, message: Message, known: Message | None, template: Template) -> None:
    empty = ("",) * fresh.num_plurals if message.pluralizable else ""
    said = known.string if known is not None and known.string else empty
    is_changed = known is not None and known.id != message.id
    taken = fresh.add(
        message.id,
        said,
        locations=message.locations,
        flags=message.flags,
        auto_comments=message.auto_comments,
        user_comments=known.user_comments if known is not None else (),
        context=message.context,
    )
    if template.has_keys:
        taken.flags = set(message.flags)
    if known is not None and said != empty and (known.fuzzy or is_changed):
        taken.flags.add("fuzzy")
        taken.previous_id = _ids(known) if is_changed else known.previous_id


def _headers(language: str, template: Template, at: datetime, earlier: Mapping[str, str]) -> dict[str, str]:
    """The header of a catalogue: what a translator's editor wrote there stays, what was never filled in is."""
    kept = {name: value for name, value in earlier.items() if value and not PLACEHOLDERS.search(value)}
    usual = {
        "Project-Id-Version": f"Cordwatch {template.version}",
        "Report-Msgid-Bugs-To": "",
        "POT-Creation-Date": at.strftime(MOMENT),
        "PO-Revision-Date": at.strftime(MOMENT),
        "Last-Translator": "nobody yet",
        "Language-Team": Locale.parse(language).english_name or language,
        "Language": language,
        **FORMAT,
        "Plural-Forms": plural_header(language),
        "X-Review": "none",
    }
    ours = ("Project-Id-Version", "POT-Creation-Date", "Language", "Plural-Forms", *FORMAT)
    team = {} if kept.get("Language-Team") == language else kept
    return (
        usual
        | {name: value for name, value in kept.items() if name not in (*ours, "Generated-By")}
        | {"Language-Team": team.get("Language-Team", usual["Language-Team"])}
    )


def _write(path: Path, catalog: Catalog, headers: Mapping[str, str], comment: str) -> bool:
    body, width = BytesIO(), WIDTH[path.stem]
    write_po(body, catalog, width=width, omit_header=True, include_lineno=False, include_previous=True)
    written = f"{comment}\n{_header(headers)}\n{body.getvalue().decode('utf-8').strip()}\n"
    if path.exists() and _undated(path.read_text(encoding="utf-8", errors="replace")) == _undated(written):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written, encoding="utf-8")
    return True


def _header(headers: Mapping[str, str]) -> str:
    lines = "".join(f"{name}: {value}\n" for name, value in headers.items())
    return f'msgid ""\nmsgstr {normalize(lines, width=LINE)}\n'


def _undated(content: str) -> str:
    return re.sub(r'^"POT-Creation-Date:.*\n', "", content, count=1, flags=re.M)


def _ids(message: Message) -> list[str]:
    return [message.id] if isinstance(message.id, str) else list(message.id)


def _singular(message: Message) -> str:
    return _ids(message)[0]


# --- the languages there are


def languages(locales: Path) -> list[str]:
    """Every language with a catalogue of any kind, English apart."""
    return sorted({path.parents[1].name for path in locales.glob("*/LC_MESSAGES/*.po")} - {SOURCE})


def begin(locales: Path, code: str, chosen: Iterable[Template], at: datetime) -> list[Path]:
    """A new language: its catalogues with every text empty. Raises NoLanguage for a code that is none or is there."""
    language = known_language(code)
    if language == SOURCE:
        raise NoLanguage("English is the protocol's own language; change its texts in the protocol file")
    paths = [catalogue_path(locales, language, template.domain) for template in chosen]
    if there := [path for path in paths if path.exists()]:
        raise NoLanguage(f"{there[0]} exists; bring it up to date with cordwatch locale update {language}")
    for template in chosen:
        update(locales, language, template, at)
    return paths


def known_language(code: str) -> str:
    """The language's code as its directory is called. Raises NoLanguage, which says what may be meant."""
    names = Locale(SOURCE).languages
    if not re.fullmatch(r"[a-z]{2,3}(_[A-Z][A-Za-z]+)?", code):
        spelled = code.replace("-", "_").partition("_")
        close = {spelled[0].lower() + (f"_{spelled[2].upper()}" if spelled[2] else ""), *_by_name(code, names)}
        raise NoLanguage(_meant(code, sorted(one for one in close if one.partition("_")[0] in names), names))
    if code.partition("_")[0] not in names:
        raise NoLanguage(_meant(code, [*get_official_languages(code.upper(), de_facto=True)], names))
    try:
        Locale.parse(code)
    except (UnknownLocaleError, ValueError) as error:
        raise NoLanguage(
            f"{code!r} has no dates and numbers in the Unicode CLDR, and patients are told times; take one that has"
        ) from error
    return code


def _by_name(text: str, names: Mapping[str, str]) -> list[str]:
    codes = {name.casefold(): code for code, name in names.items()}
    return [codes[name] for name in get_close_matches(text.casefold(), codes, 2, 0.8)]


def _meant(code: str, close: Iterable[str], names: Mapping[str, str]) -> str:
    listed = " or ".join(f"{one} ({names[one.partition('_')[0]]})" for one in close if one.partition("_")[0] in names)
    return f"{code!r} is no code of a language; " + (
        f"did you mean {listed}?" if listed else "use the two or three letters of ISO 639, such as it for Italian"
    )
