"""What the store knows of its own file: whether it is whole, and still the one that its path leads to."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.sqlite.store import SqliteStore
from bot.store.store import StoreDied
from tests.kit.builders import turn


@pytest.fixture
async def full(store: SqliteStore) -> SqliteStore:
    """With a few hundred patients."""
    for number in range(300):
        log = await store.open("test", str(number))
        await store.append(turn(log, external_id=f"test:{number}"))
    return store


async def test_a_whole_file_has_no_faults(full):
    assert await full.quick_check() == []


async def test_one_bad_page_is_found(full, path):
    await full.close()
    overwrite_a_page_of("events", path)
    again = SqliteStore(path)
    assert await again.quick_check() != []
    await again.close()


def overwrite_a_page_of(table: str, path: Path) -> None:
    """As a bad sector does."""
    with closing(sqlite3.connect(path)) as db:
        size = db.execute("pragma page_size").fetchone()[0]
        pages = db.execute("select pageno from dbstat where name = ? and pagetype = 'leaf'", (table,)).fetchall()
    with path.open("r+b") as file:
        file.seek((pages[len(pages) // 2][0] - 1) * size)
        file.write(random.Random(1).randbytes(size))


async def test_whoever_stops_waiting_for_the_check_is_let_go(full):
    checking = asyncio.create_task(full.quick_check())
    await asyncio.sleep(0)
    checking.cancel()
    assert isinstance((await asyncio.gather(checking, return_exceptions=True))[0], asyncio.CancelledError)
    assert await full.quick_check() == []


async def test_the_file_that_is_open_is_the_one_at_its_path(full, path):
    place = full.place()
    assert (place.is_there, place.is_same) == (True, True)
    assert place.database_bytes == path.stat().st_size
    assert place.log_bytes > 0
    assert place.free_bytes > 0


@pytest.mark.parametrize("ending", ["", "-wal"])
async def test_a_file_that_was_deleted_shows(full, path, ending):
    Path(f"{path}{ending}").unlink()
    place = full.place()
    assert (place.is_there, place.is_same) == (ending != "", False)


@pytest.mark.parametrize("ending", ["", "-wal"])
async def test_a_file_that_was_replaced_shows_even_by_its_very_copy(full, path, ending):
    file = Path(f"{path}{ending}")
    shutil.copy2(file, f"{file}.copy")
    Path(f"{file}.copy").replace(file)
    place = full.place()
    assert (place.is_there, place.is_same) == (True, False)


async def test_commits_are_counted_and_the_last_failure_stands_until_one_succeeds(store, path):
    done = store.commits.done
    await store.put_setting("a", "1")
    store._writer._connection.execute("pragma busy_timeout = 1")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(sqlite3.OperationalError):
            await store.put_setting("a", "2")
    assert (store.commits.failed, store.commits.error) == (1, "OperationalError")
    await store.put_setting("a", "3")
    assert (store.commits.done, store.commits.failed, store.commits.error) == (done + 2, 1, None)


async def test_a_write_after_the_writer_died_fails_and_does_not_wait(store):
    def dies(db: sqlite3.Connection) -> None:
        raise SystemExit

    with pytest.raises(StoreDied):
        await store.write(dies)
    assert store.has_died
    with pytest.raises(StoreDied):
        await store.put_setting("a", "1")
