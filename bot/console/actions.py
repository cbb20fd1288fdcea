"""What a nurse does: each form becomes one event, and goes through `Service.review` like a patient's message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from bot.console import session as entry
from bot.console.replies import LONGEST_BLANK, prepared
from bot.console.request import LONGEST_TEXT, Asking, may
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

Make = Callable[[Asking], Awaitable[tuple[NurseEvent, ...]]]


class NotDone(Exception):
    """The form cannot be taken as it is. `why`: a key of REFUSED."""

    def __init__(self, why: str, **values: Any) -> None:
        super().__init__(why)
        self.why = why
        self.values = values


def act(make: Make, done: str) -> Callable[[Asking], Awaitable[Response]]:
    """The route of one act: back to the page when it is done, the page with what was written when it is not."""

    async def acted(asking: Asking) -> Response:
        session_id = asking.request.path_params["session"]
        try:
            events = await make(asking)
            await asking.console.service.review(session_id, events, _external_id(asking), _drawn_at(asking))
        except KeyError as error:
            raise HTTPException(404) from error
        except NotDone as problem:
            return await _again(asking, session_id, problem.why, problem.values, 422)
        except Refused as refused:
            return await _again(asking, session_id, refused.why, {"owner": refused.owner or "–"}, 409)
        if asking.form.get("next") == "worklist":
            return RedirectResponse(f"/console?done={done}", 303)
        return RedirectResponse(f"/console/entries/{session_id}?done={done}", 303)

    return acted


async def _again(asking: Asking, session_id: str, why: str, values: dict[str, Any], status: int) -> Response:
    view = await entry.read(asking, session_id)
    return entry.draw(asking, view, Draft(why, values, asking.form), status)


def _external_id(asking: Asking) -> str:
    """The same for a second submit of the same form."""
    return f"console:{asking.nurse.id}:{asking.form.get('id') or asking.fresh_id()}"[:100]


def _drawn_at(asking: Asking) -> datetime | None:
    """When the page was drawn on which she decided to put the entry away."""
    text = asking.form.get("drawn_at")
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


async def claim(asking: Asking) -> tuple[NurseEvent, ...]:
    """Who takes an entry sees it at once, so it is read."""
    return Claimed(asking.nurse.name), Acknowledged(asking.nurse.name)


async def acknowledge(asking: Asking) -> tuple[NurseEvent, ...]:
    return (Acknowledged(asking.nurse.name),)


async def release(asking: Asking) -> tuple[NurseEvent, ...]:
    return (Released(asking.nurse.name, may(asking.nurse, Role.LEAD)),)


async def hand_over(asking: Asking) -> tuple[NurseEvent, ...]:
    to = await asking.console.desk.nurse(asking.form.get("to", ""))
    if to is None or not to.is_active:
        raise NotDone("nobody")
    return (HandedOver(asking.nurse.name, to.name, may(asking.nurse, Role.LEAD)),)


async def note(asking: Asking) -> tuple[NurseEvent, ...]:
    return (NoteAdded(asking.nurse.name, _text(asking)),)


async def call(asking: Asking) -> tuple[NurseEvent, ...]:
    reached = asking.form.get("reached")
    if reached not in ("yes", "no"):
        raise NotDone("choice")
    again = asking.form.get("again", "")
    call_again_at = _moment(again) if again else None
    if call_again_at is None and reached == "no":
        call_again_at = asking.at + entry.CALL_AGAIN[0]
    text = asking.form.get("text", "").strip()
    if len(text) > LONGEST_TEXT:
        raise NotDone("too_long", most=LONGEST_TEXT)
    return (Called(asking.nurse.name, reached == "yes", call_again_at, text),)


async def confirm_baseline(asking: Asking) -> tuple[NurseEvent, ...]:
    log = await asking.console.service.store.load(asking.request.path_params["session"])
    session = replay(log.session, log.events)
    followed = {one.follows_up for one in asking.console.service.protocol_of(session).questions if one.follows_up}
    question = asking.form.get("question", "")
    if question not in followed:
        raise NotDone("choice")
    return (BaselineConfirmed(asking.nurse.name, question),)


async def reply(asking: Asking) -> tuple[NurseEvent, ...]:
    """Free words only in a language that she has declared; a prepared reply in any."""
    log = await asking.console.service.store.load(asking.request.path_params["session"])
    language = replay(log.session, log.events).language
    template = asking.form.get("template", "")
    if template:
        return (_prepared(asking, template, language),)
    if language.partition("_")[0] not in {one.partition("_")[0] for one in asking.nurse.languages}:
        raise NotDone("language")
    return (Replied(asking.nurse.name, _text(asking)),)


def _prepared(asking: Asking, template: str, language: str) -> Replied:
    words = asking.console.service.words
    chosen = prepared(words, language, asking.language).get(template)
    if chosen is None:
        raise NotDone("choice")
    values = {blank: " ".join(asking.form.get(f"blank_{blank}", "").split()) for blank in chosen.blanks}
    if not all(values.values()):
        raise NotDone("blanks")
    if any(len(value) > LONGEST_BLANK for value in values.values()):
        raise NotDone("too_long", most=LONGEST_BLANK)
    phrases = words.phrases(language, words.protocol, asking.at)
    return Replied(asking.nurse.name, chosen.say(values, phrases), template, values)


async def snooze(asking: Asking) -> tuple[NurseEvent, ...]:
    until = _moment(asking.form.get("until", ""))
    if until is None or until <= asking.at:
        raise NotDone("choice")
    return (Snoozed(asking.nurse.name, until),)


async def close(asking: Asking) -> tuple[NurseEvent, ...]:
    outcome = asking.form.get("outcome", "")
    if outcome not in OUTCOMES:
        raise NotDone("choice")
    return (Closed(asking.nurse.name, outcome),)


async def reopen(asking: Asking) -> tuple[NurseEvent, ...]:
    return (Reopened(asking.nurse.name, asking.nurse.name),)


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


def _text(asking: Asking) -> str:
    text = asking.form.get("text", "").strip()
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
