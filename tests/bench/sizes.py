"""How many bytes a conversation leaves in the database."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from pathlib import Path

from dialogs.protocol import load
from tests.bench.figures import Dialog, Line, Plan
from tests.kit.patients import VIGNETTES, Patient, vignette_plan
from tests.kit.wire import Telegram, built

CONVERSATIONS = 64
AT_ONCE = 16


async def size(_: Plan, __: Dialog) -> list[Line]:
    """Of whole conversations of all dispositions, by the size of the file after a clean stop."""
    with tempfile.TemporaryDirectory() as place:
        async with built(Path(place)) as bot:
            await bot.start()
            for first in range(0, CONVERSATIONS, AT_ONCE):
                numbers = range(first, first + AT_ONCE)
                await asyncio.gather(*(_patient(bot.telegram, number).talks() for number in numbers))
            await bot.settles(60)
            counts = [bot.one(f"select count(*) from {table}") / CONVERSATIONS for table in ("events", "outbox")]
            await bot.end(signal.SIGTERM)
            kilobytes = bot.database.stat().st_size / CONVERSATIONS / 1000
    what = f"database, a conversation of {counts[0]:.0f} events and {counts[1]:.0f} messages, of {CONVERSATIONS}"
    return [Line(what, "at most 10 kB", f"{kilobytes:.1f} kB")]


def _patient(telegram: Telegram, number: int) -> Patient:
    return Patient(telegram, telegram.user(1_000 + number), vignette_plan(VIGNETTES[number % len(VIGNETTES)]), load())
