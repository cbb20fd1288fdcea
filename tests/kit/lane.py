"""The patient's lane from Telegram's wire to the database and back, in this process: turns can be made to fail or hang.

What fails is a real write of the real store: a class of it, made for tests, stumbles over the words that a test names.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.channels.telegram.channel import TelegramChannel
from bot.service.limits import TurnLimits
from bot.service.outbox import Outbox
from bot.service.service import Service
from bot.store.sessions import Turn
from bot.store.sqlite.store import SqliteStore
from dialogs.events import Event
from tests.kit.botapi.server import BotApi
from tests.kit.botapi.users import Shown, User
from tests.kit.clinic import TestClinic
from tests.kit.telegram import Settings, channel_to

SOON = TurnLimits(told_after=timedelta(seconds=0.5), turn=timedelta(seconds=0.5))
RAISES, HANGS = "this raises", "this hangs"
NOT_STORED = {"en": "Not stored yet", "nl": "Nog niet opgeslagen", "de": "Noch nicht gespeichert"}


class StumblingStore(SqliteStore):
    """Cannot append a turn that holds the words RAISES, and never ends one that holds HANGS.

    `troubled`: addresses of which it can append no turn at all; `is_down`: nobody's, nor anything else. A turn that
    parks a message it takes. `refusal`: what it raises, and
    so often has, instead of appending any other turn.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.troubled: set[str] = set()
        self.is_down = False
        self.refusal: sqlite3.Error | None = None
        self.refused = 0

    async def prove_writable(self, at: datetime) -> None:
        if self.is_down:
            raise sqlite3.OperationalError("disk I/O error")
        await super().prove_writable(at)

    async def append(self, turn: Turn) -> tuple[int, ...]:
        said = [getattr(event, "text", "") for change in turn.changes for event in change.events]
        if turn.parked is None and (self.is_down or RAISES in said or turn.patient.address in self.troubled):
            raise LookupError("a fault of our own")
        if turn.parked is None and self.refusal is not None:
            self.refused += 1
            raise self.refusal
        if turn.parked is None and HANGS in said:
            await asyncio.Event().wait()
        return await super().append(turn)


@dataclass
class Lane:
    """A clinic that listens to its own Telegram."""

    clinic: TestClinic
    telegram: BotApi
    path: Path

    @property
    def service(self) -> Service:
        return self.clinic.service

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Another program holds the database's write lock."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            db.execute("begin immediate")
            yield
            db.execute("rollback")

    def notices(self, user: User) -> list[Shown]:
        return [one for one in user.chat if one.is_bots and one.text.startswith(tuple(NOT_STORED.values()))]

    async def is_told(self, user: User, language: str = "en") -> Shown:
        """Returns the notice once she has it, in this language."""
        await self.telegram.until(lambda: bool(self.notices(user)))
        assert self.notices(user)[-1].text.startswith(NOT_STORED[language])
        return self.notices(user)[-1]

    async def is_recorded(self, user: User, kind: type[Event], count: int = 1) -> list[Event]:
        """The whole log of her latest session, once it holds so many events of this kind."""
        async with asyncio.timeout(20):
            while sum(isinstance(one, kind) for one in await self.events(user)) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return await self.events(user)

    async def events(self, user: User) -> list[Event]:
        return [one.event for one in (await self.clinic.store.open("telegram", str(user.id))).events]


@asynccontextmanager
async def lane(directory: Path, limits: TurnLimits = SOON) -> AsyncIterator[Lane]:
    path = directory / "clinic.db"
    async with BotApi() as server, TestClinic.opened(path, make_store=StumblingStore, limits=limits) as clinic:
        # so that a write gives up on a foreign lock in a moment instead of in five seconds
        await clinic.store.write(lambda db: db.execute("pragma busy_timeout = 20") and None)
        heard = clinic.service.unstored.came
        channel = channel_to(server, Settings(), heard=heard, pause=asyncio.sleep, timeout=timedelta(seconds=2))
        async with _serving(clinic, channel):
            yield Lane(clinic, server, path)


@asynccontextmanager
async def _serving(clinic: TestClinic, channel: TelegramChannel) -> AsyncIterator[None]:
    service, channels = clinic.service, {channel.name: channel}
    outbox = Outbox(clinic.store, channels, clinic.clock, service.delivery_failed, service.signals)
    going_on = (outbox.run(), service.unstored.run(channels), channel.listen(service.receive))
    tasks = [asyncio.create_task(task) for task in going_on]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await channel.close()
