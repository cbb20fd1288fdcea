"""Tasks of the process: one that ends or fails is begun anew, counted and named; the others never notice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.health.tasks import FIRST_PAUSE_S, LONGEST_PAUSE_S, Tasks
from bot.service.pulse import LIVED_S, SILENT_AFTER_S, Pulse
from tests.kit.web_chat import until


class Monotonic:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def _returns() -> None:
    return


async def _raises() -> None:
    raise ValueError("her legs are numb")


async def _is_cancelled() -> None:
    raise asyncio.CancelledError


class Kept:
    """A task that is kept, and the pauses between its lives."""

    def __init__(self, begin: Callable[[], Awaitable[None]], lasts_s: float = 0.0) -> None:
        self.monotonic = Monotonic()
        self.pulse = Pulse("outbox", monotonic=self.monotonic)
        self.pauses: list[float] = []
        self._begin, self._lasts_s = begin, lasts_s

    async def _life(self) -> None:
        self.monotonic.now += self._lasts_s
        await self._begin()

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def lives(self, times: int) -> None:
        keeping = asyncio.create_task(Tasks(self._pause).keep(self.pulse, self._life))
        await until(lambda: len(self.pauses) >= times)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


@pytest.mark.parametrize(
    ("begin", "error"),
    [(_returns, "returned"), (_raises, "ValueError"), (_is_cancelled, "was cancelled from within")],
)
async def test_a_task_that_ends_in_any_way_is_begun_anew_and_counted_without_its_words(begin, error, caplog):
    kept = Kept(begin)
    await kept.lives(5)
    assert kept.pulse.failures >= 5
    assert kept.pulse.error == error
    assert kept.pulse.is_begun_in_vain
    assert f"'outbox' has ended ({error})" in caplog.text
    assert "numb" not in caplog.text


async def test_pauses_grow_and_have_an_end():
    kept = Kept(_raises)
    await kept.lives(6)
    assert kept.pauses[:6] == [FIRST_PAUSE_S, 2.0, 4.0, 8.0, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


async def test_a_task_that_lived_long_before_it_ended_is_not_begun_in_vain():
    kept = Kept(_raises, lasts_s=LIVED_S)
    await kept.lives(5)
    assert not kept.pulse.is_begun_in_vain
    assert set(kept.pauses) == {FIRST_PAUSE_S}


async def test_a_task_stops_when_its_keeper_is_stopped():
    was_stopped = asyncio.Event()

    async def goes_on() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            was_stopped.set()

    keeping = asyncio.create_task(Tasks().keep(Pulse("outbox"), goes_on))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert was_stopped.is_set()


def test_rounds_that_all_fail_are_told_within_two_minutes_and_one_that_succeeds_ends_it():
    monotonic = Monotonic()
    pulse = Pulse("wakes", monotonic=monotonic)
    for _ in range(int(SILENT_AFTER_S)):
        monotonic.now += 1
        pulse.failed(OSError("disk"))
    assert (pulse.is_failing, pulse.is_silent, SILENT_AFTER_S < 120) == (True, False, True)
    pulse.succeeded()
    assert not pulse.is_failing


def test_rounds_that_never_end_are_told_within_two_minutes():
    monotonic = Monotonic()
    pulse = Pulse("wakes", monotonic=monotonic)
    monotonic.now += SILENT_AFTER_S
    assert (pulse.is_failing, pulse.is_silent) == (False, True)
    assert not Pulse("telegram", has_rounds=False, monotonic=monotonic).is_silent
