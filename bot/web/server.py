"""The web server: its address, its patience with requests that never end, and room for many open pages."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

STOP_WITHIN_S = 1
HEAD_WITHIN_S = 10


class AddressTaken(Exception):
    """Somebody else listens there."""


class HeaderTimeoutProtocol(H11Protocol):
    """HTTP whose every request must have arrived up to the end of its head within `head_within_s` of its beginning.

    uvicorn itself waits for ever. A connection between two requests is uvicorn's `timeout_keep_alive`.
    """

    head_within_s: ClassVar[float] = HEAD_WITHIN_S
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._relax()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._relax()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.head_within_s, self.transport.close)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def allow_many_connections() -> int:
    """Raises the number of files this process may open as far as it is allowed to, and returns it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def web_server(app: ASGIApp, host: str, port: int, trusted_proxies: Sequence[str]) -> WebServer:
    """`trusted_proxies`: whose X-Forwarded-For is believed."""
    return WebServer(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies) or None,
            timeout_graceful_shutdown=STOP_WITHIN_S,
            timeout_keep_alive=HEAD_WITHIN_S,
            lifespan="off",
            http=HeaderTimeoutProtocol,
        )
    )


def bound(host: str, port: int) -> socket.socket:
    """The web server's door. Raises AddressTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # named TCP, or asyncio leaves Nagle's algorithm on and the body of an answer waits 40 ms behind its head
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise AddressTaken(
            f"the address {host}:{port} cannot be listened on ({error.strerror}); stop what uses it, or set BOT_LISTEN "
            "to another one, such as 127.0.0.1:8081"
        ) from error
    return door


class WebServer(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
