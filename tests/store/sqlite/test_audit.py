"""The audit in SQLite's file: tampering with the file shows, and no query of it grows with history."""

from __future__ import annotations

import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from bot.store.console import AuditBroken
from bot.store.sqlite import audit as sqlite_audit
from bot.store.sqlite.audit import AT_ONCE
from bot.store.sqlite.reports import AUDIT
from bot.store.sqlite.store import SqliteStore
from tests.kit.clinic import MONDAY


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A database whose audit has five rows; nobody has it open."""
    path = tmp_path / "audit.db"
    store = SqliteStore(path)
    for number, what in enumerate(("signed_in", "viewed", "exported", "viewed", "signed_in")):
        await store.desk.audit(f"Nurse {number}", what, f"session {number}", MONDAY + timedelta(minutes=number))
    await store.close()
    return path


def tamper(path: Path, *statements: str) -> None:
    """As somebody with the file and a SQLite shell would."""
    with sqlite3.connect(path) as db:
        for trigger in ("audit_refuse_update", "audit_refuse_delete"):
            db.execute(f"drop trigger {trigger}")
        for statement in statements:
            db.execute(statement)


async def verified(path: Path, head: str | None = None) -> tuple[int, str]:
    store = SqliteStore(path, is_reader=True)
    try:
        return await store.reports.verify_audit(head)
    finally:
        await store.close()


# --- the chain


async def test_an_untouched_audit_is_whole(path):
    rows, head = await verified(path)
    assert rows == 5
    assert re.fullmatch(r"5:[0-9a-f]{64}", head)


@pytest.mark.parametrize(
    ("what", "statements", "found_at"),
    [
        ("when", ["update audit set at = '2026-11-23T10:00:00.000000+00:00' where seq = 3"], 3),
        ("who", ["update audit set who = 'Nurse 9' where seq = 3"], 3),
        ("what", ["update audit set what = 'viewed' where seq = 3"], 3),
        ("about whom", ["update audit set about = 'session 9' where seq = 3"], 3),
        ("the digest of what was written", ["update audit set digest = 'ab' where seq = 3"], 3),
        ("the link", ["update audit set link = (select link from audit where seq = 2) where seq = 3"], 3),
        ("the last row", ["update audit set who = 'Nurse 9' where seq = 5"], 5),
        ("the first row", ["update audit set who = 'Nurse 9' where seq = 1"], 1),
    ],
)
async def test_an_altered_row_is_found(path, what, statements, found_at):
    tamper(path, *statements)
    with pytest.raises(AuditBroken, match="not as it was written") as broken:
        await verified(path)
    assert broken.value.seq == found_at


@pytest.mark.parametrize("gone", [1, 3, 5])
async def test_a_missing_row_is_found_also_the_first_and_the_last(path, gone):
    tamper(path, f"delete from audit where seq = {gone}")
    with pytest.raises(AuditBroken, match="is missing") as broken:
        await verified(path)
    assert broken.value.seq == gone


async def test_a_missing_row_is_found_when_the_others_have_moved_up(path):
    tamper(path, "delete from audit where seq = 3", "update audit set seq = seq - 1 where seq > 3")
    with pytest.raises(AuditBroken) as broken:
        await verified(path)
    assert broken.value.seq == 3


async def test_an_audit_with_no_row_left_is_found(path):
    tamper(path, "delete from audit")
    with pytest.raises(AuditBroken, match="row 1: is missing"):
        await verified(path)


async def test_rows_in_another_order_are_found(path):
    tamper(
        path,
        "update audit set seq = 99 where seq = 2",
        "update audit set seq = 2 where seq = 3",
        "update audit set seq = 3 where seq = 99",
    )
    with pytest.raises(AuditBroken, match="not in its place") as broken:
        await verified(path)
    assert broken.value.seq == 2


async def test_a_row_put_in_between_is_found(path):
    tamper(
        path,
        "update audit set seq = seq + 10 where seq > 2",
        "update audit set seq = seq - 9 where seq > 10",
        "insert into audit select 3, at, who, what, about, digest, link from audit where seq = 2",
    )
    with pytest.raises(AuditBroken) as broken:
        await verified(path)
    assert broken.value.seq == 3


async def test_an_end_that_was_cut_off_with_care_is_found_by_the_head_that_was_noted_down(path):
    _, head = await verified(path)
    tamper(
        path,
        "delete from audit where seq > 3",
        "update settings set value = (select seq || ':' || link from audit where seq = 3) where key = 'audit_head'",
    )
    assert (await verified(path))[0] == 3
    with pytest.raises(AuditBroken, match="missing at the end"):
        await verified(path, head)


async def test_a_chain_forged_with_the_key_is_found_by_the_head_that_was_noted_down(path):
    _, head = await verified(path)
    tamper(path, "delete from audit", "update settings set value = '0:' where key = 'audit_head'")
    store = SqliteStore(path)
    for number in range(7):
        await store.desk.audit("Nurse 9", "viewed", f"session {number}", MONDAY)
    await store.close()
    assert (await verified(path))[0] == 7
    with pytest.raises(AuditBroken, match="noted down") as broken:
        await verified(path, head)
    assert broken.value.seq == 5


async def test_the_store_itself_refuses_to_change_or_delete_a_row(path):
    with sqlite3.connect(path) as db:
        for statement in ("update audit set who = 'x'", "delete from audit"):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                db.execute(statement)


async def test_a_chain_longer_than_one_reading_is_checked_to_its_end(tmp_path):
    store = SqliteStore(tmp_path / "long.db")

    def fill(db: sqlite3.Connection) -> None:
        for number in range(AT_ONCE * 2 + 1):
            sqlite_audit.add(db, "2026-11-23T09:00:00.000000+00:00", "Anna", "viewed", f"session {number}")

    await store.write(fill)
    await store.desk.audit("Bert", "viewed", "session", MONDAY)
    assert (await store.reports.verify_audit())[0] == AT_ONCE * 2 + 2
    await store.close()


@pytest.mark.parametrize("kind", AUDIT)
async def test_no_query_of_the_audit_reads_the_whole_table(store, kind):
    values = {"who": "Anna", "what": "viewed", "about": "s", "before": 10, "limit": 5}
    with store.snapshot() as db:
        plan = [row[3] for row in db.execute(f"explain query plan {AUDIT[kind]}", values)]
    assert all(line.startswith("SEARCH audit USING") for line in plan), plan
