"""Texts by key and language: the protocol's own English, and gettext catalogues read from `.po` files.

A text is found by its key (the catalogue's msgctxt): `question.weakness.text`, `question.weakness.answer.yes`,
`rule.weakness.reason`, `wording.greeting`; those of the topics, in a catalogue of their own, by `topic.scan.title` and
`topic.scan.text`. A language is complete when every key of both is translated, nothing is fuzzy, the English beside it
is today's, and the {names} to be filled in are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from babel import Locale

from bot.language.matching import seen, spellings
from bot.language.po_file import CatalogueError as CatalogueError
from bot.language.po_file import read_file
from bot.language.review import Review, from_headers
from dialogs.protocol import Question, TriageProtocol
from dialogs.topic import LONGEST_TITLE, Topics, has_figure

SOURCE = "en"
NAME = re.compile(r"\{(\w+)\}")
MARKUP = re.compile(r"</?[^\W\d_][^<>]*>|&(?:#\w+|[^\W\d_]+);")
LONGEST_LABEL = 64
DOMAINS = ("patient", "topics")
"""The catalogues that patients read: the protocol's words, and what they can read up on."""

NURSE_ONLY = "wording.transcript_"
"""Texts that no patient reads: where they are not translated, the English stands."""

TITLE_NOTE = f"Title of a page to read, and its button: at most {LONGEST_TITLE} characters."
TEXT_NOTE = "A page to read: plain words, no heading. No promise, no advice for one person, no percentages."
FIGURES_NOTE = "Figures from studies, below the page where the clinic shows them. Keep every number exactly."

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """One text to be translated, with a note for the translator."""

    key: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Translation:
    """One entry of a catalogue: the English it was made from, the words, and the line where it begins."""

    english: str
    text: str
    is_fuzzy: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A language's texts as they stand in its file. `review`: the one recorded there, whether or not it still holds."""

    path: Path
    entries: Mapping[str, Translation]
    review: Review | None = None

    @property
    def texts(self) -> Texts:
        """The translations that can be used."""
        return {key: entry.text for key, entry in self.entries.items() if entry.text and not entry.is_fuzzy}

    @property
    def reviewable(self) -> list[tuple[str, str, str]]:
        """What a review is about: every key with its English and its translation."""
        return [(key, entry.english, entry.text) for key, entry in self.entries.items()]

    @property
    def reviewed_by(self) -> str | None:
        """Who found exactly these texts fit for patients, role and date; None when nobody did."""
        holds = self.review is not None and self.review.holds_for(self.reviewable)
        return self.review.in_words if self.review is not None and holds else None

    def location(self, key: str) -> str:
        """File, line and key."""
        entry = self.entries.get(key)
        return f"{self.path}{f':{entry.line}' if entry is not None and entry.line else ''}: {key}"


def messages(protocol: TriageProtocol) -> Iterator[Message]:
    """Every text of a protocol that a patient can read, in the order of the file."""
    for question in (*protocol.questions, *protocol.administrative):
        yield from _of_question(question)
    for rule in protocol.rules:
        yield Message(f"rule.{rule.id}.reason", rule.reason, "At most eight plain words, lower case. Ends no sentence.")
    for key, wording in protocol.wording.items():
        yield Message(f"wording.{key}", wording.text, wording.note)


def _of_question(question: Question) -> Iterator[Message]:
    key = f"question.{question.id}"
    yield Message(f"{key}.text", question.text, question.note)
    if question.why:
        yield Message(f"{key}.why", question.why, "Why the question is asked, one line.")
    if question.topic:
        yield Message(
            f"{key}.topic", question.topic, "Short name, at most 20 characters: on a button and for the nurse."
        )
    if question.picture_alt:
        yield Message(f"{key}.picture_alt", question.picture_alt, "The picture in words, for people who cannot see it.")
    for answer in question.answers:
        yield Message(f"{key}.answer.{answer.code}", answer.label, "Button, at most 28 characters.")


def topic_messages(topics: Topics) -> Iterator[Message]:
    """Every text of the topics that a patient can read, in the order of the file."""
    for topic in topics.topics:
        key = f"topic.{topic.id}"
        yield Message(f"{key}.title", topic.title, TITLE_NOTE)
        yield Message(f"{key}.text", topic.text.strip(), TEXT_NOTE)
        if topic.figures:
            yield Message(f"{key}.figures", topic.figures.strip(), FIGURES_NOTE)


def catalogue_path(locales: Path, language: str, domain: str = "patient") -> Path:
    """`domain`: patient (the protocol's words) or topics (what patients can read up on)."""
    return locales / language / "LC_MESSAGES" / f"{domain}.po"


def read(path: Path, language: str) -> Catalogue:
    """The catalogue of a `.po` file. Raises CatalogueError."""
    file = read_file(path, language)
    entries = {
        message.context: Translation(str(message.id), str(message.string or ""), message.fuzzy, message.lineno or 0)
        for message in file.catalog
        if message.context
    }
    return Catalogue(path, entries, from_headers(file.headers))


def problems(protocol: TriageProtocol, catalogue: Catalogue) -> list[str]:
    """What keeps the language from being offered: file, key and remedy."""
    found = [
        f"{catalogue.location(message.key)} {complaint}"
        for message in messages(protocol)
        if not (message.key.startswith(NURSE_ONLY) and message.key not in catalogue.texts)
        and (complaint := _complaint(message, catalogue.entries.get(message.key)))
    ]
    unclear = ambiguities(protocol, catalogue.texts)
    return found or [f"{catalogue.location(key)} {complaint}" for key, complaint in unclear]


def unreviewed(catalogue: Catalogue) -> str:
    """Why a catalogue does not count as reviewed, in words."""
    if catalogue.review is None:
        return "no clinician has reviewed this translation"
    changed = ", ".join(catalogue.review.changed(catalogue.reviewable)) or "a text that is gone now"
    return f"changed since {catalogue.review.in_words}, reviewed it: {changed}"


def topic_problems(topics: Topics, catalogue: Catalogue) -> list[str]:
    """What keeps the language from being offered, among the topics: file, key and remedy."""
    entries = catalogue.entries
    return [
        f"{catalogue.location(message.key)} {complaint}"
        for message in topic_messages(topics)
        if (complaint := _complaint(message, entries.get(message.key)) or _altered(message, entries[message.key].text))
    ]


def _altered(message: Message, text: str) -> str | None:
    """What the translation of a topic must not do: outgrow its button, name a figure, or change one."""
    if message.key.endswith(".title") and len(text) > LONGEST_TITLE:
        return f"is a button of {len(text)} characters; shorten it to {LONGEST_TITLE}"
    if message.key.endswith(".figures"):
        given, wanted = numbers(text), numbers(message.text)
        return None if given == wanted else f"has the numbers {', '.join(given)}; the English has {', '.join(wanted)}"
    return "names a percentage, which the English does not; remove it" if has_figure(text) else None


def numbers(text: str) -> list[str]:
    """The numbers of a text in rising order, as they are compared: Latin digits with a point."""
    found = re.findall(r"\d+(?:[.,٫]\d+)?", text)
    return sorted((re.sub("[,٫]", ".", seen(number)) for number in found), key=float)


def _complaint(message: Message, entry: Translation | None) -> str | None:
    if entry is None:
        return "is missing; add its translation"
    if entry.english != message.text:
        return "was translated from an earlier English text; translate it anew"
    if not entry.text.strip():
        return "is not translated; write its translation"
    if entry.is_fuzzy:
        return "is marked fuzzy; check the translation and remove the mark"
    wanted, given = names(message.text), names(entry.text)
    if wanted != given:
        return f"fills in {_listed(given)}, the English {_listed(wanted)}; use the same names in braces"
    if (markup := MARKUP.search(entry.text)) and markup[0] not in message.text:
        return f"has the mark-up {markup[0]!r}; write the words without it: messages are plain text"
    if ".answer." in message.key and len(entry.text) > LONGEST_LABEL:
        return f"is a button of {len(entry.text)} characters; shorten it to {LONGEST_LABEL}, best to 28"
    return None


def unknown_names(protocol: TriageProtocol, known: TriageProtocol) -> list[str]:
    """Names in braces that nothing fills in: every text may use the clinic's, and those of the same text in `known`."""
    allowed = {message.key: names(message.text) for message in messages(known)}
    clinic_names = set().union(*(allowed[key] for key in allowed if not key.startswith("wording.transcript")))
    return [
        f"{message.key} fills in {_listed(unknown)}, which nobody knows; use {_listed(allowed[message.key])}"
        for message in messages(protocol)
        if (unknown := names(message.text) - allowed.get(message.key, clinic_names))
    ]


def ambiguities(protocol: TriageProtocol, texts: Texts) -> Iterator[tuple[str, str]]:
    """Keys whose typed words would mean two answers of one question, and the complaint."""
    for question in (*protocol.questions, *protocol.administrative):
        meanings: dict[str, str] = {}
        for code in question.codes:
            for word in {*words_for(question.id, code, texts)}:
                other = meanings.setdefault(word, code)
                if other != code:
                    yield (
                        f"wording.alias_{code}",
                        f"has {word!r}, which would mean both {other!r} and {code!r} to question {question.id!r}; "
                        "remove it from one of them",
                    )


def words_for(question_id: str, code: str, texts: Texts) -> Iterator[str]:
    """The label of an answer and what else a patient may type for it, without case and punctuation."""
    label = texts.get(f"question.{question_id}.answer.{code}")
    if label:
        yield from spellings(label)
    yield from aliases(code, texts)


def aliases(code: str, texts: Texts) -> Iterator[str]:
    """What else may be typed for an answer or an action, as it is compared."""
    for alias in re.split("[,،]", texts.get(f"wording.alias_{code}", "")):
        yield from spellings(alias)


def names(text: str) -> set[str]:
    """The names in braces."""
    return set(NAME.findall(text))


class Filled(str):
    """A text with the clinic's own values in it. They are never a template again, whatever braces they have."""

    __slots__ = ("own", "template")
    own: Mapping[str, str]
    template: str

    def __new__(cls, template: str, own: Mapping[str, str]) -> Filled:
        """`own`: the clinic's values by name; other names stay open."""
        filled = super().__new__(cls, NAME.sub(lambda name: own.get(name[1], name[0]), template))
        filled.own, filled.template = own, template
        return filled


def substitute(text: str, value_of: Callable[[str], str]) -> str:
    """The text with every open name replaced, once: what is put in is never looked at again."""
    template, own = (text.template, text.own) if isinstance(text, Filled) else (text, {})
    return NAME.sub(lambda name: own[name[1]] if name[1] in own else value_of(name[1]), template)


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with every name in braces filled in. Raises KeyError for one without a value."""
    return substitute(text, values.__getitem__)


def fill_known(text: str, values: Mapping[str, str]) -> str:
    """The text with the names that have a value filled in."""
    return substitute(text, lambda name: values.get(name, f"{{{name}}}"))


def open_names(text: str) -> tuple[str, ...]:
    """The names that are still to be filled in, in the order of the text."""
    own = text.own if isinstance(text, Filled) else {}
    found = NAME.findall(text.template if isinstance(text, Filled) else text)
    return tuple(dict.fromkeys(name for name in found if name not in own))


def native_name(language: str) -> str:
    """The language's name in that language, as it begins a button."""
    name = Locale.parse(language).display_name or language
    return name[:1].upper() + name[1:]


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"{{{value}}}" for value in sorted(values)) or "nothing"
