"""`cordwatch audit verify` says whether the audit is whole, and what to note down."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import main
from bot.store.sqlite.store import SqliteStore
from tests.kit.clinic import MONDAY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database whose audit has five rows; nobody has it open."""

    async def fill() -> None:
        store = SqliteStore(tmp_path / "audit.db")
        for number in range(5):
            await store.desk.audit(f"Nurse {number}", "viewed", f"session {number}", MONDAY + timedelta(minutes=number))
        await store.close()

    asyncio.run(fill())
    return tmp_path / "audit.db"


def test_the_command_says_whether_it_is_whole(path):
    environment = {"BOT_DATABASE": str(path)}
    good = CliRunner().invoke(main, ["audit", "verify"], env=environment)
    assert good.exit_code == 0
    assert "5 rows, all as they were written." in good.output
    head = good.output.split()[-1]
    assert CliRunner().invoke(main, ["audit", "verify", "--head", head], env=environment).exit_code == 0
    assert CliRunner().invoke(main, ["audit", "verify", "--head", "yesterday"], env=environment).exit_code == 2
    with sqlite3.connect(path) as db:
        db.execute("drop trigger audit_refuse_update")
        db.execute("update audit set who = 'x' where seq = 4")
    bad = CliRunner().invoke(main, ["audit", "verify"], env=environment)
    assert bad.exit_code == 1
    assert "row 4" in bad.output
