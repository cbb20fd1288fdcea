"""Requests that begin and never end, and room for many pages."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.web.server import HeaderTimeoutProtocol, allow_many_connections, bound
from tests.kit.web_chat import until

HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n"


class Hasty(HeaderTimeoutProtocol):
    head_within_s = 0.1


async def slowly(request: Request) -> PlainTextResponse:
    await asyncio.sleep(float(request.query_params.get("wait", "0")))
    return PlainTextResponse("here")


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    app = Starlette(routes=[Route("/", slowly)])
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, http=Hasty, log_level="warning", lifespan="off", timeout_keep_alive=1)
    )
    serving = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


@pytest.mark.parametrize("sent", [b"", b"G", HEAD], ids=["nothing", "a letter", "half a head"])
@pytest.mark.parametrize("is_second", [False, True], ids=["first", "second"])
async def test_a_request_that_never_ends_is_given_up(port, sent, is_second):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    if is_second:
        writer.write(HEAD + b"\r\n")
        await reader.readuntil(b"here")
    writer.write(sent)
    async with asyncio.timeout(3):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_a_slow_answer_is_waited_for(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /?wait=0.3 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert b"here" in await reader.read()
    writer.close()
    await writer.wait_closed()


def test_there_is_room_for_a_thousand_pages():
    assert allow_many_connections() >= 2000


async def test_the_end_of_an_answer_does_not_wait_for_its_beginning_to_be_acknowledged():
    is_quick: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def met(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        is_quick.set_result(bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    door = bound("127.0.0.1", 0)
    async with await asyncio.start_server(met, sock=door):
        _, writer = await asyncio.open_connection(*door.getsockname())
        assert await is_quick
        writer.close()
        await writer.wait_closed()
