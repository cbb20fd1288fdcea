"""The webhook: for Telegram only, and answered only after the commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.routing import Route

from bot.channels import Incoming, Outgoing
from bot.channels.telegram.channel import LARGEST_UPDATE, TelegramChannel, Webhook
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
