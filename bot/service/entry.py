"""The nurse's entry of a session: what its events make of it, with the clinic's times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from bot.clinic.settings import Clinic
from bot.store.worklist import Entry
from dialogs.decision import CAN_WAIT, URGENT
from dialogs.events import (
    Acknowledged,
    Advised,
    Answered,
    Called,
    Claimed,
    Closed,
    Corrected,
    DeliveryFailed,
    Event,
    HandedOver,
    Listed,
    NurseEvent,
    Recorded,
    Released,
    Reopened,
    Snoozed,
    Unprocessed,
)
from dialogs.protocol import Disposition, TriageProtocol, most_urgent

TROUBLES = ("delivery_failed", "not_seen", "unprocessed", "told_to_wait", "appointment_late", "not_reached")
"""Reasons that raise an entry, the gravest first: nobody may have read the advice, or it did not help."""
PATIENT_WIDE = (Claimed, Acknowledged, Released, HandedOver, Snoozed, Closed)
"""What a nurse does with all open entries of a patient at once."""


class Refused(Exception):
    """What a nurse wants no longer fits the entry.

    `why`: taken or closed (by `owner`), open, urgent (not possible with an emergency or 12 hours), not_snoozable,
    too_late, or changed (there is something new that she has not seen).
    """

    def __init__(self, why: str, owner: str | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.owner = owner


def entry(events: Iterable[Recorded], protocol: TriageProtocol, clinic: Clinic) -> Entry | None:
    """The worklist row of a session; None when nothing was ever listed."""
    row: Entry | None = None
    for after in entries(events, protocol, clinic):
        row = after
    return row


def entries(events: Iterable[Recorded], protocol: TriageProtocol, clinic: Clinic) -> Iterator[Entry | None]:
    """The row as it stands after each of the events."""
    row: Entry | None = None
    is_carer = False
    for recorded in events:
        match recorded.event:
            case Answered("respondent", answer) | Corrected("respondent", answer):
                is_carer = answer == "carer"
        row = _after(row, recorded.event, recorded.at, protocol, clinic)
        yield replace(row, is_carer=True) if row is not None and is_carer else row


def acknowledge_by(disposition: Disposition | None, reason: str, at: datetime, clinic: Clinic) -> datetime:
    """When a nurse must have seen what was listed at `at`. Times: clinical.md part 4, or the clinic's shorter ones."""
    match disposition:
        case Disposition.EMERGENCY:
            return at + clinic.acknowledge_emergency
        case Disposition.WITHIN_12_HOURS:
            return at + clinic.acknowledge_12h
        case Disposition.WITHIN_2_WEEKS:
            return clinic.calendar.end_of_next_working_day(at)
    if reason in ("unfinished", "baseline", "corrected_down"):
        return clinic.calendar.end_of_next_working_day(at)
    return clinic.calendar.next_working_half_day(at)


def refuse(entries: Sequence[Entry], event: NurseEvent) -> None:
    """Raises Refused unless the event fits the patient's open entries, or the session's closed one."""
    last = next((one.owner for one in entries if one.owner is not None), None)
    dispositions = {one.disposition for one in entries}
    is_open = any(one.is_open for one in entries)
    if isinstance(event, Reopened) and is_open:
        raise Refused("open")
    if not isinstance(event, PATIENT_WIDE):
        return
    if not is_open:
        raise Refused("closed", last)
    is_by_lead = isinstance(event, Released | HandedOver) and event.is_by_lead
    if not isinstance(event, Acknowledged) and last not in (None, event.nurse) and not is_by_lead:
        raise Refused("taken", last)
    match event:
        case Closed(outcome="could_not_reach") if dispositions & {*URGENT}:
            raise Refused("urgent")
        case Snoozed() if dispositions & {*URGENT} or not dispositions & {*CAN_WAIT}:
            raise Refused("not_snoozable")
        case Snoozed(_, until) if any(one.seen_by is not None and until > one.seen_by for one in entries):
            raise Refused("too_late")


def is_news(event: Event) -> bool:
    """Whether a nurse must see this before she puts an entry away."""
    return isinstance(event, Advised | Listed | DeliveryFailed | Unprocessed)


def is_urgently_waiting(entry: Entry) -> bool:
    """Whether nobody has read an entry that cannot wait for the next look at the list."""
    return entry.is_open and entry.acknowledged_at is None and entry.disposition in {*URGENT}


def calls_anew(before: Entry | None, after: Entry) -> bool:
    """Whether an entry that waits urgently did not before, or not for as grave a reason."""
    if before is None or not is_urgently_waiting(before):
        return True
    return (before.disposition, before.trouble) != (after.disposition, after.trouble)


def _after(row: Entry | None, event: Event, at: datetime, protocol: TriageProtocol, clinic: Clinic) -> Entry | None:
    match event:
        case Advised() if event.disposition != Disposition.NO_WARNING_SYMPTOM:
            return _advised(row, event, at, protocol, clinic)
        case Listed(reason):
            return _listed(row, reason, at, clinic)
        case DeliveryFailed(reason=reason, is_advice=is_advice):
            code = "not_seen" if reason == "not_seen" else "delivery_failed"
            return _listed(row, code, at, clinic, is_trouble=is_advice)
        case Unprocessed():
            return _listed(row, "unprocessed", at, clinic)
    if row is None:
        return None
    match event:
        case Claimed(nurse):
            return replace(row, owner=nurse)
        case Acknowledged():
            return replace(row, acknowledged_at=at, unread=0)
        case Released():
            return replace(row, owner=None)
        case HandedOver(_, to):
            return replace(row, owner=to)
        case Called(_, is_reached, call_again_at):
            trouble = None if is_reached else row.trouble
            return replace(row, call_back_at=call_again_at, tries=0 if is_reached else row.tries + 1, trouble=trouble)
        case Snoozed(_, until):
            return replace(row, snoozed_until=until)
        case Closed(nurse, outcome):
            put_away = replace(row, snoozed_until=None, call_back_at=None, tries=0, trouble=None, unread=0)
            return replace(put_away, is_open=False, owner=nurse, closed_at=at, outcome=outcome)
        case Reopened():
            disposition = Disposition(row.disposition) if row.disposition else None
            return replace(_opened_again(row, at), acknowledge_by=acknowledge_by(disposition, "", at, clinic))
    return row


def _opened_again(row: Entry, at: datetime) -> Entry:
    """Nobody's, and to be read anew."""
    return replace(
        row,
        is_open=True,
        opened_at=at,
        owner=None,
        last_owner=row.owner,
        acknowledged_at=None,
        closed_at=None,
        outcome=None,
    )


def _advised(row: Entry | None, event: Advised, at: datetime, protocol: TriageProtocol, clinic: Clinic) -> Entry:
    told = Disposition(event.disposition)
    seen_by = event.decided_at + (protocol.window(told) or at - at)
    listed = _listed(row, "", at, clinic, disposition=told)
    decided = [event.decided_at] if told == listed.disposition else []
    if row is not None and row.decided_at is not None and row.disposition == listed.disposition:
        decided.append(row.decided_at)
    return replace(
        listed,
        decided_at=min(decided, default=None),
        reasons=_joined(event.rules, listed.reasons),
        seen_by=seen_by if listed.seen_by is None else min(listed.seen_by, seen_by),
        is_worse=listed.is_worse or event.is_worse,
        discounted=_joined(listed.discounted, event.discounted),
    )


def _listed(
    row: Entry | None,
    reason: str,
    at: datetime,
    clinic: Clinic,
    disposition: Disposition | None = None,
    is_trouble: bool = True,
) -> Entry:
    """The entry with one more reason; a closed entry opens again, a raised one must be acknowledged anew."""
    was = Disposition(row.disposition) if row is not None and row.disposition is not None else None
    highest = most_urgent(one for one in (was, disposition) if one is not None) if was or disposition else None
    due = acknowledge_by(highest, reason, at, clinic)
    trouble = reason if reason in TROUBLES and is_trouble else None
    reasons = (reason,) if reason else ()
    if row is None:
        return Entry(
            disposition=highest.value if highest else None,
            reasons=reasons,
            opened_at=at,
            acknowledge_by=due,
            seen_by=None,
            trouble=trouble,
            unread=int(reason == "words"),
        )
    is_raised = highest != was or trouble is not None or not row.is_open
    is_waiting = row.is_open and row.acknowledged_at is None
    base = row if row.is_open else _opened_again(row, at)
    return replace(
        base,
        disposition=highest.value if highest else None,
        reasons=_joined(row.reasons, reasons),
        acknowledge_by=min(row.acknowledge_by, due) if is_waiting else due,
        acknowledged_at=None if is_raised else row.acknowledged_at,
        snoozed_until=None,
        trouble=_gravest(row.trouble, trouble),
        unread=row.unread + int(reason == "words"),
    )


def _joined(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _gravest(*troubles: str | None) -> str | None:
    return min((one for one in troubles if one is not None), key=TROUBLES.index, default=None)
