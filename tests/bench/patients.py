"""Patients who have no warning symptom: each answers every question, and notes what she is told and how soon."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from tests.kit.botapi.users import User
from tests.kit.wire import Arrival, Telegram

NOT_ANSWERS = ("back", "why", "person")
CHOSEN = {"language": "en", "consent": "yes", "respondent": "patient", "summary": "confirm"}
MILD = ("no", "none", "skip")


@dataclass(slots=True)
class Run:
    """What came of a number of conversations. `waits`: seconds from each message of a patient to its answer."""

    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    questions: list[list[str]] = field(default_factory=list)

    @property
    def turns(self) -> int:
        return len(self.waits)

    @property
    def is_in_order(self) -> bool:
        """Whether every patient saw the same questions one after the other, those who were interrupted the first."""
        longest = max(self.questions, key=len)
        return all(one == longest[: len(one)] for one in self.questions)


@dataclass(frozen=True, slots=True)
class Manner:
    """How patients talk. `answers`: codes by question, the mildest where it says nothing."""

    answers: Mapping[str, str] = field(default_factory=dict)
    thinks_s: float = 0.0


AT_ONCE_AND_MILD = Manner()


async def converse(telegram: Telegram, first: int, count: int, at_once: int, messages: int) -> Run:
    """So many whole conversations, each of `messages` messages of the bot."""
    room, run = asyncio.Semaphore(at_once), Run()

    async def one(number: int) -> None:
        async with room:
            await check(telegram, telegram.user(number, "en"), run, messages=messages)

    began = time.monotonic()
    await asyncio.gather(*(one(first + place) for place in range(count)))
    run.seconds = time.monotonic() - began
    return run


async def keep_talking(
    telegram: Telegram, first: int, at_once: int, seconds: float, messages: int, manner: Manner = AT_ONCE_AND_MILD
) -> Run:
    """As many patients as that at any moment, for so long: who has finished is followed by the next.

    Those who think do not all begin at once: else a p95 would be that of the first moment.
    """
    run, numbers, chance = Run(seconds), iter(range(first, first + 1_000_000)), Random(first)

    async def one_after_the_other() -> None:
        await asyncio.sleep(2 * chance.random() * manner.thinks_s)
        while True:
            await check(telegram, telegram.user(next(numbers), "en"), run, manner, messages=messages)

    talking = [asyncio.create_task(one_after_the_other()) for _ in range(at_once)]
    done, _ = await asyncio.wait(talking, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in talking:
        task.cancel()
    await asyncio.wait(talking)
    for task in done:
        task.result()
    return run


async def echo(telegram: Telegram, first: int, count: int, at_once: int, messages: int) -> Run:
    """The same number of messages to a bot that says back what it is told."""
    room, run = asyncio.Semaphore(at_once), Run()

    async def one(number: int) -> None:
        async with room:
            user = telegram.user(number, "en")
            for place in range(messages):
                said_at = time.monotonic()
                await user.says(f"word {place}")
                await arrived(telegram, user, place + 1)
                run.waits.append(time.monotonic() - said_at)

    began = time.monotonic()
    await asyncio.gather(*(one(first + place) for place in range(count)))
    run.seconds = time.monotonic() - began
    return run


async def check(
    telegram: Telegram,
    user: User,
    run: Run,
    manner: Manner = AT_ONCE_AND_MILD,
    *,
    messages: int = 1_000,
    until: str = "",
) -> tuple[str, int]:
    """Answers until there were so many messages, or `until` is asked; the last button she chose, and its message."""
    chance, asked = Random(user.id), list[str]()
    run.questions.append(asked)
    said_at: float | None = time.monotonic()
    await user.says("/start")
    read, chosen = 0, ("", 0)
    while read < messages:
        shown = await arrived(telegram, user, read + 1)
        if said_at is not None:
            run.waits.append(time.monotonic() - said_at)
            said_at = None
        for arrival in shown[read:]:
            if tap := answer(arrival, manner.answers):
                asked.append(tap.split(":")[1])
                chosen = (tap, arrival.message_id)
                if asked[-1] == until:
                    return chosen
                await asyncio.sleep(2 * chance.random() * manner.thinks_s)
                said_at = time.monotonic()
                user.taps_data(*chosen)
        read = len(shown)
    return chosen


async def arrived(telegram: Telegram, user: User, count: int, within_s: float = 120) -> list[Arrival]:
    """Everything the bot has said to her, once there is so much of it."""
    bell, arrivals = telegram.bells[user.id], telegram.arrivals[user.id]
    async with asyncio.timeout(within_s):
        while len(arrivals) < count:
            bell.clear()
            await bell.wait()
    return arrivals


def answer(arrival: Arrival, wanted: Mapping[str, str] = AT_ONCE_AND_MILD.answers) -> str | None:
    """The data of the button that she taps; None below what is no question."""
    taps = {data.split(":")[2]: data for data in arrival.data if not data.startswith("any:")}
    if not taps:
        return None
    question = next(iter(taps.values())).split(":")[1]
    codes = [code for code in taps if code not in NOT_ANSWERS]
    code = wanted.get(question) or CHOSEN.get(question) or next((one for one in MILD if one in codes), codes[0])
    return taps[code]
