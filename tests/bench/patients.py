"""Patients who have no warning symptom: each answers every question at once, and counts what she is told."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tests.botapi_users import User
from tests.wire import Arrival, Telegram

NOT_ANSWERS = ("back", "why", "person")
CHOSEN = {"language": "en", "consent": "yes", "respondent": "patient", "summary": "confirm"}
MILD = ("no", "none", "skip")


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a number of conversations. `turns`: what patients sent; `in_order`: as each of them must see it."""

    turns: int
    seconds: float
    in_order: bool


async def converse(telegram: Telegram, first: int, count: int, at_once: int, messages: int) -> Run:
    """So many whole conversations, each of `messages` messages of the bot."""
    room = asyncio.Semaphore(at_once)
    logs: list[list[str]] = []

    async def one(number: int) -> int:
        async with room:
            user = telegram.user(number, "en")
            turns, questions = await _check(telegram, user, messages)
            logs.append(questions)
            return turns

    began = time.monotonic()
    turns = sum(await asyncio.gather(*(one(first + place) for place in range(count))))
    return Run(turns, time.monotonic() - began, all(log == logs[0] for log in logs))


async def echo(telegram: Telegram, first: int, count: int, at_once: int, messages: int) -> Run:
    """The same number of messages to a bot that says back what it is told."""
    room = asyncio.Semaphore(at_once)

    async def one(number: int) -> int:
        async with room:
            user = telegram.user(number, "en")
            for place in range(messages):
                await user.says(f"word {place}")
                await arrived(telegram, user, place + 1)
        return messages

    began = time.monotonic()
    turns = sum(await asyncio.gather(*(one(first + place) for place in range(count))))
    return Run(turns, time.monotonic() - began, True)


async def _check(telegram: Telegram, user: User, messages: int) -> tuple[int, list[str]]:
    """Turns, and the questions in the order they came."""
    await user.says("/start")
    turns, read, questions = 1, 0, []
    while read < messages:
        shown = await arrived(telegram, user, read + 1)
        for arrival in shown[read:]:
            if tap := answer(arrival):
                questions.append(tap.split(":")[1])
                user.taps_data(tap, arrival.message_id)
                turns += 1
        read = len(shown)
    return turns, questions


async def arrived(telegram: Telegram, user: User, count: int) -> list[Arrival]:
    """Everything the bot has said to her, once there is so much of it."""
    bell, arrivals = telegram.bells[user.id], telegram.arrivals[user.id]
    async with asyncio.timeout(120):
        while len(arrivals) < count:
            bell.clear()
            await bell.wait()
    return arrivals


def answer(arrival: Arrival) -> str | None:
    """The data of the button that she taps; None below what is no question."""
    taps = {data.split(":")[2]: data for data in arrival.data if not data.startswith("any:")}
    if not taps:
        return None
    question = next(iter(taps.values())).split(":")[1]
    codes = [code for code in taps if code not in NOT_ANSWERS]
    code = CHOSEN.get(question) or next((one for one in MILD if one in codes), codes[0])
    return taps[code]
