"""The table of parked messages."""

from __future__ import annotations

import json
from dataclasses import asdict
from sqlite3 import Connection

from bot.store.parked import Parked
from bot.store.sqlite.values import maybe_text, text

ADD_PARKED = """
    insert into parked (external_id, channel, address, session, at, what, message, error, tries, told_at, is_listed)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (external_id) do nothing
"""
WAITING_PARKED = (
    "select count(*) from parked where session is null",
    """
    select count(*) from worklist cross join parked on parked.session = worklist.session
    where is_open = 1 and trouble > ''
    """,
)


def add_parked(db: Connection, parked: Parked) -> None:
    incoming = parked.incoming
    message = json.dumps(asdict(incoming), ensure_ascii=False).encode(errors="replace").decode()
    who = (incoming.external_id, incoming.channel, incoming.address, parked.session, text(parked.at))
    why = (incoming.what, message, parked.error, parked.tries, maybe_text(parked.told_at), parked.session is not None)
    db.execute(ADD_PARKED, (*who, *why))
