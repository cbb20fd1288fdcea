"""The worklist and a session's log as text, for an administrator at a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.language.texts import PatientTexts
from bot.store.transcripts import SentMessage
from bot.store.worklist import WorklistRow
from dialogs.events import Recorded
from dialogs.protocol import TriageProtocol

ISOLATES = dict.fromkeys(range(0x2066, 0x206A))
"""Unseen signs around the numbers in Arabic texts, which a terminal lays out without them."""


def worklist_lines(
    rows: Sequence[WorklistRow], protocol: TriageProtocol, zone: ZoneInfo, at: datetime
) -> Iterator[str]:
    """Three lines an entry, the most pressing first, with times by the clinic's clock."""
    for row in rows:
        entry = row.entry
        yield f"{entry.disposition or 'unfinished':<10} {_seen(row, zone, at)}{_flags(row)}"
        yield f"{'':<10} {'; '.join(_reason(reason, protocol) for reason in entry.reasons) or 'no reason kept'}"
        yield (
            f"{'':<10} session {row.session}  patient {row.patient}  {row.language}  "
            f"call back {row.call_back_number or 'not given'}  advice {row.delivery or 'none'}"
        )
    if not rows:
        yield "nothing is open"


def worklist_json(row: WorklistRow) -> str:
    """One entry as a JSON object, with UTC times."""
    entry = row.entry
    return json.dumps(
        {
            "id": row.id,
            "session": row.session,
            "patient": row.patient,
            "language": row.language,
            "tier": entry.disposition,
            "reasons": entry.reasons,
            "opened_at": _iso(entry.opened_at),
            "acknowledge_by": _iso(entry.acknowledge_by),
            "seen_by": _iso(entry.seen_by),
            "acknowledged_at": _iso(entry.acknowledged_at),
            "owner": entry.owner,
            "trouble": entry.trouble,
            "is_worse": entry.is_worse,
            "is_carer": entry.is_carer,
            "unread": entry.unread,
            "discounted": entry.discounted,
            "delivery": row.delivery,
            "call_back_number": row.call_back_number,
        }
    )


def transcript_lines(
    conversation: Sequence[Recorded | SentMessage],
    words: PatientTexts,
    protocol: TriageProtocol,
    language: str,
    zone: ZoneInfo,
) -> Iterator[str]:
    """Each event in this language; below it, behind a bar, the exact text that the patient saw."""
    for part in conversation:
        clock = part.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        if isinstance(part, Recorded):
            line = words.transcript_line(part.event, language, protocol)
            lines = [] if line is None else [harmless(one) for one in line.splitlines()]
        else:
            lines = [f"│ {harmless(one)}" for one in _shown(part)]
        for index, line in enumerate(lines):
            yield f"{'' if index else clock:<19}  {line}"


def harmless(text: str) -> str:
    """The text without what could steer a terminal: a patient may have typed anything."""
    return "".join(letter if letter.isprintable() else "�" for letter in text.translate(ISOLATES))


def _shown(said: SentMessage) -> Iterator[str]:
    outgoing = said.outgoing
    yield from (line for text in (outgoing.heading, outgoing.text) for line in text.splitlines())
    buttons = "  ".join(f"[{choice.label}]" for choice in outgoing.choices)
    if buttons:
        yield buttons
    if said.state != "sent":
        yield f"({said.state.replace('_', ' ')})"


def _seen(row: WorklistRow, zone: ZoneInfo, at: datetime) -> str:
    entry = row.entry
    if entry.acknowledged_at is not None:
        return f"acknowledged {_clock(entry.acknowledged_at, zone)}" + (f" by {entry.owner}" if entry.owner else "")
    text = f"acknowledge by {_clock(entry.acknowledge_by, zone)}"
    late = at - entry.acknowledge_by
    if late < timedelta(0):
        return text
    hours, minutes = divmod(int(late.total_seconds()) // 60, 60)
    return f"{text}, OVERDUE by {f'{hours} h ' if hours else ''}{minutes} min"


def _flags(row: WorklistRow) -> str:
    entry = row.entry
    flags = [
        f"trouble: {entry.trouble.replace('_', ' ')}" if entry.trouble else "",
        "worse than last time" if entry.is_worse else "",
        "a carer answered" if entry.is_carer else "",
        f"{entry.unread} unread" if entry.unread else "",
        f"claimed by {entry.owner}" if entry.owner and entry.acknowledged_at is None else "",
    ]
    return "".join(f"  {flag}" for flag in flags if flag)


def _reason(reason: str, protocol: TriageProtocol) -> str:
    """A rule in its plain words, any other reason by its code."""
    known = {rule.id: rule.reason for rule in protocol.rules}
    return known.get(reason, reason.replace("_", " "))


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%a %d %b %H:%M")


def _iso(at: datetime | None) -> Any:
    return None if at is None else at.isoformat()
