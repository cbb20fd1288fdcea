"""Fixtures of the tests of TelegramChannel."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.channels.telegram.channel import TelegramChannel
from tests.kit.botapi.server import BotApi
from tests.kit.botapi.users import User
from tests.kit.telegram import Service, Settings, channel_to


@pytest.fixture
async def server() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def settings() -> Settings:
    return Settings()


@pytest.fixture
async def channel(server: BotApi, settings: Settings) -> AsyncIterator[TelegramChannel]:
    """One that only sends."""
    channel = channel_to(server, settings)
    yield channel
    await channel.close()


@pytest.fixture
async def patient(server: BotApi) -> User:
    patient = server.user(42)
    await patient.says("/start")
    return patient
