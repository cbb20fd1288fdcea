"""Options and fixtures that all tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.kit.clinic import TestClinic


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the golden conversations; read the diff")


@pytest_asyncio.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[TestClinic]:
    """A whole clinic but for the network: real store, service and outbox, a scripted channel and a stopped clock."""
    async with TestClinic.opened(tmp_path / "clinic.db") as opened:
        yield opened
