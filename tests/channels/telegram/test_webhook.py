"""The webhook: for Telegram only, and answered only after the commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.routing import Route

from bot.channels import Incoming, Outgoing
from bot.channels.telegram.channel import LARGEST_UPDATE, TelegramChannel, Webhook
from tests.kit.botapi.nonsense import NONSENSE
from tests.kit.telegram import YES_NO, channel_to, listening, to

JSON = "application/json"
SECRET = "s3cret-of-the-webhook"


@asynccontextmanager
async def serving(channel: TelegramChannel, url: str) -> AsyncIterator[None]:
    """The channel's webhook behind an HTTP server on the address it told Telegram."""

    async with asgi_at(channel) as client:

        async def answer(request: web.Request) -> web.Response:
            said = await client.post(request.path, content=await request.read(), headers=request.headers)
            return web.Response(status=said.status_code, body=said.content, headers={"content-type": JSON})

        app = web.Application()
        app.router.add_post("/telegram", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(url.split(":")[2].split("/")[0])).start()
        try:
            yield
        finally:
            await runner.cleanup()


def asgi_at(channel: TelegramChannel) -> AsyncClient:
    """What talks to the routes of the channel as the web server does."""
    app = Starlette(routes=[Route(path, app) for path, app in channel.routes().items()])
    return AsyncClient(transport=ASGITransport(app), base_url="http://clinic")


async def test_the_webhook_takes_updates_and_answers_taps(server, service, settings, patient, unused_tcp_port_factory):
    url = f"http://127.0.0.1:{unused_tcp_port_factory()}/telegram"
    service.word = "Noted"
    channel = channel_to(server, settings, webhook=Webhook(url, SECRET))
    async with serving(channel, url), listening(channel, service):
        await server.updates.settles()
        await channel.send(to(patient, Outgoing("Weaker?", choices=YES_NO)))
        await patient.taps("Yes")
        await server.until(lambda: bool(patient.toasts))

    assert [one.choice for one in service.received] == [None, "t1:weakness:yes"]
    assert patient.toasts == ["Noted"]
    assert server.calls["answerCallbackQuery"] == 0
    assert server.calls["getUpdates"] == 0


async def test_the_webhook_asks_again_for_what_could_not_be_recorded(
    server, service, settings, patient, unused_tcp_port_factory
):
    async def fail_once(_: Incoming) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("disk full")

    tries: list[int] = []
    service.before = fail_once
    url = f"http://127.0.0.1:{unused_tcp_port_factory()}/telegram"
    channel = channel_to(server, settings, webhook=Webhook(url, SECRET))
    async with serving(channel, url), listening(channel, service):
        await server.updates.settles()

    assert server.updates.webhook_answers == {500: 1, 200: 1}
    assert service.texts == ["/start"]


@pytest.mark.parametrize(
    ("secret", "body", "status"),
    [
        (SECRET, b'{"update_id": 1}', 200),
        ("wrong", b'{"update_id": 1}', 403),
        ("wröng", b'{"update_id": 1}', 403),
        (None, b'{"update_id": 1}', 403),
        (SECRET, b"", 400),
        (SECRET, b"{", 400),
        (SECRET, b"[]", 400),
        (SECRET, b"{}", 400),
        (SECRET, b"\xff\xfe", 400),
        (SECRET, b'{"update_id": "x"}', 400),
        (SECRET, b"[" * 100_000, 400),
    ],
)
async def test_the_webhook_is_for_telegram_only(server, service, settings, secret, body, status):
    channel = channel_to(server, settings, webhook=Webhook("https://clinic.example/telegram", SECRET))
    async with listening(channel, service):
        await asyncio.sleep(0)
        assert await channel.webhook(secret, body) == (status, None)


@pytest.mark.parametrize(
    ("method", "bytes_sent", "status"),
    [("POST", LARGEST_UPDATE, 400), ("POST", LARGEST_UPDATE + 1, 413), ("GET", 0, 405), ("PUT", 10, 405)],
)
async def test_the_door_of_the_webhook_takes_posts_of_a_bounded_size(server, settings, method, bytes_sent, status):
    channel = channel_to(server, settings, webhook=Webhook("https://clinic.example/telegram", SECRET))
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    async with asgi_at(channel) as client:
        said = await client.request(method, "/telegram", content=b"x" * bytes_sent, headers=headers)
    await channel.close()

    assert said.status_code == status


async def test_without_a_webhook_nothing_is_open(server, settings):
    channel = channel_to(server, settings)
    assert channel.routes() == {}
    await channel.close()


# --- a webhook that has become deaf


class Looks:
    """Pauses that end when the test says so, and how long they would have been."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self._begun, self._over = asyncio.Event(), asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self._begun.set()
        await self._over.wait()
        self._over.clear()
        self.passed_s += seconds

    async def next(self) -> None:
        """Lets a pause pass, and returns in the next one."""
        await self._begun.wait()
        self._begun.clear()
        self._over.set()
        await self._begun.wait()

    async def until(self, holds: Callable[[], object], within: int = 10) -> None:
        for _ in range(within):
            if holds():
                return
            await self.next()
        raise AssertionError("it never was so")


@pytest.mark.parametrize("other", [{}, {"url": "https://elsewhere.example/hook"}])
async def test_a_webhook_that_somebody_removed_or_took_is_red_within_two_minutes_and_set_again(
    server, service, settings, patient, unused_tcp_port_factory, other
):
    url = f"http://127.0.0.1:{unused_tcp_port_factory()}/telegram"
    channel = channel_to(server, settings, webhook=Webhook(url, SECRET), pause=(looks := Looks()))
    async with serving(channel, url), listening(channel, service):
        await server.updates.settles()
        await looks.next()
        assert channel.status().trouble is None
        server.updates.set_webhook(other)
        await patient.says("I cannot feel my legs")

        already_s = looks.passed_s
        await looks.until(lambda: channel.status().trouble)
        assert looks.passed_s - already_s <= 120
        assert "token" in channel.status().trouble
        await server.updates.settles()
        await looks.until(lambda: channel.status().trouble is None)

    assert service.texts == ["/start", "I cannot feel my legs"]


async def test_a_webhook_that_nothing_reaches_is_red_within_two_minutes_and_well_when_something_does(
    server, service, settings, patient, unused_tcp_port_factory, caplog
):
    url = f"http://127.0.0.1:{unused_tcp_port_factory()}/telegram"
    channel = channel_to(server, settings, webhook=Webhook(url, SECRET), pause=(looks := Looks()))
    async with listening(channel, service):
        await looks.until(lambda: channel.status().trouble)
        assert looks.passed_s <= 120
        assert "Connection refused" in channel.status().trouble
        for _ in range(5):
            await looks.next()
        async with serving(channel, url):
            await server.updates.settles()
            await looks.until(lambda: channel.status().trouble is None)

    assert service.texts == ["/start"]
    assert caplog.text.count("Connection refused") == 1


async def test_a_patient_who_is_just_writing_or_whose_message_cannot_be_recorded_is_no_deaf_webhook(
    server, service, settings, patient, unused_tcp_port_factory
):
    async def fail(_: Incoming) -> None:
        tried.set()
        raise OSError("disk full")

    tried = asyncio.Event()
    service.before = fail
    url = f"http://127.0.0.1:{unused_tcp_port_factory()}/telegram"
    channel = channel_to(server, settings, webhook=Webhook(url, SECRET), pause=(looks := Looks()))
    async with serving(channel, url), listening(channel, service):
        for _ in range(4):
            tried.clear()
            await tried.wait()
            await looks.next()
            assert channel.status().trouble is None


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_about_the_webhook_is_survived(
    server, service, settings, patient, unused_tcp_port_factory, name
):
    url = f"http://127.0.0.1:{unused_tcp_port_factory()}/telegram"
    for method in ("setWebhook", "getWebhookInfo"):
        server.faults.script(method, *[NONSENSE[name]] * 3)
    channel = channel_to(server, settings, webhook=Webhook(url, SECRET))
    async with serving(channel, url), listening(channel, service):
        await server.updates.settles()
        await server.until(lambda: server.calls["getWebhookInfo"] > 4)

    assert service.texts == ["/start"]
