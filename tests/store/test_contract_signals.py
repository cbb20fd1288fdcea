"""What every make of signals promises: who waits for a key is told of it, and nobody waits for ever."""

from __future__ import annotations

import asyncio


def test_everybody_who_waits_for_a_key_is_told_and_nobody_else(signals):
    one, two, other = signals.subscribe("a"), signals.subscribe("a"), signals.subscribe("b")
    signals.publish("a")
    signals.publish("a")
    assert [waiting.consume() for waiting in (one, two, other)] == [True, True, False]
    assert not one.consume()


async def test_whoever_waits_goes_on_at_the_next_note(signals):
    waiting = signals.subscribe("a")
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(waiting.wait(30))
        signals.publish("a")
    assert waiting.has_news


async def test_a_note_from_before_the_waiting_is_not_lost(signals):
    waiting = signals.subscribe("a")
    signals.publish("a")
    async with asyncio.timeout(10):
        await waiting.wait(30)
    assert waiting.consume()


async def test_a_quiet_wait_ends_without_a_note(signals):
    waiting = signals.subscribe("a")
    async with asyncio.timeout(10):
        await waiting.wait(0.01)
    assert not waiting.has_news


def test_a_note_for_which_nobody_waits_is_no_trouble(signals):
    signals.publish("nobody")
