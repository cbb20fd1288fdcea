"""What SQLite must keep when it is killed, full or locked."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

from bot.channels import Outgoing
from bot.store.sessions import DuplicateMessage
from bot.store.store import Store
from dialogs.events import Advised, Answered
from tests.kit.builders import turn
from tests.kit.clinic import MONDAY
from tests.store.steps import ROUTINE, URGENT, claim, claimed_texts, entry, opened, rows, say


async def test_looking_at_an_address_writes_nothing(store, path):
    await store.open("test", "42")
    assert rows(path, "patients") == rows(path, "sessions") == []


@pytest.mark.parametrize("statement", ["update events set kind = 'x'", "delete from events"])
async def test_events_cannot_be_changed_or_deleted(store, path, statement):
    await say(store)
    with opened(path) as db, pytest.raises(sqlite3.IntegrityError, match="only added"):
        db.execute(statement)


async def test_what_a_person_reads_in_the_database_is_plain(store, path):
    session = await say(store, external_id="test:1", disposition="12h", wake_at=MONDAY)
    (event,) = rows(path, "events")
    assert tuple(event)[:4] == (session, 0, "2026-11-23T09:00:00.000000+00:00", "Started")
    assert event["external_id"] == "test:1"
    (row,) = rows(path, "sessions")
    assert (row["id"], row["state"], row["disposition"], row["length"]) == (session, "asking", "12h", 1)
    (patient,) = rows(path, "patients")
    assert (patient["id"], patient["verified"], patient["consented"]) == (row["patient"], 0, 0)


async def test_the_database_is_set_up_to_lose_nothing(store, path):
    with opened(path) as db:
        assert db.execute("pragma journal_mode").fetchone() == ("wal",)
        tables = db.execute("select name, strict from pragma_table_list where schema = 'main' and type = 'table'")
        assert {name for name, strict in tables if not strict} == {
            "_sqlite_migrations",
            "sqlite_schema",
            "sqlite_sequence",
        }
    assert path.stat().st_mode & 0o077 == 0


# Written by a turn, in this order; each may fail.
WRITE_POINTS = [
    ("update", "patients"),
    ("update", "sessions"),
    ("insert", "events"),
    ("update", "outbox"),
    ("delete", "chats"),
    ("insert", "outbox"),
    ("insert", "chats"),
    ("insert", "worklist"),
    ("insert", "baselines"),
]


def everything(path: Path) -> dict[str, list[tuple[object, ...]]]:
    tables = ("patients", "sessions", "events", "outbox", "chats", "worklist", "baselines")
    return {table: [tuple(row) for row in rows(path, table)] for table in tables}


async def a_turn_that_writes_everywhere(store: Store) -> str:
    return await say(
        store, ROUTINE, URGENT, entry=entry("12h"), confirmed=("weakness",), answers={"weakness": "yes"},
        events=(Answered("weakness", "yes"), Advised("12h", ("weakness",), "12h", MONDAY)),
    )  # fmt: skip


@pytest.mark.parametrize(("verb", "table"), WRITE_POINTS)
@pytest.mark.parametrize("how", ["abort", "rollback"])
async def test_a_turn_that_fails_on_the_way_leaves_nothing_half_done(store, path, verb, table, how):
    await say(store, Outgoing("old"))
    before = everything(path)
    with opened(path) as db:
        db.execute(f"create trigger fire before {verb} on {table} begin select raise({how}, 'disk on fire'); end")
        with pytest.raises(sqlite3.IntegrityError, match="disk on fire"):
            await a_turn_that_writes_everywhere(store)
        assert everything(path) == before
        db.execute("drop trigger fire")
    await a_turn_that_writes_everywhere(store)
    assert len(await claimed_texts(store)) == 1


@contextmanager
def full_disk(wal: Path, pages: int) -> Iterator[None]:
    """No file of this process may grow beyond the log of the database and so many pages."""
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + pages * 4096, allowed[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)


@pytest.mark.parametrize("pages", [0, 1, 3, 8])
async def test_when_the_disk_is_full_at_the_commit_everybody_is_told_and_nothing_is_half_done(store, path, pages):
    await say(store, Outgoing("old"))
    before = everything(path)
    log, other = await store.open("test", "42"), await store.open("test", "43")
    twice = turn(other, external_id="test:twice")
    together = [
        store.append(turn(log, URGENT, entry=entry("12h"))),
        store.append(twice),
        store.append(twice),
        store.put_setting("large", "x" * 100_000),
    ]
    with full_disk(path.with_name(path.name + "-wal"), pages):
        async with sharing_a_commit(store, path):
            jobs = [asyncio.create_task(job) for job in together]
        outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    # of the third nobody may say "already there": what it doubles is not there
    assert [type(one) for one in outcomes] == [sqlite3.OperationalError] * 4
    assert everything(path) == before
    await a_turn_that_writes_everywhere(store)


@asynccontextmanager
async def sharing_a_commit(store: Store, path: Path) -> AsyncIterator[None]:
    """Jobs begun inside wait for one another, behind a first one that waits for somebody else's lock."""
    with opened(path) as db:
        db.execute("begin immediate")
        first = asyncio.create_task(store.put_setting("first", "one"))
        await asyncio.sleep(0)
        yield
        await asyncio.sleep(0)
        db.execute("rollback")
    with suppress(sqlite3.OperationalError):
        await first


async def test_of_jobs_that_share_a_commit_one_that_fails_harms_no_other(store, path):
    await say(store, external_id="test:1")
    logs = [await store.open("test", str(number)) for number in range(20)]
    turns = [turn(log, ROUTINE, external_id="test:1" if log.patient.address == "7" else None) for log in logs]
    async with sharing_a_commit(store, path):
        jobs = [asyncio.create_task(store.append(one)) for one in turns]
        before = commits(path)
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(one) for one in outcomes].count(DuplicateMessage) == 1
    assert len(await claim(store, limit=100)) == 19
    assert commits(path) - before <= 2


def commits(path: Path) -> int:
    """Frames of the write-ahead log that end a transaction."""
    wal = path.with_name(path.name + "-wal").read_bytes()
    frames = range(32, len(wal), 24 + 4096)
    return sum(struct.unpack(">I", wal[at + 4 : at + 8]) != (0,) for at in frames)


async def test_a_write_whose_caller_has_gone_is_still_made(store, path):
    log = await store.open("test", "42")
    job = asyncio.create_task(store.append(turn(log)))
    await asyncio.sleep(0)
    job.cancel()
    await store.put_setting("a", "b")
    assert job.cancelled()
    assert len(rows(path, "events")) == 1


async def test_a_message_that_cannot_be_read_holds_up_nobody(store, path):
    await say(store, Outgoing("broken"), Outgoing("next"))
    await say(store, Outgoing("other"), to="43")
    with opened(path) as db:
        db.execute("update texts set body = x'00' where id = 1")
    assert await claimed_texts(store) == ["other"]
    assert await claimed_texts(store) == ["next"]
    assert [row["state"] for row in rows(path, "outbox")] == ["failed", "waiting", "waiting"]
