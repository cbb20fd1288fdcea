"""Made-up and real patients never come together in one database, whatever order the commands are given in."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.kit.serving import serving as served
from tests.kit.wire import unused_port

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "bot.cli.main")
INIT = (
    "init",
    "--name",
    "St. Anna",
    "--time-zone",
    "Europe/Amsterdam",
    "--country",
    "NL",
    "--emergency",
    "112",
    "--crisis-line",
    "113",
)
INIT += ("--day", "+31 20 123 4567", "--always", "+31 20 123 4568", "--hours", "mo-fr 09:00-17:00", "--holidays", "")
INIT += ("--languages", "en")
ADD = ("nurse", "add", "Kim", "kim@clinic.example")
WRITES = [("run",), ("chat",), ADD, ("nurse", "disable", "Kim"), ("nurse", "reset", "Kim")]
REAL, DEMO = Path("data/cordwatch.db"), Path("data/demo.db")
BEGINS = "/start\nEnglish\nYes, I agree\nI am the patient\n"


def environ(database: Path | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
    kept |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "BOT_LISTEN": f"127.0.0.1:{unused_port()}"}
    return kept if database is None else kept | {"BOT_DATABASE": str(database)}


def cordwatch(*arguments: str, database: Path | None = None, typed: str = "") -> subprocess.CompletedProcess[str]:
    command, settings = [*COMMAND, *arguments], environ(database)
    return subprocess.run(command, input=typed, env=settings, capture_output=True, text=True, timeout=120)


@contextmanager
def serving(*arguments: str) -> Iterator[str]:
    """A service that is ready: what it says then."""
    with served([*COMMAND, "run", *arguments], environ()) as said:
        yield said


def becomes_real() -> None:
    assert cordwatch(*INIT).returncode == 0


def write(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def kept(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir() if not one.name.endswith("-shm")}


def refused(*arguments: str, database: Path) -> str:
    """What it says; it has written nothing."""
    before = kept(database.parent)
    done = cordwatch(*arguments, database=database, typed=BEGINS)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert {name: one for name, one in kept(database.parent).items() if one or name in before} == before
    assert f"{database}: " in done.stderr
    assert "Set BOT_DATABASE to another file" in done.stderr
    return done.stderr


@pytest.fixture
def demo() -> Path:
    """The database of a demo clinic that somebody has talked to, and nothing more."""
    assert cordwatch("chat", typed=BEGINS).returncode == 0
    return DEMO


@pytest.fixture
def real() -> Path:
    """A real clinic's that a patient has talked to."""
    becomes_real()
    assert cordwatch("chat", typed=BEGINS).returncode == 0
    return REAL


def test_each_clinic_has_a_database_of_its_own(demo):
    assert not REAL.exists()
    becomes_real()
    cordwatch(*ADD)
    assert REAL.exists()


def test_run_demo_runs_the_demo_clinic_beside_a_clinic_toml():
    becomes_real()
    with serving("--demo") as said:
        assert "serves Demo Cancer Centre (DEMO" in said
        assert f"  Database   {DEMO}\n" in said
    with serving() as said:
        assert "serves St. Anna." in said
        assert f"  Database   {REAL}\n" in said


def test_demo_patients_of_a_real_clinic_are_refused(real):
    for command in (("run", "--demo"), ("demo", "--clear")):
        done = cordwatch(*command, "--config", "clinic.toml")
        assert (done.returncode, done.stdout) == (1, "")
        assert "clinic.toml: not the demo clinic" in done.stderr


def test_clearing_the_demo_leaves_a_real_clinic_as_it_is(real):
    before = kept(real.parent)
    assert cordwatch("demo", "--clear").stdout == "0 made-up patients are forgotten.\n"
    assert {name: one for name, one in kept(real.parent).items() if name in before} == before


@pytest.mark.parametrize("command", [*WRITES, ("worklist",), ("nurse", "list")], ids=" ".join)
def test_a_real_clinic_never_opens_the_demos_database(command, demo):
    becomes_real()
    assert "move this one away" in refused(*command, database=demo)


@pytest.mark.parametrize("command", WRITES, ids=" ".join)
def test_the_demo_clinic_never_writes_to_a_real_clinics_database(command, real):
    Path("clinic.toml").unlink()
    refused(*command, database=real)


def test_run_demo_never_writes_to_a_real_clinics_database(real):
    refused("run", "--demo", database=real)


def test_a_real_clinic_without_patients_yet_has_its_database_for_itself():
    becomes_real()
    cordwatch(*ADD)
    refused("run", "--demo", database=REAL)


def test_a_service_of_the_demo_takes_no_order_from_a_real_clinic():
    becomes_real()
    with serving("--demo"):
        assert cordwatch(*ADD, database=DEMO).stdout == ""
    assert cordwatch(*ADD, database=DEMO).returncode == 1


@pytest.mark.parametrize(
    "sign",
    [
        "insert into settings values ('demo_filled', '2026-11-01T09:00:00+00:00')",
        "update patients set channel = 'demo'",
    ],
)
def test_made_up_patients_of_before_the_mark_are_one_too(sign, demo):
    write(demo, "delete from settings where key = 'demo'", sign)
    becomes_real()
    refused("run", database=demo)


def test_real_patients_of_before_the_mark_are_one_too(real):
    write(real, "delete from settings where key = 'demo'")
    refused("run", "--demo", database=real)


def test_a_clinic_that_cleared_its_demo_before_the_mark_goes_on(real):
    write(real, "delete from settings where key = 'demo'", "insert into settings values ('demo_filled', 'cleared')")
    assert cordwatch(*ADD).returncode == 0
    refused("run", "--demo", database=real)


@pytest.mark.parametrize(("files", "clinic"), [((), "--demo"), (("clinic.toml",), "")])
def test_make_run_serves_the_clinic_that_is_set_up(files, clinic, tmp_path):
    for name in files:
        (tmp_path / name).touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    clean = {name: value for name, value in environ().items() if not name.startswith(("MAKE", "MFLAGS"))}
    would = subprocess.run(
        ["make", "-n", "-o", "install", "run"], env=clean, capture_output=True, text=True, check=True
    )
    assert would.stdout.strip().partition("cordwatch run")[2].strip() == clinic
