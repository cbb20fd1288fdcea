"""The real process with a fault in one of its tasks: it is named within two minutes, and nobody else is harmed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.health.watchdog import ALIVE, READY, STOPPING
from tests.journeys.test_web_chat import Clinic
from tests.kit import faulty
from tests.kit.web_chat import until

Looked = dict[str, Any]


class FaultyClinic(Clinic):
    def __init__(self, directory: Path, faults: str, **settings: str) -> None:
        super().__init__(directory)
        self.command = (*faulty.COMMAND, faults, "run")
        self._settings = settings

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | self._settings

    @property
    def output(self) -> str:
        return (self.directory / "log").read_text()

    async def health(self) -> Looked:
        async with httpx.AsyncClient(base_url=self.url) as client:
            answer = await client.get("/health")
        return {"code": answer.status_code, **answer.json()}

    async def until_health(self, is_wanted: Callable[[Looked], bool]) -> Looked:
        async with asyncio.timeout(30):
            while not is_wanted(looked := await self.health()):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        return looked


@asynccontextmanager
async def broken(directory: Path, faults: str, **settings: str) -> AsyncIterator[FaultyClinic]:
    clinic = FaultyClinic(directory, faults, **settings)
    await clinic.start()
    try:
        yield clinic
    finally:
        if clinic.process.returncode is None:
            await clinic.stop()


@pytest.mark.parametrize(
    ("fault", "task", "error"),
    [
        ("outbox-returns", "outbox", "returned"),
        ("outbox-is-cancelled", "outbox", "was cancelled from within"),
        ("outbox-raises", "outbox", "RuntimeError"),
        ("watch-raises", "unseen advice", "RuntimeError"),
        ("wake-raises", "wakes", "RuntimeError"),
        ("probe-raises", "nothing has gone the way of a patient's message", "RuntimeError"),
        ("wake-hangs", "wakes", "not ended a round"),
    ],
)
async def test_a_task_that_fails_each_time_is_red_by_name_and_the_pages_go_on(tmp_path, fault, task, error):
    async with broken(tmp_path, fault) as clinic:
        looked = await clinic.until_health(lambda one: one["code"] == 503)
        (reason,) = looked["reasons"]
        assert task in reason
        assert error in reason
        assert "legs" not in reason + clinic.output
        async with httpx.AsyncClient(base_url=clinic.url) as client:
            assert (await client.get("/chat")).status_code == 200


async def test_without_a_fault_it_stays_green(tmp_path):
    async with broken(tmp_path, "none") as clinic:
        await asyncio.sleep(3)
        assert (await clinic.health())["reasons"] == []


async def test_a_dead_writer_ends_the_process_with_a_message_and_a_code_that_is_not_0(tmp_path):
    async with broken(tmp_path, "writer-dies") as clinic:
        (tmp_path / "die").touch()
        async with asyncio.timeout(30):
            assert await clinic.process.wait() == 1
    assert "Error: the part that writes to the database has died" in clinic.output
    assert "the thread that writes has died: SystemExit" in clinic.output
    assert "Traceback" not in clinic.output


# --- what the machine's supervisor hears


@pytest.fixture
def systemd(tmp_path: Path) -> Any:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.setblocking(False)
        yield heard


def hearing(systemd: socket.socket) -> Callable[[], Awaitable[str]]:
    async def hear() -> str:
        async with asyncio.timeout(15):
            return (await asyncio.get_running_loop().sock_recv(systemd, 100)).decode()

    return hear


async def test_the_supervisor_hears_of_the_start_of_life_and_of_the_end(tmp_path, systemd):
    settings = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
    hear = hearing(systemd)
    async with broken(tmp_path, "none", **settings):
        assert [await hear() for _ in range(3)] == [READY, ALIVE, ALIVE]
    last = ALIVE
    while last == ALIVE:
        last = await hear()
    assert last == STOPPING


async def test_the_supervisor_hears_no_more_of_a_service_with_a_task_that_hangs(tmp_path, systemd):
    settings = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
    async with broken(tmp_path, "wake-hangs", **settings) as clinic:
        await clinic.until_health(lambda one: one["code"] == 503)
        await until(lambda: "no longer told that the service lives" in clinic.output)
        drain(systemd)
        await asyncio.sleep(1)
        with pytest.raises(BlockingIOError):
            systemd.recv(100)


def drain(heard: socket.socket) -> None:
    with suppress(BlockingIOError):
        while heard.recv(100):
            pass
