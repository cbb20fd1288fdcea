"""Terminals of a running service: its own, and those that sit down through a socket beside the database."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from bot.channels import Busy, Channel, Receive, Sending
from bot.channels.terminal.channel import TerminalChannel

log = logging.getLogger(__name__)
LOOK_AGAIN_AFTER = timedelta(seconds=2)
WRITE_WITHIN = struct.pack("ll", 2, 0)
LONGEST_PATH = 100
"""Bytes of a socket's path that every Unix takes."""


class Terminals(Channel):
    """Every terminal of one service by its address.

    `own`: the address of the one that the service runs in; `is_for_own`: it is there only for that conversation.
    `settled` returns once everything that was said to an address has been shown.
    """

    def __init__(
        self, path: Path, settled: Callable[[str], Awaitable[None]], own: str | None = None, is_for_own: bool = False
    ) -> None:
        super().__init__("terminal")
        self._path, self._settled, self._own, self._is_for_own = path, settled, own, is_for_own
        self._seats: dict[str, TerminalChannel] = {}
        self._guests: set[asyncio.Task[None]] = set()

    async def listen(self, receive: Receive) -> None:
        """Runs until cancelled; for its own conversation only until that ends."""
        welcoming = asyncio.create_task(self._welcome(receive))
        try:
            if self._own is not None:
                await self._sit(self._own, receive)
            if not self._is_for_own:
                await welcoming
        finally:
            for task in (welcoming, *self._guests):
                task.cancel()
            self._path.unlink(missing_ok=True)

    async def send(self, sending: Sending) -> str | None:
        seat = self._seats.get(sending.address)
        if seat is None:
            raise Busy("nobody sits at this terminal", LOOK_AGAIN_AFTER)
        try:
            return await seat.send(sending)
        except OSError as error:
            raise Busy("the terminal was left", LOOK_AGAIN_AFTER) from error

    async def _welcome(self, receive: Receive) -> None:
        if len(bytes(self._path)) > LONGEST_PATH:
            log.warning("%s is too long a path for a socket; `cordwatch chat` cannot join this service", self._path)
            await asyncio.get_running_loop().create_future()
        self._path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(self._path))
            self._path.chmod(0o600)
            door.listen()
            door.setblocking(False)
            while True:
                guest, _ = await asyncio.get_running_loop().sock_accept(door)
                task = asyncio.create_task(self._host(guest, receive))
                self._guests.add(task)
                task.add_done_callback(self._guests.discard)

    async def _host(self, guest: socket.socket, receive: Receive) -> None:
        guest.setblocking(True)
        guest.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, WRITE_WITHIN)
        with guest, guest.makefile("r", errors="replace") as lines, guest.makefile("w") as out, suppress(OSError):
            greeting = json.loads(await asyncio.to_thread(lines.readline))
            await self._sit(
                greeting["address"],
                receive,
                lines=lines,
                out=out,
                language_hint=greeting["language_hint"],
            )
            guest.shutdown(socket.SHUT_RDWR)

    async def _sit(self, address: str, receive: Receive, **seat: object) -> None:
        terminal = TerminalChannel(address, lambda: self._settled(address), **seat)  # type: ignore[arg-type]
        self._seats[address] = terminal
        try:
            await terminal.listen(receive)
        finally:
            if self._seats.get(address) is terminal:
                del self._seats[address]


def join(path: Path, address: str, language_hint: str | None = None) -> None:
    """Connects this terminal to the service whose socket is at `path`; returns when either side ends.

    Raises OSError when no service answers there.
    """
    with socket.socket(socket.AF_UNIX) as service:
        service.connect(str(path))
        greeting = {"address": address, "language_hint": language_hint}
        service.sendall(json.dumps(greeting).encode() + b"\n")

        def speak() -> None:
            with suppress(OSError):
                for line in sys.stdin:
                    service.sendall(line.encode(errors="replace"))
                service.shutdown(socket.SHUT_WR)

        threading.Thread(target=speak, daemon=True).start()
        with service.makefile("r", errors="replace") as heard:
            for line in heard:
                print(line, end="", flush=True)
