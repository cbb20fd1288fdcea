"""What every make of a store promises of alarms: raised with the turn, ended with what nurses are told of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.channels import Outgoing
from bot.store.alarms import Alarm
from bot.store.outbox import Alert
from bot.store.sessions import StaleSession
from tests.kit.builders import turn
from tests.kit.clinic import MONDAY
from tests.store.steps import entry, say, send_all

URGENT = entry("12h")
ALERT = Alert("test", "nurse", Outgoing("An urgent entry is waiting", kind="alert"))


async def test_a_turn_raises_an_alarm_with_its_entry(store):
    session = await say(store, entry=URGENT, is_alarm=True)
    await say(store, to="43", entry=URGENT)
    assert await store.alarms() == [Alarm(session, 0, URGENT)]


async def test_a_turn_that_is_stale_raises_none(store):
    log = await store.open("test", "42")
    await store.append(turn(log))
    with pytest.raises(StaleSession):
        await store.append(turn(log, entry=URGENT, is_alarm=True))
    assert await store.alarms() == []


async def test_an_alarm_ends_with_what_nurses_are_told_and_only_once(store):
    await say(store, entry=URGENT, is_alarm=True)
    (alarm,) = await store.alarms()
    for _ in range(2):
        await store.tell_nurses(alarm, [ALERT], MONDAY)
    assert await store.alarms() == []
    assert await send_all(store) == ["An urgent entry is waiting"]


async def test_an_entry_that_called_twice_is_one_alarm_as_it_stands_now(store):
    session = await say(store, entry=URGENT, is_alarm=True)
    graver = replace(URGENT, disposition="emergency")
    await say(store, entry=graver, is_alarm=True)
    assert await store.alarms() == [Alarm(session, 1, graver)]


async def test_what_calls_while_nurses_are_told_of_the_call_before_calls_on(store):
    session = await say(store, entry=URGENT, is_alarm=True)
    (before,) = await store.alarms()
    await say(store, entry=URGENT, is_alarm=True)
    await store.tell_nurses(before, [ALERT], MONDAY)
    assert await store.alarms() == [Alarm(session, 1, URGENT)]
