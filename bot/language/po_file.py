"""A `.po` file read strictly: what Babel would guess at is refused, each with its line, the value and the remedy."""

from __future__ import annotations

import gettext
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from pathlib import Path

from babel import UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.plurals import get_plural
from babel.messages.pofile import PoFileError, denormalize, read_po

LINE = re.compile(r'(?:(?P<keyword>msgctxt|msgid|msgid_plural|msgstr(?:\[\d+\])?)[ \t]*)?(?P<text>"(?:[^"\\]|\\.)*")')
ESCAPE = re.compile(r"\\(.)")
ESCAPES = 'n"\\'
UNSEEN = "\ufeff\ufffd\u2028\u2029"
"""Signs that no program writes on purpose: left over from a wrong charset or a word processor."""

ONE_OR_MORE = (2, "(n != 1)")
PLURALS: Mapping[str, tuple[int, str]] = {
    "ar": (6, "(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5)"),
    "de": ONE_OR_MORE,
    "en": ONE_OR_MORE,
    "es": ONE_OR_MORE,
    "fr": (2, "(n > 1)"),
    "nl": ONE_OR_MORE,
    "pl": (3, "(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2)"),
    "tr": ONE_OR_MORE,
}
"""As Poedit and Weblate write them. Babel's change with its version, which must take no language from patients."""


class CatalogueError(ValueError):
    """A catalogue cannot be read. Names file, line, value and remedy; one line a problem."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class PoFile:
    """What stands in a file. `headers`: all of them, also those that Babel drops."""

    path: Path
    catalog: Catalog
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    keyword: str
    text: str


@dataclass(slots=True)
class _Entry:
    """One text of a file. `forms`: the index of each msgstr, None for a plain one, and its line."""

    line: int
    context: str | None = None
    english: str = ""
    has_plural: bool = False
    forms: list[tuple[int | None, int]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.context or f"{self.english[:40]!r}"


def read_file(path: Path, language: str) -> PoFile:
    """The file as it stands. Raises CatalogueError naming every problem."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CatalogueError(
            f"{path}: cannot be read ({error.strerror}); put it back, or begin it with cordwatch locale new {language}"
        ) from error
    lines = _lines(content, path)
    entries = _entries(lines)
    headers = _headers(lines)
    if problems := [
        f"{path}:{number}: {text}" for number, text in sorted({*_faults(lines, entries, headers, language)})
    ]:
        raise CatalogueError(*problems)
    try:
        catalog = read_po(BytesIO(content), locale=language, ignore_obsolete=True, abort_invalid=True)
    except PoFileError as error:
        raise CatalogueError(f"{path}:{error.lineno + 1}: {error}; mend this line") from error
    except (UnknownLocaleError, ValueError) as error:
        raise CatalogueError(f"{path}:1: the header cannot be used ({error}); mend it") from error
    if not any(entry.has_plural for entry in entries):
        # Nobody asks for its rule, so a wrong one is harmless; gettext would still refuse it.
        catalog.mime_headers = [("Plural-Forms", plural_header(language))]
    return PoFile(path, catalog, headers)


def plural_header(language: str) -> str:
    """How many plural forms a language has, and which of them a number takes, as a file's header says it."""
    count, rule = _plural_forms(language)
    return f"nplurals={count}; plural={rule};"


def _plural_forms(language: str) -> tuple[int, str]:
    """Ours; of a language that is not among them Babel's, with which a new catalogue is begun."""
    usual = get_plural(language)
    return PLURALS.get(language.partition("_")[0], (usual.num_plurals, usual.plural_expr))


def headers_of(content: bytes) -> Mapping[str, str]:
    """The headers of a file, as far as they can be made out."""
    found = (LINE.fullmatch(line.strip()) for line in content.decode("utf-8", "replace").split("\n"))
    return _headers([_Line(0, one["keyword"] or "", one["text"]) for one in found if one])


# --- lines and entries


def _lines(content: bytes, path: Path) -> list[_Line]:
    """Every line that is no comment. Raises CatalogueError for what is no text, or not in the form of a catalogue."""
    lines, problems = [], []
    for number, raw in enumerate(content.split(b"\n"), start=1):
        try:
            line = raw.decode("utf-8").strip(" \t\r")
        except UnicodeDecodeError as error:
            value = raw[error.start : error.start + 1].hex()
            problems.append(f"{path}:{number}: byte 0x{value} is not UTF-8; save the file with the charset UTF-8")
            continue
        if number == 1 and line.startswith("\ufeff"):
            problems.append(f"{path}:1: begins with a byte-order mark; save the file as UTF-8 without it")
        elif line and not line.startswith("#"):
            if (found := LINE.fullmatch(line)) is None:
                problems.append(
                    f"{path}:{number}: {_begun(line)!r} is no line of a catalogue; write the text between double "
                    'quotes, and \\" for a double quote within'
                )
            else:
                lines.append(_Line(number, found["keyword"] or "", found["text"]))
    if problems:
        raise CatalogueError(*problems)
    return lines


def _entries(lines: Sequence[_Line]) -> list[_Entry]:
    entries: list[_Entry] = []
    context: str | None = None
    part = ""
    for line in lines:
        part = line.keyword or part
        if line.keyword == "msgctxt":
            context = denormalize(line.text)
        elif line.keyword == "msgid":
            entries.append(_Entry(line.number, context))
            context = None
        if not entries:
            continue
        if part == "msgid":
            entries[-1].english += denormalize(line.text)
        elif line.keyword == "msgid_plural":
            entries[-1].has_plural = True
        elif line.keyword.startswith("msgstr"):
            index = line.keyword[len("msgstr[") : -1]
            entries[-1].forms.append((int(index) if index else None, line.number))
    return entries


def _headers(lines: Sequence[_Line]) -> dict[str, str]:
    """The names and values of the header, which is the translation of the empty text."""
    starts = [start for start, line in enumerate(lines) if line.keyword == "msgid"]
    for start, end in pairwise([*starts, len(lines)]):
        texts = [line for line in lines[start:end] if line.keyword != "msgctxt"]
        is_translated = [start for start, line in enumerate(texts) if line.keyword == "msgstr"]
        if is_translated and not "".join(denormalize(line.text) for line in texts[: is_translated[0]]):
            written = "".join(denormalize(line.text) for line in texts[is_translated[0] :])
            pairs = (one.partition(":") for one in written.split("\n") if ":" in one)
            return {name.strip(): value.strip() for name, _, value in pairs}
    return {}


# --- what is wrong


def _faults(
    lines: Sequence[_Line], entries: Sequence[_Entry], headers: Mapping[str, str], language: str
) -> Iterator[tuple[int, str]]:
    yield from _faults_of_header(entries, headers, language)
    yield from _faults_of_signs(lines, entries)
    number = _number_of_forms(headers.get("Plural-Forms", "")) or _plural_forms(language)[0]
    seen: dict[tuple[str | None, str], int] = {}
    for entry in entries:
        yield from _faults_of_forms(entry, number)
        if (first := seen.setdefault((entry.context, entry.english), entry.line)) != entry.line:
            yield entry.line, f"{entry.name} stands here again, first on line {first}; remove one of them"


def _faults_of_header(
    entries: Sequence[_Entry], headers: Mapping[str, str], language: str
) -> Iterator[tuple[int, str]]:
    line = next((entry.line for entry in entries if not entry.english), 1)
    if not headers:
        yield line, f"the header is empty; cordwatch locale update {language} writes it"
        return
    charset = headers.get("Content-Type", "").rpartition("charset=")[2]
    if charset.lower().replace("-", "") != "utf8":
        yield line, f"Content-Type names the charset {charset!r}; save the file as UTF-8 and write charset=utf-8"
    if headers.get("Language", "").replace("-", "_") != language:
        yield line, f"Language is {headers.get('Language', '')!r} in the catalogue of {language!r}; write {language}"
    if any(entry.has_plural for entry in entries):
        yield from ((line, fault) for fault in _faults_of_plural_rule(headers.get("Plural-Forms", ""), language))


def _faults_of_plural_rule(forms: str, language: str) -> Iterator[str]:
    known = PLURALS.get(language.partition("_")[0])
    if (number := _number_of_forms(forms)) is None:
        yield f"Plural-Forms {forms!r} is no plural rule; write {plural_header(language)}"
    elif known is not None and number != known[0]:
        yield f"Plural-Forms has {number} forms, the language {known[0]}; write {plural_header(language)}"


def _number_of_forms(value: str) -> int | None:
    """How many plural forms a header speaks of; None unless its rule works and gives only those."""
    found = re.fullmatch(r"\s*nplurals\s*=\s*(\d+)\s*;\s*plural\s*=\s*(.+?);?\s*", value)
    if found is None:
        return None
    number = int(found[1])
    try:
        rule = gettext.c2py(found[2])
        return number if all(0 <= rule(count) < number for count in range(1001)) else None
    except (ValueError, ZeroDivisionError):
        return None


def _faults_of_forms(entry: _Entry, number: int) -> Iterator[tuple[int, str]]:
    indexes = [index for index, _ in entry.forms]
    if not entry.forms:
        yield entry.line, f"{entry.name} has no msgstr; add msgstr with its translation"
    for index, line in entry.forms:
        if index is not None and not entry.has_plural:
            yield line, f"{entry.name} has the plural form msgstr[{index}] and no plural; write msgstr"
        elif index is None and entry.has_plural:
            yield line, f"{entry.name} has msgstr for a plural; write msgstr[0] to msgstr[{number - 1}]"
        elif index is not None and index >= number:
            yield line, f"{entry.name} has the unknown plural form msgstr[{index}]; the last is msgstr[{number - 1}]"
    if entry.has_plural and None not in indexes:
        missing = [index for index in range(number) if index not in indexes]
        yield from ((entry.line, f"{entry.name} lacks the plural form msgstr[{index}]; add it") for index in missing)


def _faults_of_signs(lines: Sequence[_Line], entries: Sequence[_Entry]) -> Iterator[tuple[int, str]]:
    """Control characters, also as escapes: a message is lines of text."""
    for line in lines:
        name = next((entry.name for entry in reversed(entries) if entry.line <= line.number), "the header")
        for sign in line.text:
            if unicodedata.category(sign) == "Cc" or sign in UNSEEN:
                yield line.number, f"{name} has the control character U+{ord(sign):04X}; remove it"
        for escape in ESCAPE.findall(line.text):
            if escape not in ESCAPES:
                yield line.number, f"{name} has the control character \\{escape}; remove it"


def _begun(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
