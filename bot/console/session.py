"""The page of one session: why it is listed, what was said, who is at it, and everything a nurse can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.clinic.calendar import Calendar
from bot.console import labels as words
from bot.console.replies import Reply, prepared, with_gaps
from bot.console.request import NurseRequest
from bot.console.transcript import Spoken, transcript
from bot.console.trend import LEVELS, Trend, trend
from bot.console.worklist import Line, fold
from bot.language.console import console_words
from bot.language.phrases import Phrases
from bot.store.console import Audited, Nurse, SessionSummary
from bot.store.sessions import Log
from dialogs.decision import CAN_WAIT, URGENT, unconfirmed
from dialogs.events import BaselineConfirmed
from dialogs.protocol import Note, Rule, TriageProtocol, matches
from dialogs.session import Session, replay

CALL_AGAIN = (timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2))
PREFILLED = {"number": "day_number", "place": "name"}


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that matched, with the answers that made it match: question, answer, when."""

    rule: Rule
    text: str
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Given:
    """An answer in the nurse's language. `is_cause`: a rule that matched counts it."""

    topic: str
    question: str
    answer: str
    at: datetime
    is_cause: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What a nurse has written and what stood in its way, so that nothing she typed is lost."""

    refused: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the page shows. `is_reviewed`: the translation that the patient reads, by a clinician."""

    log: Log
    session: Session
    protocol: TriageProtocol
    line: Line | None
    reasons: tuple[Reason, ...]
    codes: tuple[str, ...]
    notes: tuple[Note, ...]
    answers: tuple[Given, ...]
    lines: tuple[Spoken, ...]
    checks: tuple[SessionSummary, ...]
    trend: Trend
    audited: tuple[Audited, ...]
    colleagues: tuple[Nurse, ...]
    baselines: tuple[tuple[str, str], ...]
    replies: Mapping[str, Reply]
    chosen: Reply | None
    call_again: tuple[datetime, ...]
    snooze: tuple[datetime, ...]
    is_reviewed: bool

    @property
    def is_urgent(self) -> bool:
        return self.line is not None and self.line.disposition in {*URGENT}


async def page(request: NurseRequest) -> Response:
    session_id = request.session_id
    view = await read(request, session_id)
    await request.write_down("viewed", session_id)
    return draw(request, view)


async def live(request: NurseRequest) -> Response:
    """Only what changes while the page is open; looking is written down once, when the page is opened."""
    return draw(request, await read(request, request.session_id), template="entry_live.html")


def draw(
    request: NurseRequest, view: View, draft: Draft | None = None, status: int = 200, template: str = ""
) -> Response:
    return request.page(
        template or "entry.html",
        status,
        view=view,
        words=words,
        draft=draft or Draft(),
        done=request.query.get("done"),
        can_write=_short(view.session.language) in {_short(one) for one in request.nurse.languages},
        prefilled={name: getattr(request.clinic, key) for name, key in PREFILLED.items()},
        levels=LEVELS,
        baseline_holds=console_words(request.language).days(request.console.service.current.baseline_holds),
        with_gaps=with_gaps,
    )


async def read(request: NurseRequest, session_id: str) -> View:
    """Raises 404, which says nothing about other sessions."""
    service, desk, language = request.service, request.desk, request.language
    try:
        log = await desk.load(session_id)
    except KeyError as error:
        raise HTTPException(404) from error
    session = replay(session_id, log.events)
    protocol = service.protocol_of(session)
    words_for_her = service.words.read_in(language)
    phrases = words_for_her.phrases(language, protocol, request.at)
    checks = await desk.checks(log.patient.id)
    rows = [one.row for one in checks if one.row is not None and one.row.entry.is_open]
    own = next((one.row for one in checks if one.session == session_id and one.row is not None), None)
    line = fold(rows) if rows else fold([own]) if own is not None else None
    codes = own.entry.reasons if own is not None else ()
    reasons = tuple(reasons_of(codes, session, protocol, phrases))
    said = await desk.transcript(session_id)
    replies = prepared(service.words, session.language, language)
    calendar = request.clinic.calendar
    return View(
        log=log,
        session=session,
        protocol=protocol,
        line=line,
        reasons=reasons,
        codes=tuple(code for code in codes if code in words.REASONS),
        notes=tuple(_notes(session, protocol)),
        answers=tuple(_answers(session, protocol, phrases, reasons)),
        lines=tuple(transcript(session_id, log.events, said, words_for_her, protocol, language)),
        checks=tuple(checks),
        trend=trend(checks, service.current),
        audited=tuple(await desk.audited(session_id)),
        colleagues=tuple(one for one in await desk.nurses() if one.is_active and one.id != request.nurse.id),
        baselines=tuple(_baselines(session, log, protocol, phrases)),
        replies=replies,
        chosen=replies.get(request.query.get("reply", "") or request.form.get("template", "")),
        call_again=call_again(calendar, request.at),
        snooze=snooze(calendar, request.at, line),
        is_reviewed=service.words.is_reviewed(session.language),
    )


def call_again(calendar: Calendar, at: datetime) -> tuple[datetime, ...]:
    """When a nurse may plan the next call: soon, or on a coming morning."""
    return (*(at + one for one in CALL_AGAIN), *mornings(calendar, at)[:2])


def snooze(calendar: Calendar, at: datetime, line: Line | None) -> tuple[datetime, ...]:
    """Until when an entry may be put off: working mornings before the patient should be seen."""
    if line is None or line.disposition not in CAN_WAIT:
        return ()
    return tuple(one for one in mornings(calendar, at) if line.seen_by is None or one <= line.seen_by)


def mornings(calendar: Calendar, at: datetime) -> tuple[datetime, ...]:
    """When the clinic opens on each of the coming days on which it does."""
    today = calendar.local(at).date()
    midnights = [datetime.combine(today + timedelta(days=day), time(), calendar.zone) for day in range(1, 9)]
    return tuple(dict.fromkeys(calendar.next_opening(midnight.astimezone(UTC)) for midnight in midnights))[:5]


def reasons_of(codes: Sequence[str], session: Session, protocol: TriageProtocol, phrases: Phrases) -> Iterator[Reason]:
    """Of the codes those that are rules, the most urgent first."""
    known = {rule.id: rule for rule in protocol.rules}
    rules = sorted((known[code] for code in codes if code in known), key=lambda one: -one.disposition.urgency)
    for rule in rules:
        answers = tuple(
            (phrases.topic(question), phrases.label(question, session.answers[question]))
            for question in rule.when
            if question in session.answers
        )
        yield Reason(rule, phrases.reason(rule.id), answers)


def _notes(session: Session, protocol: TriageProtocol) -> Iterator[Note]:
    for note in protocol.notes:
        is_told = note.disposition in (None, session.advised, *session.dispositions)
        if is_told and matches(note.when, {**session.findings, **session.answers}):
            yield note


def _answers(
    session: Session, protocol: TriageProtocol, phrases: Phrases, reasons: Sequence[Reason]
) -> Iterator[Given]:
    causes = {question for reason in reasons for question in reason.rule.when}
    for question in protocol.questions:
        answer = session.answers.get(question.id)
        if answer is not None:
            yield Given(
                phrases.topic(question.id),
                phrases.heading(question)[0],
                phrases.label(question.id, answer),
                session.answered_at[question.id],
                question.id in causes and question.severity(answer) > 0,
            )


def _baselines(session: Session, log: Log, protocol: TriageProtocol, phrases: Phrases) -> Iterator[tuple[str, str]]:
    """Symptoms called known and unchanged that a nurse has still to confirm: id and name."""
    confirmed = {one.event.question for one in log.events if isinstance(one.event, BaselineConfirmed)}
    for symptom in unconfirmed(session.answers, confirmed, protocol):
        yield symptom, phrases.topic(symptom)


def _short(language: str) -> str:
    return language.partition("_")[0]
