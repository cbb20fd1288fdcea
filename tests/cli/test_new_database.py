"""A clinic's database is begun only by whoever asks for a new one; nothing is made in the place of a lost one."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_demo_database import ADD, BEGINS, DEMO, INIT, REAL
from tests.cli.test_demo_database import cordwatch as as_a_process
from tests.kit.command import cordwatch

WRITES = [("run",), ("chat",), ADD, ("nurse", "disable", "Kim"), ("nurse", "reset", "Kim")]
READS = [("worklist",), ("transcript", "x"), ("nurse", "list"), ("audit", "verify"), ("status",)]
LOST = ["gone", "empty", "unmounted", "mistyped", "copied without its log"]


@pytest.fixture(autouse=True)
def _real_clinic() -> None:
    assert cordwatch(*INIT).exit_code == 0


def lose(how: str) -> Path:
    """Where the settings look for the database, after it was lost in this way."""
    match how:
        case "gone":
            REAL.unlink()
        case "empty":
            REAL.write_bytes(b"")
        case "unmounted":
            REAL.rename("elsewhere.db")
            for left in REAL.parent.iterdir():
                left.unlink()
            REAL.parent.rmdir()
        case "mistyped":
            return REAL.with_name("cordwacht.db")
        case _:
            with closing(sqlite3.connect(REAL.with_name("young.db"))) as db:
                db.execute("pragma journal_mode = wal")
                db.execute("pragma user_version = 0")
            return REAL.with_name("young.db")
    return REAL


def everything() -> dict[str, bytes]:
    return {str(one): one.read_bytes() for one in sorted(Path().rglob("*")) if one.is_file()}


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("command", [*WRITES, *READS], ids=" ".join)
def test_a_lost_database_is_never_begun_anew(command, how):
    database = lose(how)
    before = everything()
    done = cordwatch(*command, BOT_DATABASE=str(database))
    assert (done.exit_code, done.stdout) == (1, "")
    assert everything() == before
    if command != ("status",):
        assert f"{database}: there is no clinic's database here" in done.stderr
        assert "`cordwatch restore`" in done.stderr
        assert "`cordwatch init`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [("worklist",), ("nurse", "list"), ("audit", "verify")], ids=" ".join)
def test_what_only_reads_leaves_the_folder_as_it_was(command):
    before = everything()
    assert cordwatch(*command).exit_code == 0
    assert everything() == before


def test_init_begins_the_database_and_keeps_one_that_is_there():
    assert REAL.stat().st_mode & 0o777 == 0o600
    assert cordwatch(*ADD).exit_code == 0
    again = cordwatch(*INIT, "--force")
    assert (again.exit_code, f"{REAL} is kept as it is" in again.stdout) == (0, True)
    assert "Kim" in cordwatch("nurse", "list").stdout


def test_init_begins_the_database_that_the_service_is_told_to_use():
    made = cordwatch(*INIT, "other.toml", BOT_DATABASE="srv/clinic.db")
    assert (made.exit_code, "srv/clinic.db" in made.stdout) == (0, True)
    assert cordwatch("worklist", "-c", "other.toml", BOT_DATABASE="srv/clinic.db").exit_code == 0


def test_a_new_database_can_be_asked_for_once():
    lose("gone")
    asked: subprocess.CompletedProcess[str] = as_a_process("chat", "--new-database", typed=BEGINS)
    assert asked.returncode == 0, asked.stderr
    again = cordwatch("chat", "--new-database")
    assert (again.exit_code, f"{REAL}: there is a database already" in again.stderr) == (1, True)
    assert cordwatch("worklist").exit_code == 0


def test_what_a_lost_database_left_behind_is_not_taken_for_the_new_ones():
    lose("gone")
    Path(f"{REAL}-wal").write_bytes(b"x" * 100)
    done = cordwatch("run", "--new-database")
    assert (done.exit_code, REAL.exists()) == (1, False)
    assert f"{REAL}-wal belongs to a database that is gone" in done.stderr


def test_somebody_elses_database_is_left_alone():
    with closing(sqlite3.connect(REAL.with_name("recipes.db"))) as db:
        db.execute("create table recipes (name text)")
    before = everything()
    for command in (("run",), ("run", "--new-database"), ("worklist",), ADD):
        done = cordwatch(*command, BOT_DATABASE="data/recipes.db")
        assert (done.exit_code, "another program's database" in done.stderr) == (1, True), done.output
    assert everything() == before


def test_the_demo_clinic_works_without_anything():
    Path("clinic.toml").unlink()
    assert as_a_process("chat", typed=BEGINS).returncode == 0
    assert DEMO.exists()
