"""What every make of a store decides alike, whatever it keeps its tables in. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.channels import Outgoing, Priority
from bot.store.sessions import OpenEntry
from bot.store.worklist import Entry
from dialogs.events import (
    Answered,
    Called,
    Corrected,
    Event,
    NoteAdded,
    NotUnderstood,
    Replied,
    Said,
    Unprocessed,
)
from dialogs.protocol import Disposition


def part_of_list(entry: Entry) -> int:
    """Which part of the list an entry stands in; what is overdue in parts 3 and 4 stands before both."""
    match entry.disposition:
        case Disposition.EMERGENCY:
            return 0
        case Disposition.WITHIN_12_HOURS:
            return 1 if entry.trouble or entry.acknowledged_at is None else 2
    if entry.snoozed_until is not None:
        return 5
    return 3 if entry.trouble else 4


def due_at(entry: Entry) -> datetime | None:
    """The next moment by which somebody must have done something; None when nobody must."""
    if entry.snoozed_until is not None:
        return entry.snoozed_until
    if entry.acknowledged_at is None:
        return entry.acknowledge_by
    return min((at for at in (entry.seen_by, entry.call_back_at) if at is not None), default=None)


def standing(advised: Iterable[OpenEntry]) -> OpenEntry | None:
    """Of the advice that no nurse has closed: the most urgent, and of equals the one that was decided first."""
    return min(advised, key=lambda one: (-Disposition(one.disposition).urgency, one.decided_at), default=None)


def supersedes(outgoing: Iterable[Outgoing]) -> bool:
    """Whether a turn that says this makes the routine messages that wait in its chat give way."""
    return any(one.priority >= Priority.URGENT for one in outgoing)


def is_hers_alone(outgoing: Outgoing, events: Iterable[Event]) -> bool:
    """Whether a message is about one patient or may quote what somebody wrote: then it is kept for her and no other.

    `events`: those of its turn. What is quoted came with them.
    """
    return outgoing.kind in ("advice", "reply") or any(map(_is_written, events))


def _is_written(event: Event) -> bool:
    match event:
        case Answered(question) | Corrected(question):
            return question == "call_back_number"
        case NotUnderstood() | Said() | Unprocessed() | NoteAdded() | Replied() | Called():
            return True
    return False


@dataclass(frozen=True, slots=True)
class Wait:
    """How far an entry's latest wait for a nurse has come."""

    is_read: bool
    is_closed: bool


def begins_to_wait(entry: Entry, latest: Wait | None) -> bool:
    """Whether an entry waits anew: at first, when it was raised after it had been read, when it opens again."""
    is_waiting = entry.is_open and entry.acknowledged_at is None
    return latest is None or (is_waiting and (latest.is_read or latest.is_closed))


def read_at(entry: Entry) -> datetime | None:
    """Who closes an entry without a word has read it."""
    return entry.acknowledged_at or entry.closed_at
