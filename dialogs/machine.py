"""The dialog machine: which events a patient's message, or her silence, leads to. Pure; see `advance`.

STATES and TRANSITIONS are the whole table: for each state and trigger the first row whose conditions hold is taken.
Questions are data, not states. The rows of a trigger end with one that has no condition, so that no message is refused.
Conditions and what is done are methods of `Transition`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from transitions import Machine, MachineError

from dialogs.advice import Standing
from dialogs.events import (
    Answered,
    AskedForHelp,
    AskedForLanguage,
    AskedForPerson,
    AskedForTopics,
    AskedToShare,
    AskedWhy,
    CalledEmergency,
    Event,
    NotUnderstood,
    PatientEvent,
    ReadTopic,
    Resumed,
    Said,
    Started,
    Stopped,
    TappedStale,
    WentBack,
    Woke,
)
from dialogs.protocol import Disposition, TriageProtocol
from dialogs.session import Session
from dialogs.timers import TIMERS, Timing, wake_at
from dialogs.transition import Transition

__all__ = ["MACHINE", "STATES", "TRANSITIONS", "DialogError", "Standing", "Timing", "advance", "wake_at"]

_CHECK = ["greeting", "asking", "reviewing"]
_AFTER = ["advised", "asking_more"]
_OVER = ["stopped", "expired"]
_QUIET = ["following_up", "closed", *_OVER]
_BEGUN = [*_CHECK, *_AFTER, *_QUIET]
_OUTSIDE = ["new", "greeting", "asking_more", *_QUIET]
STATES = [{"name": name, "on_enter": Transition.record_entered.__name__} for name in ("new", *_BEGUN)]


def _row(
    trigger: str,
    source: str | list[str],
    dest: str | None,
    after: Callable[[Transition], None],
    *conditions: Callable[[Transition], bool],
) -> dict[str, Any]:
    """`dest` None stays in the state without entering it again. The library calls the methods by their names."""
    return {
        "trigger": trigger,
        "source": source,
        "dest": dest,
        "after": after.__name__,
        "conditions": [condition.__name__ for condition in conditions],
    }


TRANSITIONS: list[dict[str, Any]] = [
    _row("started", "new", "greeting", Transition.greet),
    # --- answers
    _row("answered", [*_CHECK, *_AFTER, "following_up"], None, Transition.ask_resumed, Transition.is_about_language),
    _row("answered", ["greeting", "asking", "asking_more"], "stopped", Transition.settle, Transition.is_refused),
    _row("answered", "greeting", None, Transition.ask_next, Transition.has_greeting),
    _row("answered", "greeting", "asking", Transition.ask_next),
    _row("answered", "asking", "advised", Transition.go_on, Transition.is_urgent),
    _row("answered", "asking", "reviewing", Transition.ask_next, Transition.is_complete),
    _row("answered", "asking", None, Transition.ask_next),
    _row("answered", "reviewing", "asking", Transition.ask_line, Transition.is_line),
    _row("answered", "reviewing", "closed", Transition.conclude, Transition.is_confirmed, Transition.is_without_advice),
    _row("answered", "reviewing", "advised", Transition.conclude, Transition.is_confirmed),
    _row("answered", "reviewing", None, Transition.ask_next),
    _row("answered", "advised", "asking_more", Transition.ask_next, Transition.wants_more),
    _row("answered", "advised", None, Transition.ask_next, Transition.has_offer),
    _row("answered", "advised", "following_up", Transition.settle),
    _row("answered", "asking_more", None, Transition.go_on, Transition.has_more),
    _row("answered", "asking_more", "advised", Transition.go_on, Transition.has_offer),
    _row("answered", "asking_more", "following_up", Transition.settle),
    _row("answered", "following_up", "closed", Transition.hear_back),
    _row("answered", ["closed", *_OVER], None, Transition.ask_resumed),
    # --- after whatever was done
    _row("greeted", "greeting", "asking", Transition.ask_next, Transition.is_greeted),
    _row("greeted", ["new", *_BEGUN], None, Transition.stay),
    # --- back
    _row("went_back", "new", "greeting", Transition.greet),
    _row("went_back", _BEGUN, None, Transition.ask_resumed, Transition.is_about_language),
    _row("went_back", "reviewing", "asking", Transition.ask_previous),
    _row("went_back", ["greeting", "asking", *_AFTER, *_QUIET], None, Transition.ask_previous),
    # --- anything that answers nothing
    _row("interrupted", "new", "greeting", Transition.greet),
    _row("interrupted", ["asking", "asking_more"], None, Transition.ask_tapped, Transition.is_stale_urgent),
    _row("interrupted", "reviewing", "asking", Transition.ask_tapped, Transition.is_stale_urgent),
    _row("interrupted", ["advised", "following_up"], "asking_more", Transition.ask_tapped, Transition.is_stale_urgent),
    _row("interrupted", _BEGUN, None, Transition.reply),
    _row("read_up", "new", "greeting", Transition.greet),
    _row("read_up", _BEGUN, None, Transition.stay),
    _row("chose_language", "new", "greeting", Transition.ask_language),
    _row("chose_language", _BEGUN, None, Transition.ask_language),
    # --- ways out
    _row("called_emergency", ["asking", "reviewing", "advised"], "advised", Transition.advise_emergency),
    _row("called_emergency", _OUTSIDE, "advised", Transition.advise_emergency, Transition.has_offer),
    _row("called_emergency", _OUTSIDE, "following_up", Transition.advise_emergency),
    _row("left", "new", "greeting", Transition.greet, Transition.is_new_check),
    _row("left", [*_CHECK, *_AFTER], "closed", Transition.settle, Transition.is_new_check),
    _row("left", ["new", *_CHECK, *_AFTER], "stopped", Transition.settle),
    _row("left", ["following_up", *_OVER], "closed", Transition.stay, Transition.is_new_check),
    _row("left", _QUIET, None, Transition.stay),
    # --- silence
    _row("timer_due", "asking", "advised", Transition.advise_silent, Transition.is_urgent_due),
    _row("timer_due", _AFTER, None, Transition.advise_silent, Transition.is_urgent_due),
    _row("timer_due", _CHECK, "expired", Transition.expire, Transition.is_expiry_due),
    _row("timer_due", _AFTER, "following_up", Transition.settle, Transition.is_expiry_due),
    _row("timer_due", _CHECK, None, Transition.remind, Transition.is_reminder_due),
    _row("timer_due", ["following_up", *_OVER], "following_up", Transition.check_back, Transition.is_check_back_due),
    _row("timer_due", ["new", *_BEGUN], None, Transition.stay),
]


class DialogError(Exception):
    """The table has no row for this state and trigger: a mistake in TRANSITIONS, never in a patient's message."""


def advance(
    session: Session,
    event: PatientEvent | Woke,
    protocol: TriageProtocol,
    at: datetime,
    timing: Timing,
    standing: Standing | None = None,
    languages: int = 1,
    are_carers_allowed: bool = True,
) -> tuple[Event, ...]:
    """The events that follow from one event, itself included. The same inputs give the same events.

    `at` is UTC. `standing`: what no nurse has closed yet, from any check. `languages`: how many the clinic offers.
    `are_carers_allowed`: without it nobody is asked who answers, and it is the patient.
    Raises DialogError when the table has no row.
    """
    event = _as_it_counts(session, event, are_carers_allowed)
    # No warning symptom is no advice that stands: an unfinished check must never be told so.
    if standing is not None and standing.disposition is Disposition.NO_WARNING_SYMPTOM:
        standing = None
    step = Transition(session, event, protocol, at, timing, standing, languages, are_carers_allowed)
    step.take()
    _fire(_trigger(event), step)
    if isinstance(event, Woke):
        _do_all_due(step, event.due)
    _fire("greeted", step)
    return tuple(step.events)


def _do_all_due(step: Transition, until: datetime) -> None:
    """Several dues may fall on one moment, such as the end of a check and the question whether somebody was reached."""
    for _ in TIMERS:
        due = wake_at(step.session, step.timing)
        if due is None or due > until:
            return
        step.before = step.session
        _fire("timer_due", step)


def _fire(trigger: str, step: Transition) -> None:
    state = step.state
    try:
        # Fired through the machine's event: attaching a model binds every trigger anew, ten times the cost of a step.
        is_taken = MACHINE.events[trigger].trigger(step)
    except MachineError as error:
        raise DialogError(f"no row for {trigger!r} in state {state!r}; add one to TRANSITIONS") from error
    if not is_taken:
        raise DialogError(f"no row of {trigger!r} in state {state!r} holds; end its rows without a condition")


def _as_it_counts(session: Session, event: PatientEvent | Woke, are_carers_allowed: bool) -> PatientEvent | Woke:
    """An answer to anything but the pending question is a stale tap, a second start only opens the chat again."""
    match event:
        case Answered(question, answer) if session.pending is None or session.pending.question != question:
            return TappedStale(question, answer)
        case Answered("respondent", "carer") if not are_carers_allowed:
            return TappedStale("respondent", "carer")
        case Started() if session.state != "new":
            return Resumed()
    return event


def _trigger(event: PatientEvent | Woke) -> str:
    match event:
        case Started():
            return "started"
        case Answered():
            return "answered"
        case WentBack():
            return "went_back"
        case AskedForTopics() | ReadTopic():
            return "read_up"
        case AskedForLanguage():
            return "chose_language"
        case CalledEmergency():
            return "called_emergency"
        case Stopped():
            return "left"
        case Woke():
            return "timer_due"
        case (
            AskedWhy() | AskedForPerson() | AskedForHelp() | AskedToShare() | NotUnderstood() | Resumed() | Said()
            | TappedStale()
        ):  # fmt: skip
            return "interrupted"


MACHINE = Machine(
    model=None, states=STATES, transitions=TRANSITIONS, initial="new", auto_transitions=False, send_event=False
)
