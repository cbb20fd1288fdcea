"""Something has changed for this key: how one part of the service wakes another. It says that, and never what."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from weakref import WeakSet, WeakValueDictionary

OUTBOX = "outbox"
"""Messages wait to be handed over."""
WAKES = "wakes"
"""A session is to be woken."""
WORKLIST = "worklist"
ALARMS = "alarms"
"""Nurses are to be told of an entry."""


LONGEST_WAIT_S = 30.0
"""Nobody waits longer without a look: a machine that slept counts no time, and a note may have been lost."""


class Subscriber:
    """One who waits for news. Two notes before it looks are as good as one."""

    def __init__(self, fellows: WeakSet[Subscriber] | None = None) -> None:
        self._fellows = fellows
        self._news = asyncio.Event()

    @property
    def has_news(self) -> bool:
        return self._news.is_set()

    def notify(self) -> None:
        self._news.set()

    def consume(self) -> bool:
        """Whether there was news; from now on there is none."""
        was_set = self._news.is_set()
        self._news.clear()
        return was_set

    async def wait(self, seconds: float) -> None:
        """Returns at the next news, or when it has been quiet for so long."""
        await self._be_quiet(min(seconds, LONGEST_WAIT_S))

    async def _be_quiet(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()


class Signals(ABC):
    """A note may be lost or come twice: whoever waits also looks without one after a while."""

    @abstractmethod
    def publish(self, key: str) -> None: ...

    @abstractmethod
    def subscribe(self, key: str) -> Subscriber:
        """Ends when the subscriber is let go of."""


class ChangeFeed(Signals):
    """Within one process."""

    def __init__(self) -> None:
        # subscribers hold the set they stand in: a key of which nobody waits any more leaves nothing behind
        self._subscribers: WeakValueDictionary[str, WeakSet[Subscriber]] = WeakValueDictionary()

    def publish(self, key: str) -> None:
        for subscriber in [*self._subscribers.get(key, ())]:
            subscriber.notify()

    def subscribe(self, key: str) -> Subscriber:
        fellows = self._subscribers.setdefault(key, WeakSet())
        subscriber = Subscriber(fellows)
        fellows.add(subscriber)
        return subscriber

    @property
    def keys(self) -> frozenset[str]:
        """Those that somebody waits for."""
        return frozenset(self._subscribers)
