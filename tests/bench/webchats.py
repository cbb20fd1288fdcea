"""Point 6: 1,000 web chats open, each with its event stream: how soon a message is on its page, what idling costs."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from tests.bench.figures import Dialog, Line, Plan, percentile
from tests.bench.subjects import ours

CHATS = 1_000
OPENED_AT_ONCE = 20
QUIET_S = 3
IDLE_FOR_S = 40
"""Two beats of every stream."""
TALKING_FOR_S = 40
"""In which each of the patients answers once."""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SCRIPT = {"Accept": "application/json"}
CHOICE = re.compile(r'name="choice" value="(\w+:(?:language:en|consent:yes|respondent:patient))"')


@dataclass(slots=True)
class Page:
    """A patient's browser as bot/static/chat.js has it act: it listens, and says what it has shown."""

    client: ClientSession
    url: str
    cookie: str = ""
    token: str = ""
    choice: str = ""
    said_at: float = 0.0
    waits: list[float] = field(default_factory=list)
    is_connected: asyncio.Event = field(default_factory=asyncio.Event)
    has_question: asyncio.Event = field(default_factory=asyncio.Event)
    listening: asyncio.Task[None] | None = None

    async def opens(self) -> None:
        """The page, its stream, and the first question."""
        async with self.client.get(f"{self.url}/chat") as response:
            html = await response.text()
        self.cookie = response.headers["Set-Cookie"].partition(";")[0]
        self.token = _found(r'name="token" value="([^"]+)"', html)
        of, have = _found(r'data-of="([^"]*)"', html), _found(r'data-cursor="([^"]*)"', html)
        self.listening = asyncio.create_task(self._listens(f"{self.url}/chat/events?have={have}&of={of}"))
        await self.is_connected.wait()
        await self.says(text="/start")
        await self.has_question.wait()

    async def answers(self) -> None:
        """The question that is open; it counts as answered once the stream has brought the next one."""
        self.has_question.clear()
        self.said_at = time.monotonic()
        await self.says(choice=self.choice)
        await self.has_question.wait()
        self.waits.append(time.monotonic() - self.said_at)

    async def says(self, **fields: str) -> None:
        async with self._post("/chat", id=secrets.token_hex(8), **fields) as response:
            await response.read()

    async def _listens(self, url: str) -> None:
        async with self.client.get(url, headers={"Cookie": self.cookie}) as response:
            assert response.status == 200, f"the event stream answered {response.status}"
            self.is_connected.set()
            event = ""
            async for line in response.content:
                if line.startswith(b"event:"):
                    event = line[6:].strip().decode()
                elif line.startswith(b"data:") and event == "lines":
                    await self._shows(json.loads(line[5:]))

    async def _shows(self, update: dict[str, list[dict[str, str]]]) -> None:
        newest = [found for line in update["lines"] for found in CHOICE.findall(line["html"])]
        if newest and newest[-1] != self.choice:
            self.choice = newest[-1]
            self.has_question.set()
        if update["unseen"]:
            async with self._post("/chat/seen", deliveries=" ".join(map(str, update["unseen"]))) as response:
                await response.read()

    @asynccontextmanager
    async def _post(self, path: str, **fields: str) -> AsyncIterator[ClientResponse]:
        headers = {**FORM, **SCRIPT, "Cookie": self.cookie}
        async with self.client.post(self.url + path, data={"token": self.token, **fields}, headers=headers) as response:
            assert response.status in (200, 204), f"{path} answered {response.status}"
            yield response


async def web_chats(plan: Plan, dialog: Dialog) -> list[Line]:
    async with ours() as bot, _client() as client:
        pages = [Page(client, bot.url) for _ in range(CHATS)]
        try:
            await _all_open(pages)
            await asyncio.sleep(QUIET_S)
            before, began = bot.cpu_s, time.monotonic()
            await asyncio.sleep(IDLE_FOR_S)
            idle = (bot.cpu_s - before) / (time.monotonic() - began)
            await _all_answer(pages)
        finally:
            for page in pages:
                if page.listening is not None:
                    page.listening.cancel()
    waits = [wait for page in pages for wait in page.waits]
    shown = (
        f"{max(waits):.3f} s at most (median {percentile(waits, 0.5):.3f}, 95 % within {percentile(waits, 0.95):.3f})"
    )
    return [
        Line(f"6. a message on its page, {CHATS:,} open, {len(waits):,} messages", "at most 1 s", shown),
        Line(f"6. CPU with {CHATS:,} pages open and idle", "below 0.25 cores", f"{idle:.3f} cores"),
    ]


async def _all_open(pages: list[Page]) -> None:
    room = asyncio.Semaphore(OPENED_AT_ONCE)

    async def one(page: Page) -> None:
        async with room, asyncio.timeout(30):
            await page.opens()

    await asyncio.gather(*(one(page) for page in pages))


async def _all_answer(pages: list[Page]) -> None:
    chance = Random(6)

    async def one(page: Page, after_s: float) -> None:
        await asyncio.sleep(after_s)
        async with asyncio.timeout(60):
            await page.answers()

    await asyncio.gather(*(one(page, chance.random() * TALKING_FOR_S) for page in pages))


def _client() -> ClientSession:
    timeout = ClientTimeout(total=None, sock_read=None)
    return ClientSession(connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar(), timeout=timeout)


def _found(pattern: str, html: str) -> str:
    found = re.search(pattern, html)
    assert found, f"the page has no {pattern}"
    return found[1]
