"""The table of waits: each time that an entry waits for a nurse, how long it did. Kept in the commit of its turn."""

from __future__ import annotations

from datetime import datetime
from sqlite3 import Connection

from bot.store.rules import Wait, begins_to_wait, read_at
from bot.store.sqlite.values import maybe_text, text
from bot.store.worklist import Entry

LATEST = "select since, acknowledged_at, closed_at from waits where session = ? order by since desc limit 1"
NO_LONGER_LAST = "update waits set is_last = 0 where session = ? and since = ?"
ADD = """
    insert into waits (language, tier, acknowledge_by, seen_by, opened_at, session, since) values (?, ?, ?, ?, ?, ?, ?)
    on conflict (session, since) do update set tier = excluded.tier, acknowledge_by = excluded.acknowledge_by,
        seen_by = excluded.seen_by, opened_at = excluded.opened_at, acknowledged_at = null, closed_at = null,
        outcome = null, is_last = 1
"""
CHANGE = """
    update waits set language = ?, tier = ?, acknowledge_by = ?, seen_by = ?, opened_at = ?,
        acknowledged_at = coalesce(acknowledged_at, ?), closed_at = ?, outcome = ?
    where session = ? and since = ?
"""


def record(db: Connection, session: str, language: str, entry: Entry, at: datetime) -> None:
    """What becomes of an entry, seen as waiting."""
    since, acknowledged_at, closed_at = db.execute(LATEST, (session,)).fetchone() or (None, None, None)
    latest = None if since is None else Wait(acknowledged_at is not None, closed_at is not None)
    row = (language, entry.disposition, text(entry.acknowledge_by), maybe_text(entry.seen_by), text(entry.opened_at))
    if begins_to_wait(entry, latest):
        if latest is not None and not latest.is_closed:
            db.execute(NO_LONGER_LAST, (session, since))
        db.execute(ADD, (*row, session, text(at)))
    else:
        closed = maybe_text(entry.closed_at)
        db.execute(CHANGE, (*row, maybe_text(read_at(entry)), closed, entry.outcome, session, since))
