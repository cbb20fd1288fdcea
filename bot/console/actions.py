"""What a nurse does: each form becomes one event, and goes through `Service.review` like a patient's message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.console import session as entry
from bot.console.replies import LONGEST_BLANK, prepared
from bot.console.request import LONGEST_TEXT, NurseRequest, may
from bot.console.session import Draft
from bot.service.entry import Refused
from bot.store.console import Role
from dialogs.events import (
    OUTCOMES,
    Acknowledged,
    BaselineConfirmed,
    Called,
    Claimed,
    Closed,
    HandedOver,
    NoteAdded,
    NurseEvent,
    Released,
    Reopened,
    Replied,
    Snoozed,
)
from dialogs.session import replay

Make = Callable[[NurseRequest], Awaitable[tuple[NurseEvent, ...]]]


class NotDone(Exception):
    """The form cannot be taken as it is. `why`: a key of REFUSED."""

    def __init__(self, why: str, **values: Any) -> None:
        super().__init__(why)
        self.why = why
        self.values = values


def act(make: Make, done: str) -> Callable[[NurseRequest], Awaitable[Response]]:
    """The route of one act: back to the page when it is done, the page with what was written when it is not."""

    async def acted(request: NurseRequest) -> Response:
        session_id = request.session_id
        try:
            events = await make(request)
            await request.service.review(session_id, events, _external_id(request), _drawn_at(request))
        except KeyError as error:
            raise HTTPException(404) from error
        except NotDone as problem:
            return await _again(request, session_id, problem.why, problem.values, 422)
        except Refused as refused:
            return await _again(request, session_id, refused.why, {"owner": refused.owner or "–"}, 409)
        if request.form.get("next") == "worklist":
            return request.to("worklist", done)
        return request.to("entry", done, session=session_id)

    return acted


async def _again(request: NurseRequest, session_id: str, why: str, values: dict[str, Any], status: int) -> Response:
    view = await entry.read(request, session_id)
    return entry.draw(request, view, Draft(why, values, request.form), status)


def _external_id(request: NurseRequest) -> str:
    """The same for a second submit of the same form."""
    return f"console:{request.nurse.id}:{request.form.get('id') or request.fresh_id()}"[:100]


def _drawn_at(request: NurseRequest) -> datetime | None:
    """When the page was drawn on which she decided to put the entry away."""
    text = request.form.get("drawn_at")
    if text is None:
        return None
    try:
        drawn_at = datetime.fromisoformat(text)
    except ValueError as error:
        raise HTTPException(400) from error
    if drawn_at.tzinfo is None:
        raise HTTPException(400)
    return drawn_at


# --- the acts


async def claim(request: NurseRequest) -> tuple[NurseEvent, ...]:
    """Who takes an entry sees it at once, so it is read."""
    return Claimed(request.nurse.name), Acknowledged(request.nurse.name)


async def acknowledge(request: NurseRequest) -> tuple[NurseEvent, ...]:
    return (Acknowledged(request.nurse.name),)


async def release(request: NurseRequest) -> tuple[NurseEvent, ...]:
    return (Released(request.nurse.name, may(request.nurse, Role.LEAD)),)


async def hand_over(request: NurseRequest) -> tuple[NurseEvent, ...]:
    to = await request.desk.nurse(request.form.get("to", ""))
    if to is None or not to.is_active:
        raise NotDone("nobody")
    return (HandedOver(request.nurse.name, to.name, may(request.nurse, Role.LEAD)),)


async def note(request: NurseRequest) -> tuple[NurseEvent, ...]:
    return (NoteAdded(request.nurse.name, _text(request)),)


async def call(request: NurseRequest) -> tuple[NurseEvent, ...]:
    reached = request.form.get("reached")
    if reached not in ("yes", "no"):
        raise NotDone("choice")
    again = request.form.get("again", "")
    call_again_at = _moment(again) if again else None
    if call_again_at is None and reached == "no":
        call_again_at = request.at + entry.CALL_AGAIN[0]
    text = request.form.get("text", "").strip()
    if len(text) > LONGEST_TEXT:
        raise NotDone("too_long", most=LONGEST_TEXT)
    return (Called(request.nurse.name, reached == "yes", call_again_at, text),)


async def confirm_baseline(request: NurseRequest) -> tuple[NurseEvent, ...]:
    log = await request.load()
    session = replay(log.session, log.events)
    followed = {one.follows_up for one in request.service.protocol_of(session).questions if one.follows_up}
    question = request.form.get("question", "")
    if question not in followed:
        raise NotDone("choice")
    return (BaselineConfirmed(request.nurse.name, question),)


async def reply(request: NurseRequest) -> tuple[NurseEvent, ...]:
    """Free words only in a language that she has declared; a prepared reply in any."""
    log = await request.load()
    language = replay(log.session, log.events).language
    template = request.form.get("template", "")
    if template:
        return (_prepared(request, template, language),)
    if language.partition("_")[0] not in {one.partition("_")[0] for one in request.nurse.languages}:
        raise NotDone("language")
    return (Replied(request.nurse.name, _text(request)),)


def _prepared(request: NurseRequest, template: str, language: str) -> Replied:
    words = request.texts
    chosen = prepared(words, language, request.language).get(template)
    if chosen is None:
        raise NotDone("choice")
    values = {blank: " ".join(request.form.get(f"blank_{blank}", "").split()) for blank in chosen.blanks}
    if not all(values.values()):
        raise NotDone("blanks")
    if any(len(value) > LONGEST_BLANK for value in values.values()):
        raise NotDone("too_long", most=LONGEST_BLANK)
    phrases = words.phrases(language, words.protocol, request.at)
    return Replied(request.nurse.name, chosen.say(values, phrases), template, values)


async def snooze(request: NurseRequest) -> tuple[NurseEvent, ...]:
    until = _moment(request.form.get("until", ""))
    if until is None or until <= request.at:
        raise NotDone("choice")
    return (Snoozed(request.nurse.name, until),)


async def close(request: NurseRequest) -> tuple[NurseEvent, ...]:
    outcome = request.form.get("outcome", "")
    if outcome not in OUTCOMES:
        raise NotDone("choice")
    return (Closed(request.nurse.name, outcome),)


async def reopen(request: NurseRequest) -> tuple[NurseEvent, ...]:
    return (Reopened(request.nurse.name, request.nurse.name),)


ACTS: dict[str, tuple[Make, str]] = {
    "claim": (claim, "claimed"),
    "acknowledge": (acknowledge, "acknowledged"),
    "release": (release, "released"),
    "hand-over": (hand_over, "handed"),
    "note": (note, "noted"),
    "call": (call, "called"),
    "baseline": (confirm_baseline, "baseline"),
    "reply": (reply, "replied"),
    "snooze": (snooze, "snoozed"),
    "close": (close, "closed"),
    "reopen": (reopen, "reopened"),
}


def _text(request: NurseRequest) -> str:
    text = request.form.get("text", "").strip()
    if not text:
        raise NotDone("empty")
    if len(text) > LONGEST_TEXT:
        raise NotDone("too_long", most=LONGEST_TEXT)
    return text


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
