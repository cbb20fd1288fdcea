"""/health and /metrics: red when patients may not be reached or heard, and never a word about any of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette

from bot.channels import ChannelStatus, Outgoing
from bot.health.look import Health
from bot.health.pages import routes
from bot.store.sessions import Patient, SessionChange, Summary, Turn
from bot.store.sqlite.store import SqliteStore
from dialogs.events import Started

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Clinic:
    """A store and the page that looks at it, with a clock of the test's own."""

    def __init__(self, path: Path) -> None:
        self.at = NOON
        self.store = SqliteStore(path)
        self.channels: dict[str, ChannelStatus] = {}
        self.health = Health(self.store, lambda: self.at, lambda: self.channels, steady_s=lambda: self.at.timestamp())

    async def call(self, path: str, method: str = "GET") -> Response:
        transport = ASGITransport(Starlette(routes=routes(self.health)))
        async with AsyncClient(transport=transport, base_url="http://clinic") as client:
            return await client.request(method, path)

    async def get(self) -> tuple[int, dict[str, Any]]:
        answer = await self.call("/health")
        return answer.status_code, answer.json()

    async def reasons(self) -> list[str]:
        """Without the remedies."""
        return [words.partition(";")[0] for words in (await self.get())[1]["reasons"]]

    async def says(self, wake_at: datetime | None = None) -> None:
        """One message to Mrs Jansen is committed and waits."""
        session = self.store.fresh_session()
        patient = Patient("p1", "telegram", "4711", call_back_number="+31612345678")
        summary = Summary("greeting", "nl", None, "2026.1", wake_at)
        hello = Outgoing("Dag mevrouw Jansen")
        change = SessionChange(session, 0, (Started("2026.1", "nl"),), summary, None, (hello,))
        await self.store.append(Turn(patient, self.at, "telegram:1:1", (change,)))


@pytest.fixture
async def clinic(tmp_path):
    clinic = Clinic(tmp_path / "clinic.db")
    yield clinic
    await clinic.store.close()


async def test_all_well_is_green(clinic):
    clinic.channels["telegram"] = ChannelStatus(polled_at=NOON)
    status, body = await clinic.get()
    assert (status, body["status"], body["reasons"]) == (200, "green", [])
    assert body["database"] == "writable"
    assert [words.partition(";")[0] for words in body["warnings"]] == [
        "no backup has ever been made",
        "nobody has an account at the console",
    ]
    assert body["channels"]["telegram"] == {"trouble": None, "last_poll": NOON.isoformat()}


async def test_a_channel_that_refuses_us_is_red(clinic):
    clinic.channels["telegram"] = ChannelStatus(trouble="wrong token")
    status, body = await clinic.get()
    assert (status, body["status"]) == (503, "red")
    assert await clinic.reasons() == ["telegram is down: wrong token"]


async def test_a_channel_that_is_not_polled_is_red(clinic):
    clinic.channels["telegram"] = ChannelStatus(polled_at=NOON - timedelta(minutes=5), is_polled=True)
    assert await clinic.reasons() == ["telegram has not been asked for messages for 5 minutes"]


async def test_a_channel_that_was_never_polled_is_red_from_the_start_on(clinic):
    clinic.channels["telegram"] = ChannelStatus(is_polled=True)
    assert await clinic.reasons() == []
    clinic.at += timedelta(minutes=5)
    assert await clinic.reasons() == ["telegram has not been asked for messages for 5 minutes"]


async def test_a_message_that_waits_too_long_is_red(clinic):
    await clinic.says()
    assert (await clinic.get())[1]["waiting_chats"] == 1
    assert await clinic.reasons() == []
    clinic.at += timedelta(hours=3)
    assert await clinic.reasons() == ["a message has been waiting to be delivered for 3 hours"]


async def test_silence_that_goes_unanswered_is_red(clinic):
    await clinic.says(wake_at=NOON + timedelta(seconds=10))
    clinic.at += timedelta(seconds=69)
    assert await clinic.reasons() == []
    clinic.at += timedelta(seconds=2)
    assert await clinic.reasons() == ["a reminder or an advice after silence is late by 61 seconds"]


async def test_a_database_that_takes_no_commit_is_red_until_one_succeeds(clinic, tmp_path):
    with closing(sqlite3.connect(tmp_path / "clinic.db", isolation_level=None)) as other:
        clinic.store._writer._connection.execute("pragma busy_timeout = 1")
        other.execute("begin immediate")
        with pytest.raises(sqlite3.OperationalError):
            await clinic.says()
        status, body = await clinic.get()
        assert (status, body["names"][0], body["database"]) == (503, "database", "not writable")
    await clinic.says()
    assert await clinic.reasons() == []


async def test_a_database_that_cannot_be_read_is_red_and_the_page_outlives_it(clinic):
    await clinic.store.close()
    status, body = await clinic.get()
    assert (status, body["names"][0]) == (503, "unreadable")


async def test_nothing_of_a_patient_is_shown(clinic):
    await clinic.says()
    shown = (await clinic.call("/health")).text + (await clinic.call("/metrics")).text
    assert not [word for word in ("Jansen", "4711", "31612345678", "p1") if word in shown]


async def test_pages_are_not_kept_and_only_read(clinic):
    assert (await clinic.call("/health")).headers["cache-control"] == "no-store"
    assert (await clinic.call("/health", "POST")).status_code == 405
