"""What the tests of stores do in one line: a turn, a claim, a look into the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from bot.channels import Outgoing, Priority
from bot.store.outbox import Delivery
from bot.store.store import Store
from bot.store.worklist import Entry
from tests.kit.builders import turn
from tests.kit.clinic import MONDAY

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ROUTINE = Outgoing("How are you?")
URGENT = Outgoing("Call now", kind="advice", priority=Priority.URGENT)
EMERGENCY = Outgoing("Call the emergency number", kind="advice", priority=Priority.EMERGENCY)


async def say(store: Store, *outgoing: Outgoing, to: str = "42", channel: str = "test", **fields: object) -> str:
    """One turn of an address; returns its session."""
    log = await store.open(channel, to)
    await store.append(turn(log, *outgoing, **fields))  # type: ignore[arg-type]
    return str(fields.get("session") or log.session)


async def claim(store: Store, limit: int = 10, at: datetime = MONDAY, **fields: object) -> list[Delivery]:
    return list(await store.claim("test", at, limit, **fields))  # type: ignore[arg-type]


async def claimed_texts(store: Store, at: datetime = MONDAY) -> list[str]:
    return [one.sending.outgoing.text for one in await claim(store, at=at)]


async def send_all(store: Store, at: datetime = MONDAY) -> list[str]:
    """Texts in the order in which they leave."""
    left = []
    while claimed := await claim(store, limit=1, at=at):
        left.append(claimed[0].sending.outgoing.text)
        await store.sent(claimed[0].id, at, "ref")
    return left


async def states(store: Store, session: str) -> list[str]:
    return [said.state for said in await store.transcript(session)]


def entry(disposition: str | None, minutes: int = 30, hours: int = 12, **fields: object) -> Entry:
    return Entry(disposition, ("weakness",), MONDAY, MONDAY + minutes * MINUTE, MONDAY + hours * HOUR, **fields)  # type: ignore[arg-type]


def rows(path: Path, table: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(f"select * from {table}").fetchall()


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A second connection, as an administrator with a shell would have it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db
