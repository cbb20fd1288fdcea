"""Long histories, made by copying a short real one inside of the database file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

APART = 1_000_000
"""Between the addresses of a patient's copies: Telegram's are numbers."""
COPIED = {
    "patients": {"id": "{} || '-' || copy", "address": f"cast(cast({{}} as integer) + copy * {APART} as text)"},
    "sessions": {
        "number": "null",
        "id": "{} || '-' || copy",
        "patient": "{} || '-' || copy",
        "address": f"cast(cast({{}} as integer) + copy * {APART} as text)",
    },
    "events": {"session": "{} || '-' || copy", "external_id": "{} || copy"},
    "outbox": {
        "id": "null",
        "session": "{} || '-' || copy",
        "address": f"cast(cast({{}} as integer) + copy * {APART} as text)",
    },
}
COPIES = "with recursive copies (copy) as (select 1 union all select copy + 1 from copies where copy < ?)"
ALL_WAIT = "update outbox set state = 'waiting' where id in (select max(id) from outbox group by address)"
CHATS = """
    insert into chats (channel, address, urgency, oldest)
    select channel, address, 0, min(id) from outbox where state = 'waiting' group by channel, address
"""


def multiply(database: Path, copies: int) -> int:
    """Adds so many copies of every patient; returns how many events there are now."""
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("pragma synchronous = off")
        db.execute("begin")
        for table, changes in COPIED.items():
            columns = [row[1] for row in db.execute(f"pragma table_info({table})")]
            values = [changes.get(column, "{}").format(column) for column in columns]
            db.execute(
                f"{COPIES} insert into {table} ({', '.join(columns)}) select {', '.join(values)} from {table}, copies",
                (copies,),
            )
        db.execute("commit")
        db.execute("pragma wal_checkpoint(truncate)")
    return events(database)


def events(database: Path) -> int:
    with closing(sqlite3.connect(database)) as db:
        return int(db.execute("select count(*) from events").fetchone()[0])


def let_all_wait(database: Path) -> int:
    """Puts the last message of every patient back into the queue; returns how many wait."""
    with closing(sqlite3.connect(database)) as db, db:
        db.execute(ALL_WAIT)
        return db.execute(CHATS).rowcount
