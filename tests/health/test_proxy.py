"""What the documented reverse proxy lets through: patients' and nurses' pages, and not how the service does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.web.server import bound, web_server
from tests.kit.wire import unused_port

pytestmark = pytest.mark.asyncio(loop_scope="module")
CADDYFILE = Path(__file__).parents[2] / "docs/Caddyfile"


async def show(request: Request) -> PlainTextResponse:
    return PlainTextResponse("shown")


@asynccontextmanager
async def service() -> AsyncIterator[int]:
    """Something that shows every page."""
    door = bound("127.0.0.1", 0)
    server: uvicorn.Server = web_server(Starlette(routes=[Route("/{path:path}", show)]), "127.0.0.1", 0, ())
    serving = asyncio.create_task(server.serve([door]))
    try:
        yield int(door.getsockname()[1])
    finally:
        server.should_exit = True
        await serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxied(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The documented Caddyfile between us and a service, without its certificate."""
    directory, port = tmp_path_factory.mktemp("caddy"), unused_port()
    async with service() as behind:
        site = CADDYFILE.read_text().replace("check.example.org", f"http://127.0.0.1:{port}")
        assert "127.0.0.1:8080" in site
        (directory / "Caddyfile").write_text(
            "{\n\tadmin off\n}\n" + site.replace("127.0.0.1:8080", f"127.0.0.1:{behind}")
        )
        command = ("caddy", "run", "--config", str(directory / "Caddyfile"), "--adapter", "caddyfile")
        with (directory / "log").open("wb") as log:
            environ = {"HOME": str(directory), "PATH": "/usr/bin:/usr/local/bin:/bin"}
            caddy = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, env=environ)
        try:
            await answers(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            caddy.terminate()
            await caddy.wait()


async def answers(url: str) -> None:
    async with asyncio.timeout(20), httpx.AsyncClient(base_url=url) as client:
        while True:
            try:
                await client.get("/chat")
                return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/metrics",
        "/health/",
        "/metrics/",
        "/HEALTH",
        "/%6detrics",
        "/./metrics",
        "/health?x=1",
        "/metrics/x",
    ],
)
async def test_how_the_service_does_is_not_shown_outside(proxied, path):
    async with httpx.AsyncClient(base_url=proxied) as client:
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/chat", "/console/worklist", "/telegram", "/healthy"])
async def test_everything_else_is(proxied, path):
    async with httpx.AsyncClient(base_url=proxied) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.text) == (200, "shown")


async def test_connections_of_patients_who_left_are_let_go():
    """With an interval of -1 Caddy keeps them; it hands event streams on at once without."""
    assert "flush_interval" not in CADDYFILE.read_text()
