"""What the tests of store and outbox share: turns made in one line, and a channel that fails as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count

from bot.channels import Channel, Outgoing, Pace, Receive, Sending
from bot.store.sessions import Log, SessionChange, Summary, Turn
from bot.store.worklist import Entry
from dialogs.events import Event, NotUnderstood, Started
from tests.kit.clinic import MONDAY

_numbers = count(1)


def turn(
    log: Log,
    *outgoing: Outgoing,
    at: datetime = MONDAY,
    external_id: str | None = None,
    session: str | None = None,
    events: tuple[Event, ...] | None = None,
    answers: dict[str, str] | None = None,
    wake_at: datetime | None = None,
    disposition: str | None = None,
    entry: Entry | None = None,
    confirmed: tuple[str, ...] = (),
    message_ref: str | None = None,
    is_alarm: bool = False,
) -> Turn:
    """A turn of the session that was read, or the first one of a new `session` of the same patient."""
    length = log.length if session is None else 0
    if events is None:
        events = (NotUnderstood("text", "hm"),) if length else (Started("2026.1", "en"),)
    summary = Summary("asking", "en", disposition, "2026.1", wake_at, answers or {})
    change = SessionChange(session or log.session, length, events, summary, entry, outgoing, is_alarm)
    return Turn(log.patient, at, external_id or f"test:{next(_numbers)}", (change,), confirmed, message_ref)


class ScriptedChannel(Channel):
    """Takes every message, but for those the test says otherwise of.

    `failures`: what sending to an address raises, one after the other; `wrong`: what sending to anybody raises.
    `gate`: while it is cleared, messages hang on the way. `refs`: what the channel calls a message; None as a page.
    """

    def __init__(self, name: str = "scripted", pace: Pace | None = None) -> None:
        super().__init__(name, pace)
        self.sent: list[Sending] = []
        self.attempts: list[str] = []
        self.failures: dict[str, list[Exception]] = {}
        self.wrong: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_once = 0
        self.most_at_once = 0
        self.ref: Callable[[int], str | None] = str

    @property
    def texts(self) -> Sequence[str]:
        return [sending.outgoing.text for sending in self.sent]

    async def listen(self, receive: Receive) -> None:
        raise AssertionError("nobody talks on this channel")

    async def notice(self, address: str, outgoing: Outgoing) -> None:
        raise AssertionError(f"nobody waits here for {outgoing}, not even {address}")

    async def send(self, sending: Sending) -> str | None:
        self.attempts.append(sending.address)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
        finally:
            self.at_once -= 1
        if self.wrong is not None:
            raise self.wrong
        if self.failures.get(sending.address):
            raise self.failures[sending.address].pop(0)
        self.sent.append(sending)
        return self.ref(len(self.sent))
