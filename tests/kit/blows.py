"""What befalls a running clinic, one blow at a time: each is over when its function returns."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from random import Random

from tests.kit.wire import Bot

FAKETIME = "/usr/lib/{}/faketime/libfaketime.so.1"
LOCKED_S = (6.0, 13.0)
STOPPED_S = (1.0, 6.0)
JUMPED_S = 4.0
JUMPS = (timedelta(hours=-2), timedelta(minutes=-5), timedelta(minutes=4))
"""Further ahead a check that has hardly begun ends, as after a long silence: then there is nothing to audit."""
FLOOD = 1000


class WallClock:
    """The wall clock of a process as libfaketime shows it; the monotonic clock stays true."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "wall-clock"
        self.set(timedelta(0))

    @property
    def environ(self) -> Mapping[str, str]:
        """For the process whose clock it is."""
        return {
            "LD_PRELOAD": FAKETIME.format(f"{os.uname().machine}-linux-gnu"),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: timedelta) -> None:
        """How far it is ahead of the true time from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset.total_seconds():+.0f}s\n", encoding="utf-8")
        new.replace(self._file)


async def kill(bot: Bot, random: Random) -> None:
    """The machine loses its power, and has it again."""
    await bot.kill()
    await bot.start()


async def stop(bot: Bot, random: Random) -> None:
    """The whole process stands still, as on a host that pauses its guests."""
    assert bot.process is not None
    bot.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(random.uniform(*STOPPED_S))
    finally:
        bot.process.send_signal(signal.SIGCONT)


async def lock(bot: Bot, random: Random) -> None:
    """Another program holds the database's write lock for longer than a commit waits."""
    db = sqlite3.connect(bot.database, isolation_level=None, timeout=60, check_same_thread=False)
    try:
        await asyncio.to_thread(db.execute, "begin immediate")
        await asyncio.sleep(random.uniform(*LOCKED_S))
        db.execute("rollback")
    finally:
        db.close()


async def jump(bot: Bot, random: Random) -> None:
    """The wall clock is wrong for a while; only of a process that has `WallClock.environ`."""
    clock = WallClock(bot.directory)
    clock.set(random.choice(JUMPS))
    await asyncio.sleep(JUMPED_S)
    clock.set(timedelta(0))


async def flood(bot: Bot, random: Random) -> None:
    """One chat sends more in a moment than a hundred patients in an hour."""
    stranger = bot.telegram.user(900_000 + random.randrange(1000))
    for _ in range(FLOOD):
        await stranger.says(random.choice(("/start", "hello", "?", "🙂" * 100)))
    asked = len(bot.telegram.updates.waiting)
    await bot.telegram.until(lambda: len(bot.telegram.updates.waiting) < max(1, asked - FLOOD // 2), within_s=300)


BLOWS: Mapping[str, Callable[[Bot, Random], Awaitable[None]]] = {
    one.__name__: one for one in (kill, stop, lock, jump, flood)
}
