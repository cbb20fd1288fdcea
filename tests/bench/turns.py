"""Points 1 to 3: what a turn costs beside others' bots, over a slow network, and with a long log behind it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.bench import patients, seeds
from tests.bench.figures import AT_ONCE, Dialog, Line, Plan, ratio, spread
from tests.bench.subjects import Process, ours, yardstick

SETTLED_S = 1.0
"""By then a fresh process has registered its profile and is at rest."""
LATENCY_S = 0.05
SLOWLY_FOR_S = 10
WARMING_UP = 900_000
"""Added to the number of a patient who only warms everything up."""


async def cost(plan: Plan, dialog: Dialog) -> list[Line]:
    """Point 1: CPU a turn beside the yardsticks'."""
    found: dict[str, list[float]] = {}
    for round_ in range(plan.alternations):
        for name, open_ in _subjects(dialog).items():
            async with open_() as bot:
                talk = patients.echo if name == "echo" else patients.converse
                spent = await cpu_ms(bot, talk, plan.patients, dialog.messages)
            found.setdefault(name, []).append(spent)
        print(f"  {round_ + 1} of {plan.alternations}:", {name: round(one[-1], 2) for name, one in found.items()})
    return [
        *(Line(f"CPU a turn, {NAMES[name]}", "", f"{spread(values)} ms") for name, values in found.items()),
        Line("yardstick 1 against the echo bot", "at most 2.7", ratio(found["conversation"], found["echo"])),
        Line("1. long polling against yardstick 1", "at most 0.5", ratio(found["polling"], found["conversation"])),
        Line("1. webhook against yardstick 1", "at most 0.5", ratio(found["webhook"], found["conversation"])),
        Line("1. long polling against yardstick 2", "at most 1.1", ratio(found["polling"], found["fsm"])),
        Line("1. webhook against yardstick 2", "at most 1.1", ratio(found["webhook"], found["fsm"])),
    ]


async def slow_network(plan: Plan, dialog: Dialog) -> list[Line]:
    """Point 2: turns a second when every call takes 50 ms more, with as many patients as that at any moment."""
    theirs, own, is_in_order = [], [], True
    for _ in range(plan.alternations):
        async with yardstick("conversation", dialog.path, LATENCY_S) as bot:
            theirs.append((await _slowly(bot, dialog)).turns / SLOWLY_FOR_S)
        async with ours("polling", LATENCY_S) as bot:
            run = await _slowly(bot, dialog)
        own.append(run.turns / SLOWLY_FOR_S)
        is_in_order = is_in_order and run.is_in_order
    return [
        Line("2. turns a second at 50 ms, yardstick 1", "", spread(theirs, 1)),
        Line("2. turns a second at 50 ms, ours", "", spread(own, 1)),
        Line("2. ours against yardstick 1", "at least 10", ratio(own, theirs)),
        Line("2. order in each chat kept", "yes", "yes" if is_in_order else "no"),
    ]


async def history(plan: Plan, dialog: Dialog) -> list[Line]:
    """Point 3: CPU a turn with a long log against an empty one."""
    lines = []
    for wanted in plan.events:
        with tempfile.TemporaryDirectory() as place:
            events = await seeds.history(Path(place), wanted, dialog.messages)
            long, empty = [], []
            for round_ in range(plan.alternations):
                async with ours("polling", directory=Path(place)) as bot:
                    first = 10_000 + 1_000 * round_
                    long.append(await cpu_ms(bot, patients.converse, plan.patients, dialog.messages, first))
                async with ours("polling") as bot:
                    empty.append(await cpu_ms(bot, patients.converse, plan.patients, dialog.messages))
        lines.append(Line(f"3. CPU a turn with {events:,} events against none", "at most 1.25", ratio(long, empty)))
    return lines


NAMES = {
    "echo": "echo bot",
    "conversation": "yardstick 1",
    "fsm": "yardstick 2",
    "polling": "ours by long polling",
    "webhook": "ours by webhook",
}


def _subjects(dialog: Dialog) -> dict[str, Callable[[], AbstractAsyncContextManager[Process]]]:
    return {
        "echo": lambda: yardstick("echo", dialog.path),
        "conversation": lambda: yardstick("conversation", dialog.path),
        "fsm": lambda: yardstick("fsm", dialog.path),
        "polling": lambda: ours("polling"),
        "webhook": lambda: ours("webhook"),
    }


async def cpu_ms(
    bot: Process, talk: Callable[..., Awaitable[patients.Run]], count: int, messages: int, first: int = 1
) -> float:
    """CPU of one turn, after a first conversation has warmed everything up."""
    await asyncio.sleep(SETTLED_S)
    await talk(bot.telegram, first + WARMING_UP, 2, 2, messages)
    before = bot.cpu_s
    run = await talk(bot.telegram, first, count, AT_ONCE, messages)
    await asyncio.sleep(0.3)
    return 1000 * (bot.cpu_s - before) / run.turns


async def _slowly(bot: Process, dialog: Dialog) -> patients.Run:
    await asyncio.sleep(SETTLED_S)
    return await patients.keep_talking(bot.telegram, 1, AT_ONCE, SLOWLY_FOR_S, dialog.messages)
