"""How we talk to Telegram: no error names the address with the token, and the library still works as we use it."""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from telegram import Bot

from bot.channels import Busy, Outgoing, Sending
from bot.channels.telegram.request import PlainBot, open_bot
from tests.kit.botapi.server import TOKEN, BotApi
from tests.kit.telegram import channel_to

SECRET = TOKEN.partition(":")[2]


@asynccontextmanager
async def redirecting() -> AsyncIterator[str]:
    """A server that sends everybody round in circles, to which aiohttp answers with an error that names the address."""

    async def go_round(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(request.path)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", go_round)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_an_error_that_names_the_address_does_not_bring_the_token_out(server, settings, caplog):
    caplog.set_level(logging.DEBUG)
    async with redirecting() as url:
        channel = channel_to(server, settings, api_url=url)
        with pytest.raises(Busy) as raised:
            await channel.send(Sending("42", Outgoing("hello"), 1))
        await channel.close()

    told = caplog.text + "".join(traceback.format_exception(raised.value))
    assert "TooManyRedirects" in told
    assert SECRET not in told


async def test_the_library_sends_its_own_calls_through_the_private_method_that_we_use(server: BotApi):
    calls: list[tuple[str, dict[str, Any]]] = []

    class Watched(PlainBot):
        async def _post(self, endpoint: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
            calls.append((endpoint, dict(data or {})))
            return await super()._post(endpoint, data, **options)

    bot = Watched(server.token, base_url=f"{server.url}/bot")
    async with bot:
        await bot.delete_webhook()

    assert [endpoint for endpoint, _ in calls] == ["getMe", "deleteWebhook"]
    wanted = {"self", "endpoint", "data", "read_timeout", "write_timeout", "connect_timeout", "pool_timeout"}
    assert set(inspect.signature(Bot._post).parameters) == wanted | {"api_kwargs"}


async def test_a_call_gives_plain_json_and_leaves_out_what_is_none(server: BotApi, patient):
    bot = open_bot(server.token, server.url, timedelta(seconds=5))
    message = await bot.call("sendMessage", chat_id=patient.id, text="hello", reply_markup=None)
    await bot.disconnect()

    assert (type(message), message["text"]) == (dict, "hello")
    [sent] = [parameters for method, parameters in server.log if method == "sendMessage"]
    assert sorted(sent) == ["chat_id", "text"]


async def test_connections_are_let_go_and_opened_again(server: BotApi):
    bot = open_bot(server.token, server.url, timedelta(seconds=5))
    for _ in range(2):
        assert (await bot.call("getMe"))["is_bot"]
        sessions = [request._session for request in bot._request if request._session is not None]
        await bot.disconnect()
        assert [session.closed for session in sessions] == [True]
