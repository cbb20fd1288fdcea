"""What runs beside the channels for as long as the service does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.cli import running
from bot.service.pulse import Pulse
from bot.store.outbox import Delivery
from bot.store.sqlite.store import SqliteStore
from tests.kit.clinic import TestClinic


class FaultyStore(SqliteStore):
    """Cannot be read at the first look for unseen advice."""

    looks = 0

    async def unacknowledged_advice(self, before: datetime, limit: int = 100) -> Sequence[Delivery]:
        self.looks += 1
        if self.looks == 1:
            raise OSError("disk")
        return await super().unacknowledged_advice(before, limit)


async def test_looking_for_unseen_advice_outlives_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SEEN_WITHIN", timedelta(0))
    async with TestClinic.opened(tmp_path / "clinic.db", make_store=FaultyStore) as clinic:
        assert isinstance(clinic.store, FaultyStore)
        watching = asyncio.create_task(running._watch_pages(clinic.service, Pulse("unseen advice")))
        for _ in range(100):
            await asyncio.sleep(0)
        watching.cancel()
        assert clinic.store.looks > 1
