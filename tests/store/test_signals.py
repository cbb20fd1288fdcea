"""Who waits for a key is told of it, and who has gone leaves nothing behind."""

from __future__ import annotations

import gc

from bot.store.signals import ChangeFeed


def test_everybody_who_waits_for_a_key_is_told_and_nobody_else() -> None:
    feed = ChangeFeed()
    one, two, other = feed.subscribe("a"), feed.subscribe("a"), feed.subscribe("b")
    feed.publish("a")
    feed.publish("a")
    assert [waiting.consume() for waiting in (one, two, other)] == [True, True, False]
    assert not one.consume()


def test_a_key_lasts_as_long_as_somebody_waits_for_it() -> None:
    feed = ChangeFeed()
    for number in range(100):
        feed.publish(f"visitor {number}")
        feed.subscribe(f"visitor {number}")
    stays, goes = feed.subscribe("visitor 7"), feed.subscribe("visitor 7")
    del goes
    gc.collect()
    assert feed.keys == {"visitor 7"}
    feed.publish("visitor 7")
    assert stays.consume()
