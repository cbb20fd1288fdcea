"""How the bot introduces itself in each language."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.channels import Introduction
from tests.kit.botapi.server import BotApi
from tests.kit.telegram import Service, Settings, channel_to, listening

ENGLISH = Introduction(
    "en", "Spine check", "Warning symptoms", "Asks about symptoms.", (("start", "Start"), ("help", "Help"))
)
DUTCH = Introduction("nl", "Rugcheck", "Alarmsymptomen", "Vraagt naar klachten.", (("start", "Begin"),))


async def introduced(server: BotApi, settings: Settings, *profiles: Introduction) -> int:
    """Starts a channel, and returns how many calls it took to introduce itself."""
    before = server.calls.copy()
    channel = channel_to(server, settings, introductions=profiles, patience=timedelta(seconds=2))
    async with listening(channel, Service()):
        await asyncio.sleep(0)
    return sum((server.calls - before)[method] for method in server.calls if "My" in method)


async def test_name_description_and_commands_are_registered_in_each_language_once(server, settings):
    assert await introduced(server, settings, ENGLISH, DUTCH) == 12
    assert await introduced(server, settings, ENGLISH, DUTCH) == 0

    assert server.registered["Name", ""] == server.registered["Name", "en"] == "Spine check"
    assert server.registered["Description", "nl"] == "Vraagt naar klachten."
    assert server.registered["Commands", "nl"] == [{"command": "start", "description": "Begin"}]


async def test_a_language_no_longer_offered_is_taken_away(server, settings):
    await introduced(server, settings, ENGLISH, DUTCH)

    assert await introduced(server, settings, ENGLISH) == 4
    assert (server.registered["Name", "nl"], server.registered["Commands", "nl"]) == ("", [])
    assert await introduced(server, settings, ENGLISH) == 0


async def test_a_name_telegram_refuses_is_tried_at_the_next_start(server, settings):
    server.faults.script("setMyName", "429:80000")

    await introduced(server, settings, ENGLISH)

    assert await introduced(server, settings, ENGLISH) == 1
    assert server.registered["Name", ""] == "Spine check"
