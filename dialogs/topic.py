"""What patients can read up on: topics as data, with their sources; parsed once, nonsense refused.

Topics decide nothing. They are versioned and reviewed like the triage protocol.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from dialogs.checks import RESERVED_CODES, did_you_mean
from dialogs.data_file import file_of, first_complaint
from dialogs.parts import Id, Part, Sentence, Source, Version
from dialogs.protocol import SPINAL_METASTASES
from dialogs.toml_file import NotToml, table_of, text_of

TOPICS = "topics.toml"
LONGEST_TITLE = 28
LONGEST_TEXT = 1_500
LONGEST_FIGURES = 500
"""Characters: with sources and reminder, in any language, a topic is one message."""
LIST = "list"
"""Stands for the list of all topics where the id of a topic could stand."""
FIGURE = re.compile(
    r"[%‰٪]|\bper ?cent(age)?s?\b|\b(\d+|one|two|three|four|nine) (in|out of|of) (every )?(\d+|ten|a hundred)\b", re.I
)
"""A share of people, however it is written: a number that a patient may take for her own chances."""


class TopicError(ValueError):
    """The file of topics cannot be used. Names the file, the item, the value and the remedy."""


class Topic(Part):
    """One page to read. `title` is its button; `figures`: percentages, shown only where the clinic wants them."""

    id: Id
    title: Sentence
    text: Sentence
    sources: tuple[str, ...]
    figures: str = ""


class File(Part):
    """A file of topics as it is written."""

    version: Version
    title: Sentence
    sources: tuple[Source, ...]
    topic: tuple[Topic, ...]


@dataclass(frozen=True, eq=False)
class Topics:
    """The parsed topics, in the order of the list. `sha256` is that of the file's text."""

    version: str
    title: str
    sha256: str
    topics: tuple[Topic, ...]
    sources: tuple[Source, ...]

    def topic(self, topic_id: str) -> Topic | None:
        """None for an id that is not, or no longer, a topic."""
        return self._by_id.get(topic_id)

    def sources_of(self, topic: Topic) -> tuple[Source, ...]:
        return tuple(source for source in self.sources if source.id in topic.sources)

    @cached_property
    def _by_id(self) -> dict[str, Topic]:
        return {topic.id: topic for topic in self.topics}


def load(path: Path | None = None) -> Topics:
    """The topics of a guideline: of its folder, or of a file; None means those that come with Cordwatch.

    A folder without topics.toml has those too. Raises TopicError naming file, item, value and remedy.
    """
    file = file_of(path or SPINAL_METASTASES, TOPICS)
    if path is not None and path.is_dir() and not file.exists():
        file = SPINAL_METASTASES / TOPICS
    try:
        return parse(text_of(file), str(file))
    except OSError as error:
        raise TopicError(f"{file}: cannot be read ({error.strerror}); give the path of a TOML file") from error
    except NotToml as error:
        raise TopicError(f"{file}: {error}") from error


def parse(text: str, name: str = "topics") -> Topics:
    """The topics of a TOML text. Raises TopicError as `load` does."""
    try:
        table = table_of(text)
    except NotToml as error:
        raise TopicError(f"{name}: {error}") from error
    try:
        file = File.model_validate(table)
    except ValidationError as error:
        raise TopicError(f"{name}: {first_complaint(error, table)}") from error
    digest = hashlib.sha256(text.encode()).hexdigest()
    topics = Topics(file.version, file.title, digest, file.topic, file.sources)
    for complaint in _nonsense(topics):
        raise TopicError(f"{name}: {complaint}")
    return topics


def has_figure(text: str) -> bool:
    """Whether a text names a percentage or another share of people."""
    return FIGURE.search(text) is not None


def _nonsense(topics: Topics) -> Iterator[str]:
    if not topics.topics:
        yield "there is no [[topic]]; add at least one"
    for kind, items in (("topic", topics.topics), ("source", topics.sources)):
        ids = [item.id for item in items]
        for item in ids:
            if ids.count(item) > 1:
                yield f"two {kind}s are called {item!r}; give one of them another id"
    titles = [topic.title for topic in topics.topics]
    for topic in topics.topics:
        if titles.count(topic.title) > 1:
            yield f"topic {topic.id!r}: the title {topic.title!r} is on two buttons; give one of them another"
        yield from _nonsense_of(topic, topics)


def _nonsense_of(topic: Topic, topics: Topics) -> Iterator[str]:
    owner = f"topic {topic.id!r}"
    if topic.id in (*RESERVED_CODES, LIST):
        yield f"{owner}: this id is reserved; choose another"
    for key, limit in (("title", LONGEST_TITLE), ("text", LONGEST_TEXT), ("figures", LONGEST_FIGURES)):
        value: str = getattr(topic, key)
        if len(value) > limit:
            yield f"{owner}: its {key} {_begun(value)!r} has {len(value)} characters; shorten it to {limit}"
        if "{" in value or "}" in value:
            yield f"{owner}: its {key} has a brace, and nothing is filled in here; write the words themselves"
        if key != "figures" and (figure := FIGURE.search(value)):
            yield f"{owner}: its {key} names the figure {figure[0]!r}; move it to figures, which a clinic switches on"
    if not topic.sources:
        yield f"{owner} has no source; name at least one in sources"
    known = [source.id for source in topics.sources]
    for source in topic.sources:
        if source not in known:
            yield f"{owner}: {source!r} is not a source; {did_you_mean(source, known)}"


def _begun(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
