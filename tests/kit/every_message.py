"""Every message that a patient can be sent, in any language and at any hour, and the facts in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import product

from babel.dates import get_day_names, get_month_names

from bot.channels import Outgoing
from bot.language.catalogue import messages, topic_messages
from bot.language.texts import COMMANDS
from dialogs.events import (
    Advised,
    Answered,
    Asked,
    AskedForHelp,
    AskedForPerson,
    AskedForTopics,
    AskedToShare,
    AskedWhy,
    CheckedBack,
    Corrected,
    Entered,
    Event,
    Expired,
    LeftUnfinished,
    Listed,
    NotUnderstood,
    ReadTopic,
    Recorded,
    Reminded,
    Replied,
    Resumed,
    Said,
    Started,
    Stopped,
    TappedStale,
    Unprocessed,
)
from dialogs.session import apply, replay
from tests.kit.languages import CLINIC, PROTOCOL, WORDS

TOPICS = WORDS.topics
HOURS = {
    "open": datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
    "closed": datetime(2026, 11, 22, 11, 20, tzinfo=UTC),
    "night": datetime(2026, 11, 27, 22, 30, tzinfo=UTC),
}
"""Monday morning; Sunday; the night from Friday to Saturday."""
DISPOSITIONS = ("emergency", "12h", "1w", "2w", "none")
TOKEN = "tok7"
PENDING = (Entered("asking"), Asked("weakness", TOKEN))
AGAIN = Asked("weakness", "tok8")
DISCOUNTS = ("difficulty_walking", "numbness_tingling")


@dataclass(frozen=True, slots=True)
class Scene:
    """A turn that says something. `before`: what happened since the patient answered every question."""

    turn: tuple[Event, ...]
    before: tuple[Event, ...] = PENDING
    is_first: bool = False


def advised(disposition: str, at: datetime = HOURS["open"], **fields: object) -> Advised:
    rules = tuple(one.id for one in PROTOCOL.rules if one.disposition == disposition)
    return replace(Advised(disposition, rules, disposition, at), **fields)  # type: ignore[arg-type]


def _questions() -> Iterator[tuple[str, Scene]]:
    for question, is_urgent in product((*PROTOCOL.questions, *PROTOCOL.administrative), (False, True)):
        asked = Asked(question.id, "tok8", is_urgent, wants_contact=is_urgent)
        told = (advised("1w"),) if question.id == "reached" else ()
        yield f"{'urgent ' if is_urgent else ''}question {question.id}", Scene((asked,), (Entered("asking"), *told))
        if question.why:
            yield (
                f"why {question.id}",
                Scene((AskedWhy(), asked), (Entered("asking"), Asked(question.id, TOKEN))),
            )


def _misunderstandings() -> Iterator[tuple[str, Scene]]:
    for what in ("text", "number", "command", "button", "contact", "edited", "forwarded", "voice"):
        yield f"not understood: {what}", Scene((NotUnderstood(what), AGAIN))
    yield "words after the end", Scene((Said("thank you"), Listed("words", "text")), (Entered("closed"),))
    yield "a stale tap", Scene((TappedStale("lhermitte", "no"), AGAIN))
    yield "an urgent stale tap", Scene((TappedStale("lhermitte", "yes"), Listed("stale_tap", "lhermitte"), AGAIN))


def _moves() -> Iterator[tuple[str, Scene]]:
    closed = (Entered("closed"),)
    told = (advised("12h"), Entered("asking_more"), Asked("weakness", TOKEN))
    number = (Entered("advised"), Asked("call_back_number", TOKEN))
    yield "greeting", Scene((Started("2026.1", "?"), Entered("greeting"), Asked("language", "tok8")), (), is_first=True)
    again = Started("2026.1", "?", is_language_known=True, is_consented=True)
    yield "greeting again", Scene((again, Entered("asking"), Asked("respondent", "tok8")), (), is_first=True)
    yield "help", Scene((AskedForHelp(), AGAIN))
    yield "a person", Scene((AskedForPerson(), Listed("person"), AGAIN))
    yield "unprocessed", Scene((Unprocessed("KeyError"),))
    yield "a nurse's reply", Scene((Replied("Anna", "¿1? 2 ✓"),), closed)
    yield "resumed", Scene((Resumed(), AGAIN))
    yield "reminded", Scene((Reminded(), AGAIN))
    yield "asked to share", Scene((AskedToShare(), Asked("call_back_number", "tok8", wants_contact=True)), number)
    yield "a number given", Scene((Answered("call_back_number", "+31612345678"), Asked("more", "tok8")), number)
    yield (
        "a carer",
        Scene(
            (Answered("respondent", "carer"), Entered("asking"), Asked("emergency_signs", "tok8")),
            (Entered("greeting"), Asked("respondent", TOKEN)),
        ),
    )
    yield "the last answer", Scene((Answered("weakness", "no"), Entered("following_up")), told)
    yield "corrected after an advice", Scene((Corrected("weakness", "no", "yes"), Asked("lhermitte", "tok8")), told)
    yield (
        "another language after the end",
        Scene((Answered("language", "?"),), (advised("12h"), Entered("closed"), Asked("language", TOKEN))),
    )
    yield "nothing to stop", Scene((Stopped("stop"),), closed)
    yield "restarted", Scene((Stopped("restart"), Entered("stopped"), LeftUnfinished()))
    for code in PROTOCOL.question("reached").codes:
        asked = (advised("12h"), Entered("following_up"), Asked("reached", TOKEN))
        yield f"reached: {code}", Scene((Answered("reached", code), Entered("closed")), asked)
    yield (
        "checked back",
        Scene((CheckedBack(), Asked("reached", "tok8")), (advised("12h", HOURS["night"]), Entered("following_up"))),
    )


def _endings() -> Iterator[tuple[str, Scene]]:
    for disposition in DISPOSITIONS:
        yield f"advice {disposition}", Scene((advised(disposition), Entered("advised")))
    for disposition in ("1w", "2w"):
        yield f"advice {disposition} today", Scene((advised(disposition, is_call_today=True),))
        unfinished = advised(disposition, is_call_today=True, is_finished=False)
        yield f"advice {disposition} after silence", Scene((Expired(), Entered("expired"), unfinished))
    for disposition in DISPOSITIONS[:-1]:
        standing = advised(disposition, is_standing=True, is_worse=True, discounted=DISCOUNTS)
        yield f"advice {disposition} that stands", Scene((standing,))
    for disposition in ("12h", "1w", "2w"):
        late = advised(disposition, HOURS["open"] - timedelta(days=30), is_standing=True)
        yield f"advice {disposition} that is late", Scene((late,))
    yield "advice said again", Scene((advised("12h", is_repeat=True),))
    yield "advice none with discounts", Scene((advised("none", discounted=DISCOUNTS),))
    yield "emergency with a 12-hour sign", Scene((advised("emergency", rules=("emergency", "walking")),))
    yield "12 hours after an emergency", Scene((advised("12h"),), (advised("emergency"), *PENDING))
    yield "stopped", Scene((Stopped("stop"), Entered("stopped"), LeftUnfinished()))
    yield (
        "stopped after an advice",
        Scene(
            (Stopped("stop"), Entered("stopped")), (advised("12h"), Entered("asking_more"), Asked("weakness", TOKEN))
        ),
    )
    yield (
        "refused",
        Scene(
            (Answered("consent", "no"), Entered("stopped"), LeftUnfinished(is_refused=True)),
            (Entered("greeting"), Asked("consent", TOKEN)),
        ),
    )


def _reading() -> Iterator[tuple[str, Scene]]:
    yield "the list of topics", Scene((AskedForTopics(),))
    for topic in TOPICS.topics:
        yield f"topic {topic.id}", Scene((ReadTopic(topic.id, TOPICS.version),))
    yield "a topic after the end", Scene((ReadTopic(TOPICS.topics[0].id, TOPICS.version),), (Entered("closed"),))


SCENES: dict[str, Scene] = dict((*_questions(), *_misunderstandings(), *_moves(), *_endings(), *_reading()))


@lru_cache(maxsize=4096)
def render(name: str, hour: str, language: str) -> tuple[Outgoing, ...]:
    """The messages of a scene. Whatever was decided in it was decided at this hour, unless it was long ago."""
    scene, at = SCENES[name], HOURS[hour]
    history: list[Event] = []
    if not scene.is_first:
        answers = [Answered(question.id, question.codes[0]) for question in PROTOCOL.questions]
        history = [Started("2026.1", language), Answered("respondent", "carer"), *answers, *scene.before]
    turn = [_moved(event, at, language) for event in scene.turn]
    before = replay("s", [Recorded(seq, at, _moved(event, at, language)) for seq, event in enumerate(history)])
    after = before
    for event in turn:
        after = apply(after, event, at)
    return WORDS.render(turn, before, after, PROTOCOL, at)


def _moved(event: Event, at: datetime, language: str) -> Event:
    match event:
        case Started():
            return replace(event, language=language)
        case Answered("language"):
            return replace(event, answer=language)
        case Advised(decided_at=decided):
            return replace(event, decided_at=at + (decided - HOURS["open"]))
    return event


def whole(outgoing: Sequence[Outgoing]) -> str:
    return "\n\n".join(f"{one.heading}\n{one.text}" for one in outgoing)


# --- the facts in a text

Moment = tuple[str, ...]
NUMBERS = (CLINIC.always_number, CLINIC.day_number, CLINIC.emergency_number, CLINIC.crisis_line, "+31612345678")
NUMBER = re.compile(rf"(?<![\w+])(?:{'|'.join(re.escape(one) for one in NUMBERS)})(?!\w)")
SPELLED = {"ar": {"أسبوعين": "2", "أسبوع واحد": "1", "أسبوع": "1"}}
"""Figures that a language writes in words: Arabic has a dual."""
FIELDS = {"EEEE": "weekday", "MMMM": "month", "d": "day", "y": "year", "HH": "hour", "mm": "minute"}
DIGITS = {"d": r"\d{1,2}", "y": r"\d{4}", "HH": r"\d\d", "mm": r"\d\d"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What must be the same in every language. `figures`: the other numbers, in any order."""

    numbers: tuple[str, ...]
    moments: tuple[Moment, ...]
    figures: tuple[str, ...]
    commands: tuple[str, ...]
    points: tuple[int, ...]


def facts(text: str, language: str) -> Facts:
    """`moments`: weekday, day, month, year, hour and minute as numbers, in order; `points`: bullets in each message."""
    moments, rest = moments_in(text, language)
    numbers = tuple(NUMBER.findall(rest))
    rest = NUMBER.sub(" ", rest)
    for word, figure in SPELLED.get(language, {}).items():
        rest = rest.replace(word, figure)
    return Facts(
        numbers,
        moments,
        tuple(sorted(re.findall(r"\d+", rest))),
        tuple(re.findall(rf"/(?:{'|'.join(COMMANDS)})\b", rest)),
        tuple(sum(line.startswith("• ") for line in part.split("\n")) for part in text.split("\n\n")),
    )


def moments_in(text: str, language: str) -> tuple[tuple[Moment, ...], str]:
    """The moments of a text in order, and the text without them."""
    found: list[Moment] = []

    def read(match: re.Match[str]) -> str:
        names = {"weekday": _names(language, "weekday"), "month": _names(language, "month")}
        values = {kind: value for name, value in match.groupdict().items() if value and (kind := name.rstrip("0123"))}
        found.append(
            tuple(
                f"{kind} {names[kind].index(value) if kind in names else int(value)}"
                for kind, value in sorted(values.items())
            )
        )
        return " "

    rest = _pattern(language).sub(read, text)
    return tuple(found), rest


@lru_cache
def _names(language: str, kind: str) -> tuple[str, ...]:
    names = get_day_names("wide", locale=language) if kind == "weekday" else get_month_names("wide", locale=language)
    return tuple(names[key] for key in sorted(names))


@lru_cache
def _pattern(language: str) -> re.Pattern[str]:
    """All ways in which the language's catalogue writes a moment, the longest first."""
    texts = WORDS.phrases(language, PROTOCOL, HOURS["open"]).texts
    ways = (texts[f"wording.{key}"] for key in ("moment_full", "moment", "moment_near", "day"))
    return re.compile("|".join(_expression(way, place, language) for place, way in enumerate(ways)))


def _expression(way: str, place: int, language: str) -> str:
    parts = []
    for quoted, field, other in re.findall(r"'([^']*)'|(EEEE|MMMM|HH|mm|d|y)|(.)", way):
        if field:
            names = {"EEEE": _names(language, "weekday"), "MMMM": _names(language, "month")}.get(field)
            shape = DIGITS.get(field) or "|".join(map(re.escape, names or ()))
            parts.append(f"(?P<{FIELDS[field]}{place}>{shape})")
        else:
            parts.append(re.escape(quoted or other))
    return "".join(parts)


# --- which texts a message is made of


def piece(key: str, language: str) -> re.Pattern[str]:
    """Finds a text of the catalogue in a message, whatever its blanks were filled with."""
    text = WORDS.phrases(language, PROTOCOL, HOURS["open"]).texts[key]
    return re.compile(re.sub(r"\\\{\w+\\\}", ".+?", re.escape(text)), re.DOTALL)


def sentences(text: str) -> set[str]:
    """Pieces of two words or more, without numbers and names."""
    cut = re.split(r"[\n.?!:;“”•]+", text.replace(CLINIC.name, "."))
    return {one.strip() for one in cut if len(re.findall(r"[A-Za-z]{2,}", one)) >= 2}


ENGLISH = frozenset().union(
    *(
        sentences(message.text)
        for message in (*messages(PROTOCOL), *topic_messages(TOPICS))
        if ".alias_" not in message.key
    )
)
"""Everything of two words or more that protocol and topics say in English."""
