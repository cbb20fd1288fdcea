"""No wait is so long that a machine which slept, or a note that was lost, would keep a patient waiting."""

from __future__ import annotations

import ast
import asyncio
import importlib
from datetime import timedelta
from pathlib import Path

import pytest

import bot.service
from bot.service.outbox import Outbox
from bot.service.service import Service
from bot.store.signals import ALARMS, LONGEST_WAIT_S, OUTBOX, WAKES, ChangeFeed, Subscriber
from tests.kit.clinic import Clock, TestClinic

ROOM = Path(bot.service.__path__[0])


class Sleeper(Subscriber):
    """While it waits for the first time, the machine sleeps: the wall clock runs on. At the third look it ends."""

    def __init__(self, clock: Clock, slept: timedelta) -> None:
        super().__init__()
        self._clock, self._slept = clock, slept
        self.waits_s: list[float] = []

    async def _be_quiet(self, seconds: float) -> None:
        self.waits_s.append(seconds)
        self._clock.move(self._slept if len(self.waits_s) == 1 else timedelta(0))
        if len(self.waits_s) == 3:
            raise asyncio.CancelledError


class SleepyFeed(ChangeFeed):
    def __init__(self, clock: Clock, slept: timedelta) -> None:
        super().__init__()
        self.sleeper = Sleeper(clock, slept)

    def subscribe(self, key: str) -> Subscriber:
        return self.sleeper


async def test_a_reminder_goes_out_at_the_next_look_after_the_machine_slept(clinic: TestClinic) -> None:
    patient = clinic.patient()
    await patient.says("/start")
    feed = SleepyFeed(clinic.clock, timedelta(minutes=20))
    texts, current = clinic.service.words, clinic.service.current
    waking = Service(clinic.store, texts, clinic.clinic, {}, current, clinic.clock, feed)
    with pytest.raises(asyncio.CancelledError):
        await waking.run_wakes()
    assert (await patient.session()).is_reminded
    assert max(feed.sleeper.waits_s) == LONGEST_WAIT_S == 30


async def test_the_service_and_the_outbox_look_by_themselves_though_nothing_is_expected(clinic: TestClinic) -> None:
    feed = SleepyFeed(clinic.clock, timedelta(0))
    texts, current = clinic.service.words, clinic.service.current
    waking = Service(clinic.store, texts, clinic.clinic, {}, current, clinic.clock, feed)
    sending = Outbox(clinic.store, {}, clinic.clock, waking.delivery_failed, feed)
    for running in (waking.run_wakes, sending.run):
        feed.sleeper.waits_s.clear()
        with pytest.raises(asyncio.CancelledError):
            await running()
        assert feed.sleeper.waits_s == [LONGEST_WAIT_S] * 3


class EmptyFeed(ChangeFeed):
    """Counts those who wait, and nobody does yet."""

    def __len__(self) -> int:
        return len(self.keys)


async def test_a_feed_of_which_nobody_waits_yet_is_used_like_any_other(clinic: TestClinic) -> None:
    feed, texts, current = EmptyFeed(), clinic.service.words, clinic.service.current
    service = Service(clinic.store, texts, clinic.clinic, {}, current, clinic.clock, feed)
    sending = Outbox(clinic.store, {}, clinic.clock, service.delivery_failed, feed)
    assert service.signals is feed
    assert feed.keys == {WAKES, OUTBOX, ALARMS}, sending


def test_no_part_of_the_service_is_given_to_another_after_that_was_made() -> None:
    for path in (ROOM.parent / "app.py", ROOM / "service.py"):
        stored = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)]
        late = [ast.unparse(one) for one in stored if isinstance(one.ctx, ast.Store)]
        assert [one for one in late if not one.startswith("self.")] == [], path.name
    assert not [name for name, one in vars(Service).items() if isinstance(one, property) and one.fset is not None]


def test_nothing_in_the_service_sleeps_longer_or_waits_without_an_end() -> None:
    for path in ROOM.glob("*.py"):
        module = importlib.import_module(f"{bot.service.__name__}.{path.stem}")
        for call in [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]:
            name = ast.unparse(call.func)
            assert name not in ("asyncio.Event", "asyncio.wait_for", "asyncio.Condition"), f"{path.name}: {name}"
            if name.rpartition(".")[2] in ("sleep", "_sleep"):
                # only what the module's own constants say, so that nothing handed in can make it longer
                assert eval(ast.unparse(call.args[0]), vars(module)) <= LONGEST_WAIT_S, f"{path.name}: {name}"
