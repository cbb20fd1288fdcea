"""The queries of the console's reports. See `Reports`. Each reads a span of an index, never a whole table."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any, TypeVar

from bot.store.console import Audited
from bot.store.reports import AuditFilter, Group, Reports, Slice, Times
from bot.store.sqlite import audit as sqlite_audit
from bot.store.sqlite.connections import Connections
from bot.store.sqlite.values import moment, text

T = TypeVar("T")

ONLY = "and (:tier is null or coalesce(tier, 'unfinished') = :tier) and (:language is null or language = :language)"
WAITS = f"from waits where since >= :since and since < :until {ONLY}"
_FOUND = """
    select {part} as part, coalesce(tier, 'unfinished') as tier, acknowledge_by, acknowledged_at, closed_at, is_last,
        case when is_last = 1 then seen_by end as seen_by,
        (julianday(acknowledged_at) - julianday(since)) * 86400 as acknowledge_s,
        case when is_last = 1 then (julianday(closed_at) - julianday(opened_at)) * 86400 end as close_s
"""
DISPOSITIONS = _FOUND.format(part="''") + WAITS
LANGUAGES = _FOUND.format(part="language") + WAITS
COUNTS = """
    with found as ({found})
    select part, tier, count(*),
        sum(acknowledged_at is not null or acknowledge_by <= :at), total(acknowledged_at <= acknowledge_by),
        total(seen_by is not null and (closed_at is not null or seen_by <= :at)), total(closed_at <= seen_by)
    from found group by part, tier order by part, tier
"""
RANKED = """
    with found as ({found}), ranked as (
        select part, tier, {seconds} as seconds, count(*) over (partition by part, tier) as most,
            row_number() over (partition by part, tier order by {seconds}) as place
        from found where {seconds} is not null
    )
    select part, tier,
        max(case when place = (most + 1) / 2 then seconds end),
        max(case when place = (most * 95 + 99) / 100 then seconds end)
    from ranked group by part, tier
"""
OUTCOMES = f"""
    select coalesce(tier, 'unfinished'), outcome, count(*) {WAITS} and is_last = 1 and outcome is not null group by 1, 2
"""
ARRIVALS = f"select substr(since, 1, 15), count(*) {WAITS} and since = opened_at group by 1 order by 1"
_AUDIT = "select seq, at, who, what, about from audit where seq < :before"
# + keeps SQLite from choosing the index of the column: the first condition chooses
AUDIT = {
    "": f"{_AUDIT} order by seq desc limit :limit",
    "about": f"""
        {_AUDIT} and about = :about and (:who is null or +who = :who) and (:what is null or +what = :what)
        order by seq desc limit :limit
    """,
    "who": f"{_AUDIT} and who = :who and (:what is null or +what = :what) order by seq desc limit :limit",
    "what": f"{_AUDIT} and what = :what order by seq desc limit :limit",
}
LAST = 2**62


class SqliteReports(Reports):
    """Shares a store's connections."""

    def __init__(self, store: Connections) -> None:
        self._store = store

    async def by_disposition(self, wanted: Slice, at: datetime) -> Sequence[Group]:
        return await self._aside(lambda db: _groups(db, DISPOSITIONS, _values(wanted, at)))

    async def by_language(self, wanted: Slice, at: datetime) -> Sequence[Group]:
        return await self._aside(lambda db: _groups(db, LANGUAGES, _values(wanted, at)))

    async def by_week(self, wanted: Slice, weeks: Sequence[datetime], at: datetime) -> Sequence[Group]:
        ends = [*weeks[1:], wanted.until]
        slices = [Slice(*week, wanted.disposition, wanted.language) for week in zip(weeks, ends, strict=True)]
        return await self._aside(
            lambda db: [
                group
                for number, week in enumerate(slices)
                for group in _groups(db, DISPOSITIONS, _values(week, at), str(number))
            ]
        )

    async def outcomes(self, wanted: Slice) -> Mapping[tuple[str, str], int]:
        rows = await self._aside(lambda db: db.execute(OUTCOMES, _values(wanted)).fetchall())
        return {(disposition, outcome): count for disposition, outcome, count in rows}

    async def arrivals(self, wanted: Slice) -> Sequence[tuple[datetime, int]]:
        rows = await self._aside(lambda db: db.execute(ARRIVALS, _values(wanted)).fetchall())
        return [(datetime.fromisoformat(f"{ten_minutes}0:00+00:00"), count) for ten_minutes, count in rows]

    async def audit(self, wanted: AuditFilter, before: int | None, limit: int) -> Sequence[Audited]:
        values = {"who": wanted.who, "what": wanted.what, "about": wanted.about}
        query = AUDIT[next((name for name in ("about", "who", "what") if values[name] is not None), "")]
        with self._store.snapshot() as db:
            rows = db.execute(query, {**values, "before": LAST if before is None else before, "limit": limit})
            return [Audited(seq, moment(at), who, what, about) for seq, at, who, what, about in rows]

    async def verify_audit(self, head: str | None = None) -> tuple[int, str]:
        checked = sqlite_audit.Checked(head)
        while True:
            with self._store.snapshot() as db:
                is_whole = checked.read(db)
            if is_whole:
                return checked.count, checked.head
            await asyncio.sleep(0)  # a long chain must not hold up a patient's turn

    async def _aside(self, work: Callable[[Connection], T]) -> T:
        """A long read, in a thread and on a connection of its own, so that no patient's turn waits for it."""
        with self._store.snapshot() as db:
            path = Path(db.execute("pragma database_list").fetchone()[2])

        def read() -> T:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as own:
                own.execute("pragma busy_timeout = 5000")
                own.execute("begin")
                return work(own)

        return await asyncio.to_thread(read)


def _values(wanted: Slice, at: datetime | None = None) -> dict[str, str | None]:
    span = {"since": text(wanted.since), "until": text(wanted.until)}
    return {**span, "tier": wanted.disposition, "language": wanted.language, "at": text(at or wanted.until)}


def _groups(db: Connection, found: str, values: dict[str, str | None], part: str = "") -> list[Group]:
    times = {
        seconds: {(row[0], row[1]): row[2:] for row in db.execute(RANKED.format(found=found, seconds=seconds), values)}
        for seconds in ("acknowledge_s", "close_s")
    }
    return [
        Group(
            part or own_part,
            disposition,
            entries,
            _times(read_due, read_in_time, times["acknowledge_s"].get((own_part, disposition))),
            _times(close_due, closed_in_time, times["close_s"].get((own_part, disposition))),
        )
        for own_part, disposition, entries, read_due, read_in_time, close_due, closed_in_time in db.execute(
            COUNTS.format(found=found), values
        )
    ]


def _times(due: float, in_time: float, ranked: Sequence[Any] | None) -> Times:
    median, p95 = (timedelta(seconds=round(one)) for one in ranked) if ranked else (None, None)
    return Times(int(due), int(in_time), median, p95)
