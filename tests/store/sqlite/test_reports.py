"""The reports' queries: none reads a whole table, and many years cost what some weeks do."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from random import Random

import pytest

from bot.store.sqlite.reports import ARRIVALS, COUNTS, DISPOSITIONS, LANGUAGES, OUTCOMES, RANKED
from bot.store.sqlite.store import SqliteStore
from tests.kit.clinic import MONDAY


def _made_up(count: int):
    chance = Random(5)
    for number in range(count):
        since = MONDAY - timedelta(minutes=chance.randrange(60 * 24 * 80), seconds=number)
        read_at = since + timedelta(seconds=chance.randrange(1, 10_000))
        yield {
            "session": f"s{number}",
            "since": since,
            "language": chance.choice(("en", "nl")),
            "tier": chance.choice(("emergency", "12h", "1w", "2w", None)),
            "acknowledge_by": since + timedelta(hours=1),
            "acknowledged_at": read_at if read_at < MONDAY and chance.random() < 0.9 else None,
        }


def _fill(db: sqlite3.Connection, rows: list[dict]) -> None:
    def stored(at: datetime | None) -> str | None:
        return at and at.isoformat(timespec="microseconds")

    db.execute("insert or ignore into patients (id, channel, address, created_at) values ('p', 'x', 'x', '')")
    for one in rows:
        db.execute(
            "insert into sessions (id, patient, channel, address, language, state, protocol_version, started_at,"
            " updated_at, length) values (?, 'p', 'x', 'x', 'en', 'closed', '1', '', '', 0)",
            (one["session"],),
        )
        times = [stored(one[name]) for name in ("since", "acknowledge_by", "acknowledged_at")]
        db.execute(
            "insert into waits (session, since, acknowledge_by, acknowledged_at, language, tier, opened_at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (one["session"], *times, one["language"], one["tier"], times[0]),
        )


@pytest.mark.parametrize(
    "query",
    [
        *(COUNTS.format(found=found) for found in (DISPOSITIONS, LANGUAGES)),
        *(
            RANKED.format(found=found, seconds=one)
            for found in (DISPOSITIONS, LANGUAGES)
            for one in ("acknowledge_s", "close_s")
        ),
        OUTCOMES,
        ARRIVALS,
    ],
)
async def test_no_report_reads_a_whole_table(store, query):
    values = {"since": "2026", "until": "2027", "tier": None, "language": None, "at": "2026"}
    with store.snapshot() as db:
        plan = [row[3] for row in db.execute(f"explain query plan {query}", values)]
    of_waits = [line for line in plan if "waits" in line]
    assert of_waits, plan
    assert all(
        line.startswith("SEARCH waits USING COVERING INDEX waits_since (since>? AND since<?)") for line in of_waits
    )
    assert not [line for line in plan if "events" in line]


async def test_a_report_of_some_weeks_costs_the_same_however_many_years_lie_before(store):
    recent = list(_made_up(300))
    await store.write(lambda db: _fill(db, recent))
    few = _steps(store)
    old = [
        {**one, "session": f"{one['session']}-{years}", "since": one["since"] - timedelta(days=400 * years)}
        for years in range(1, 21)
        for one in recent
    ]
    await store.write(lambda db: _fill(db, old))
    assert _steps(store) < 1.2 * few


def _steps(store: SqliteStore) -> int:
    """How many hundred instructions SQLite takes for the numbers of twelve weeks."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    span = {"since": (MONDAY - timedelta(weeks=12)).isoformat(), "until": MONDAY.isoformat(), "at": MONDAY.isoformat()}
    with store.snapshot() as db:
        db.set_progress_handler(count, 100)
        for query in (
            COUNTS.format(found=DISPOSITIONS),
            RANKED.format(found=DISPOSITIONS, seconds="close_s"),
            OUTCOMES,
            ARRIVALS,
        ):
            db.execute(query, {**span, "tier": None, "language": None}).fetchall()
        db.set_progress_handler(None, 0)
    return steps
