"""The nurse's console on a real port, with a clinic behind it whose clock stands still."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape

import httpx
import uvicorn

from bot.console.accounts import Accounts
from bot.console.app import ConsoleApp
from bot.service.alerts import Alerts
from bot.store.console import Desk, Nurse, Role
from tests.kit.clinic import Patient, TestClinic

WEAK = {"weakness": "yes", "weakness_change": "new_or_worse"}
BACK = {"back_or_neck_pain": "yes", "pain_course": "same"}
ONE_SIDE = {**BACK, "radiating_pain": "one_side"}


@dataclass
class Ward:
    """A clinic with nurses. `base`: where browsers find it."""

    clinic: TestClinic
    console: ConsoleApp
    desk: Desk
    base: str
    stack: AsyncExitStack

    @property
    def accounts(self) -> Accounts:
        return self.console.accounts

    async def account(self, name: str, role: Role = Role.NURSE, languages: tuple[str, ...] = ("en",)) -> Nurse:
        email = f"{name.lower().replace(' ', '.')}@clinic.example"
        return await self.desk.nurse(email) or await self.accounts.add(name, email, role, languages)

    async def link(self, name: str, **fields: object) -> str:
        nurse = await self.account(name, **fields)  # type: ignore[arg-type]
        return f"{self.base}/console/sign-in/{await self.accounts.new_link(nurse, 'sign_in', timedelta(hours=1))}"

    async def browser(self) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=self.base, headers={"Sec-Fetch-Site": "same-origin"}, timeout=20)
        return await self.stack.enter_async_context(client)

    async def nurse(self, name: str, **fields: object) -> Sister:
        """A nurse who is signed in."""
        client = await self.browser()
        response = await client.get(await self.link(name, **fields))
        assert response.status_code == 303
        return Sister(self, name, client)

    async def patient(self, address: str = "42", language: str = "en", **findings: str) -> Patient:
        """A patient who has finished a check."""
        patient = Patient(self.clinic, address, language)
        await patient.says("/start")
        return await patient.answers(**{"language": language, "more": "no", **findings})

    async def session_of(self, patient: Patient) -> str:
        return (await patient.session()).id


@dataclass
class Sister:
    """A nurse at her browser, without script."""

    ward: Ward
    name: str
    client: httpx.AsyncClient
    forms: dict[str, str] = field(default_factory=dict)

    async def sees(self, path: str = "/console") -> str:
        response = await self.client.get(path)
        assert response.status_code == 200, response.status_code
        return response.text

    async def does(self, session: str, act: str, page: str | None = None, **fields: str) -> httpx.Response:
        """Sends a form of the session's page; `page`: one that she has had open for longer."""
        page = page or await self.sees(f"/console/entries/{session}")
        values = {"token": hidden(page, "token"), "id": secrets.token_hex(4), **fields}
        if act in ("close", "snooze"):
            values = {"drawn_at": hidden(page, "drawn_at"), **values}
        return await self.client.post(f"/console/entries/{session}/{act}", data=values)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)
    assert found, f"no field {name} on the page"
    return unescape(found[1])


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


@asynccontextmanager
async def opened(clinic: TestClinic, *, needs_code: bool = False) -> AsyncIterator[Ward]:
    desk, chats = clinic.store.desk, clinic.store.nurse_chats
    base, channels = "https://check.example.org", (clinic.telephones.name,)
    alerts = Alerts(clinic.store, chats, clinic.clinic, clinic.clock, clinic.service.signals, base, channels)
    console = ConsoleApp(clinic.service, desk, clinic.clinic, clinic.clock, clinic.store.reports, alerts, needs_code)
    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    settings = uvicorn.Config(console.app, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(settings)
    serving = asyncio.create_task(server.serve([door]))
    try:
        async with AsyncExitStack() as stack:
            yield Ward(clinic, console, desk, f"http://127.0.0.1:{port}", stack)
    finally:
        await console.close()
        server.should_exit = True
        await serving
