"""What is measured, one function a goal; each returns lines of the table."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench import patients, seeds
from tests.bench.subjects import Process, ours, record, yardstick

AT_ONCE = 50
SETTLED_S = 1.5
LATENCY_S = 0.05


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what, the goal, what was measured."""

    what: str
    goal: str
    measured: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything. `events`: sizes of the log to compare with an empty one."""

    patients: int
    alternations: int
    events: tuple[int, ...]
    open_ones: int


@dataclass(frozen=True, slots=True)
class Dialog:
    path: Path
    messages: int


async def cost(plan: Plan, dialog: Dialog) -> list[Line]:
    """Points 1: CPU a turn beside the yardsticks'."""
    found: dict[str, list[float]] = {}
    for round_ in range(plan.alternations):
        for name, open_ in _subjects(dialog).items():
            async with open_() as bot:
                talk = patients.echo if name == "echo" else patients.converse
                spent = await _cpu_ms(bot, talk, plan.patients, dialog.messages)
            found.setdefault(name, []).append(spent)
        print(f"  {round_ + 1} of {plan.alternations}:", {name: round(one[-1], 2) for name, one in found.items()})
    return [
        *(Line(f"CPU a turn, {name}", "", f"{_spread(values)} ms") for name, values in found.items()),
        Line("yardstick 1 against the echo bot", "at most 2.7", _ratio(found["conversation"], found["echo"])),
        Line("1. long polling against yardstick 1", "at most 0.5", _ratio(found["polling"], found["conversation"])),
        Line("1. webhook against yardstick 1", "at most 0.5", _ratio(found["webhook"], found["conversation"])),
        Line("1. long polling against yardstick 2", "at most 1.1", _ratio(found["polling"], found["fsm"])),
        Line("1. webhook against yardstick 2", "at most 1.1", _ratio(found["webhook"], found["fsm"])),
    ]


async def slow_network(plan: Plan, dialog: Dialog) -> list[Line]:
    """Point 2: turns a second when every call takes 50 ms more."""
    theirs, own, in_order = [], [], True
    for _ in range(plan.alternations):
        async with yardstick("conversation", dialog.path, LATENCY_S) as bot:
            run = await patients.converse(bot.telegram, 1, 4, AT_ONCE, dialog.messages)
            theirs.append(run.turns / run.seconds)
        async with ours("polling", LATENCY_S) as bot:
            run = await patients.converse(bot.telegram, 1, AT_ONCE, AT_ONCE, dialog.messages)
            own.append(run.turns / run.seconds)
            in_order = in_order and run.in_order
    return [
        Line("2. turns a second at 50 ms, yardstick 1", "", _spread(theirs)),
        Line("2. turns a second at 50 ms, ours", "", _spread(own)),
        Line("2. ours against yardstick 1", "at least 10", _ratio(own, theirs)),
        Line("2. order in each chat kept", "yes", "yes" if in_order else "no"),
    ]


async def history(plan: Plan, dialog: Dialog) -> list[Line]:
    """Point 3: CPU a turn with a long log against an empty one."""
    lines = []
    for wanted in plan.events:
        with tempfile.TemporaryDirectory() as place:
            short = await _filled(Path(place), 50, dialog.messages)
            events = seeds.multiply(Path(place) / "clinic.db", wanted // short)
            long, empty = [], []
            for round_ in range(plan.alternations):
                async with ours("polling", directory=Path(place)) as bot:
                    first = 10_000 + 1_000 * round_
                    long.append(await _cpu_ms(bot, patients.converse, plan.patients, dialog.messages, first))
                async with ours("polling") as bot:
                    empty.append(await _cpu_ms(bot, patients.converse, plan.patients, dialog.messages))
        lines.append(Line(f"3. with {events:,} events against none", "at most 1.25", _ratio(long, empty)))
    return lines


async def crowd(plan: Plan, dialog: Dialog) -> list[Line]:
    """Points 4 and 5: 100,000 open conversations, at rest and with a message waiting in each."""
    async with ours("polling") as bot:
        await asyncio.sleep(SETTLED_S)
        alone = bot.resident_mb
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        await _filled(directory, 10, 10)
        seeds.multiply(directory / "clinic.db", plan.open_ones // 10)
        starts, resident = [], []
        for _ in range(plan.alternations):
            began = time.monotonic()
            async with ours("polling", directory=directory) as bot:
                starts.append(time.monotonic() - began)
                await asyncio.sleep(SETTLED_S)
                resident.append(bot.resident_mb)
        empty = []
        for _ in range(plan.alternations):
            began = time.monotonic()
            async with ours("polling"):
                empty.append(time.monotonic() - began)
        waiting = seeds.let_all_wait(directory / "clinic.db")
        urgent, drained = await _urgent(directory)
    each_kb = max(0.0, (median(resident) - alone) * 1024 / plan.open_ones)
    return [
        Line(f"4. advice of an emergency while {waiting:,} messages wait", "at most 1 s", f"{urgent:.2f} s"),
        Line("4. routine messages against 30 a second", "at least 95 %", f"{100 * drained:.1f} %"),
        Line("5. resident at rest", "at most 100 MB", f"{alone:.0f} MB"),
        Line(f"5. more for each of {plan.open_ones:,} open conversations", "at most 1 KB", f"{each_kb:.3f} KB"),
        Line("5. start to first poll, empty", "at most 1.5 s", f"{_spread(empty)} s"),
        Line(f"5. start to first poll, {plan.open_ones:,} open", "at most 1.5 s", f"{_spread(starts)} s"),
    ]


async def _urgent(directory: Path, pace: int = 30, within_s: float = 20) -> tuple[float, float]:
    """How long an urgent advice takes, and which share of the pace the routine messages reach beside it."""
    async with ours("polling", directory=directory, pace=pace) as bot:
        telegram = bot.telegram
        user = telegram.user(APART_FROM_ALL, "en")
        await asyncio.sleep(2)
        before, began = telegram.calls["sendMessage"] + telegram.calls["sendPhoto"], time.monotonic()
        await asyncio.sleep(within_s / 2)
        tapped = time.monotonic()
        telegram.bells[user.id].clear()
        await user.says("/emergency")
        await asyncio.wait_for(telegram.bells[user.id].wait(), 60)
        took = time.monotonic() - tapped
        await asyncio.sleep(max(0, within_s - (time.monotonic() - began)))
        sent = telegram.calls["sendMessage"] + telegram.calls["sendPhoto"] - before
        return took, sent / (time.monotonic() - began) / pace


APART_FROM_ALL = 1


def _subjects(dialog: Dialog) -> dict[str, Callable[[], AbstractAsyncContextManager[Process]]]:
    return {
        "echo": lambda: yardstick("echo", dialog.path),
        "conversation": lambda: yardstick("conversation", dialog.path),
        "fsm": lambda: yardstick("fsm", dialog.path),
        "polling": lambda: ours("polling"),
        "webhook": lambda: ours("webhook"),
    }


async def _cpu_ms(
    bot: Process, talk: Callable[..., Awaitable[patients.Run]], count: int, messages: int, first: int = 1
) -> float:
    """CPU of one turn, after a first conversation has warmed everything up."""
    await asyncio.sleep(SETTLED_S)
    await talk(bot.telegram, first + 900_000, 2, 2, messages)
    before = bot.cpu_s
    run = await talk(bot.telegram, first, count, AT_ONCE, messages)
    await asyncio.sleep(0.3)
    return 1000 * (bot.cpu_s - before) / run.turns


async def _filled(directory: Path, count: int, messages: int) -> int:
    """A database with so many conversations, each up to so many messages; returns how many events it has."""
    async with ours("polling", directory=directory) as bot:
        await patients.converse(bot.telegram, 1, count, AT_ONCE, messages)
        await asyncio.sleep(1)
    return seeds.events(directory / "clinic.db")


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def _ratio(these: Sequence[float], those: Sequence[float]) -> str:
    """Of what was measured side by side, so that a slow minute slows both."""
    return _spread([one / other for one, other in zip(these, those, strict=True)])


async def recorded(place: Path) -> Dialog:
    path = place / "dialog.json"
    return Dialog(path, await record(path))
