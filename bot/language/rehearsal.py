"""Every message said once, with the clinic's own settings, before a patient needs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.clinic.settings import Clinic, load_demo
from bot.language.catalogue import open_names
from bot.language.texts import PatientTexts
from dialogs.events import Advised, Asked, Entered, Event, NotUnderstood, Recorded, Started
from dialogs.protocol import Disposition
from dialogs.session import apply, replay

SETTINGS = {
    "name": "[clinic] name",
    "time_zone": "[clinic] time_zone",
    "emergency_number": "[numbers] emergency",
    "crisis_line": "[numbers] crisis_line",
    "day_number": "[numbers] day",
    "always_number": "[numbers] always",
    "calendar": "[hours]",
}
"""What of a clinic comes into its messages, and what each is called in clinic.toml."""


def rehearse(words: PatientTexts, at: datetime) -> Iterator[str]:
    """Every text that cannot be said, with the setting that keeps it from it."""
    for language in words.offered:
        for moment in moments(words.clinic, at):
            for said, error in _faults(words, language, moment):
                yield f"{_culprit(words, language, moment)}: {said} cannot be said in {language!r} ({error}); change it"
                return


def moments(clinic: Clinic, at: datetime) -> tuple[datetime, ...]:
    """Now and in half a year, the next opening, the minute before it."""
    opening = clinic.calendar.next_opening(at)
    return (at, at + timedelta(days=183), opening, opening - timedelta(minutes=1))


def _faults(words: PatientTexts, language: str, at: datetime) -> Iterator[tuple[str, str]]:
    for said, events in _turns(words, at):
        try:
            before = replay("rehearsal", [Recorded(0, at, Started(words.protocol.version, language))])
            after = before
            for event in events:
                after = apply(after, event, at)
            words.render(events, before, after, words.protocol, at)
        except Exception as error:
            yield said, f"{type(error).__name__}: {error}"
    for key in words.protocol.wording:
        try:
            _say(words, language, key, at)
        except Exception as error:
            yield f"wording.{key}", f"{type(error).__name__}: {error}"


def _say(words: PatientTexts, language: str, key: str, at: datetime) -> None:
    phrases = words.phrases(language, words.protocol, at)
    blanks = open_names(phrases.texts[f"wording.{key}"])
    if found := {*open_names(phrases.text(key, **dict.fromkeys(blanks, "…")))} - {*open_names(words.clinic.name)}:
        raise ValueError(f"{', '.join(sorted(found))} is left open")


def _turns(words: PatientTexts, at: datetime) -> Iterator[tuple[str, tuple[Event, ...]]]:
    for question in (*words.protocol.questions, *words.protocol.administrative):
        yield f"question {question.id}", (Entered("asking"), Asked(question.id, "t"))
    for disposition in Disposition:
        rules = tuple(rule.id for rule in words.protocol.rules if rule.disposition == disposition)
        yield f"advice {disposition}", (Entered("advised"), Advised(disposition, rules, disposition, at))
    yield "what is not understood", (NotUnderstood("text"),)


def _culprit(words: PatientTexts, language: str, at: datetime) -> str:
    """The setting without which everything can be said."""
    demo = load_demo(None, {}).clinic
    for field, name in SETTINGS.items():
        clinic = words.clinic.model_copy(update={field: getattr(demo, field)})
        other = PatientTexts(clinic, words.protocol, words.locales, words.topics)
        if not any(_faults(other, language, at)):
            return f"{name} {getattr(words.clinic, field)!r}" if field != "calendar" else name
    return "the protocol"
