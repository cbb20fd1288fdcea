"""Two Telegram bots in one service: what one of them says, keeps or numbers is never taken for the other's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.channels import Outgoing, Pace
from bot.channels.telegram.channel import TelegramChannel, Webhook
from bot.service.outbox import Outbox
from tests.kit.botapi.server import BotApi
from tests.kit.botapi.users import User
from tests.kit.clinic import TestClinic
from tests.kit.telegram import Settings, channel_to, to

NAMES = ("telegram", "telegram-north")
UNLIMITED = Pace(1e6, 1e6, 1_000_000)


@asynccontextmanager
async def serving(clinic: TestClinic, *channels: TelegramChannel) -> AsyncIterator[None]:
    """Everything said to a patient goes out by the channel that she is on."""
    service = clinic.service
    by_name = {one.name: one for one in channels}
    outbox = Outbox(clinic.store, by_name, clinic.clock, service.delivery_failed, service.signals)
    listening = [channel.listen(clinic.service.receive) for channel in channels]
    tasks = [asyncio.create_task(task) for task in (outbox.run(), *listening)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for channel in channels:
            await channel.close()


async def begins(user: User) -> None:
    """As far as the first question about her health."""
    await user.says("/start")
    for label in ("English", "Yes, I agree", "I am the patient"):
        await user.taps(label)
    await user.sees(lambda shown: "Question 1" in shown.text)


async def test_the_same_person_is_a_patient_of_her_own_with_each_of_two_bots(tmp_path):
    """The worst case: the two give the same numbers to people, updates and messages, and have the same bot id."""
    async with TestClinic.opened(tmp_path / "clinic.db") as clinic, BotApi() as south, BotApi() as north:
        kept = Settings()
        channels = [
            channel_to(server, kept, name=name, pace=UNLIMITED)
            for server, name in zip((south, north), NAMES, strict=True)
        ]
        async with serving(clinic, *channels):
            await begins(south.user(42))
            assert north.user(42).chat == []
            await begins(north.user(42))

            await south.user(42).taps("No")
            await south.user(42).sees(lambda shown: "Question 2" in shown.text)

        first, second = [await clinic.store.open(name, "42") for name in NAMES]
    assert first.patient.id != second.patient.id
    assert first.length > second.length > 0
    assert "Question 1" in north.user(42).last.text


async def test_what_is_kept_for_one_bot_is_not_used_by_another(server, settings, patient):
    async with BotApi() as other:
        await other.user(42).says("/start")
        for name, api in zip(NAMES, (server, other), strict=True):
            channel = channel_to(api, settings, name=name)
            await channel.send(to(patient, Outgoing("Where?", picture="body")))
            await channel.close()

        assert (server.uploads, other.uploads) == (1, 1)
    assert {key.partition(":")[0] for key in settings} == set(NAMES)


async def test_each_bot_has_a_webhook_of_its_own(server, settings):
    paths = []
    for name in NAMES:
        channel = channel_to(server, settings, name=name, webhook=Webhook("https://clinic.example", "secret"))
        paths += channel.routes()
        await channel.close()

    assert paths == ["/telegram", "/telegram-north"]


@pytest.mark.parametrize("name", ["", "Telegram", "a:b", "a/b", "-", "north bot", "ü"])
async def test_a_name_that_would_blur_addresses_ids_or_paths_is_refused(server, settings, name):
    with pytest.raises(ValueError, match="lower-case"):
        channel_to(server, settings, name=name)
