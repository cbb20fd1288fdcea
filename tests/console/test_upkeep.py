"""What keeps the console fast, translated and provable: query plans, catalogues, demonstration."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.clinic.settings import load
from bot.demo import demo
from bot.language.texts import PatientTexts
from bot.store.console import Filter
from bot.store.sqlite import console as sqlite_console
from bot.store.sqlite.migrations import MIGRATIONS
from bot.store.sqlite.store import SqliteStore
from bot.store.store import StoreLocked
from dialogs.protocol import load as load_protocol

VALUES = dict.fromkeys(("at", "nurse", "tier", "language", "most", "short", "digits", "words", "limit"), "1")


def page_queries() -> Iterator[str]:
    """Every query that a page of the console asks, but that for all accounts, which are few."""
    for view in (*sqlite_console.VIEWS, "closed"):
        yield from sqlite_console._queries(Filter(view, "12h", "nl"))
    yield from (sqlite_console.COUNT.format(which=which) for which in sqlite_console.COUNTS.values())
    yield from sqlite_console.FIND
    yield sqlite_console.CHECKS
    yield sqlite_console.ROW_OF_SESSION
    yield sqlite_console.ENTRIES_OF_PATIENT
    yield sqlite_console.ALL_OF_PATIENT
    yield sqlite_console.AUDITED
    yield sqlite_console.LOGIN
    yield sqlite_console.LINK
    yield from sqlite_console.NURSE


@pytest.mark.parametrize("query", [*page_queries()])
def test_no_page_reads_a_whole_table(query: str) -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    MIGRATIONS.apply(Database(db))
    marks = query.count("?")
    plan = db.execute(f"explain query plan {query}", ("1",) * marks if marks else VALUES).fetchall()
    db.close()
    assert plan
    assert not [step[3] for step in plan if step[3].startswith("SCAN") and "(subquery" not in step[3]], plan


# --- the demonstration


async def test_the_demonstration_has_all_tiers_and_states_and_can_be_forgotten(tmp_path: Path) -> None:
    config = load(None, {"BOT_DATABASE": str(tmp_path / "demo.db")})
    protocol = load_protocol()
    store = SqliteStore(config.database)
    try:
        desk = store.desk
        words = PatientTexts(config.clinic, protocol)
        now = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
        assert await demo.fill(store, words, config.clinic, protocol, now)
        assert not await demo.fill(store, words, config.clinic, protocol, now)
        found = (await desk.page(Filter(), demo.ROBIN, now, 0, 100)).patients
        assert len(found) > 30
        assert {rows[0].entry.disposition for rows in found} == {"emergency", "12h", "1w", "2w", None}
        for view in ("mine", "unclaimed", "undelivered", "call_back", "snoozed", "closed"):
            assert (await desk.page(Filter(view), demo.ROBIN, now, 0, 100)).patients, view
        assert {row.channel for rows in found for row in rows} == {demo.CHANNEL}
        assert await demo.clear(store, desk) >= 40
        assert not (await desk.page(Filter(), demo.ROBIN, now, 0, 100)).patients
        with pytest.raises(StoreLocked):
            SqliteStore(config.database)
    finally:
        await store.close()
