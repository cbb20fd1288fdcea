"""Many concurrent conversations with the real process, which is struck at random moments, again and again.

`python -m tests.journeys.soak` does it at length and writes the table of docs/reliability.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any

from dialogs.protocol import load
from tests.kit.blows import BLOWS, FLOOD, WallClock
from tests.kit.patients import Patient, plans
from tests.kit.wire import Bot, Telegram, built
from tests.kit.wire_audit import audit

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
TROUBLE = {"429:1": 0.0005, "500": 0.002, "502": 0.002, "dropped_before": 0.004, "dropped_after": 0.004}
SAID = {
    "kill": "`kill -9`",
    "stop": "process stopped for seconds",
    "lock": "database locked by another program",
    "jump": "jump of the clock and back",
    "flood": f"flood of {FLOOD} messages",
}
LONGEST_SILENCE_S = 15
"""The notice comes after 10 s; a process that is stopped or starting cannot send it."""
TROUBLED = ("getUpdates", "sendMessage", "sendPhoto", "editMessageText", "editMessageCaption", "answerCallbackQuery")


@dataclass(frozen=True, slots=True)
class Soak:
    """How much of everything. `at_once`: conversations; `calls_between`: of the Bot API, between two blows at most.

    `kinds`: names of `BLOWS`, taken in turn.
    """

    conversations: int
    blows: int
    at_once: int
    seed: int = 1
    calls_between: int = 400
    trouble: dict[str, float] = field(default_factory=lambda: TROUBLE)
    mode: str = "polling"
    kinds: tuple[str, ...] = ("kill",)


@dataclass
class Report:
    """What happened. `faults`: everything that should hold and does not."""

    soak: Soak
    faults: list[str]
    blows: Counter[str]
    silence_s: float
    seconds: float
    calls: int
    events: int
    messages: int
    arrivals: int
    troubles: Counter[str]
    outcomes: Counter[str]


async def run(soak: Soak, directory: Path) -> Report:
    """Runs it in `directory` and audits every conversation."""
    random, protocol, began = Random(soak.seed), load(), time.monotonic()
    async with built(directory, soak.mode) as bot:
        telegram = bot.telegram
        telegram.faults.at_rate(soak.trouble, soak.seed, *TROUBLED)
        telegram.faults.updates_twice = telegram.faults.updates_shuffled = 0.02 if soak.trouble else 0.0
        patients = [
            Patient(telegram, telegram.user(10_000 + number), plan, protocol)
            for number, plan in enumerate(plans(soak.conversations, soak.seed, protocol))
        ]
        if "jump" in soak.kinds:
            bot.environ = WallClock(directory).environ
        await bot.start()
        blows = await _while_struck(bot, _talk(patients, soak.at_once), soak, random)
        await bot.settles(within_s=120)
        return Report(
            soak,
            [*await audit(bot, patients), *_too_silent(telegram.silence.longest_s)],
            blows,
            telegram.silence.longest_s,
            time.monotonic() - began,
            telegram.calls.total(),
            bot.one("select count(*) from events"),
            bot.one("select count(*) from outbox where state = 'sent'"),
            sum(len(arrived) for arrived in telegram.arrivals.values()),
            telegram.troubles,
            Counter(bot.column("select coalesce(disposition, 'none advised') from sessions")),
        )


def _too_silent(longest_s: float) -> list[str]:
    return [f"somebody waited {longest_s:.1f} s for any answer"] if longest_s > LONGEST_SILENCE_S else []


async def _talk(patients: Sequence[Patient], at_once: int) -> None:
    places = asyncio.Semaphore(at_once)

    async def talk(patient: Patient) -> None:
        async with places:
            await patient.talks(within_s=180)

    async with asyncio.TaskGroup() as group:
        for patient in patients:
            group.create_task(talk(patient))


async def _while_struck(bot: Bot, talking: Coroutine[Any, Any, None], soak: Soak, random: Random) -> Counter[str]:
    """Strikes the process until everybody has finished; returns how often it was struck, by what."""
    conversations = asyncio.create_task(talking)
    blows: Counter[str] = Counter()
    for kind in islice(cycle(soak.kinds), soak.blows):
        moment = asyncio.create_task(_calls(bot.telegram, random.randint(1, soak.calls_between)))
        await asyncio.wait([conversations, moment], return_when=asyncio.FIRST_COMPLETED)
        if conversations.done():
            moment.cancel()
            break
        # a call has just come in: some milliseconds later, so that the blow falls anywhere
        await asyncio.sleep(random.random() / 20)
        await BLOWS[kind](bot, random)
        blows[kind] += 1
    await conversations
    return blows


async def _calls(telegram: Telegram, count: int) -> None:
    """Returns after so many more calls of the Bot API."""
    target = telegram.calls.total() + count
    await telegram.until(lambda: telegram.calls.total() >= target, within_s=600)


# --- the table of docs/reliability.md -------------------------------------------------------------------------------


def table(report: Report) -> str:
    """The report as a Markdown table."""
    soak = report.soak
    troubles = ", ".join(f"{count} × {name}" for name, count in sorted(report.troubles.items()))
    outcomes = ", ".join(f"{count} × {name}" for name, count in report.outcomes.most_common())
    rows = [
        ("date", f"{datetime.now(UTC):%Y-%m-%d}"),
        ("machine", f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"),
        ("seed", soak.seed),
        ("conversations (at once)", f"{soak.conversations} ({soak.at_once})"),
        ("blows in the middle of them", ", ".join(f"{count} × {SAID[kind]}" for kind, count in report.blows.items())),
        ("duration", f"{report.seconds:.0f} s"),
        ("outcomes", outcomes),
        ("events in the log", report.events),
        ("messages sent", report.messages),
        ("longest that anybody waited for an answer", f"{report.silence_s:.1f} s"),
        ("messages that patients saw twice", report.arrivals - report.messages),
        ("calls of the Bot API", report.calls),
        ("of them gone wrong on purpose", troubles or "none"),
        ("**promises broken**", f"**{len(report.faults)}**"),
    ]
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])


def keep(report: Report, document: Path = DOCUMENT) -> None:
    """Puts the table in its place in the document."""
    text = document.read_text(encoding="utf-8")
    between = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end of table -->)", re.DOTALL)
    document.write_text(between.sub(lambda _: f"{table(report)}\n", text), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=2000)
    parser.add_argument("--blows", type=int, default=100)
    parser.add_argument("--kinds", nargs="+", choices=list(BLOWS), default=list(BLOWS))
    parser.add_argument("--at-once", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", choices=("polling", "webhook"), default="polling")
    chosen = parser.parse_args()
    soak = Soak(
        chosen.conversations,
        chosen.blows,
        chosen.at_once,
        chosen.seed,
        2000,
        mode=chosen.mode,
        kinds=tuple(chosen.kinds),
    )
    with tempfile.TemporaryDirectory() as directory:
        report = asyncio.run(run(soak, Path(directory)))
    print(table(report), *report.faults, sep="\n")
    if not report.faults:
        keep(report)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
