"""Every make of a store, with each of its parts under the name of its interface, for the promises that all keep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.store.console import Desk
from bot.store.nurse_chats import NurseChats
from bot.store.reports import Reports
from bot.store.signals import Signals
from bot.store.store import Store
from tests.kit.clinic import TestClinic
from tests.store.makes import SIGNALS, STORES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cord watch.db"


@pytest.fixture(params=sorted(STORES))
def make(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture
async def store(path: Path, make: str) -> AsyncIterator[Store]:
    opened = STORES[make](path)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def clinic(path: Path, make: str) -> AsyncIterator[TestClinic]:
    """A whole clinic on a store of this make. Its parts are those of `desk`, `chats` and `reports` only without it."""
    async with TestClinic.opened(path, make_store=STORES[make]) as opened:
        yield opened


@pytest.fixture
def desk(store: Store) -> Desk:
    return store.desk


@pytest.fixture
def chats(store: Store) -> NurseChats:
    return store.nurse_chats


@pytest.fixture
def reports(store: Store) -> Reports:
    return store.reports


@pytest.fixture(params=sorted(SIGNALS))
def signals(request: pytest.FixtureRequest) -> Signals:
    return SIGNALS[request.param]()
