"""A session's conversation twice: as the nurse reads it in her language, and the exact text that the patient saw."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from bot.channels import Outgoing
from bot.console.labels import LEFT, OUTCOMES, REASONS, UNDELIVERED
from bot.console.replies import in_language
from bot.language.console import console_words
from bot.language.texts import PatientTexts
from bot.store.transcripts import SentMessage
from dialogs.events import (
    Asked,
    Closed,
    DeliveryFailed,
    Event,
    Listed,
    NurseEvent,
    PatientEvent,
    Recorded,
    Replied,
    Started,
    Stopped,
    Unprocessed,
)
from dialogs.protocol import TriageProtocol
from dialogs.session import Session, apply

log = logging.getLogger("cordwatch.console")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line. `who`: patient, bot, nurse or log. `event`: for what the page words itself.

    `text`: in the nurse's language, empty when there is none; `exact`: in the patient's, with its `language`; the same
    text is not said twice. `said`: the delivery of a message of ours.
    """

    who: str
    at: datetime
    text: str
    exact: str = ""
    language: str = ""
    event: Event | None = None
    said: SentMessage | None = None

    @property
    def first(self) -> str:
        """The first line, which says what the rest is about."""
        return (self.text or self.exact).partition("\n")[0]

    @property
    def is_long(self) -> bool:
        """Whether it may be folded: what the program says in many words, but for what to do now."""
        whole = self.text or self.exact
        is_outcome = self.said is not None and self.said.outgoing.kind == "advice" and bool(self.said.outgoing.heading)
        return self.who == "bot" and not is_outcome and whole != self.first


def transcript(
    session_id: str,
    events: Sequence[Recorded],
    messages: Sequence[SentMessage],
    words: PatientTexts,
    protocol: TriageProtocol,
    language: str,
) -> list[Spoken]:
    """What was said and done, each line in the nurse's language with the exact words beside it."""
    session = Session(session_id)
    lines: list[Spoken] = []
    for turn in _turns(events):
        before = session
        for one in turn:
            lines += _line_of(one, session, words, protocol, language)
            session = apply(session, one.event, one.at)
        said = [one for one in messages if turn[0].seq <= one.seq <= turn[-1].seq]
        lines += _messages(said, turn, before, session, words, protocol, language)
    return lines


def _turns(events: Sequence[Recorded]) -> Iterator[list[Recorded]]:
    """What was committed together: the first of each turn bears the message's id, and all share its moment."""
    turn: list[Recorded] = []
    for one in events:
        if turn and (one.external_id is not None or one.at != turn[0].at):
            yield turn
            turn = []
        turn.append(one)
    if turn:
        yield turn


def _line_of(
    recorded: Recorded, session: Session, words: PatientTexts, protocol: TriageProtocol, language: str
) -> Iterator[Spoken]:
    event, at = recorded.event, recorded.at
    if isinstance(event, Asked):
        return
    text = words.transcript_line(_in_words(event, language), language, protocol) or ""
    if isinstance(event, NurseEvent):
        yield Spoken("nurse", at, text, event=event)
    elif isinstance(event, PatientEvent | Unprocessed) and not isinstance(event, Started):
        exact = words.spoken(event, protocol, session.language)
        mine = words.spoken(event, protocol, language) or text
        yield Spoken("patient", at, "" if exact == mine else mine, exact, session.language, event)
    elif text:
        yield Spoken("log", at, text, event=event)


def _in_words(event: Event, language: str) -> Event:
    """The event with the nurse's words where the log has codes."""
    say = console_words(language).gettext
    match event:
        case Closed(_, code):
            return replace(event, outcome=say(OUTCOMES.get(code, code)))
        case Listed(code):
            return replace(event, reason=say(REASONS.get(code, code)))
        case Stopped(code):
            return replace(event, how=say(LEFT.get(code, code)))
        case DeliveryFailed(_, code):
            return replace(event, reason=say(UNDELIVERED.get(code, code)))
    return event


def _messages(
    said: Sequence[SentMessage],
    turn: Sequence[Recorded],
    before: Session,
    after: Session,
    words: PatientTexts,
    protocol: TriageProtocol,
    language: str,
) -> Iterator[Spoken]:
    if not said:
        return
    mine = _in_my_language(turn, before, after, words, protocol, language)
    texts = mine if len(mine) == len(said) else [""] * len(said)
    for one, text in zip(said, texts, strict=True):
        exact = plain(one.outgoing)
        yield Spoken(
            "nurse" if one.outgoing.kind == "reply" else "bot",
            one.at,
            "" if text == exact else text,
            exact,
            one.outgoing.language,
            said=one,
        )


def _in_my_language(
    turn: Sequence[Recorded],
    before: Session,
    after: Session,
    words: PatientTexts,
    protocol: TriageProtocol,
    language: str,
) -> list[str]:
    events = tuple(
        replace(one.event, text=in_language(one.event, words, language))
        if isinstance(one.event, Replied)
        else one.event
        for one in turn
    )
    mine, theirs = replace(before, language=language), replace(after, language=language)
    try:
        return [plain(one) for one in words.render(events, mine, theirs, protocol, turn[0].at)]
    except Exception as error:  # what could not be put into words then cannot be now; the exact text stands beside it
        log.warning("a turn could not be put into the nurse's language: %s", type(error).__name__)
        return []


def plain(outgoing: Outgoing) -> str:
    """The message as text, with its buttons."""
    parts = [part for part in (outgoing.heading, outgoing.text) if part]
    rows = groupby((one for one in outgoing.choices if one.kind == "answer"), key=lambda one: one.row)
    buttons = "\n".join(" ".join(f"[{one.label}]" for one in row) for _, row in rows)
    return "\n\n".join([*(part.strip("\n") for part in parts), *([buttons] if buttons else [])])
