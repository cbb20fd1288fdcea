"""The real process while somebody else answers in Telegram's place: one channel waits, and nobody else notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.kit.botapi.nonsense import NONSENSE
from tests.kit.botapi.server import Answer
from tests.kit.wire import Bot, at_the_first_question, built, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
MOST_KB = 300_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bot]:
    async with running(tmp_path_factory.mktemp("boundary")) as bot:
        yield bot


async def health(bot: Bot) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{bot.url}/health") as response:
        return dict(await response.json())


async def until_health(bot: Bot, holds: Callable[[dict[str, Any]], bool], within_s: float = 20) -> dict[str, Any]:
    async with asyncio.timeout(within_s):
        while True:
            try:
                if holds(found := await health(bot)):
                    return found
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)


async def status_of(bot: Bot, path: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{bot.url}{path}") as response:
        return response.status


def memory_kb(bot: Bot) -> int:
    """The most that the process ever had."""
    assert bot.process is not None
    lines = Path(f"/proc/{bot.process.pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


async def test_nonsense_stops_neither_the_web_chat_nor_the_console_and_then_all_goes_on(bot: Bot) -> None:
    """A few kinds that are read in different places; all of them are tried on the channel itself."""
    faults, calls = bot.telegram.faults, bot.telegram.calls["getUpdates"]
    kinds = ("no result", "true", "a captive portal in JSON", "deep nesting", "parameters that are none")
    faults.script("getUpdates", *(NONSENSE[kind] for kind in kinds))
    faults.always["getUpdates"] = NONSENSE["an update without its number"]
    await bot.telegram.until(lambda: bot.telegram.calls["getUpdates"] >= calls + 8, within_s=60)
    assert (await status_of(bot, "/chat"), await status_of(bot, "/console/sign-in")) == (200, 200)
    found = await health(bot)
    assert (found["status"], "what are no updates" in found["channels"]["telegram"]["trouble"]) == ("red", True)

    del faults.always["getUpdates"]
    await at_the_first_question(bot, 501)
    assert bot.process is not None
    assert bot.process.returncode is None
    assert (await health(bot))["status"] == "green"


async def test_an_answer_of_600_megabytes_is_not_read_into_memory(bot: Bot) -> None:
    flood = Answer(b" " * 1_000_000, times=600)
    bot.telegram.faults.script("getUpdates", flood)
    bot.telegram.faults.script("sendMessage", flood)
    user = bot.telegram.user(502)
    await user.says("/start")
    await user.sees("computer program", within_s=30)
    await bot.settles()
    assert memory_kb(bot) < MOST_KB


@pytest.mark.parametrize("name", ["no result", "true", "null", "an object"])
async def test_a_message_that_was_taken_is_sent_once_though_its_answer_names_no_number(bot: Bot, name: str) -> None:
    user = bot.telegram.user(600 + len(bot.telegram.users))
    bot.telegram.faults.script("sendMessage", NONSENSE[name])
    before = bot.telegram.calls["sendMessage"]
    await user.says("/start")
    await bot.settles()
    refs = bot.column("select message_ref from outbox where address = ? order by id", str(user.id))
    assert refs[0] == ""
    assert bot.telegram.calls["sendMessage"] - before == len(refs)


async def test_a_method_that_is_not_found_is_that_messages_trouble_and_stops_nobody_else(bot: Bot) -> None:
    one, other = bot.telegram.user(701), bot.telegram.user(702)
    not_found = Answer.of({"ok": False, "error_code": 404, "description": "Not Found"}, 404)
    bot.telegram.faults.script("sendMessage", not_found, not_found)
    await one.says("/start")
    await bot.telegram.until(lambda: bot.telegram.calls["getMe"] >= 1, within_s=20)
    await other.says("/start")
    await other.sees("computer program")
    assert (await health(bot))["channels"]["telegram"]["trouble"] is None
    await one.sees("computer program", within_s=20)


async def test_a_wait_of_an_hour_on_the_first_call_is_red_at_once_and_served_within_half_a_minute(
    tmp_path: Path,
) -> None:
    async with built(tmp_path) as bot:
        bot.telegram.faults.script("deleteWebhook", "429:3600")
        bot.process = await bot.launch()
        found = await until_health(bot, lambda found: bool(found["channels"]["telegram"]["trouble"]))
        assert found["status"] == "red"
        assert bot.output.count("Flood control") == 1
