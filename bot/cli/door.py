"""The administrator's door: a socket beside the database, by which commands reach the service that runs on it.

A connection carries one line each way. The file is its owner's alone, and whoever opens the door has little room and
little time, so that nothing said there holds up patients.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("cordwatch.door")

LONGEST_PATH = 100
"""Bytes of a socket's path that every Unix takes."""
LONGEST_LINE = 64 * 1024
WITHIN_S = 5.0
ANSWERED_WITHIN_S = 2 * WITHIN_S
MOST_AT_ONCE = 8

Answer = Callable[[bytes], Awaitable[bytes]]
"""Gives the line to answer a line with; raises nothing."""


class DoorShut(Exception):
    """A service runs here and cannot be spoken to."""


def door_of(database: Path) -> Path:
    """Where the service that runs on this database can be spoken to."""
    return database.with_name(f"{database.name}.door")


async def keep_open(path: Path, answer: Answer, within_s: float = WITHIN_S) -> None:
    """Answers until cancelled; for ever does nothing where the path is too long for a socket."""
    guests: set[asyncio.Task[None]] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(guests) >= MOST_AT_ONCE:
            writer.close()
            return
        guest = asyncio.create_task(_converse(reader, writer, answer, within_s))
        guests.add(guest)
        guest.add_done_callback(guests.discard)

    door = _bound(path)
    if door is None:
        await asyncio.get_running_loop().create_future()
    server = await asyncio.start_unix_server(meet, sock=door, limit=LONGEST_LINE)
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        server.close()
        for guest in guests:
            guest.cancel()
        await asyncio.gather(*guests, return_exceptions=True)
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - on the way out, and quick


def ask(path: Path, line: bytes, within_s: float = ANSWERED_WITHIN_S) -> bytes | None:
    """What the service answers; None when none runs. Raises DoorShut."""
    if len(bytes(path)) > LONGEST_PATH:
        return None
    try:
        return _asked(path, line, within_s)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except OSError as error:
        why = error.strerror or "it does not answer"
        raise DoorShut(
            f"{path}: the service cannot be spoken to ({why}); run this as the user who runs the service, or try again"
        ) from error


def _asked(path: Path, line: bytes, within_s: float) -> bytes:
    with socket.socket(socket.AF_UNIX) as service:
        service.settimeout(within_s)
        service.connect(str(path))
        service.sendall(line + b"\n")
        with service.makefile("rb") as answer:
            if heard := answer.readline():
                return heard
    raise ConnectionResetError


def _bound(path: Path) -> socket.socket | None:
    """The door, not yet open. What an earlier life of the service left there gives way."""
    if len(bytes(path)) > LONGEST_PATH:
        log.warning("%s is too long a path for a socket; commands cannot reach this service", path)
        return None
    if path.is_socket():
        path.unlink()
    door = socket.socket(socket.AF_UNIX)
    try:
        door.bind(str(path))
    except OSError as error:
        door.close()
        log.warning("%s cannot be made (%s); commands cannot reach this service", path, error.strerror)
        return None
    path.chmod(0o600)  # before anybody can connect: nothing listens yet
    return door


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer, within_s: float
) -> None:
    """One line and its answer; a line that is too long or does not end in time has none."""
    with suppress(TimeoutError, ValueError, OSError):
        async with asyncio.timeout(within_s):
            writer.write(await answer(await reader.readline()) + b"\n")
            await writer.drain()
    writer.close()
