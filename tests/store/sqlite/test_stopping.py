"""What a stopped store leaves behind: one file, whole by itself, which nobody else on the machine may read."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.sqlite.connections import LARGEST_LOG
from bot.store.sqlite.store import SqliteStore
from tests.store.steps import opened, rows, say


def beside(path: Path) -> set[str]:
    return {one.name for one in path.parent.iterdir() if one.name.startswith(path.name)} - {f"{path.name}.lock"}


async def test_after_a_stop_the_file_alone_is_everything(path, tmp_path):
    store = SqliteStore(path)
    session = await say(store)
    await store.load(session)  # a reader that has looked is the one that used to be the last
    await store.close()
    assert beside(path) == {path.name}
    alone = tmp_path / "carried away.db"
    shutil.copy(path, alone)
    assert [row["session"] for row in rows(alone, "events")] == [session]


async def test_a_stop_does_not_wait_for_somebody_who_still_reads(path):
    store = SqliteStore(path)
    await say(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select * from events").fetchall()
        await store.close()
        assert len(reader.execute("select * from events").fetchall()) == 1


async def test_what_one_long_reader_made_the_log_grow_to_is_given_back(store, path):
    log = path.with_name(f"{path.name}-wal")
    with opened(path) as reader:
        reader.execute("begin")
        reader.execute("select * from settings").fetchall()
        await store.put_setting("large", "x" * 2 * LARGEST_LOG)
        assert log.stat().st_size > 2 * LARGEST_LOG
        reader.execute("rollback")
    for number in range(3):
        await store.put_setting("small", str(number))
    assert log.stat().st_size <= LARGEST_LOG


@pytest.mark.parametrize("mode", [0o644, 0o666, 0o640])
async def test_a_file_that_others_may_read_is_closed_to_them_at_the_start(path, mode):
    await SqliteStore(path).close()
    path.chmod(mode)
    store = SqliteStore(path)
    await say(store)
    assert {one: stat.S_IMODE((path.parent / one).stat().st_mode) for one in beside(path)} == dict.fromkeys(
        (path.name, f"{path.name}-wal", f"{path.name}-shm"), 0o600
    )
    await store.close()
