"""The bots that are measured, each a process of its own; and what a process costs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.bench.patients import answer, arrived
from tests.kit.botapi.rules import Json
from tests.kit.botapi.users import User
from tests.kit.wire import Bot, Telegram

OTHERS = Path(__file__).parents[2] / ".bench" / "bin" / "python"
YARDSTICKS = Path(__file__).parent / "yardsticks"
LIFTED = 1000
"""Messages a second that tests/kit/wire.py allows: more than there are."""
MANY_VISITORS = """
[web]
new_sessions_per_hour = 10000
"""
ASIDE_S = 0.5
"""By then what is sent on the side has arrived too."""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Process:
    """A bot that runs, and what of the machine it has used. `url`: its web server; `started_s`: until it listened."""

    def __init__(
        self, telegram: Telegram, process: asyncio.subprocess.Process, url: str = "", started_s: float = 0.0
    ) -> None:
        self.telegram, self.process, self.url, self.started_s = telegram, process, url, started_s

    @property
    def cpu_s(self) -> float:
        """Processor seconds of all its threads, in user and kernel mode."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    @property
    def resident_mb(self) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


@asynccontextmanager
async def yardstick(name: str, dialog: Path, latency_s: float = 0.0) -> AsyncIterator[Process]:
    """One of tests/bench/yardsticks, listening."""
    async with Telegram(latency_s=latency_s) as telegram:
        environ = os.environ | {
            "BENCH_API": telegram.url,
            "BENCH_TOKEN": telegram.token,
            "BENCH_DIALOG": str(dialog),
        }
        process = await asyncio.create_subprocess_exec(
            str(OTHERS), "-W", "ignore", str(YARDSTICKS / f"{name}.py"), env=environ, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await telegram.until(lambda: telegram.calls["getUpdates"] > 0, within_s=60)
            yield Process(telegram, process)
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()


LIVES = count(1)
NUMBERS_EACH = 10_000_000


class Crowd(Telegram):
    """Knows everybody whom a database made by copying knows, and never gives a number that an earlier one has given:

    a service that knows the database would rightly take such a message for one that it has had already.
    """

    def __init__(self, **wanted: Any) -> None:
        super().__init__(**wanted)
        first = next(LIVES) * NUMBERS_EACH
        self._numbers = count(first)
        self._changes = first
        self.updates.renumber(first)

    def _recipient(self, parameters: Json, is_edit: bool = False) -> User:
        user = self.user(int(parameters["chat_id"]))
        if not user.chat:
            self.show(user, False, "/start")
        return super()._recipient(parameters, is_edit)


@asynccontextmanager
async def ours(
    mode: str = "polling",
    latency_s: float = 0.0,
    directory: Path | None = None,
    pace: int = LIFTED,
) -> AsyncIterator[Process]:
    """The real service on a database of its own (or the one in `directory`), listening. `pace`: messages a second."""
    with tempfile.TemporaryDirectory() as fresh:
        async with Crowd(latency_s=latency_s) as telegram:
            bot = Bot(directory or Path(fresh), telegram, mode)
            settings = bot.directory / "clinic.toml"
            paced = settings.read_text().replace(f"second = {LIFTED}", f"second = {pace}", 1)
            settings.write_text(paced + MANY_VISITORS)
            began = time.monotonic()
            try:
                await bot.start()
                assert bot.process is not None
                yield Process(telegram, bot.process, bot.url, time.monotonic() - began)
            finally:
                if bot.process is not None:
                    await bot.kill()


async def record(path: Path) -> int:
    """Writes down the dialog of one patient for the yardsticks to repeat; returns how many messages it has."""
    steps: list[Json] = []
    async with ours("polling") as bot:
        telegram = bot.telegram
        user = telegram.user(1, "en")
        await asyncio.sleep(1)
        question, read = "", 0
        telegram.log.clear()
        await user.says("/start")
        while True:
            await arrived(telegram, user, read + 1)
            await asyncio.sleep(ASIDE_S)
            steps.append(_step(question, [*telegram.log]))
            telegram.log.clear()
            fresh, read = telegram.arrivals[user.id][read:], len(telegram.arrivals[user.id])
            taps = [(tap, one.message_id) for one in fresh if (tap := answer(one))]
            if not taps:
                break
            question = taps[-1][0].split(":")[1]
            user.taps_data(*taps[-1])
    assert question == "summary", f"the dialog ended with {question!r}"
    path.write_text(json.dumps(steps), encoding="utf-8")
    return read


def _step(question: str, calls: list[tuple[str, Json]]) -> Json:
    """A picture becomes its caption, in favour of the yardsticks."""
    says: list[Any] = []
    retires = None
    for method, parameters in calls:
        if method in ("sendMessage", "sendPhoto"):
            markup = json.loads(parameters.get("reply_markup") or "{}")
            says.append([parameters.get("text") or parameters.get("caption"), markup.get("inline_keyboard", [])])
        elif method.startswith("editMessage"):
            retires = parameters.get("text") or parameters.get("caption")
    return {"question": question, "says": says, "retires": retires}
