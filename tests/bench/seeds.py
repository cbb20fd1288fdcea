"""Databases with much in them: a few real conversations, and copies of them made inside of the database file."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from tests.bench import patients
from tests.bench.figures import AT_ONCE
from tests.bench.subjects import ours
from tests.kit.wire import Telegram

WRITTEN_S = 1.0
"""By then what has arrived is recorded as sent."""
APART = 1_000_000
"""Between the addresses of a patient's copies: Telegram's are numbers."""
_ID = "{} || '-' || copy"
_ADDRESS = f"cast(cast({{}} as integer) + copy * {APART} as text)"
COPIED = {
    "patients": {"id": _ID, "address": _ADDRESS},
    "sessions": {"number": "null", "id": _ID, "patient": _ID, "address": _ADDRESS},
    "events": {"session": _ID, "external_id": "{} || copy"},
    "outbox": {"id": "null", "session": _ID, "address": _ADDRESS},
    "worklist": {"id": "null", "session": _ID, "patient": _ID},
    "waits": {"session": _ID},
}
# copy after copy, so that what belongs together is written together
COPY = """
    with recursive copies (copy) as (select 1 union all select copy + 1 from copies where copy < ?)
    insert into {table} ({columns}) select {values} from copies cross join (select * from {table})
"""
QUICKLY = ("journal_mode = delete", "journal_mode = off", "synchronous = off", "cache_size = -500000")
ALL_WAIT = """
    update outbox set state = 'waiting'
    where id in (select max(id) from outbox group by address) and address not in (select value from json_each(?))
"""
CHATS = """
    insert into chats (channel, address, urgency, oldest)
    select channel, address, 0, min(id) from outbox where state = 'waiting' group by channel, address
"""
ADVISED = """
    select disposition from sessions where address in (select value from json_each(?)) and exists (
        select 1 from outbox where session = sessions.id and kind = 'advice' and state = 'sent' and urgency = 2
    )
"""
LISTED: Sequence[Mapping[str, str]] = (
    {"weakness": "yes", "weakness_change": "new_or_worse"},
    {"difficulty_walking": "yes", "difficulty_walking_change": "new_or_worse"},
    {"saddle_numbness": "yes"},
    {"back_or_neck_pain": "yes", "radiating_pain": "one_side"},
    {"back_or_neck_pain": "yes"},
)
"""Answers that put a patient on the worklist, of all tiers but the emergency."""


async def history(directory: Path, wanted: int, messages: int) -> int:
    """A database with about so many events, of whole conversations; returns how many."""
    short = await filled(directory, AT_ONCE, messages)
    return multiply(directory / "clinic.db", wanted // short - 1)


async def filled(directory: Path, count: int, messages: int, listed: int = 0) -> int:
    """A database with so many conversations of `messages` each, and so many that stand on the worklist: its events."""
    async with ours("polling", directory=directory) as bot:
        await patients.converse(bot.telegram, 1, count, AT_ONCE, messages)
        await asyncio.gather(*(_get_listed(bot.telegram, 500 + place) for place in range(listed)))
        await asyncio.sleep(WRITTEN_S)
    return events(directory / "clinic.db")


async def _get_listed(telegram: Telegram, number: int) -> None:
    """Until the advice has been given and the bot asks for her number."""
    manner = patients.Manner(LISTED[number % len(LISTED)])
    await patients.check(telegram, telegram.user(number, "en"), patients.Run(), manner, until="call_back_number")


def multiply(database: Path, copies: int) -> int:
    """Adds so many copies of every patient; returns how many events there are now."""
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        for setting in QUICKLY:
            db.execute(f"pragma {setting}")
        for table, changes in COPIED.items():
            columns = [row[1] for row in db.execute(f"pragma table_info({table})")]
            values = [changes.get(column, "{}").format(column) for column in columns]
            db.execute(COPY.format(table=table, columns=", ".join(columns), values=", ".join(values)), (copies,))
    return events(database)


def copy(database: Path, to: Path) -> None:
    """The same database in another place, with what is still in its log."""
    with closing(sqlite3.connect(database)) as one, closing(sqlite3.connect(to)) as other:
        one.backup(other)


def dispositions(database: Path, addresses: Sequence[int]) -> list[str]:
    """What these patients were advised by a message that has arrived."""
    with closing(sqlite3.connect(database)) as db:
        return [code for (code,) in db.execute(ADVISED, (json.dumps([str(one) for one in addresses]),))]


def events(database: Path) -> int:
    with closing(sqlite3.connect(database)) as db:
        return int(db.execute("select count(*) from events").fetchone()[0])


def let_all_wait(database: Path, but: Sequence[int]) -> int:
    """Puts the last message of every patient `but` these back into the queue; returns how many wait."""
    with closing(sqlite3.connect(database)) as db, db:
        db.execute(ALL_WAIT, (json.dumps([str(one) for one in but]),))
        return db.execute(CHATS).rowcount
