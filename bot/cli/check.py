"""What `cordwatch check` looks at: protocol, topics, settings and languages, each problem with its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from bot.cli.findings import Finding
from bot.cli.footing import look
from bot.clinic.settings import LOCALES, Clinic, Config, ConfigError, load, refuse_unreal_numbers, unknown_variables
from bot.clinic.telephone import doubt
from bot.language.catalogue import DOMAINS, SOURCE, CatalogueError, catalogue_path, read
from bot.language.rehearsal import rehearse
from bot.language.texts import PatientTexts
from dialogs import protocol as protocols
from dialogs.protocol import ProtocolError, TriageProtocol
from dialogs.topic import TopicError, Topics
from dialogs.topic import load as load_topics

NUMBERS = {
    "emergency_number": "emergency",
    "crisis_line": "crisis_line",
    "day_number": "day",
    "always_number": "always",
}
"""The clinic's numbers, and what they are called in clinic.toml."""


def check(path: Path | None, protocol_path: Path | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Everything that can be known before the service starts: what this passes, starts."""
    protocol = topics = config = None
    with suppress(ConfigError):  # which is told below
        config = load(path, environ).serving(protocol_path)
        refuse_unreal_numbers(config)
    try:
        protocol = protocols.load(protocol_path if config is None else config.protocol)
        counts = f"{len(protocol.questions)} questions, {len(protocol.rules)} rules"
        yield Finding("ok", f"protocol {protocol.version}: {counts}")
    except ProtocolError as error:
        yield Finding("problem", str(error))
    try:
        topics = load_topics(None if config is None else config.topics)
        yield Finding("ok", f"topics {topics.version}: {len(topics.topics)} to read")
    except TopicError as error:
        yield Finding("problem", str(error))
    try:
        config = load(path, environ).serving(protocol_path)
        refuse_unreal_numbers(config)
        yield Finding("ok", f"settings {config.source or 'of the demo clinic'}: {config.clinic.name}")
        yield from _notes(config, environ)
    except ConfigError as error:
        yield from (Finding("problem", problem) for problem in error.problems)
    if protocol is not None and topics is not None and config is not None:
        yield from _languages(config, protocol, topics)
        yield from look(config, protocol)


def unreviewed(languages: Iterable[str]) -> list[str]:
    """Those whose catalogue no clinician has reviewed."""
    return [
        language
        for language in languages
        if language != SOURCE
        and any(read(catalogue_path(LOCALES, language, one), language).reviewed_by is None for one in DOMAINS)
    ]


def _notes(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    for name in unknown_variables(environ):
        yield Finding(
            "note", f"{name} is not a variable of Cordwatch's and changes nothing; docs/settings.md lists them"
        )
    if config.is_demo:
        yield Finding(
            "note", "this is the demo clinic: its numbers are not real; `cordwatch init` writes your own settings"
        )
    if config.telegram.token is None:
        yield Finding("note", "Telegram is not served: BOT_TELEGRAM_TOKEN is not set; @BotFather on Telegram gives one")
    if config.clinic.day_number == config.clinic.always_number and not config.is_demo:
        yield Finding("note", "[numbers] day and always are the same number; is it answered day and night?")
    if config.web.public_url is not None and not config.web.trusted_proxies:
        yield Finding(
            "note",
            "[web] public_url without trusted_proxies: all patients behind the proxy count as one address, and the "
            f"{config.web.new_sessions_per_hour + 1}st check of an hour is refused; add the proxy's, such as 127.0.0.1",
        )
    now = config.clinic.calendar.local(datetime.now(UTC))
    yield Finding(
        "ok", f"time {now:%A %H:%M} at the clinic ({config.clinic.time_zone}), the same as on its wall clock?"
    )
    yield from _numbers(config.clinic)
    if not any(day >= now.date() for day in config.clinic.calendar.holidays):
        yield Finding(
            "note", "[hours] holidays: none lies ahead; patients are told that nurses read on every working day"
        )


def _numbers(clinic: Clinic) -> Iterator[Finding]:
    """What patients see, so that somebody dials each once; and what the country's numbering plan does not know."""
    numbers = {name: getattr(clinic, field) for field, name in NUMBERS.items()}
    yield Finding("ok", f"numbers of {clinic.country}: " + ", ".join(f"{name} {one}" for name, one in numbers.items()))
    for name, number in numbers.items():
        if found := doubt(number, clinic.country, is_emergency=name == "emergency"):
            yield Finding(
                "note", f"[numbers] {name} {number!r} {found}; dial it, and leave it if the right people answer"
            )


def _languages(config: Config, protocol: TriageProtocol, topics: Topics) -> Iterator[Finding]:
    try:
        words = PatientTexts(config.clinic, protocol, topics=topics)
    except CatalogueError as error:
        yield Finding("problem", str(error))
        return
    for language in config.clinic.languages:
        problems = words.problems(language)
        if not problems:
            yield Finding("ok", f"language {language}")
        yield from (Finding("problem", f"language {language} is not offered: {problem}") for problem in problems)
    yield from (Finding("problem", f"{config.source}: {fault}") for fault in rehearse(words, datetime.now(UTC)))
