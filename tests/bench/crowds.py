"""Points 4 and 5: 100,000 open conversations, at rest and with a message waiting in each of them."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench import patients, seeds
from tests.bench.figures import AT_ONCE, Dialog, Line, Plan, spread
from tests.bench.subjects import Process, ours
from tests.bench.turns import SETTLED_S
from tests.kit.botapi.users import User

HALF_WAY = 10
"""Messages of the bot after which a conversation is left open."""
SPEAKING = 5_000
"""Open conversations that speak, before and after a first look at the memory."""
PACE = 30
DRAINED_FOR_S = 30
URGENT = {"weakness": "yes", "weakness_change": "new_or_worse"}
URGENT_PATIENTS = range(900_001, 900_006)
SENT = ("sendMessage", "sendPhoto")


async def crowd(plan: Plan, dialog: Dialog) -> list[Line]:
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        await seeds.filled(directory, 10, HALF_WAY)
        seeds.multiply(directory / "clinic.db", plan.open_ones // 10 - 1)
        return [*await _urgent(directory), *await _at_rest(plan, directory)]


# --- at rest


async def _at_rest(plan: Plan, directory: Path) -> list[Line]:
    alone, full = [], []
    for _ in range(plan.alternations):
        alone.append(await _rested())
        full.append(await _rested(directory))
    each_kb = max(0.0, median(one[1] for one in full) - median(one[1] for one in alone)) * 1024 / plan.open_ones
    with tempfile.TemporaryDirectory() as fresh:
        spoken_kb = await _spoken_kb(Path(fresh))
    most = "at most 1.5 s"
    return [
        Line("5. resident at rest", "at most 100 MB", f"{spread([mb for _, mb in alone], 0)} MB"),
        Line(f"5. more for each of {plan.open_ones:,} open conversations", "at most 1 KB", f"{each_kb:.3f} KB"),
        Line(
            f"5. more for each of {SPEAKING:,} that speak after as many others", "at most 1 KB", f"{spoken_kb:.3f} KB"
        ),
        Line("5. start to first poll, empty", most, f"{spread([s for s, _ in alone])} s"),
        Line(f"5. start to first poll, {plan.open_ones:,} open", most, f"{spread([s for s, _ in full])} s"),
    ]


async def _rested(directory: Path | None = None) -> tuple[float, float]:
    """Seconds from start to first poll, and resident MB a moment later."""
    async with ours("polling", directory=directory) as bot:
        await asyncio.sleep(SETTLED_S)
        return bot.started_s, bot.resident_mb


async def _spoken_kb(directory: Path) -> float:
    """What the memory grows by for each conversation that begins and stays open, once what is kept is full."""
    async with ours("polling", directory=directory) as bot:
        await asyncio.sleep(SETTLED_S)
        await patients.converse(bot.telegram, 1, SPEAKING, AT_ONCE, 1)
        before = bot.resident_mb
        await patients.converse(bot.telegram, 1 + SPEAKING, SPEAKING, AT_ONCE, 1)
        return max(0.0, bot.resident_mb - before) * 1024 / SPEAKING


# --- with a message waiting in each


@dataclass(frozen=True, slots=True)
class _Tap:
    """The answer that makes an advice within 12 hours of a patient's findings."""

    data: str
    message_id: int


async def _urgent(directory: Path) -> list[Line]:
    taps = await _before_the_last_answer(directory)
    waiting = seeds.let_all_wait(directory / "clinic.db", URGENT_PATIENTS)
    async with ours("polling", directory=directory, pace=PACE) as bot:
        await asyncio.sleep(2)
        before, began, took = _routine_sent(bot), time.monotonic(), []
        for number, tap in taps.items():
            took.append(await _advised_s(bot.telegram.user(number, "en"), bot, tap))
            await asyncio.sleep(DRAINED_FOR_S / len(taps) - took[-1])
        drained = (_routine_sent(bot) - before) / (time.monotonic() - began) / PACE
    _assert_all_advised(directory)
    what = f"4. advice within 12 hours while {waiting:,} messages wait, of {len(took)} patients"
    return [
        Line(what, "at most 1 s", f"{spread(took, 3)} s"),
        Line("4. routine messages meanwhile, against 30 a second", "at least 95 %", f"{100 * drained:.1f} %"),
    ]


async def _before_the_last_answer(directory: Path) -> dict[int, _Tap]:
    """Patients who have only to tap once more."""
    manner, taps = patients.Manner(URGENT), {}
    async with ours("polling", directory=directory) as bot:
        for number in URGENT_PATIENTS:
            user = bot.telegram.user(number, "en")
            taps[number] = _Tap(
                *await patients.check(bot.telegram, user, patients.Run(), manner, until="weakness_change")
            )
        await asyncio.sleep(seeds.WRITTEN_S)
    return taps


async def _advised_s(user: User, bot: Process, tap: _Tap) -> float:
    tapped_at = time.monotonic()
    user.taps_data(tap.data, tap.message_id, inaccessible=True)
    await patients.arrived(bot.telegram, user, 1, within_s=60)
    return time.monotonic() - tapped_at


def _routine_sent(bot: Process) -> int:
    telegram = bot.telegram
    urgent = sum(len(telegram.arrivals[number]) for number in URGENT_PATIENTS)
    return sum(telegram.calls[method] for method in SENT) - urgent


def _assert_all_advised(directory: Path) -> None:
    """What arrived first was the advice, and it was that of 12 hours."""
    advised = seeds.dispositions(directory / "clinic.db", URGENT_PATIENTS)
    assert advised == ["12h"] * len(URGENT_PATIENTS), f"they were to be advised within 12 hours, and were {advised}"
