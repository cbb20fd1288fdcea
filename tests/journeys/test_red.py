"""What keeps patients from an answer, or endangers their records, makes the real service's /health red, and says why.

The service waits for trouble in seconds here, as `tests/kit/faulty.py` has it, where a clinic's waits in minutes: how
long those are is held by `tests/health/`.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.health import status
from bot.service import probe, pulse
from tests.kit.faulty import program
from tests.kit.wire import Bot, at_the_first_question, built
from tests.store.sqlite.test_vitals import overwrite_a_page_of

WITHIN_S = 30


@asynccontextmanager
async def serving(directory: Path, fault: str = "none", mode: str = "polling") -> AsyncIterator[Bot]:
    async with built(directory, mode) as bot:
        bot.program, bot.options = program(directory, fault), ("--new-database",)
        await bot.start()
        bot.options = ()
        yield bot


async def look(bot: Bot) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{bot.url}/health") as response:
        return {"code": response.status, **await response.json()}


async def turns(bot: Bot, name: str, is_red: bool = True) -> dict[str, Any]:
    """Returns once the reason of this name holds, or holds no more."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                found = await look(bot)
                if (name in found["names"]) is is_red:
                    return found
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)


def test_what_a_clinic_waits_for_is_red_within_two_minutes_of_the_message():
    for waits_s in (
        status.ANSWERED_WITHIN.total_seconds(),
        status.DELIVERED_WITHIN.total_seconds(),
        status.POLLED_WITHIN.total_seconds(),
        status.WOKEN_WITHIN.total_seconds() + 30,
        pulse.SILENT_AFTER_S + probe.EVERY_S,
    ):
        assert waits_s <= 120


async def test_one_bad_page_is_red_from_the_start_on(tmp_path):
    async with serving(tmp_path) as bot:
        for number in range(1, 5):
            await at_the_first_question(bot, number)
        await bot.settles()
        assert "broken" not in (await look(bot))["names"]
        await bot.end(signal.SIGTERM)
        overwrite_a_page_of("events", bot.database)
        await bot.start()
        found = await turns(bot, "broken")
        assert found["code"] == 503
        assert "cordwatch restore" in " ".join(found["reasons"])


async def test_a_full_disk_is_red_until_there_is_room(tmp_path):
    async with serving(tmp_path) as bot:
        pid, log = bot.process.pid, Path(f"{bot.database}-wal")
        unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (log.stat().st_size, unlimited[1]))
        found = await turns(bot, "database")
        assert (found["code"], found["database"]) == (503, "not writable")
        assert any("look at the disk" in words for words in found["reasons"])
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        assert (await turns(bot, "database", is_red=False))["database"] == "writable"


async def test_a_database_that_another_program_holds_is_red_until_it_lets_go(tmp_path):
    async with serving(tmp_path) as bot:
        with closing(sqlite3.connect(bot.database, isolation_level=None)) as other:
            other.execute("begin immediate")
            assert (await turns(bot, "database"))["code"] == 503
        await turns(bot, "database", is_red=False)


async def test_a_deleted_database_is_red_and_nobody_is_told_to_restart(tmp_path):
    async with serving(tmp_path) as bot:
        await at_the_first_question(bot, 1)
        for ending in ("", "-wal", "-shm"):
            Path(f"{bot.database}{ending}").unlink()
        found = await turns(bot, "file_gone")
        assert found["code"] == 503
        assert any("do not stop the service" in words for words in found["reasons"])
        await goes_on_from_what_the_service_held(bot)


async def goes_on_from_what_the_service_held(bot: Bot) -> None:
    """As /health says: back up, stop, restore, start; the patient at the first question answers it."""
    copies = bot.directory / "copies"
    copies.mkdir()
    assert "is whole: 1 patients" in await command(bot, "backup", str(copies))
    await bot.end(signal.SIGTERM)
    await command(bot, "restore", *map(str, copies.iterdir()))
    await bot.start()
    user = bot.telegram.user(1)
    await user.taps("No", within_s=20)
    await user.sees("Question 2", within_s=20)


async def command(bot: Bot, *arguments: str) -> str:
    """What `cordwatch` says of the clinic of this service."""
    environ = {**os.environ, "BOT_CONFIG": str(bot.directory / "clinic.toml"), "BOT_DATABASE": str(bot.database)}
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli.main", *arguments, env=environ, **pipes
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    return said


async def test_a_database_that_a_copy_was_put_in_place_of_is_red(tmp_path):
    async with serving(tmp_path) as bot:
        shutil.copy(bot.database, tmp_path / "copy.db")
        (tmp_path / "copy.db").replace(bot.database)
        assert (await turns(bot, "file_replaced"))["code"] == 503
        await at_the_first_question(bot, 1)
        await goes_on_from_what_the_service_held(bot)


async def test_a_turn_that_hangs_is_red(tmp_path):
    async with serving(tmp_path, "turn-hangs") as bot:
        user, _ = await at_the_first_question(bot, 1)
        await user.says("hang")
        found = await turns(bot, "unanswered")
        assert (found["code"], found["oldest_unanswered_s"] > 2) == (503, True)


async def test_telegram_that_puts_us_off_for_an_hour_at_the_first_call_is_red(tmp_path):
    async with built(tmp_path) as bot:
        bot.telegram.faults.always = {"deleteWebhook": "429:3600", "getUpdates": "429:3600"}
        bot.program, bot.options = program(tmp_path, "none"), ("--new-database",)
        bot.process = await bot.launch()
        assert (await turns(bot, "poll"))["code"] == 503


async def test_a_webhook_that_no_longer_brings_anything_is_red(tmp_path):
    async with serving(tmp_path, mode="webhook") as bot:
        await turns(bot, "channel", is_red=False)
        bot.telegram.faults.always = {"setWebhook": "500"}
        bot.telegram.updates.set_webhook({})
        found = await turns(bot, "channel")
        assert found["code"] == 503
        bot.telegram.faults.always = {}
        await turns(bot, "channel", is_red=False)


@pytest.mark.parametrize(("jump_s", "way"), [(-7200, "back by 2 hours"), (86400, "ahead by 24 hours")])
async def test_a_clock_that_was_set_is_red_until_it_is_set_right(tmp_path, jump_s, way):
    async with serving(tmp_path, "clock-jumps") as bot:
        (tmp_path / "jump").write_text(str(jump_s))
        found = await turns(bot, "clock")
        assert found["code"] == 503
        assert any(way in words for words in found["reasons"])
        (tmp_path / "jump").unlink()
        await turns(bot, "clock", is_red=False)


async def test_a_clock_behind_what_the_database_knows_is_red_from_the_start_on(tmp_path):
    async with serving(tmp_path, "clock-jumps") as bot:
        await bot.end(signal.SIGTERM)
        (tmp_path / "jump").write_text("-7200")
        await bot.start()
        assert (await turns(bot, "clock"))["code"] == 503
