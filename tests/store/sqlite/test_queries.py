"""Nothing that the store asks grows with history."""

from __future__ import annotations

import re

import pytest

from bot.store.sqlite import alarms as sqlite_alarms
from bot.store.sqlite import deliveries as sqlite_outbox
from bot.store.sqlite import parked as sqlite_parked
from bot.store.sqlite import store as sqlite
from bot.store.sqlite import turns as sqlite_turns
from tests.store.steps import opened

STATEMENTS = {
    f"{name} {place}": statement
    for module in (sqlite_turns, sqlite_outbox, sqlite_alarms, sqlite_parked, sqlite)
    for name, value in vars(module).items()
    if name.isupper()
    for place, statement in enumerate(value if isinstance(value, tuple) else (value,))
    if isinstance(statement, str) and re.match(r"\s*(select|insert|update|delete)\s", statement)
}
READ_WHOLE = {
    "ALARMS 0": "those of which nurses have not been told",
    "ROW 0": "only the beginning of others",
    "WAITING 0": "chats that wait, counted page by page and not row by row, for /health",
    "PROBES 0": "the sixty that are kept",
    "OPEN_BY_TIER 0": "open entries only, from an index that has nothing else",
    "ACCOUNTS 0": "the few nurses there are",
    "ALL_PROTOCOLS 0": "the few versions there are, at start",
}


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - READ_WHOLE.keys()))
async def test_no_statement_reads_more_rows_than_it_needs(store, path, name):
    statement = STATEMENTS[name]
    named = re.findall(r":(\w+)", statement)
    values = dict.fromkeys(named) if named else [None] * statement.count("?")
    with opened(path) as db:
        plan = [step[3] for step in db.execute(f"explain query plan {statement}", values)]
    assert not [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step], plan
