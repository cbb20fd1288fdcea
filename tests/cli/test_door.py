"""The administrator's door: commands reach the service while it runs, and nothing else that is said there does harm."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bot.channels import ChannelStatus
from bot.cli.door import LONGEST_LINE, MOST_AT_ONCE, DoorShut, ask, door_of, keep_open
from bot.cli.office import Office
from bot.console.accounts import Accounts
from bot.health.look import Health
from tests.journeys.test_web_chat import Clinic
from tests.kit.clinic import TestClinic
from tests.kit.web_chat import until

PASSWORD = "correct horse battery"


async def echo(line: bytes) -> bytes:
    return b"heard " + line.strip()


@asynccontextmanager
async def opened(path: Path, within_s: float = 5) -> AsyncIterator[Path]:
    keeping = asyncio.create_task(keep_open(path, echo, within_s))
    await until(lambda: can_connect(path))
    try:
        yield path
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


def can_connect(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as knock:
        return knock.connect_ex(str(path)) == 0


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Short enough for a socket, wherever the tests keep their files."""
    monkeypatch.chdir(tmp_path)
    return Path("clinic.db.door")


# --- the door itself


async def test_what_is_asked_is_answered_and_the_file_is_its_owners_alone(path):
    async with opened(path):
        assert await asyncio.to_thread(ask, path, b"hello") == b"heard hello\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_where_no_service_runs_nobody_answers(path):
    assert ask(path, b"hello") is None


async def test_a_file_left_by_a_service_that_died_is_nobody_and_gives_way(path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert ask(path, b"hello") is None

    async with opened(path):
        assert await asyncio.to_thread(ask, path, b"hello") == b"heard hello\n"


async def test_a_file_of_somebody_else_s_in_its_place_is_kept(path, caplog):
    path.write_text("precious")
    keeping = asyncio.create_task(keep_open(path, echo))
    await until(lambda: "cannot be made" in caplog.text)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert path.read_text() == "precious"


async def test_a_path_too_long_for_a_socket_is_told_and_the_service_goes_on(tmp_path, caplog):
    path = tmp_path / ("x" * 120)
    keeping = asyncio.create_task(keep_open(path, echo))
    await until(lambda: "too long a path" in caplog.text)
    assert not keeping.done()
    assert ask(path, b"hello") is None
    keeping.cancel()


@pytest.mark.parametrize(
    "said", [b"x" * (LONGEST_LINE * 4), b"", b"no end of line"], ids=["oversized", "nothing", "unfinished"]
)
async def test_who_sends_too_much_or_too_little_is_sent_away_and_the_next_is_answered(path, said):
    async with opened(path, within_s=0.1):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(said)
        async with asyncio.timeout(5):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readuntil(b"\n")
        writer.close()
        assert await asyncio.to_thread(ask, path, b"hello") == b"heard hello\n"


async def test_only_a_few_are_heard_at_once(path):
    async with opened(path, within_s=60):
        waiting = [await asyncio.open_unix_connection(str(path)) for _ in range(MOST_AT_ONCE + 5)]
        with pytest.raises(DoorShut):
            await asyncio.to_thread(ask, path, b"hello")
        for _, writer in waiting:
            writer.close()
        assert await _answered(path) == b"heard hello\n"


async def _answered(path: Path) -> bytes | None:
    async with asyncio.timeout(5):
        while True:
            with suppress(DoorShut):
                return await asyncio.to_thread(ask, path, b"hello")


# --- what can be asked for


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with TestClinic.opened(tmp_path / "clinic.db") as clinic:
        desk = clinic.store.desk
        health = Health(clinic.store, clinic.clock, lambda: {"telegram": ChannelStatus("wrong token")})
        yield Office(desk, Accounts(desk, clinic.clock), "http://clinic", health)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"null",
        b"[" * 60_000,
        b'{"do": "rm -rf"}',
        b'{"do": "nurse add"}',
        b'{"do": "nurse list", "as": "root"}',
        b'{"do": "nurse add", "name": "", "email": "a@b", "role": "nurse", "languages": ["en"]}',
        b'{"do": "nurse add", "name": "Kim", "email": "a@b", "role": "god", "languages": ["en"]}',
        b'{"do": "nurse add", "name": "Kim", "email": "a@b", "role": "nurse", "languages": []}',
        json.dumps({"do": "nurse disable", "name_or_email": "x" * 201}).encode(),
    ],
    ids=lambda line: line[:40].decode(errors="replace"),
)
async def test_what_makes_no_sense_is_answered_so_and_changes_nothing(office, line):
    reply = json.loads(await office.answer(line))
    assert reply["lines"] == []
    assert "does not understand" in reply["wrong"]
    assert await office.desk.nurses() == []


async def test_the_status_of_a_service_in_trouble_says_which(office):
    reply = json.loads(await office.answer(b'{"do": "status"}'))
    assert reply["lines"][0].startswith("Health     red")
    assert "Channel    telegram: wrong token" in reply["lines"]
    assert reply["wrong"].startswith("telegram is down: wrong token; ")


async def test_a_command_that_fails_is_told_and_the_next_is_answered(office):
    broken = replace(office, desk=None)
    assert "AttributeError" in json.loads(await broken.answer(b'{"do": "nurse list"}'))["wrong"]
    assert json.loads(await office.answer(b'{"do": "nurse list"}')) == {"lines": [], "wrong": None}


# --- the commands and the real service


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    clinic = Clinic(tmp_path)
    await clinic.start()
    await until(lambda: door_of(clinic.database).is_socket())
    yield clinic
    await clinic.stop()


async def cordwatch(clinic: Clinic, *arguments: str) -> tuple[int, str]:
    """Exit code and what is printed."""
    command = (sys.executable, "-m", "bot.cli.main", *arguments)
    options = {"cwd": clinic.directory, "env": clinic.environment, "capture_output": True, "text": True}
    done = await asyncio.to_thread(subprocess.run, command, input="", **options)
    return done.returncode, done.stderr + done.stdout


async def signs_in(clinic: Clinic) -> int:
    async with httpx.AsyncClient(base_url=clinic.url) as browser:
        fields = {"email": "kim@clinic.example", "password": PASSWORD}
        return (await browser.post("/console/sign-in", data=fields)).status_code


async def test_a_nurse_added_while_the_service_runs_signs_in_and_one_disabled_does_not(clinic):
    code, printed = await cordwatch(clinic, "nurse", "add", "Kim Bos", "kim@clinic.example", "--language", "nl")
    assert (code, "Kim Bos is a nurse now." in printed) == (0, True)
    async with httpx.AsyncClient() as browser:
        await browser.post(printed.split()[-1], data={"password": PASSWORD, "again": PASSWORD})
    assert await signs_in(clinic) == 303

    assert "Kim Bos\tkim@clinic.example\tnurse\tnl\tactive" in (await cordwatch(clinic, "nurse", "list"))[1]
    taken = await cordwatch(clinic, "nurse", "add", "Kim Bos", "other@clinic.example")
    assert (taken[0], "another account has this name" in taken[1]) == (1, True)
    assert (await cordwatch(clinic, "nurse", "disable", "Kim Bos"))[0] == 0
    assert await signs_in(clinic) != 303
    assert (await cordwatch(clinic, "nurse", "disable", "Nobody"))[0] == 1


async def test_the_status_of_the_running_service_shows_health_channels_and_what_waits(clinic):
    code, printed = await cordwatch(clinic, "status")
    assert code == 0
    assert "Health     green" in printed
    assert {"web", "terminal", "demo"} == set(re.findall(r"Channel    (\S+): works", printed))
    assert "Waiting    0 chats" in printed


async def test_a_chat_beside_the_running_service_is_in_the_web_chat(clinic):
    code, printed = await cordwatch(clinic, "chat")
    assert (code, f"{clinic.url}/chat" in printed, "Traceback" in printed) == (1, True, False)


async def test_garbage_and_floods_at_the_door_harm_nobody(clinic):
    door = door_of(clinic.database)
    for said in (b"\0" * LONGEST_LINE * 3, b"GET / HTTP/1.1\r\n\r\n", b"{", b"\n\n\n"):
        with socket.socket(socket.AF_UNIX) as guest, suppress(OSError):
            guest.connect(str(door))
            guest.sendall(said)
    assert (await cordwatch(clinic, "status"))[0] == 0
    async with httpx.AsyncClient(base_url=clinic.url) as browser:
        assert (await browser.get("/chat")).status_code == 200


async def test_commands_work_without_the_service_after_it_was_killed_and_with_the_next_one(clinic):
    clinic.process.kill()
    await clinic.process.wait()
    assert door_of(clinic.database).is_socket()
    code, printed = await cordwatch(clinic, "status")
    assert (code, "no service runs" in printed) == (1, True)
    assert (await cordwatch(clinic, "nurse", "add", "Kim Bos", "kim@clinic.example"))[0] == 0

    await clinic.start()
    await until(lambda: can_connect(door_of(clinic.database)))
    assert "Kim Bos" in (await cordwatch(clinic, "nurse", "list"))[1]
    assert stat.S_IMODE(door_of(clinic.database).stat().st_mode) == 0o600


async def test_the_start_names_commands_as_the_service_itself_was_started(clinic):
    log = (clinic.directory / "log").read_text()
    assert f"{sys.executable} -m bot.cli.main nurse add" in log
    assert f"{sys.executable} -m bot.cli.main init" in log
