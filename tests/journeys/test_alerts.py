"""The real process, a patient, and a nurse who is to be told: nothing on her side costs the patient her answer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.clinic.settings import load
from bot.console.accounts import Accounts
from bot.service.alerts import Alerts
from bot.service.service import utc_now
from bot.store.console import Role
from bot.store.signals import ChangeFeed
from bot.store.sqlite.store import SqliteStore
from tests.kit.wire import Bot, at_the_first_question, built

FULL = """
    create trigger full before insert on outbox when new.kind = 'alert' and new.token is not null
    begin select raise(abort, 'no room for alerts'); end
"""


async def code_of_a_new_nurse(bot: Bot) -> str:
    """While the service does not run."""
    store, clinic = SqliteStore(bot.database), load(bot.directory / "clinic.toml", {}).clinic
    nurse = await Accounts(store.desk, utc_now).add("Anna Smit", "anna@clinic.example", Role.NURSE, ("en",))
    alerts = Alerts(store, store.nurse_chats, clinic, utc_now, ChangeFeed(), "https://check.example.org")
    code = await alerts.new_code(nurse, utc_now())
    await store.close()
    return code


def changes(bot: Bot, statement: str) -> None:
    with closing(sqlite3.connect(bot.database)) as db:
        db.execute(statement)


async def test_an_alert_that_cannot_be_kept_costs_no_answer_and_comes_after_a_kill(tmp_path: Path) -> None:
    async with built(tmp_path) as bot:
        code = await code_of_a_new_nurse(bot)
        await bot.start()
        nurse = bot.telegram.user(7)
        await nurse.says(f"/link {code}")
        await nurse.sees("this chat now gets alerts")
        changes(bot, FULL)
        patient, question = await at_the_first_question(bot, 42)
        await patient.taps("Yes", question)
        await patient.sees("Call 112")
        await bot.telegram.until(lambda: "nurses cannot be told" in bot.output)
        await bot.kill()
        changes(bot, "drop trigger full")
        await bot.start()
        await nurse.sees("An urgent entry is waiting")
        await bot.settles()
        assert [one.text[:9] for one in nurse.chat].count("An urgent") == 1
