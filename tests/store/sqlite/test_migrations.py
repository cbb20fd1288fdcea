"""Databases of earlier versions: what stood in them holds after the tables were brought up to date."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from bot.channels import Incoming
from bot.channels.telegram.updates import incoming_from
from bot.store.sessions import DuplicateMessage
from bot.store.sqlite.migrations import MIGRATIONS
from bot.store.sqlite.store import SqliteStore
from bot.store.store import UnfitStore
from tests.kit.builders import turn
from tests.kit.frozen.thaw import thaw

AT = "2026-11-23T09:00:00.000000+00:00"
OLD = (
    f"insert into patients (id, channel, address, created_at, turns) values ('p', 'telegram', '42', '{AT}', 2)",
    f"""
    insert into sessions (id, patient, channel, address, language, state, protocol_version, started_at, updated_at,
        length)
    values ('s', 'p', 'telegram', '42', 'en', 'asking', '2026.1', '{AT}', '{AT}', 2)
    """,
    f"""
    insert into events (session, seq, at, kind, body, external_id)
    values ('s', 0, '{AT}', 'NotUnderstood', '{{"what": "text", "text": "hm"}}', 'telegram:7:1000:31'),
        ('s', 1, '{AT}', 'NotUnderstood', '{{"what": "poll", "text": ""}}', 'telegram:7:1001:poll')
    """,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database as the fourth version of the tables left it."""
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        MIGRATIONS.apply(Database(db), stop_before="m005_addresses_and_messages")
        for statement in OLD:
            db.execute(statement)
    return path


def message(update: int, number: int) -> Incoming:
    chat = {"id": 42, "type": "private"}
    body = {"message_id": number, "chat": chat, "from": {"id": 42}, "date": 1, "text": "hm"}
    found = incoming_from({"update_id": update, "message": body}, "telegram:7")
    assert found is not None
    return found


async def test_a_message_of_an_old_database_takes_effect_once_whatever_the_number_of_its_update(path):
    store = SqliteStore(path)
    log = await store.open("telegram", "42")
    assert (log.session, log.length) == ("s", 2)
    again, fresh = message(5, 31), message(6, 32)
    with pytest.raises(DuplicateMessage):
        await store.append(turn(log, external_id=again.external_id, message_ref=again.message_ref))
    await store.append(turn(log, external_id=fresh.external_id, message_ref=fresh.message_ref))
    await store.close()


async def test_a_second_address_leads_to_the_same_patient_and_is_where_she_is_answered(path):
    store = SqliteStore(path)
    await store.write(
        lambda db: db.execute(
            "insert into addresses (channel, address, patient, since) values ('web', 'b', 'p', ?)", (AT,)
        )
    )
    by_first, by_second = await store.open("telegram", "42"), await store.open("web", "b")
    assert by_first.patient.id == by_second.patient.id == "p"
    assert by_first.events == by_second.events != ()
    assert (by_second.patient.channel, by_second.patient.address) == ("web", "b")
    await store.close()


async def test_a_new_patient_has_her_address_in_the_same_commit(tmp_path):
    store = SqliteStore(tmp_path / "new.db")
    log = await store.open("test", "42")
    await store.append(turn(log))
    assert store.read_one("select patient, channel, address from addresses where patient = ?", (log.patient.id,)) == (
        log.patient.id,
        "test",
        "42",
    )
    await store.close()


# --- a migration that fails


class Breaking(sqlite3.Connection):
    """The disk fails at the statement after so many."""

    left = 0

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        Breaking.left -= 1
        if Breaking.left == -1:
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *values)


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> type[Breaking]:
    """The connections that write."""
    connect = sqlite3.connect

    def connect_breaking(*arguments: Any, **wanted: Any) -> sqlite3.Connection:
        return connect(*arguments, **wanted) if wanted.get("uri") else connect(*arguments, factory=Breaking, **wanted)

    monkeypatch.setattr(sqlite3, "connect", connect_breaking)
    return Breaking


async def test_an_update_that_fails_at_any_statement_leaves_the_file_as_the_earlier_program_left_it(tmp_path, breaking):
    path = tmp_path / "clinic.db"
    breaking.left = 10_000
    thaw("1c8d4a8", path)
    before = path.read_bytes()
    for statements in range(10_000):
        breaking.left = statements
        try:
            store = SqliteStore(path)
        except UnfitStore:
            assert path.read_bytes() == before, f"statement {statements} has left something"
            assert sorted(one.name for one in tmp_path.iterdir() if "lock" not in one.name) == ["clinic.db"]
        else:
            break
    await store.close()
    assert path.read_bytes() != before
    assert statements > 20
