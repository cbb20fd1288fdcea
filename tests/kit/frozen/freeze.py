"""Makes the database of an earlier version anew, by living a morning with the program of that time.

    git clone . /tmp/earlier && git -C /tmp/earlier checkout 1c8d4a8 && make -C /tmp/earlier install
    .venv/bin/python -m tests.kit.frozen.freeze /tmp/earlier 1c8d4a8

Its own service talks to the tests' own Telegram: a nurse chooses a password and links a chat for alerts; three patients
finish their checks, and the nurse takes the emergency from her alert; two stop in the middle; then Telegram fails, and
what the sixth is told waits. The rows are kept as SQL beside this file.
"""

from __future__ import annotations

import asyncio
import lzma
import re
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import httpx

from dialogs.protocol import served_before
from tests.kit.botapi.users import User
from tests.kit.console_client import hidden
from tests.kit.patients import VIGNETTES, Patient, Plan, vignette_plan
from tests.kit.wire import Bot, Telegram

HERE = Path(__file__).parent
NURSE, E_MAIL, PASSWORD = "Anna", "anna@clinic.example", "correct horse battery"
NURSES_CHAT = 900
FINISHED = {1: "emergency", 2: "12h", 3: "none"}
"""Patients by chat, and what they are advised."""
IN_THE_MIDDLE = {4: "weakness", 5: "bladder_bowel"}
"""Patients by chat, and the question that they have not answered."""
NOT_TOLD = 6
"""She has answered, and the next question has not reached her."""


async def frozen(checkout: Path, directory: Path) -> Path:
    """The database at the end of the morning, closed."""
    async with Telegram() as telegram:
        bot = Bot(directory, telegram)
        bot.program = str(checkout / ".venv/bin/cordwatch")
        link = await _account(bot)
        await bot.start()
        try:
            await _morning(bot, link)
        finally:
            await bot.end(signal.SIGTERM)
        return bot.database


async def _account(bot: Bot) -> str:
    """Made before the service starts; the link with which she chooses her password."""
    command = (bot.program, "nurse", "add", NURSE, E_MAIL, "--role", "lead")
    where = {"cwd": bot.directory, "env": bot.environment, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(*command, **where)  # type: ignore[arg-type]
    printed, _ = await process.communicate()
    return printed.decode().split()[-1].partition("/console")[2]


async def _morning(bot: Bot, link: str) -> None:
    protocol = served_before("", bot.one("select content from protocols"))
    nurse = await _linked_nurse(bot, link)
    for chat, disposition in FINISHED.items():
        row = next(row for row in VIGNETTES if row["expected"] == disposition)
        await Patient(bot.telegram, bot.telegram.user(chat), vignette_plan(row), protocol).talks()
    await nurse.taps("Take it", on=next(one for one in nurse.chat if "Take it" in one.buttons))
    await _until(bot, "select 1 from events where kind = 'Claimed'")
    for chat, question in {**IN_THE_MIDDLE, NOT_TOLD: "difficulty_walking"}.items():
        plan = Plan(f"until {question}", {"back_or_neck_pain": "yes"}, Random(0), {"language": "en"})
        await Patient(bot.telegram, bot.telegram.user(chat), plan, protocol).talks(until=question)
    await bot.telegram.user(5).says("it began on Sunday")
    await bot.settles()
    bot.telegram.faults.at_rate({"500": 1.0}, 0, "sendMessage", "sendPhoto")
    await bot.telegram.user(NOT_TOLD).taps("No")
    await _until(bot, "select 1 from outbox where state = 'waiting' and attempts > 0")


async def _linked_nurse(bot: Bot, link: str) -> User:
    """She chooses a password, signs in, and her chat gets alerts."""
    async with httpx.AsyncClient(base_url=bot.url, headers={"Sec-Fetch-Site": "same-origin"}) as browser:
        await browser.post(f"/console{link}", data={"password": PASSWORD, "again": PASSWORD})
        await browser.post("/console/sign-in", data={"email": E_MAIL, "password": PASSWORD})
        token = hidden((await browser.get("/console/alerts")).text, "token")
        page = (await browser.post("/console/alerts/code", data={"token": token})).text
    found = re.search(r"/link \S+?(?=<)", page)
    assert found, "the page shows no code"
    nurse = bot.telegram.user(NURSES_CHAT)
    await nurse.says(found[0])
    await nurse.sees("this chat now gets alerts", within_s=20)
    return nurse


async def _until(bot: Bot, query: str) -> None:
    async with asyncio.timeout(30):
        while bot.one(query) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def dumped(database: Path) -> str:
    """Every statement that makes it anew."""
    with closing(sqlite3.connect(database)) as db:
        return "\n".join(db.iterdump())


def main(checkout: str, commit: str) -> None:
    with TemporaryDirectory() as directory:
        text = dumped(asyncio.run(frozen(Path(checkout), Path(directory))))
    (HERE / f"{commit}.sql.xz").write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main(*sys.argv[1:])
