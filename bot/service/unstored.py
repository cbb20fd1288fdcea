"""Messages that have come and are not committed: who waits, since when, and what she is told meanwhile.

Everything here is in memory and asks no store: it is for the hour in which the store does not answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.channels import Channel, Incoming, Undeliverable
from bot.language.understand import is_emergency
from bot.language.unstored import UnstoredNotices
from bot.service.limits import TurnLimits
from bot.service.pulse import Pulse

log = logging.getLogger("cordwatch.service")
LOOK_S, AT_ONCE = 0.25, 7
"""So many are told at each look, which keeps within what Telegram takes in a second."""
TRY_AGAIN_S = 2.0
CHATS_KEPT = 50_000

Chat = tuple[str, str]


@dataclass
class Unanswered:
    """A message that waits. `came_at`, `offered_at`: by the monotonic clock. `told_at`: when she got the notice."""

    incoming: Incoming
    came_at: float
    offered_at: float
    told_at: datetime | None = None
    tries: int = 0

    @property
    def chat(self) -> Chat:
        return self.incoming.channel, self.incoming.address


@dataclass
class _Told:
    """When a chat last got the notice, and when it last got one for an emergency that came after that."""

    at: float = float("-inf")
    emergency_at: float = float("-inf")
    not_before: float = float("-inf")
    is_on_its_way: bool = False


class Unstored:
    """`clock`: the moments that are written down; `monotonic`: seconds by a clock that nobody sets."""

    def __init__(
        self,
        notices: UnstoredNotices,
        clock: Callable[[], datetime],
        limits: TurnLimits,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._notices, self._clock, self.limits, self._monotonic = notices, clock, limits, monotonic
        self._waiting: dict[str, Unanswered] = {}
        self._told: dict[Chat, _Told] = {}
        self._languages: OrderedDict[Chat, str] = OrderedDict()
        self._on_their_way: set[asyncio.Task[None]] = set()
        self.pulse = Pulse("unstored notices")

    # --- what comes and what is stored

    def came(self, incoming: Incoming) -> Unanswered:
        """A message has come, for the first time or again; it waits until it is `stored`."""
        now = self._monotonic()
        waiting = self._waiting.setdefault(incoming.external_id, Unanswered(incoming, now, now))
        waiting.offered_at = now
        return waiting

    def stored(self, incoming: Incoming) -> Unanswered | None:
        """It is committed; what was known of it."""
        return self._waiting.pop(incoming.external_id, None)

    def speaks(self, channel: str, address: str, language: str | None) -> None:
        """What a patient reads, for when nobody can be asked."""
        if language is None:
            return
        self._languages[channel, address] = language
        self._languages.move_to_end((channel, address))
        if len(self._languages) > CHATS_KEPT:
            self._languages.popitem(last=False)

    def oldest(self) -> timedelta:
        """How long the message has waited that came first; nothing when none waits."""
        self._forget()
        now = self._monotonic()
        return timedelta(seconds=now - min((one.came_at for one in self._waiting.values()), default=now))

    def _forget(self) -> None:
        """What its channel has not handed in again for long, and who was told long ago."""
        before = self._monotonic() - self.limits.forgotten_after.total_seconds()
        for external_id in [key for key, one in self._waiting.items() if one.offered_at < before]:
            del self._waiting[external_id]
        again_s = self.limits.told_again_after.total_seconds()
        for chat in [key for key, one in self._told.items() if self._monotonic() - one.at > again_s]:
            if not self._told[chat].is_on_its_way:
                del self._told[chat]

    # --- telling

    async def run(self, channels: Mapping[str, Channel]) -> None:
        """Tells whoever waits too long, until cancelled."""
        try:
            while True:
                self.look(channels)
                self.pulse.succeeded()
                await asyncio.sleep(LOOK_S)
        finally:
            for task in self._on_their_way:
                task.cancel()

    def look(self, channels: Mapping[str, Channel]) -> None:
        """Begins to tell those who have waited too long, emergencies first."""
        self._forget()
        due = sorted(self._due(), key=lambda one: (not is_emergency(one.incoming), one.came_at))
        for waiting in [one for one in due if one.incoming.channel in channels][:AT_ONCE]:
            self._told.setdefault(waiting.chat, _Told()).is_on_its_way = True
            task = asyncio.create_task(self._tell(waiting, channels[waiting.incoming.channel]))
            self._on_their_way.add(task)
            task.add_done_callback(self._on_their_way.discard)

    def _due(self) -> Iterator[Unanswered]:
        """One message of each chat that is to be told now: the emergency if there is one, else the oldest."""
        chats: dict[Chat, list[Unanswered]] = {}
        for one in self._waiting.values():
            if one.incoming.what != "blocked":
                chats.setdefault(one.chat, []).append(one)
        for chat, messages in chats.items():
            told = self._told.get(chat, _Told())
            if told.is_on_its_way or self._monotonic() < told.not_before:
                continue
            if (due := self._due_of(messages, told)) is not None:
                yield due

    def _due_of(self, messages: list[Unanswered], told: _Told) -> Unanswered | None:
        """An emergency that came after the notice is told once more: what was said may not have been read for hers."""
        now, again_s = self._monotonic(), self.limits.told_again_after.total_seconds()
        oldest = min(messages, key=lambda one: one.came_at)
        if now - oldest.came_at < self.limits.told_after.total_seconds():
            return None
        emergency = next((one for one in messages if is_emergency(one.incoming)), None)
        if now - told.at >= again_s:
            return emergency or oldest
        is_news = emergency is not None and emergency.came_at > told.at and now - told.emergency_at >= again_s
        return emergency if is_news else None

    async def _tell(self, waiting: Unanswered, channel: Channel) -> None:
        """From the channel alone. What it cannot take now is tried again; what it never takes is given up."""
        told, incoming = self._told[waiting.chat], waiting.incoming
        began_at = self._monotonic()
        try:
            if incoming.external_id not in self._waiting:
                return  # the commit was sooner
            known = self._languages.get(waiting.chat)
            await channel.notice(incoming.address, self._notices.of(known, incoming.language_hint, self._clock()))
        except Undeliverable:
            log.error("a notice by %s cannot be delivered", incoming.channel)
        except Exception as error:
            log.error("a notice by %s was not taken: %s; trying again", incoming.channel, type(error).__name__)
            told.not_before = self._monotonic() + TRY_AGAIN_S
            return
        else:
            waiting.told_at = self._clock()
            log.error("a message by %s is not stored; she was given the numbers to call", incoming.channel)
        finally:
            told.is_on_its_way = False
        told.at = began_at
        if is_emergency(incoming):
            told.emergency_at = began_at
