"""Every column has a writer: one that nobody writes is a promise to whoever reads the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp

from bot.channels import Incoming
from bot.clinic.settings import load
from bot.console import credentials
from bot.console.accounts import Accounts
from bot.demo import demo
from bot.language.texts import PatientTexts
from bot.service.service import Service
from bot.store.console import Role
from bot.store.parked import Parked
from bot.store.signals import ChangeFeed
from bot.store.sqlite.store import SqliteStore
from bot.store.vitals import Probe
from bot.store.worklist import Entry
from dialogs.events import BaselineConfirmed
from dialogs.protocol import load as load_protocol
from tests.kit.builders import turn

NOW = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
UNWRITTEN = {
    "patients.verified": "kept for the database's readers; no mark is shown until there is a writer",
}


async def test_every_column_is_written_by_somebody(tmp_path: Path) -> None:
    path = tmp_path / "clinic.db"
    await a_busy_day(path)
    with closing(sqlite3.connect(path)) as db:
        assert sorted(unwritten(db)) == sorted(UNWRITTEN)


async def a_busy_day(path: Path) -> None:
    config, protocol = load(None, {"BOT_DATABASE": str(path)}), load_protocol()
    store, words = SqliteStore(path), PatientTexts(config.clinic, protocol)
    await store.keep_protocol(protocol.version, protocol.sha256, protocol.text)
    await demo.fill(store, words, config.clinic, protocol, NOW)
    await a_patient_writes(store, Service(store, words, config.clinic, {}, protocol, lambda: NOW, ChangeFeed()))
    session = (await store.open("telegram", "42")).session
    await store.park(Parked(Incoming("telegram", "42", "telegram:7:2:32"), session, NOW, "LookupError", 3, NOW))
    await store.add_probe(Probe(NOW, "consent", 1.5))

    await an_entry_is_raised_after_it_was_read(store)
    await nurses_come_and_go(store, Accounts(store.desk, lambda: NOW))
    await store.close()


async def a_patient_writes(store: SqliteStore, service: Service) -> None:
    await service.receive(Incoming("telegram", "42", "telegram:7:1:31", "/start", message_ref="7:31"))
    (waiting,) = await store.claim("telegram", NOW, 1)
    await store.later(waiting.id, NOW + timedelta(minutes=1), "busy")
    await service.review(waiting.session, BaselineConfirmed("Kim", "weakness"), "form:1")


async def an_entry_is_raised_after_it_was_read(store: SqliteStore) -> None:
    waits = Entry("1w", ("weakness",), NOW, NOW, NOW)
    for entry in (waits, replace(waits, acknowledged_at=NOW), replace(waits, disposition="12h")):
        at = NOW + timedelta(minutes=1) if entry.disposition == "12h" else NOW
        await store.append(turn(await store.open("test", "1"), entry=entry, at=at, is_alarm=entry.disposition == "12h"))


async def nurses_come_and_go(store: SqliteStore, accounts: Accounts) -> None:
    await demo.sign_in_link(store.desk, accounts, "https://check.example.org")
    kim = await accounts.add("Kim", "kim@example.org", Role.NURSE, ("nl",))
    await accounts.choose_password(await accounts.reset(kim), "a long enough password")
    await accounts.sign_in("kim@example.org", "a long enough password", "", "::1")
    secret = credentials.new_code_secret()
    as_kept = await store.desk.nurse("Kim")
    assert as_kept is not None
    assert await accounts.set_up_code(as_kept, secret, pyotp.TOTP(secret).at(NOW))
    await accounts.disable(await accounts.add("Lou", "lou@example.org", Role.LEAD, ("nl",)))
    await store.nurse_chats.add_code("digest", kim.id, NOW + timedelta(hours=1))
    await store.nurse_chats.link("digest", "telegram", "43", NOW)
    await store.nurse_chats.failed("telegram", "43", NOW)
    await store.nurse_chats.add_code("another", kim.id, NOW + timedelta(hours=1))


def unwritten(db: sqlite3.Connection) -> Iterator[str]:
    """Columns in which no row has anything but the default, or nothing."""
    tables = "select name from sqlite_master where type = 'table' and name not like '%sqlite%'"
    for (table,) in db.execute(tables).fetchall():
        for name, default in db.execute("select name, dflt_value from pragma_table_info(?)", (table,)).fetchall():
            wanted = f"select 1 from {table} where {name} is not null and {name} is not {default or 'null'} limit 1"
            if db.execute(wanted).fetchone() is None:
                yield f"{table}.{name}"
