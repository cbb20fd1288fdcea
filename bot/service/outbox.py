"""Hands committed messages to their channels: the most urgent chat first, no faster than a channel bears.

At least once: a message leaves the queue only after the channel has taken it, so a crash may send one twice.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.channels import Busy, Channel, ChannelDown, Priority, Undeliverable
from bot.service.pulse import Pulse
from bot.store.outbox import LONGEST_PUT_OFF, Deliveries, Delivery
from bot.store.signals import LONGEST_WAIT_S, OUTBOX, Signals

log = logging.getLogger("cordwatch.outbox")

SEND_WITHIN_S = 60.0
FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = LONGEST_PUT_OFF
LONGEST_URGENT_PAUSE = timedelta(seconds=15)
ROUTINE_EXPIRES = timedelta(hours=24)
PROBE_AFTER = timedelta(seconds=60)
FINISH_WITHIN_S = 1.0
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Outbox:
    """Sends what the store holds for each channel, at that channel's pace.

    `on_failed` makes a delivery that no channel will ever take known to the nurse; until it has returned the delivery
    stays in the queue. `jitter` gives numbers from 0 to 1. `clock` is what is written down; `steady`, which nobody
    sets, is what pauses and paces are measured by.
    """

    def __init__(
        self,
        store: Deliveries,
        channels: Mapping[str, Channel],
        clock: Callable[[], datetime],
        on_failed: Callable[[Delivery, str], Awaitable[None]],
        signals: Signals,
        *,
        jitter: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        steady: Callable[[], datetime] | None = None,
        most_at_once: int = 50,
    ) -> None:
        self._steady = steady or clock
        self._store, self._clock, self._on_failed = store, clock, on_failed
        self._jitter, self._sleep, self._most_at_once = jitter, sleep, most_at_once
        self._lanes = [_Lane(name, channel) for name, channel in channels.items()]
        self._news = signals.subscribe(OUTBOX)
        self.pulse = Pulse("outbox")

    @property
    def down(self) -> Mapping[str, str]:
        """Why a channel refuses everything, by its name; empty when all of them work."""
        return {lane.name: lane.down for lane in self._lanes if lane.down is not None}

    async def run(self) -> None:
        """Sends until cancelled; then lets what is on its way arrive, for a second. Sleeps while nothing is due."""
        try:
            await self._store.release()  # of those that an earlier run of this one could not end
            while True:
                self._news.consume()
                try:
                    left = await self._begin_all()
                    self.pulse.succeeded()
                except Exception as error:
                    self.pulse.failed(error)
                    log.error("the outbox cannot be read (%s); trying again", type(error).__name__)
                    left = FIRST_PAUSE
                await self._news.wait(LONGEST_WAIT_S if left is None else max(0.0, left.total_seconds()))
        finally:
            await self._finish()

    async def deliver_due(self) -> None:
        """Sends all that is due at this moment and waits for it."""
        while True:
            await self._begin_all()
            under_way = [task for lane in self._lanes for task in lane.under_way]
            if not under_way:
                return
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)

    # --- when

    async def _begin_all(self) -> timedelta | None:
        """Begins to send what may go now; returns when to look again, None when not before something happens."""
        return _soonest([await self._begin(lane) for lane in self._lanes])

    async def _begin(self, lane: _Lane) -> timedelta | None:
        while True:
            now = self._steady()
            if lane.paused_until > now:
                return lane.paused_until - now
            places = (1 if lane.down else self._most_at_once) - len(lane.under_way)
            if places <= 0:
                return None
            free = min(places, lane.whole.free(now))
            if free <= 0:
                return lane.whole.next_at - now
            resting = lane.resting(now)
            claimed = await self._store.claim(lane.name, self._clock(), free, resting)
            for delivery in claimed:
                lane.take(delivery.sending.address, now)
                self._start(lane, delivery)
            if len(claimed) < free:
                return _soonest([await self._until_retry(lane), *(until - now for until in resting.values())])

    async def _until_retry(self, lane: _Lane) -> timedelta | None:
        at = self._clock()
        retry_at = await self._store.next_retry(lane.name, at)
        return None if retry_at is None else retry_at - at

    # --- one message

    def _start(self, lane: _Lane, delivery: Delivery) -> None:
        def end(task: asyncio.Task[None]) -> None:
            lane.under_way.discard(task)
            self._news.notify()

        task = asyncio.create_task(self._deliver(lane, delivery))
        lane.under_way.add(task)
        task.add_done_callback(end)

    async def _deliver(self, lane: _Lane, delivery: Delivery) -> None:
        try:
            await self._record(await self._send(lane, delivery))
        finally:
            await self._store.release(delivery.id)

    async def _send(self, lane: _Lane, delivery: Delivery) -> Callable[[], Awaitable[None]]:
        """Tries once; returns what is to be recorded."""
        try:
            async with asyncio.timeout(SEND_WITHIN_S):
                ref = await lane.channel.send(delivery.sending)
        except ChannelDown as error:
            self._stop(lane, str(error))
            return lambda: self._store.release(delivery.id)
        except Undeliverable as error:
            self._resume(lane)
            reason = error.reason
            return lambda: self._give_up(delivery, reason)
        except Busy as error:
            return self._put_off(lane, delivery, error)
        except Exception as error:
            log.error("delivery %d: the channel raised %s", delivery.id, type(error).__name__)
            return self._put_off(lane, delivery, Busy(type(error).__name__))
        self._resume(lane)
        at = self._clock()
        return lambda: self._store.sent(delivery.id, at, ref, acknowledged=ref is not None)

    async def _record(self, write: Callable[[], Awaitable[None]]) -> None:
        """Insists: a message that went out must not go out again because the disk was full for a moment."""
        while True:
            try:
                return await write()
            except Exception as error:
                log.error("what became of a delivery cannot be recorded (%s); trying again", type(error).__name__)
            await self._sleep(FIRST_PAUSE.total_seconds())

    async def _give_up(self, delivery: Delivery, reason: str) -> None:
        try:
            await self._on_failed(delivery, reason)
        except Exception as error:
            log.error("delivery %d failed and the nurse cannot be told: %s", delivery.id, type(error).__name__)
            await self._store.later(delivery.id, self._clock() + LONGEST_PAUSE, "the failure could not be listed")
        else:
            await self._store.failed(delivery.id, self._clock(), reason)

    def _put_off(self, lane: _Lane, delivery: Delivery, busy: Busy) -> Callable[[], Awaitable[None]]:
        now = self._steady()
        if lane.down:
            lane.paused_until = now + PROBE_AFTER
        if self._is_at_an_end(delivery, busy):
            return lambda: self._give_up(delivery, "refused")
        pause = self._pause(delivery)
        if busy.retry_after is not None:
            # Never longer than a minute without a look, whatever we are told.
            pause = min(max(busy.retry_after, timedelta(0)), LONGEST_PAUSE)
            lane.slow_down(delivery.sending.address, now, now + pause)
        retry_at = self._clock() + pause
        return lambda: self._store.later(delivery.id, retry_at, str(busy))

    def _is_at_an_end(self, delivery: Delivery, busy: Busy) -> bool:
        """Whether what cannot be sent now is not to be sent later either. Both clocks must say that its day is over."""
        if busy.most_tries is not None and delivery.attempts + 1 >= busy.most_tries:
            return True
        age = min(self._clock(), self._steady()) - delivery.created_at
        return delivery.priority == Priority.ROUTINE and age >= ROUTINE_EXPIRES

    def _pause(self, delivery: Delivery) -> timedelta:
        """Doubles with every attempt; half of it is left to chance, so that chats do not all come back at once."""
        longest = LONGEST_URGENT_PAUSE if delivery.priority >= Priority.URGENT else LONGEST_PAUSE
        return min(FIRST_PAUSE * (1 << min(delivery.attempts, 10)), longest) * (1 + self._jitter()) / 2

    # --- a channel that refuses everything

    def _stop(self, lane: _Lane, reason: str) -> None:
        if lane.down != reason:
            log.error("sending by %s stops, one attempt a minute: %s", lane.name, reason)
        lane.down, lane.paused_until = reason, self._steady() + PROBE_AFTER

    def _resume(self, lane: _Lane) -> None:
        if lane.down:
            log.info("sending by %s goes on", lane.name)
            lane.down, lane.paused_until = None, LONG_AGO

    async def _finish(self) -> None:
        under_way = [task for lane in self._lanes for task in lane.under_way]
        if under_way:
            await asyncio.wait(under_way, timeout=FINISH_WITHIN_S)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


# --- pace -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Bucket:
    """So many at once, then one in every `each`.

    Our own and not aiolimiter's, which reads the event loop's clock and lets those pass first who came first: here the
    most urgent is chosen at the moment there is room, and a test moves the time.
    """

    each: timedelta
    burst: int
    full_at: datetime = LONG_AGO

    @property
    def next_at(self) -> datetime:
        """When one more may go; perhaps long ago."""
        return LONG_AGO if self.full_at == LONG_AGO else self.full_at - self.each * (self.burst - 1)

    def free(self, at: datetime) -> int:
        """How many may go now."""
        # a clock that was set back must not stop us for as long
        self.full_at = min(self.full_at, at + self.each * self.burst)
        if self.full_at <= at:
            return self.burst
        return self.burst - -((at - self.full_at) // self.each)

    def take(self, at: datetime) -> None:
        self.full_at = max(self.full_at, at) + self.each


@dataclass(slots=True)
class _Lane:
    """One channel and what holds it up."""

    name: str
    channel: Channel
    whole: Bucket = field(init=False)
    chats: dict[str, Bucket] = field(default_factory=dict)
    under_way: set[asyncio.Task[None]] = field(default_factory=set)
    paused_until: datetime = LONG_AGO
    down: str | None = None
    slowed: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # a tenth of a second's worth at once makes up for timers that are late
        self.whole = _bucket(self.channel.pace.messages_per_second, int(self.channel.pace.messages_per_second / 10))

    def take(self, address: str, at: datetime) -> None:
        self.whole.take(at)
        pace = self.channel.pace
        if address not in self.chats:
            self.chats[address] = _bucket(pace.messages_per_second_per_chat, pace.burst_per_chat)
        self.chats[address].take(at)

    def resting(self, at: datetime) -> dict[str, datetime]:
        """Chats that had their share, and until when. Forgets those that rested long enough."""
        self.chats = {address: bucket for address, bucket in self.chats.items() if bucket.full_at > at}
        return {address: bucket.next_at for address, bucket in self.chats.items() if bucket.free(at) <= 0}

    def slow_down(self, address: str, at: datetime, until: datetime) -> None:
        """A channel does not say whether it is the chat or the whole bot that is too fast; a second chat shows it."""
        self.slowed = {other: end for other, end in self.slowed.items() if end > at}
        if self.slowed.keys() - {address}:
            self.paused_until = max(self.paused_until, until)
        self.slowed[address] = until


def _bucket(per_second: float, burst: int) -> Bucket:
    return Bucket(timedelta(seconds=1 / per_second), max(1, burst))


def _soonest(left: Iterable[timedelta | None]) -> timedelta | None:
    return min((one for one in left if one is not None), default=None)
