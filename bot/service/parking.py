"""Sets aside a message of which no turn can be made while the store makes others, so that its chat goes on.

The nurse finds it listed as trouble, with the patient's words; the patient has the numbers to call. While the store
itself fails nothing is parked: the message waits in its channel.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime

from bot.channels import Incoming
from bot.service.digest import Digest, Digested, place_of
from bot.service.limits import TurnLimits
from bot.service.turns import Turns
from bot.service.unstored import Unanswered
from bot.store.parked import Parked
from bot.store.sessions import DuplicateMessage, Log, Sessions

log = logging.getLogger("cordwatch.service")
PROVED_WITHIN_S = 5.0
TRY_AGAIN_AFTER = 10
"""So many failures more, when a message could not be parked."""

Read = Callable[[str, str], Awaitable[Log]]
Make = Callable[[Log, Incoming, Exception, datetime], Digested]


class Parking:
    def __init__(
        self, store: Sessions, digest: Digest, turns: Turns, clock: Callable[[], datetime], limits: TurnLimits
    ) -> None:
        self._store, self._digest, self._turns, self._clock = store, digest, turns, clock
        self._limits = limits

    async def takes(self, waiting: Unanswered, error: Exception) -> bool:
        """Whether the message is parked now that it has failed once more; counts only failures of its own."""
        if self._store.takes_nothing(error) or not await self._is_writable():
            waiting.tries = 0
            return False
        waiting.tries += 1
        if waiting.tries < self._limits.tries:
            return False
        if await self._park(waiting, error):
            return True
        waiting.tries = -TRY_AGAIN_AFTER
        return False

    async def _is_writable(self) -> bool:
        """Whether the store takes a write right after the message failed."""
        try:
            async with asyncio.timeout(PROVED_WITHIN_S):
                await self._store.prove_writable(self._clock())
        except Exception:
            return False
        return True

    async def _park(self, waiting: Unanswered, error: Exception) -> bool:
        """In her session, else in a fresh one, else alone. A turn that lists it proves that the store makes turns."""
        for read, make in self._ways():
            try:
                await self._list(waiting, error, read, make)
            except DuplicateMessage:
                return True
            except Exception as trouble:
                log.info("a message by %s cannot be listed so: %s", waiting.incoming.channel, place_of(trouble))
            else:
                log.critical("a message by %s is parked: %s", waiting.incoming.channel, type(error).__name__)
                return True
        return await self._park_alone(waiting, error)

    def _ways(self) -> Iterator[tuple[Read, Make]]:
        """Each stands on less than the one before. A log that cannot be read is left as it is, and another begun."""
        yield self._store.open, self._digest.of_trouble
        yield self._store.anew, self._digest.of_message_in_trouble
        yield self._store.anew, self._digest.of_trouble

    async def _list(self, waiting: Unanswered, error: Exception, read: Read, make: Make) -> None:
        incoming = waiting.incoming
        async with self._turns.one_of(incoming.channel, incoming.address):
            found, at = await read(incoming.channel, incoming.address), self._clock()
            digested = make(found, incoming, error, at)
            parked = Parked(incoming, digested.steps[-1].after.id, at, type(error).__name__, waiting.tries, at)
            ids = (incoming.external_id, digested.steps, digested.outgoing, at, incoming.message_ref)
            await self._turns.commit(found, *ids, parked)

    async def _park_alone(self, waiting: Unanswered, error: Exception) -> bool:
        """Only while others' turns are committed, and once the patient has the numbers from the channel itself."""
        if waiting.told_at is None or self._turns.committed_at < waiting.came_at:
            return False
        parked = Parked(waiting.incoming, None, self._clock(), type(error).__name__, waiting.tries, waiting.told_at)
        try:
            await self._store.park(parked)
        except Exception as trouble:
            log.info("a message by %s cannot be parked: %s", waiting.incoming.channel, place_of(trouble))
            return False
        log.critical("a message by %s is parked, and stands in no list", waiting.incoming.channel)
        return True
