"""Every make of a store, for the promises that all of them keep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from bot.store.sqlite.store import SqliteStore
from bot.store.store import Store

MAKES: dict[str, Callable[[Path], Store]] = {"sqlite": SqliteStore}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cord watch.db"


@pytest_asyncio.fixture(params=sorted(MAKES))
async def store(path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    opened = MAKES[request.param](path)
    yield opened
    await opened.close()
