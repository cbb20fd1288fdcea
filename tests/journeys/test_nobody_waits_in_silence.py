"""The real process on a database that is damaged or locked: whoever writes is answered all the same."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import httpx

from tests.kit.botapi.users import User
from tests.kit.pages import leaves, overwrite, unreadable
from tests.kit.wire import Bot, at_the_first_question, built, running

NOTICE = "Not stored yet"


@asynccontextmanager
async def with_bad_pages(directory: Path, patients: int, are_all: bool) -> AsyncIterator[tuple[Bot, list[User]]]:
    """The service, started again after pages of the events were overwritten, and patients in the middle of a check."""
    async with built(directory) as bot:
        await bot.start()
        users = [(await at_the_first_question(bot, 100 + number))[0] for number in range(patients)]
        await bot.settles()
        await bot.end(signal.SIGTERM)
        pages = leaves(bot.database, "events")
        assert len(pages) > 4
        overwrite(bot.database, *(pages if are_all else pages[len(pages) // 2 :][:1]))
        await bot.start()
        yield bot, users


async def health(bot: Bot) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(f"{bot.url}/health") as answer:
        return answer.status, await answer.json()


async def test_one_bad_page_of_the_log_leaves_nobody_without_an_answer(tmp_path: Path):
    async with with_bad_pages(tmp_path, patients=40, are_all=False) as (bot, users):
        gone = unreadable(bot.database)
        first = next(user for user in users if str(user.id) in gone)
        for user in users:
            await (user.says("/emergency") if user is first else user.taps("No"))
        for user in users:
            await user.sees(lambda shown: "Question 2" in shown.text or "went wrong" in shown.text, within_s=20)
        hurt = {str(user.id) for user in users if any("went wrong" in one.text for one in user.chat)}
        assert gone <= hurt, "whose next event belongs on the bad page, or beside it, is hurt too"
        assert len(hurt) < len(users) / 2, "who has nothing on that page, or on one beside it, notices nothing"
        assert any("Call 112" in one.text for one in first.chat[-4:])
        advice = "select count(*) from worklist where tier = 'emergency' and trouble = 'unprocessed'"
        assert bot.one(advice) == 1
        assert bot.one("select count(*) from parked where is_listed = 1") == len(hurt)
        assert bot.one("select count(*) from worklist where trouble = 'unprocessed'") == len(hurt)
        await first.says("what now?")
        await bot.settles()
        assert bot.one("select count(*) from parked") == len(hurt)
        status, body = await health(bot)
        assert (status, body["parked"]) == (503, len(hurt))


async def test_when_no_page_of_the_log_can_be_read_everybody_has_the_numbers_and_nothing_is_given_up(tmp_path: Path):
    async with with_bad_pages(tmp_path, patients=20, are_all=True) as (bot, users):
        known, stranger = users[3], bot.telegram.user(900, "nl")
        await known.says("/emergency")
        await stranger.says("/start")
        await known.sees(lambda shown: NOTICE in shown.text and "112" in shown.text, within_s=20)
        await stranger.sees(lambda shown: "Nog niet opgeslagen" in shown.text, within_s=20)
        assert bot.one("select count(*) from parked") == 0
        assert len(bot.telegram.updates.waiting) == 2
        assert (await health(bot))[0] == 503


async def test_a_patient_has_the_numbers_ten_seconds_after_she_wrote_though_another_program_locks_the_database(
    tmp_path: Path,
):
    async with running(tmp_path) as bot, httpx.AsyncClient(base_url=bot.url, timeout=30) as browser:
        user, _ = await at_the_first_question(bot, 42)
        page = (await browser.get("/chat")).text
        form = {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("token", "id")}
        with closing(sqlite3.connect(bot.database, isolation_level=None)) as other:
            other.execute("begin immediate")
            began = time.monotonic()
            posting = asyncio.create_task(browser.post("/chat", data={**form, "text": "/start"}))
            await user.says("I cannot feel my legs")
            await user.sees(lambda shown: NOTICE in shown.text and "112" in shown.text, within_s=20)
            assert 9.9 < time.monotonic() - began < 12
            posted = await posting
            assert posted.status_code in (500, 503)
            assert "tel:112" in posted.text
            other.execute("rollback")
        await bot.settles()
        kinds = [kind for kind, _ in bot.events(user)]
        assert kinds.index("ToldUnstored") > kinds.index("NotUnderstood")
        assert (await browser.post("/chat", data={**form, "text": "/start"})).status_code == 303
        assert sum("not understand" in one.text for one in bot.telegram.arrivals[42]) == 1
