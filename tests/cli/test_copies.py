"""Copies that are proved: made while somebody talks, put back after the worst, and what is not whole is said to be."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_demo_database import ADD, BEGINS, INIT, REAL
from tests.cli.test_demo_database import cordwatch as as_a_process
from tests.kit.command import cordwatch
from tests.kit.wire import Bot, at_the_first_question, running


@pytest.fixture(scope="module")
def talked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clinic that a patient and an administrator have written to."""
    folder = tmp_path_factory.mktemp("talked")
    with contextlib.chdir(folder):
        assert cordwatch(*INIT).exit_code == 0
        assert as_a_process("chat", typed=f"{BEGINS}No\n").returncode == 0
        assert cordwatch(*ADD).exit_code == 0
    return folder


@pytest.fixture
def database(talked: Path) -> Path:
    shutil.copytree(talked, Path(), dirs_exist_ok=True)
    return REAL


def write(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def one(database: Path, query: str) -> Any:
    with closing(sqlite3.connect(database)) as db:
        return db.execute(query).fetchone()[0]


async def at_work(folder: Path, bot: Bot, first: int = 1, count: int = 3) -> None:
    """So many patients in the middle of a check."""
    for user in range(first, first + count):
        await at_the_first_question(bot, user)
    await bot.settles()


def asked(bot: Bot, *arguments: str) -> Any:
    return cordwatch(*arguments, **{name: value for name, value in bot.environment.items() if name.startswith("BOT_")})


# --- the running service


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with running(tmp_path) as bot:
        await at_work(tmp_path, bot)
        yield bot


async def test_a_copy_of_a_running_service_is_whole_proved_and_nobody_elses_business(bot, tmp_path):
    umask = os.umask(0o000)
    try:
        done = asked(bot, "backup", "copy.db")
    finally:
        os.umask(umask)
    assert done.exit_code == 0, done.output
    events = bot.one("select count(*) from events")
    assert f"3 patients, 3 checks, {events} events" in done.stdout
    assert f"--head {bot.one('select value from settings where key = ?', 'audit_head')}" in done.stdout
    copy = tmp_path / "copy.db"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert (one(copy, "select count(*) from events"), one(copy, "pragma integrity_check")) == (events, "ok")
    assert [left.name for left in tmp_path.iterdir() if "copy.db" in left.name] == ["copy.db"]
    proof = json.loads(bot.one("select value from settings where key = 'backup'"))
    assert (proof["file"], proof["events"], "Traceback" in bot.output) == ("copy.db", events, False)


async def test_after_kill_9_a_copy_is_put_back_and_what_it_lacks_is_named(bot, tmp_path):
    assert asked(bot, "backup", "copy.db").exit_code == 0
    await at_work(tmp_path, bot, first=4, count=1)
    refused = asked(bot, "restore", "copy.db")
    assert (refused.exit_code, "already works on this database; stop it first" in refused.stderr) == (1, True)
    before, late = bot.one("select count(*) from events"), bot.one("select patient from sessions where address = '4'")
    await bot.kill()

    done = asked(bot, "restore", "copy.db")
    assert done.exit_code == 0, done.output
    kept = one(bot.database, "select count(*) from events")
    assert f"Missing since the copy was made: 1 patients, 1 checks, {before - kept} events." in done.stdout
    assert late[-6:] in done.stdout
    (aside,) = tmp_path.glob("clinic.db.until-*Z")
    assert one(aside, "select count(*) from events") == before
    assert stat.S_IMODE(bot.database.stat().st_mode) == 0o600

    await bot.start()
    user = bot.telegram.user(1)
    await user.taps("No", within_s=20)
    await bot.settles()
    assert bot.one("select count(*) from events") > kept
    assert bot.one("pragma integrity_check") == "ok"


async def test_a_stopped_service_leaves_one_file_and_refuses_a_second_by_a_link(bot, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(bot.database)
    (tmp_path / "clinic.db.lock").unlink()
    second = as_a_process("run", database=link)
    assert (second.returncode, "already works on this database" in second.stderr) == (1, True)
    events = bot.one("select count(*) from events")
    assert await bot.end(signal.SIGTERM) == 0
    assert {left.name for left in tmp_path.glob("clinic.db*")} == {"clinic.db", "clinic.db.lock"}
    shutil.copy(bot.database, tmp_path / "alone.db")
    assert one(tmp_path / "alone.db", "select count(*) from events") == events


async def test_the_service_makes_copies_by_itself(tmp_path):
    async with running(tmp_path) as bot:
        await bot.end(signal.SIGTERM)
        settings = tmp_path / "clinic.toml"
        (tmp_path / "copies").mkdir()
        settings.write_text(f'{settings.read_text()}\n[backup]\ndirectory = "copies"\nevery = "5m"\nkeep = 2\n')
        await bot.start()
        async with asyncio.timeout(30):
            while bot.one("select value from settings where key = 'backup'") is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        (copy,) = (tmp_path / "copies").iterdir()
        assert json.loads(bot.one("select value from settings where key = 'backup'"))["file"] == str(copy)
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600


# --- what is not whole


def spoil_page(database: Path) -> None:
    """As a bad sector does."""
    with closing(sqlite3.connect(database)) as db:
        page = db.execute("select rootpage from sqlite_master where name = 'events'").fetchone()[0]
        size = db.execute("pragma page_size").fetchone()[0]
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(os.urandom(size))


FREE = ("drop trigger events_refuse_delete", "drop trigger events_refuse_update")
DAMAGES: dict[str, tuple[tuple[str, ...], str]] = {
    "bad page": ((), "a page"),
    "state": (("update sessions set state = 'closed'",), "its row says state closed"),
    "language": (("update sessions set language = 'nl'",), "its row says language nl"),
    "disposition": (("update sessions set disposition = '2w'",), "its row says disposition 2w"),
    "answers": (
        ("""update sessions set answers = '{"weakness": "yes"}'""",),
        "other answers than its events to",
    ),
    "length": (("update sessions set length = 1",), "its row says length 1"),
    "last event": ((*FREE, "delete from events where seq = (select max(seq) from events)"), "says length"),
    "event in between": ((*FREE, "delete from events where seq = 2"), "events are missing from its log"),
    "all events": ((*FREE, "delete from events"), "none of its events is there"),
    "an answer": ((*FREE, "update events set body = replace(body, '\"no\"', '\"yes\"')"), "other answers"),
    "audit": (("insert into audit values (99, 'a', 'b', 'c', 'd', 'e', 'f')",), "the audit is broken at"),
    "patient": (("delete from patients",), "points to a row of patients"),
}


def spoil(database: Path, how: str) -> None:
    statements, _ = DAMAGES[how]
    write(database, *statements)
    if how == "bad page":
        spoil_page(database)


@pytest.mark.parametrize("how", DAMAGES)
def test_whatever_is_not_whole_is_named_and_no_copy_of_it_counts_as_one(how, database):
    Path("copies").mkdir()
    assert cordwatch("db", "check").exit_code == 0
    assert cordwatch("backup", "good.db").exit_code == 0
    spoil(database, how)
    for command in (("db", "check"), ("backup", "copies", "--keep", "1")):
        done = cordwatch(*command)
        assert (done.exit_code, done.stdout, DAMAGES[how][1] in done.stderr) == (1, "", True), done.output
    assert [copy.name for copy in Path("copies").iterdir()] in ([], ["cordwatch.unproved"])

    restored = cordwatch("restore", "good.db")
    assert restored.exit_code == 0, restored.output
    assert cordwatch("db", "check").exit_code == 0


@pytest.mark.parametrize("how", ["bad page", "state", "event in between"])
def test_a_copy_that_is_not_whole_is_not_put_back(how, database):
    assert cordwatch("backup", "copy.db").exit_code == 0
    spoil(Path("copy.db"), how)
    before = database.read_bytes()
    done = cordwatch("restore", "copy.db")
    assert (done.exit_code, DAMAGES[how][1] in done.stderr) == (1, True), done.output
    assert database.read_bytes() == before
    assert sorted(left.name for left in database.parent.iterdir()) == [database.name, f"{database.name}.lock"]


def test_what_is_no_copy_of_a_clinic_is_not_put_back(database):
    write(Path("recipes.db"), "create table recipes (name text)")
    Path("text.db").write_text("my shopping list" * 100)
    assert cordwatch("backup", "newer.db").exit_code == 0
    write(Path("newer.db"), "update _sqlite_migrations set name = 'm999_from_the_future' where id = 1")
    before = database.read_bytes()
    for copy in ("recipes.db", "text.db", "newer.db", str(database)):
        done = cordwatch("restore", copy)
        assert (done.exit_code, done.stdout, copy in done.stderr) == (1, "", True), done.output
        assert "Traceback" not in done.stderr
    assert database.read_bytes() == before


def test_a_copy_never_takes_the_place_of_a_file(database):
    assert cordwatch("backup", "copy.db").exit_code == 0
    for target in ("copy.db", "clinic.toml", str(database), "gone/copy.db"):
        done = cordwatch("backup", target)
        assert (done.exit_code, target in done.stderr, "Traceback" in done.output) == (1, True, False), done.output
    assert Path("clinic.toml").read_text().startswith("# The settings")


def test_only_the_oldest_of_its_own_copies_are_taken_away(database):
    folder = Path("copies")
    folder.mkdir()
    others = ("cordwatch.db", "notes.txt", "cordwatch-20200101T000000Z.db.gz", "north-20200101T000000Z.db")
    for name in others:
        (folder / name).write_text("precious")
    for name in ("20200101T000000Z", "20200102T000000Z"):
        (folder / f"cordwatch-{name}.db").write_text("old")
    assert cordwatch("backup", "copies", "--keep", "2").exit_code == 0
    left = {one.name for one in folder.iterdir()} - set(others)
    assert (len(left), "cordwatch-20200102T000000Z.db" in left) == (2, True)
    assert [(folder / name).read_text() for name in others] == ["precious"] * 4


def test_a_lost_database_is_put_back_where_it_was(database):
    assert cordwatch("backup", "copy.db").exit_code == 0
    database.unlink()
    done = cordwatch("restore", "copy.db")
    assert (done.exit_code, "There was no database before" in done.stdout) == (0, True)
    assert "Kim" in cordwatch("nurse", "list").stdout


def test_a_copy_takes_the_place_of_what_cannot_be_read_at_all(database):
    assert cordwatch("backup", "copy.db").exit_code == 0
    database.write_bytes(b"x" * 8192)
    done = cordwatch("restore", "copy.db")
    assert (done.exit_code, "what it held beyond the copy is not known" in done.stdout) == (0, True), done.output
    (aside,) = database.parent.glob("cordwatch.db.until-*Z")
    assert aside.read_bytes() == b"x" * 8192
    assert "Kim" in cordwatch("nurse", "list").stdout


def test_a_demo_is_not_put_in_the_place_of_a_real_clinics(database):
    with contextlib.chdir("data"):
        assert as_a_process("chat", typed=BEGINS).returncode == 0
    done = cordwatch("restore", "data/data/demo.db")
    assert (done.exit_code, "the demo clinic's database" in done.stderr) == (1, True)
