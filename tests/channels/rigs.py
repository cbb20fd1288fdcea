"""One rig for each channel: a patient on its far side, for the tests that hold for every channel.

A new channel joins by one more entry in RIGS: an async context manager that gives a Rig with `listen` running. A test
fails for a class of channel that has none.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from html import unescape
from itertools import count
from typing import TextIO

from bot.channels import Channel, Incoming, Outgoing, Sending
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.terminal.channel import TerminalChannel
from bot.channels.web.channel import Limits, WebChatChannel
from bot.demo.demo import DemoChannel
from tests.channels.web.test_web_chat import Browser
from tests.kit.botapi.server import BotApi
from tests.kit.botapi.users import User
from tests.kit.clinic import MONDAY, Clock
from tests.kit.telegram import Settings, channel_to
from tests.kit.web_chat import ScriptedClinic, WebChat


@dataclass(frozen=True)
class Seen:
    """A message of ours as the patient sees it: every word of it, and the labels of its buttons."""

    text: str
    buttons: tuple[str, ...]


class Rig(ABC):
    """A channel with `address` on its far side. What the channel hands in stands in `incoming`."""

    channel: Channel
    address: str
    listening: asyncio.Task[None]

    sent = 0

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[Incoming] = asyncio.Queue()

    async def receive(self, incoming: Incoming) -> str | None:
        self.incoming.put_nowait(incoming)
        return None

    async def send(self, outgoing: Outgoing) -> str | None:
        """As the outbox does."""
        self.sent += 1
        return await self.channel.send(Sending(self.address, outgoing, self.sent))

    async def next(self) -> Incoming:
        async with asyncio.timeout(5):
            return await self.incoming.get()

    @abstractmethod
    async def writes(self, text: str) -> None: ...

    @abstractmethod
    async def taps(self, label: str) -> None:
        """Taps a button of the newest message."""

    @abstractmethod
    async def sees(self, count: int) -> list[Seen]:
        """All messages of ours on the patient's screen, once there are `count`."""

    @abstractmethod
    async def is_noticed(self, text: str) -> bool:
        """Whether the patient sees these words, which stand in no conversation that is kept."""


class TelegramRig(Rig):
    def __init__(self, server: BotApi, user: User) -> None:
        super().__init__()
        self.channel = channel_to(server, Settings())
        self.address, self.server, self.user = str(user.id), server, user

    async def writes(self, text: str) -> None:
        await self.user.says(text)

    async def taps(self, label: str) -> None:
        await self.user.taps(label)

    async def sees(self, count: int) -> list[Seen]:
        await self.server.until(lambda: sum(one.is_bots for one in self.user.chat) >= count)
        return [Seen(one.text, tuple(one.buttons)) for one in self.user.chat if one.is_bots]

    async def is_noticed(self, text: str) -> bool:
        return text in [seen.text for seen in await self.sees(1)]


class TerminalRig(Rig):
    def __init__(self, keyboard: TextIO, screen: TextIO, typed: TextIO, shown: TextIO) -> None:
        super().__init__()

        async def settled() -> None:
            return None

        self.address = "terminal:pat"
        self.channel = TerminalChannel(self.address, settled, lines=keyboard, out=screen, opening="")
        self._typed, self._shown = typed, shown
        self._screen = ""

    async def writes(self, text: str) -> None:
        print(text, file=self._typed, flush=True)

    async def taps(self, label: str) -> None:
        await self.writes(label)

    async def sees(self, count: int) -> list[Seen]:
        # `send` has printed before it returns: what there is to read is in the pipe.
        self._screen += self._shown.read()
        drawn = re.split(r"^\n", self._screen, flags=re.MULTILINE)[1:]
        seen = [
            Seen(re.sub(r"^ {2}\d  .*\n", "", text, flags=re.MULTILINE), tuple(re.findall(r" \d  (\S+)", text)))
            for text in drawn
        ]
        assert len(seen) >= count, self._screen
        return seen

    async def is_noticed(self, text: str) -> bool:
        return text in (await self.sees(1))[0].text


class WebRig(Rig):
    def __init__(self, chat: WebChat, browser: Browser) -> None:
        super().__init__()
        self.channel, self.listening, self.address = chat.channel, chat.listening, browser.address
        self.chat, self.browser = chat, browser

    async def send(self, outgoing: Outgoing) -> str | None:
        """What is committed stands in the conversation before the channel is told that there is more."""
        delivery = self.chat.clinic.say(self.address, outgoing)
        return await self.channel.send(Sending(self.address, outgoing, delivery))

    async def writes(self, text: str) -> None:
        await self.browser.says(text)

    async def taps(self, label: str) -> None:
        await self.browser.presses(label)

    async def sees(self, count: int) -> list[Seen]:
        await self.browser.open()
        ours = re.findall(r'<article class="line ours.*?</article>', self.browser.page, re.DOTALL)
        assert len(ours) >= count, self.browser.page
        return [
            Seen("\n".join(_parts(one)), tuple(re.findall(r'<button form="answer"[^>]*>(.*?)<', one))) for one in ours
        ]

    async def is_noticed(self, text: str) -> bool:
        """On a page that opens only then, too."""
        async with self.browser.events() as events:
            async for name, data in events:
                if name == "notice":
                    return text == data["text"]
        return False


def _parts(article: str) -> list[str]:
    """Heading and text as they are read."""
    parts = re.findall(r'class="(?:heading|text)"[^>]*>(.*?)</(?:p|h2)>', article, re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>", "", part)) for part in parts]


class Listening(ScriptedClinic):
    """Keeps what patients say and hands it to the rig, without an answer of its own."""

    rig: WebRig

    async def receive(self, incoming: Incoming) -> str | None:
        self.hear(incoming.address, incoming.text)
        return await self.rig.receive(incoming)


class DemoRig(Rig):
    """Its patients are made up: their screen is what the channel took."""

    def __init__(self) -> None:
        super().__init__()
        self.channel, self.address = DemoChannel(), "07"
        self.screen: list[Outgoing] = []
        self.numbers = count(1)

    async def send(self, outgoing: Outgoing) -> str | None:
        ref = await super().send(outgoing)
        self.screen.append(outgoing)
        return ref

    async def writes(self, text: str) -> None:
        await self.does(text=text)

    async def taps(self, label: str) -> None:
        await self.does(choice=next(one.data for one in self.screen[-1].choices if one.label == label))

    async def does(self, **said: str) -> None:
        assert isinstance(self.channel, DemoChannel)
        await self.receive(self.channel.incoming(self.address, MONDAY, next(self.numbers), "en", **said))

    async def sees(self, count: int) -> list[Seen]:
        assert len(self.screen) >= count
        joined = [(f"{one.heading}\n{one.text}" if one.heading else one.text) for one in self.screen]
        return [
            Seen(text, tuple(one.label for one in outgoing.choices))
            for text, outgoing in zip(joined, self.screen, strict=True)
        ]

    async def is_noticed(self, text: str) -> bool:
        return not self.screen  # nobody is there


@asynccontextmanager
async def telegram() -> AsyncIterator[Rig]:
    async with BotApi() as server:
        rig = TelegramRig(server, server.user(42))
        await rig.user.says("/start")
        async with _listening(rig):
            await rig.next()
            yield rig


@asynccontextmanager
async def terminal() -> AsyncIterator[Rig]:
    keyboard, typed = os.pipe()
    shown, screen = os.pipe()
    os.set_blocking(shown, False)
    with (
        os.fdopen(keyboard) as keys,
        os.fdopen(typed, "w") as typing,
        os.fdopen(screen, "w") as drawn,
        os.fdopen(shown) as seen,
    ):
        async with _listening(rig := TerminalRig(keys, drawn, typing, seen)):
            yield rig
        typing.close()
        for thread in threading.enumerate():
            if thread.name == "terminal":
                thread.join()


@asynccontextmanager
async def web() -> AsyncIterator[Rig]:
    clock = Clock()
    clinic = Listening(clock)
    chat = WebChat(clinic, clock, Limits())
    await chat.start()
    try:
        async with Browser(chat) as browser:
            clinic.rig = WebRig(chat, browser)
            yield clinic.rig
    finally:
        await chat.stop()


@asynccontextmanager
async def demo() -> AsyncIterator[Rig]:
    async with _listening(rig := DemoRig()):
        yield rig


@asynccontextmanager
async def _listening(rig: Rig) -> AsyncIterator[None]:
    rig.listening = asyncio.create_task(rig.channel.listen(rig.receive))
    try:
        yield
    finally:
        rig.listening.cancel()
        await asyncio.gather(rig.listening, return_exceptions=True)
        await rig.channel.close()


RIGS: dict[type[Channel], Callable[[], AbstractAsyncContextManager[Rig]]] = {
    TelegramChannel: telegram,
    TerminalChannel: terminal,
    WebChatChannel: web,
    DemoChannel: demo,
}
