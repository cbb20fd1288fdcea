"""The bots that are measured, each a process of its own; and what a process costs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.bench.patients import answer, arrived
from tests.botapi_rules import Json
from tests.botapi_users import User
from tests.wire import Bot, Telegram

OTHERS = Path(__file__).parents[2] / ".bench" / "bin" / "python"
YARDSTICKS = Path(__file__).parent / "yardsticks"
ASIDE_S = 1.0
"""By then what is sent on the side has arrived too."""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Process:
    """A bot that runs, and how much of the machine it has used."""

    def __init__(self, telegram: Telegram, process: asyncio.subprocess.Process) -> None:
        self.telegram, self.process = telegram, process

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


class Crowd(Telegram):
    """Knows everybody whom a database made by copying knows."""

    def _recipient(self, parameters: Json, is_edit: bool = False) -> User:
        user = self.user(int(parameters["chat_id"]))
        if not user.chat:
            self.show(user, False, "/start")
        return super()._recipient(parameters, is_edit)


@asynccontextmanager
async def ours(
    mode: str = "polling", latency_s: float = 0.0, directory: Path | None = None, pace: int | None = None
) -> AsyncIterator[Process]:
    """The real service on a database of its own (or the one in `directory`), listening. `pace`: messages a second."""
    with tempfile.TemporaryDirectory() as fresh:
        async with Crowd(latency_s=latency_s) as telegram:
            bot = Bot(directory or Path(fresh), telegram, mode)
            if pace is not None:
                settings = bot.directory / "clinic.toml"
                lifted = "messages_per_second = 1000"
                settings.write_text(settings.read_text().replace(lifted, f"messages_per_second = {pace}"))
            await bot.start()
            assert bot.process is not None
            try:
                yield Process(telegram, bot.process)
            finally:
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
