"""What the tests of TelegramChannel share: a service that can be slow or fail, and a channel to their own Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from bot.channels import Choice, Incoming, Outgoing, Sending
from bot.channels.telegram.channel import TelegramChannel
from tests.kit.botapi.server import BotApi
from tests.kit.botapi.users import User

YES_NO = (Choice("Yes", "t1:weakness:yes", 0), Choice("No", "t1:weakness:no", 0), Choice("Why?", "t1:weakness:why", 1))


class Service:
    """Stands where the service stands: keeps what arrives, and can be slow or fail."""

    def __init__(self) -> None:
        self.received: list[Incoming] = []
        self.word: str | None = None
        self.before: Callable[[Incoming], Awaitable[None]] | None = None
        self._arrived = asyncio.Event()

    async def receive(self, incoming: Incoming) -> str | None:
        if self.before is not None:
            await self.before(incoming)
        self.received.append(incoming)
        self._arrived.set()
        self._arrived = asyncio.Event()
        return self.word

    async def has(self, count: int) -> list[Incoming]:
        async with asyncio.timeout(5):
            while len(self.received) < count:
                await self._arrived.wait()
        return self.received

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.received]


class Settings(dict[str, str]):
    async def fetch(self, key: str) -> str | None:
        return self.get(key)

    async def put(self, key: str, value: str) -> None:
        self[key] = value


async def no_pause(_: float) -> None:
    await asyncio.sleep(0)


def channel_to(server: BotApi, settings: Settings, **wanted: Any) -> TelegramChannel:
    defaults: dict[str, Any] = {
        "api_url": server.url,
        "timeout": timedelta(seconds=0.3),
        "patience": timedelta(seconds=0.02),
        "pause": no_pause,
    }
    name, token = wanted.pop("name", "telegram"), wanted.pop("token", server.token)
    return TelegramChannel(name, token, get_setting=settings.fetch, put_setting=settings.put, **defaults | wanted)


@asynccontextmanager
async def listening(channel: TelegramChannel, service: Service) -> AsyncIterator[TelegramChannel]:
    task = asyncio.create_task(channel.listen(service.receive))
    try:
        yield channel
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await channel.close()


def to(patient: User, outgoing: Outgoing, ref: str | None = None) -> Sending:
    return Sending(str(patient.id), outgoing, 1, ref)
