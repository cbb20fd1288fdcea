"""The supervisor hears, on its own socket, that the service is ready and well; nothing once a restart would help."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.health.watchdog import ALIVE, READY, Supervisor


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What NOTIFY_SOCKET leads to."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("notify")
        heard.setblocking(False)
        yield heard


async def hears(systemd: socket.socket) -> str:
    async with asyncio.timeout(10):
        return (await asyncio.get_running_loop().sock_recv(systemd, 100)).decode()


async def well() -> bool:
    return True


async def test_it_is_told_that_the_service_is_ready(systemd):
    Supervisor({"NOTIFY_SOCKET": "notify"}).tell(READY)
    assert await hears(systemd) == READY


async def test_it_hears_again_and_again_that_the_service_lives(systemd):
    feeding = asyncio.create_task(Supervisor({"NOTIFY_SOCKET": "notify", "WATCHDOG_USEC": "30000"}).feed(well))
    assert [await hears(systemd) for _ in range(3)] == [ALIVE] * 3
    feeding.cancel()


async def test_it_hears_nothing_any_more_once_a_new_start_would_mend_something(systemd, caplog):
    answers = iter([True, False, False, True])
    ended = asyncio.Event()

    async def is_better_left_alone() -> bool:
        answer = next(answers, None)
        if answer is None:
            ended.set()
            await asyncio.get_running_loop().create_future()
        return bool(answer)

    supervisor = Supervisor({"NOTIFY_SOCKET": "notify", "WATCHDOG_USEC": "3000"})
    feeding = asyncio.create_task(supervisor.feed(is_better_left_alone))
    await ended.wait()
    assert [await hears(systemd) for _ in range(2)] == [ALIVE] * 2
    with pytest.raises(BlockingIOError):
        systemd.recv(100)
    assert "starts it anew" in caplog.text
    feeding.cancel()


def test_a_socket_without_a_file_is_found():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0cordwatch-test-notify")
        Supervisor({"NOTIFY_SOCKET": "@cordwatch-test-notify"}).tell(READY)
        assert heard.recv(100).decode() == READY


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/notify"}])
def test_without_a_supervisor_nothing_is_told_and_nothing_fails(environ):
    Supervisor(environ).tell(READY)


@pytest.mark.parametrize(
    ("environ", "every_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 20.0),
        ({"WATCHDOG_USEC": "3000000"}, 1.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_it_is_told_three_times_as_often_as_it_demands(environ, every_s):
    assert Supervisor(environ).every_s == every_s
