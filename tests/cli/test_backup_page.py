"""docs/backup.md word by word, in the layout of docs/setup.md, with patients in the middle of their checks."""

from __future__ import annotations

import asyncio
import re
import subprocess
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.clinic.clinic_toml import parse
from tests.kit.wire import Bot, at_the_first_question, running

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/backup.md").read_text(encoding="utf-8")
SETTINGS, *BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)


class Machine:
    """A root of its own, with the service on it."""

    def __init__(self, root: Path, bot: Bot) -> None:
        self.root, self.bot = root, bot

    async def follow(self, block: str) -> str:
        """What the commands of a block say."""
        return "".join([await self._run(line) for line in block.splitlines()])

    async def _run(self, line: str) -> str:
        if line == "systemctl stop cordwatch":
            await self.bot.kill()
        elif line == "systemctl start cordwatch":
            await self.bot.start()
        else:
            return await asyncio.to_thread(self._shell, line.replace("-o cordwatch -g cordwatch ", ""))
        return ""

    def _shell(self, line: str) -> str:
        here = f"{SETTINGS}\n{line}".replace("/opt/cordwatch/.venv", str(ROOT / ".venv"))
        here = re.sub(r"/(?=(var|etc)/)", f"{self.root}/", here)
        done = subprocess.run(["sh", "-euc", f"umask 022\n{here}"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    etc, lib = tmp_path / "etc/cordwatch", tmp_path / "var/lib/cordwatch"
    etc.mkdir(parents=True)
    lib.mkdir(parents=True, mode=0o700)
    async with running(etc, database=lib / "cordwatch.db") as bot:
        for user in (1, 2):
            await at_the_first_question(bot, user)
        await bot.settles()
        yield Machine(tmp_path, bot)


async def test_a_clinic_is_backed_up_killed_and_goes_on_from_its_copy_with_the_page_alone(machine):
    bot = machine.bot
    back_up, check, restore, move, standby = BLOCKS
    assert " is whole: 2 patients, 2 checks" in await machine.follow(back_up)
    assert " is whole: 2 patients, 2 checks" in await machine.follow(check)
    await at_the_first_question(bot, 3)
    await bot.settles()
    late = bot.one("select patient from sessions where address = '3'")

    said = await machine.follow(restore)
    assert "Missing since the copy was made: 1 patients, 1 checks, " in said
    assert f"by their reference: {late[-6:]}" in said
    for user in (1, 2):
        await bot.telegram.user(user).taps("No", within_s=20)
    await bot.settles()
    events = bot.one("select count(*) from events")

    await machine.follow(move)
    assert "It held nothing that is not in the copy" in await machine.follow(standby)
    assert bot.one("select count(*) from events") == events
    assert "2 patients, 2 checks" in await machine.follow(check)


def test_the_settings_of_the_page_are_understood():
    (section,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)
    demo = (ROOT / "bot/clinic/demo.toml").read_text(encoding="utf-8")
    backup = parse(f"{demo}\n{section}", Path("clinic.toml")).backup
    assert backup.model_dump() == tomllib.loads(section)["backup"]
