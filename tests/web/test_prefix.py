"""The whole service below a prefix: a patient's chat and a nurse's work, and no page that leads out of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from bot.app import App, opened
from bot.clinic.settings import load
from bot.store.console import Role
from tests.kit.console_client import hidden

PREFIX = "/north"
LINK = re.compile(r'\s(href|src|action|formaction|hx-get|sse-connect|data-seen|data-events)="([^"]*)"')


@dataclass
class Visitor:
    """A browser that checks every address it is given: of links, forms, files, redirects and cookies."""

    client: httpx.AsyncClient
    seen: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, expected: Sequence[int] = (200,)) -> str:
        response = await self.client.get(path)
        self._check(path, response)
        if response.is_redirect:
            return await self.get(response.headers["location"])
        assert response.status_code in expected, f"{path}: {response.status_code}"
        return response.text

    async def post(self, path: str, **fields: str) -> str:
        response = await self.client.post(path, data=fields)
        self._check(path, response)
        assert response.is_redirect, f"{path}: {response.status_code}"
        return await self.get(response.headers["location"])

    async def crawl(self, path: str, expected: Sequence[int] = (200,)) -> None:
        """Follows everything that a browser may get."""
        waiting, done = [path], set()
        while waiting:
            path = waiting.pop()
            if (page := path.partition("#")[0]) not in done:
                done.add(page)
                await self.get(page, expected)
                waiting += [to for name, to in self.links(page) if name in ("href", "src", "hx-get")]

    def links(self, path: str) -> list[tuple[str, str]]:
        found = [(name, unescape(to)) for name, to in LINK.findall(self.seen.get(path, ""))]
        return [(name, to) for name, to in found if not to.startswith(("#", "tel:"))]

    def _check(self, path: str, response: httpx.Response) -> None:
        self.seen[path] = response.text if "html" in response.headers.get("content-type", "") else ""
        leading = [to for _, to in self.links(path)]
        leading += [response.headers["location"]] if response.is_redirect else []
        outside = [to for to in leading if urlsplit(to).netloc or not to.startswith(f"{PREFIX}/")]
        assert not outside, f"{path} leads to {outside}"
        for cookie in response.headers.get_list("set-cookie"):
            assert f"Path={PREFIX};" in f"{cookie};", cookie


@pytest.fixture
async def north(tmp_path: Path) -> AsyncIterator[App]:
    """The demo clinic; the web chat listens."""
    config = load(None, {"BOT_DATABASE": str(tmp_path / "north.db")})
    async with opened(config) as app:
        listening = asyncio.create_task(app.channels["web"].listen(app.service.receive))
        await asyncio.sleep(0)
        yield app
        listening.cancel()


@asynccontextmanager
async def visitor(app: App, base: str = "http://localhost") -> AsyncIterator[Visitor]:
    mounted = Starlette(routes=[Mount(PREFIX, app.web)])
    transport = httpx.ASGITransport(app=mounted)
    async with httpx.AsyncClient(
        transport=transport, base_url=base, headers={"Sec-Fetch-Site": "same-origin"}
    ) as client:
        yield Visitor(client)


async def chats(patient: Visitor) -> str:
    """A check is begun; the whole page, with the first question."""
    page = await patient.get(f"{PREFIX}/")
    return await patient.post(f"{PREFIX}/chat", token=hidden(page, "token"), id="start", text="/start")


async def signs_in(app: App, nurse: Visitor) -> str:
    account = await app.console.accounts.add("Nora North", "nora@clinic.example", Role.ADMINISTRATOR, ["en"])
    secret = await app.console.accounts.new_link(account, "password", timedelta(hours=1))
    page = f"{PREFIX}/console/password/{secret}"
    await nurse.get(page)
    await nurse.post(page, password="correct horse battery", again="correct horse battery")
    return await nurse.post(
        f"{PREFIX}/console/sign-in",
        email="nora@clinic.example",
        password="correct horse battery",
        next=f"{PREFIX}/console/alerts",
    )


async def test_a_patient_chats_below_the_prefix(north: App) -> None:
    async with visitor(north) as patient:
        page = await chats(patient)
        assert 'class="choices"' in page
        await patient.crawl(f"{PREFIX}/chat")


async def test_a_nurse_signs_in_reads_and_acts_below_the_prefix(north: App) -> None:
    async with visitor(north) as patient, visitor(north) as nurse:
        page = await chats(patient)
        await patient.post(f"{PREFIX}/chat", token=hidden(page, "token"), id="words", text="I cannot feel my legs")
        assert "Alerts" in await signs_in(north, nurse), "she goes on where she was going"
        worklist = await nurse.get(f"{PREFIX}/console")
        entry = re.search(rf'href="({PREFIX}/console/entries/\w+)"', worklist)
        assert entry, "nothing is listed"
        page = await nurse.get(entry[1])
        claimed = await nurse.post(f"{entry[1]}/claim", token=hidden(page, "token"), id="one")
        assert "The entry is yours." in claimed


async def test_no_page_of_the_console_leads_out_of_the_prefix(north: App) -> None:
    async with visitor(north) as patient, visitor(north) as nurse:
        page = await chats(patient)
        await patient.post(f"{PREFIX}/chat", token=hidden(page, "token"), id="words", text="I cannot feel my legs")
        await nurse.crawl(f"{PREFIX}/console/sign-in", expected=(200, 401))
        await signs_in(north, nurse)
        await nurse.crawl(f"{PREFIX}/console")
        read = {re.sub(r"\w{16,}", "…", path.partition("?")[0]) for path in nurse.seen}
        names = (
            "entries/…",
            "entries/…/referral",
            "hand-over",
            "timeliness",
            "audit",
            "audit.csv",
            "nurses",
            "account",
        )
        assert {f"{PREFIX}/console/{name}" for name in names} <= read


async def test_cookies_of_two_services_on_one_host_keep_apart(north: App) -> None:
    """`__Host-` would spread over the whole host, so below a prefix the next stricter name is taken."""
    async with visitor(north, "https://clinics.example") as patient:
        await chats(patient)
        assert list(patient.client.cookies.keys()) == ["__Secure-cordwatch"]
