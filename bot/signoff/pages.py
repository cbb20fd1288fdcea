"""The triage protocol and the topics, each as one page a clinician can print, check line by line and sign."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.signoff.words import COLOURS, NAMES, answers_in_words, short_condition, when_in_words
from dialogs.protocol import Disposition, Question, Rule, TriageProtocol
from dialogs.topic import Topics

TEMPLATES = Path(__file__).parents[1] / "templates"


def page(protocol: TriageProtocol) -> str:
    """A self-contained HTML page: every question, rule, note, source and sentence, and lines to sign on."""
    environment = _environment()
    environment.filters["when"] = lambda when: when_in_words(when, protocol)
    environment.filters["short_condition"] = lambda name: short_condition(protocol.conditions[name], protocol)
    environment.filters["window"] = _window
    environment.filters["name"] = lambda disposition: NAMES[Disposition(disposition)]
    environment.filters["silence"] = _silence
    return environment.get_template("protocol.html").render(
        protocol=protocol,
        dispositions=list(Disposition),
        colours={disposition.value: pair for disposition, pair in COLOURS.items()},
        completes=lambda question, disposition: [
            rule
            for rule in protocol.rules
            if rule.disposition == disposition and _completed_by(rule, protocol) is question
        ],
        by_disposition={
            disposition: [rule for rule in protocol.rules if rule.disposition is disposition]
            for disposition in Disposition
        },
    )


def topics_page(topics: Topics, protocol: TriageProtocol) -> str:
    """A self-contained HTML page: every topic with its figures and sources, and lines to sign on.

    `protocol`: whose wording stands below every topic.
    """
    return _environment().get_template("topics.html").render(topics=topics, protocol=protocol)


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def summary(protocol: TriageProtocol, topics: Topics) -> str:
    """What this protocol is, and what there is to read, in a few lines for a terminal."""
    rules = ", ".join(
        f"{count} {disposition.value}"
        for disposition in Disposition
        if (count := sum(rule.disposition is disposition for rule in protocol.rules))
    )
    return "\n".join(
        [
            f"{protocol.title}, version {protocol.version}",
            f"sha256 {protocol.sha256}",
            f"{len(protocol.questions)} questions, {len(protocol.rules)} rules ({rules}), "
            f"{len(protocol.notes)} notes for nurses, {len(protocol.wording)} sentences",
            f"{topics.title}, version {topics.version}",
            f"sha256 {topics.sha256}",
            f"{len(topics.topics)} topics",
        ]
    )


def _completed_by(rule: Rule, protocol: TriageProtocol) -> Question:
    """The question of a rule that is asked last."""
    return max((protocol.question(one) for one in rule.when), key=protocol.questions.index)


def _window(disposition: Disposition, protocol: TriageProtocol) -> str:
    window = protocol.window(disposition)
    if window is None:
        return "at once" if disposition is Disposition.EMERGENCY else "none"
    return f"{window // timedelta(hours=1)} hours" if window < timedelta(days=2) else f"{window.days} days"


def _silence(question: Question) -> str:
    """What no answer counts as."""
    if question.if_unanswered is not None:
        return f"counts as “{answers_in_words((question.if_unanswered,), question)}”"
    if question.if_unanswered_at_end is not None:
        return f"counts as “{answers_in_words((question.if_unanswered_at_end,), question)}” when the check has ended"
    return "counts as not found"
