"""What there is to read, in a patient's words: the list of topics, and a topic with its sources and its reminder."""

from __future__ import annotations

from collections.abc import Iterator

from bot.channels import Choice
from bot.language.phrases import Phrases
from bot.language.understand import ANY_TOKEN
from dialogs.topic import Topic, Topics


def topic_page(topic: Topic, topics: Topics, phrases: Phrases) -> str:
    """The title, and below it the topic. It always ends with whom to ask, and when to call at once."""
    page = "\n\n".join(_parts(topic, topics, phrases))
    return f"{phrases.title(topic.id)}\n{page}"


def topic_buttons(topics: Topics, phrases: Phrases) -> Iterator[Choice]:
    """A button for every topic, each in its own row."""
    for row, topic in enumerate(topics.topics):
        data = f"{ANY_TOKEN}:topic:{topic.id}"
        yield Choice(phrases.title(topic.id), data, row)


def _parts(topic: Topic, topics: Topics, phrases: Phrases) -> Iterator[str]:
    say, texts = phrases.text, phrases.texts
    yield texts[f"topic.{topic.id}.text"]
    if topic.figures and phrases.clinic.shows_figures:
        yield f"{say('topic_figures')}\n{texts[f'topic.{topic.id}.figures']}"
    yield say("topic_sources", sources="; ".join(source.title for source in topics.sources_of(topic)))
    yield say("topic_ask")
    yield say("topic_signs")
