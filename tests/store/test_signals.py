"""Signals within one process: who has gone leaves nothing behind."""

from __future__ import annotations

import gc

from bot.store.signals import ChangeFeed


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
