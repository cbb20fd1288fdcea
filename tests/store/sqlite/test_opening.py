"""One service on one database, and readers beside it; what an acknowledged turn survives."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store.sqlite.migrations import NAMES
from bot.store.sqlite.store import SqliteStore, new_id
from bot.store.store import StoreLocked, UnfitStore
from tests.store.steps import opened, rows, say


async def test_a_second_service_on_one_database_is_refused_with_the_path_and_what_to_do(store, path):
    with pytest.raises(StoreLocked, match=rf"{re.escape(str(path))}.*{os.getpid()}.*stop it"):
        SqliteStore(path)


@pytest.mark.parametrize("way_in", ["symbolic link", "hard link", "lock file gone", "folder by another name"])
async def test_a_second_service_is_refused_by_whatever_way_it_comes_to_the_database(store, path, way_in, tmp_path):
    match way_in:
        case "symbolic link":
            other = tmp_path / "link.db"
            other.symlink_to(path)
        case "hard link":
            other = tmp_path / "link.db"
            other.hardlink_to(path)
        case "lock file gone":
            other = path
            path.with_name(f"{path.name}.lock").unlink()
        case _:
            (tmp_path / "elsewhere").symlink_to(path.parent)
            other = tmp_path / "elsewhere" / path.name
    for _ in range(2):  # nor by having been refused once
        with pytest.raises(StoreLocked, match=rf"{re.escape(str(other))}.*stop it"):
            SqliteStore(other)
    await say(store)


async def test_a_database_that_was_closed_can_be_opened_again(path):
    await SqliteStore(path).close()
    await SqliteStore(path).close()


async def test_a_reader_reads_beside_the_service_and_writes_nothing(store, path):
    session = await say(store)
    reader = SqliteStore(path, is_reader=True)
    await say(store)
    assert (await reader.load(session)).length == 2
    with pytest.raises(RuntimeError, match="reading only"):
        await reader.put_setting("a", "b")
    await reader.close()


async def test_a_reader_needs_no_service(path):
    await SqliteStore(path).close()
    reader = SqliteStore(path, is_reader=True)
    assert list(await reader.worklist()) == []
    await reader.close()


def test_a_reader_makes_no_database(path):
    with pytest.raises(UnfitStore, match=f"{re.escape(str(path))}.*cordwatch run"):
        SqliteStore(path, is_reader=True)
    assert not path.exists()


@pytest.mark.parametrize("is_reader", [True, False])
async def test_a_file_that_is_no_database_is_refused_and_left_alone(path, is_reader):
    path.write_bytes(b"my shopping list" * 100)
    for _ in range(2):  # the lock of the first try is given back
        with pytest.raises(UnfitStore, match="backup"):
            SqliteStore(path, is_reader=is_reader)
    assert path.read_bytes() == b"my shopping list" * 100


@pytest.mark.parametrize("is_reader", [True, False])
async def test_the_database_of_a_newer_program_is_refused(path, is_reader):
    await SqliteStore(path).close()
    with opened(path) as db:
        db.execute("update _sqlite_migrations set name = 'm999_from_the_future' where name = ?", NAMES[-1:])
    with pytest.raises(UnfitStore, match=r"newer.*m999_from_the_future"):
        SqliteStore(path, is_reader=is_reader)


async def test_a_reader_asks_for_the_service_to_bring_an_older_database_up_to_date(path):
    await SqliteStore(path).close()
    with opened(path) as db:
        db.execute("delete from _sqlite_migrations where name = ?", NAMES[-1:])
    with pytest.raises(UnfitStore, match=r"older.*cordwatch run"):
        SqliteStore(path, is_reader=True)


WRITER = """
import asyncio, sys
from pathlib import Path
from bot.channels import Outgoing
from bot.store.sqlite.store import SqliteStore
from tests.kit.builders import turn

async def talk(store, address):
    for number in range(100_000):
        log = await store.open("test", address)
        await store.append(turn(log, Outgoing(str(number)), external_id=f"{log.patient.id}:{log.length}"))
        sys.stdout.write(f"{log.session} {log.length + 1}\\n")
        sys.stdout.flush()

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await asyncio.gather(*(talk(store, str(number)) for number in range(8)))

asyncio.run(main())
"""


async def test_what_was_acknowledged_before_kill_9_is_there_and_whole(path):
    for lines in (3, 40, 150):
        acknowledged = talk_and_kill(path, lines)
        store = SqliteStore(path)  # the lock died with its owner
        for session, length in acknowledged.items():
            assert (await store.load(session)).length >= length
        await store.close()
    by_session = {row["id"]: row["length"] for row in rows(path, "sessions")}
    with opened(path) as db:
        counts = "select session, count(*), max(seq) + 1 from {} group by session"
        assert {session: (length, length) for session, length in by_session.items()} == {
            session: (count, last) for session, count, last in db.execute(counts.format("events"))
        }
        assert by_session == {session: count for session, count, _ in db.execute(counts.format("outbox"))}
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)


def talk_and_kill(path: Path, lines: int) -> dict[str, int]:
    """The length of each session as the killed service last acknowledged it."""
    acknowledged: dict[str, int] = {}
    arguments = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as service:
        assert service.stdout is not None
        for _, line in zip(range(lines), service.stdout, strict=False):
            session, length = line.split()
            acknowledged[session] = int(length)
        service.send_signal(signal.SIGKILL)
        for line in service.stdout:
            if line.endswith("\n"):
                session, length = line.split()
                acknowledged[session] = int(length)
    assert len(acknowledged) > 0
    return acknowledged


def test_ids_are_unique_and_later_ones_are_greater_from_one_millisecond_to_the_next():
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert [one[:10] for one in ids] == sorted(one[:10] for one in ids)
