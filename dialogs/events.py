"""The facts a session is made of, and their stored form.

An event is immutable and in the past tense. A session is its events replayed, so a field may be added
with a default but never renamed or removed: old logs stay readable (tests/dialogs/events.jsonl holds one of each).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from dialogs.parts import EMERGENCY

# --- by the patient -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """A new check. The rest of what is known of the patient stands here, so that replay needs nothing else.

    `previous`: answers of the patient's previous check; `confirmed`: symptoms whose baseline a nurse has confirmed
    recently; `is_consented`: consent was given in an earlier check.
    """

    protocol_version: str
    language: str
    is_language_known: bool = False
    is_consented: bool = False
    is_first_check: bool = True
    previous: dict[str, str] = field(default_factory=dict)
    confirmed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the pending question. `counts_as`: what the decision uses instead, when a discount was refused."""

    question: str
    answer: str
    counts_as: str | None = None


@dataclass(frozen=True, slots=True)
class Corrected:
    """A new answer to a question answered before.

    `dropped`: answers that no longer apply, such as the pain's course. `since`: the earlier answer was as severe, so
    that deadlines still count from its moment.
    """

    question: str
    answer: str
    was: str
    dropped: tuple[str, ...] = ()
    counts_as: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A message that answers nothing. `what`: text, command, sticker, photo, voice, …; `text` word for word."""

    what: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """The patient's words outside of any question, kept for the nurse."""

    text: str


@dataclass(frozen=True, slots=True)
class TappedStale:
    """A tap on a keyboard that is no longer the pending one. It never answers."""

    question: str
    answer: str
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class WentBack:
    """Back to the question before the pending one."""


@dataclass(frozen=True, slots=True)
class AskedWhy:
    """Why the pending question is asked."""


@dataclass(frozen=True, slots=True)
class AskedForPerson:
    """The patient wants to talk to a person."""


@dataclass(frozen=True, slots=True)
class AskedForHelp:
    """What this is and which commands there are."""


@dataclass(frozen=True, slots=True)
class AskedForTopics:
    """What there is to read."""


@dataclass(frozen=True, slots=True)
class ReadTopic:
    """The patient opened a topic, as it stood in this `version` of the topics."""

    topic: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class AskedForLanguage:
    """The patient wants to choose the language again."""


@dataclass(frozen=True, slots=True)
class AskedToShare:
    """The patient wants to share the number of this telephone instead of typing it."""


@dataclass(frozen=True, slots=True)
class CalledEmergency:
    """The patient says that this is an emergency. `question`: the one that she answers with it."""

    question: str = EMERGENCY


@dataclass(frozen=True, slots=True)
class Resumed:
    """The patient opened the chat again in the middle of a check."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The patient left. `how`: stop, restart, refused, blocked, broken or new_check."""

    how: str = "stop"


# --- by the machine -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Woke:
    """A due time came without a message from the patient."""

    due: datetime


@dataclass(frozen=True, slots=True)
class Entered:
    state: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question was put. `token` binds its buttons to this asking.

    `is_urgent`: it follows up on a 12-hour sign and carries the number. `urgent_since`: since when silence alone, about
    this or another question, holds back an urgent advice. `wants_contact`: the channel may offer to share the
    telephone's own number.
    """

    question: str
    token: str
    is_urgent: bool = False
    wants_contact: bool = False
    urgent_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Advised:
    """What the patient is told to do.

    `disposition`: what is advised now, never below what still stands. `rules`: those that matched in this check.
    `found`: what this check's own answers call for; None when it ended before anything was found.
    `decided_at`: the answer that decided; deadlines count from it. `is_standing`: `disposition` was advised before,
    here or in an earlier check, and is more urgent than what was found now. `is_call_today`: severe pain or an
    unfinished check. `discounted`: symptoms the patient called known and unchanged. `is_repeat`: advised before and
    said again. `is_worse`: more urgent than the previous check.
    """

    disposition: str
    rules: tuple[str, ...]
    found: str | None
    decided_at: datetime
    is_standing: bool = False
    is_finished: bool = True
    is_call_today: bool = False
    is_repeat: bool = False
    is_worse: bool = False
    discounted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftUnfinished:
    """The check ended before anything was found: no disposition can be told."""

    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """Something for the nurse besides an advice. `reason`: a code of REASONS.

    `about`: a question id or a detail; for "baseline" the symptoms, for "found_more" the further rules that matched.
    """

    reason: str
    about: str = ""


REASONS = (
    "unfinished",
    "words",
    "person",
    "stale_tap",
    "corrected_down",
    "baseline",
    "found_more",
    "told_to_wait",
    "appointment_late",
    "not_reached",
    "delivery_failed",
    "not_seen",
    "unprocessed",
)


@dataclass(frozen=True, slots=True)
class Reminded:
    """The patient was silent and is asked once more."""


@dataclass(frozen=True, slots=True)
class Expired:
    """The patient was silent for too long; the check ended."""


@dataclass(frozen=True, slots=True)
class CheckedBack:
    """The patient is asked whether somebody was reached."""


# --- by the shell ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeliveryFailed:
    """A message did not reach the patient. `reason`: blocked, refused or not_seen; `is_advice`: it carried advice."""

    delivery: int
    reason: str
    is_advice: bool = False


@dataclass(frozen=True, slots=True)
class Unprocessed:
    """A message our code could not digest. `error`: the class of the error, never the patient's words."""

    error: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class ToldUnstored:
    """While the message before this could not be stored, the channel alone told her so, with the numbers to call."""

    told_at: datetime


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands in a session for a stored event that this version cannot read. Never stored itself."""

    kind: str


# --- by a nurse -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claimed:
    nurse: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    nurse: str


@dataclass(frozen=True, slots=True)
class NoteAdded:
    nurse: str
    text: str


@dataclass(frozen=True, slots=True)
class Replied:
    """A nurse's words to the patient. `template`: the reviewed text they were made from, filled in with `values`."""

    nurse: str
    text: str
    template: str = ""
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BaselineConfirmed:
    """A nurse confirmed that a symptom is known and unchanged."""

    nurse: str
    question: str


@dataclass(frozen=True, slots=True)
class Released:
    """A nurse gave an entry back. `is_by_lead`: a lead took it from whoever had it."""

    nurse: str
    is_by_lead: bool = False


@dataclass(frozen=True, slots=True)
class HandedOver:
    """An entry passed from one nurse to another."""

    nurse: str
    to: str
    is_by_lead: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """A nurse called the patient. `call_again_at`: the next try, or a call that was promised."""

    nurse: str
    is_reached: bool
    call_again_at: datetime | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Snoozed:
    """A nurse put an entry that is not urgent off; something new from the patient ends it."""

    nurse: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    """The nurse has finished the entry. `outcome`: a code of OUTCOMES."""

    nurse: str
    outcome: str


OUTCOMES = (
    "reached_advised",
    "sent_mri",
    "sent_emergency",
    "seen_already",
    "known_problem",
    "could_not_reach",
    "false_alarm",
    "duplicate",
)


@dataclass(frozen=True, slots=True)
class Reopened:
    """A nurse opened a closed entry again; `nurse`: who had it before, `by`: who opened it."""

    nurse: str
    by: str = ""


PatientEvent = (
    Started
    | Answered
    | NotUnderstood
    | Said
    | TappedStale
    | WentBack
    | AskedWhy
    | AskedForPerson
    | AskedForHelp
    | AskedForTopics
    | ReadTopic
    | AskedForLanguage
    | AskedToShare
    | CalledEmergency
    | Resumed
    | Stopped
)
MachineEvent = Woke | Entered | Asked | Advised | LeftUnfinished | Listed | Reminded | Expired | CheckedBack | Corrected
ShellEvent = DeliveryFailed | Unprocessed | ToldUnstored | Unreadable
NurseEvent = (
    Claimed
    | Acknowledged
    | Released
    | HandedOver
    | NoteAdded
    | Called
    | Replied
    | BaselineConfirmed
    | Snoozed
    | Closed
    | Reopened
)
Event = PatientEvent | MachineEvent | ShellEvent | NurseEvent

KINDS: dict[str, Any] = {
    kind.__name__: TypeAdapter(kind)
    for union in (PatientEvent, MachineEvent, ShellEvent, NurseEvent)
    for kind in get_args(union)
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in the session's log and its moment (UTC)."""

    seq: int
    at: datetime
    event: Event
    external_id: str | None = None


def dump(event: Event) -> tuple[str, str]:
    """The stored form: kind and JSON body. Half a surrogate pair, which no store takes, becomes a question mark."""
    kind = type(event).__name__
    try:
        return kind, KINDS[kind].dump_json(event).decode()
    except PydanticSerializationError:
        body = json.dumps(KINDS[kind].dump_python(event, mode="json"), ensure_ascii=False)
        return kind, body.encode(errors="replace").decode()


def parse(kind: str, body: str | bytes) -> Event:
    """The event of a stored form; Unreadable for one that this version does not know, or whose body does not fit.

    Fields it does not know, from a newer version, are left out.
    """
    try:
        event: Event = KINDS[kind].validate_json(body)
    except (KeyError, ValueError):
        return Unreadable(kind)
    return event
