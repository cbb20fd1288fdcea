"""The webhook: for Telegram only, and answered only after the commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.channels import Incoming, Outgoing
from bot.channels.telegram.channel import TelegramChannel, Webhook
from tests.kit.telegram import YES_NO, channel_to, listening, to

SECRET = "s3cret-of-the-webhook"


@asynccontextmanager
async def serving(channel: TelegramChannel, url: str) -> AsyncIterator[None]:
    """The channel's webhook behind an HTTP server on the address it told Telegram."""

    async def answer(request: web.Request) -> web.Response:
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
        status, body = await channel.webhook(secret, await request.read())
        return web.Response(status=status) if body is None else web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/telegram", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(url.split(":")[2].split("/")[0])).start()
    try:
        yield
    finally:
        await runner.cleanup()


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
