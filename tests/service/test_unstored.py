"""Nobody waits in silence: what a patient is told while her message cannot be stored."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.channels import Incoming
from bot.clinic.settings import load
from bot.language.texts import PatientTexts
from bot.language.unstored import UnstoredNotices
from bot.service.limits import TurnLimits
from bot.service.unstored import Unstored
from dialogs.events import CalledEmergency, NotUnderstood, Said, ToldUnstored
from tests.kit.clinic import MONDAY, Telephones
from tests.kit.lane import HANGS, SOON, lane
from tests.kit.languages import CLINIC, WORDS
from tests.kit.web_chat import until

# --- over the wire: another program holds the write lock


async def test_a_patient_whose_message_is_not_stored_in_time_is_told_the_numbers_and_then_answered(tmp_path: Path):
    async with lane(tmp_path) as here:
        user = here.telegram.user(42, "en")
        with here.locked():
            await user.says("I cannot feel my legs")
            notice = await here.is_told(user)
            assert here.service.oldest_unanswered() >= SOON.told_after
        assert here.clinic.clinic.day_number in notice.text
        assert here.clinic.clinic.emergency_number in notice.text
        events = await here.is_recorded(user, ToldUnstored)
        assert [one.text for one in events if isinstance(one, Said)] == ["I cannot feel my legs"]
        assert ToldUnstored(here.clinic.clock.at) in events
        await user.sees(lambda shown: "computer program" in shown.text)
        assert here.service.oldest_unanswered() == timedelta(0)


async def test_nobody_is_told_when_the_commit_came_first(tmp_path: Path):
    async with lane(tmp_path, replace(SOON, told_after=timedelta(seconds=2))) as here:
        user = here.telegram.user(42, "en")
        with here.locked():
            await user.says("/start")
            await until(lambda: here.service.oldest_unanswered() > timedelta(seconds=1))
        await user.sees(lambda shown: "computer program" in shown.text)
        await asyncio.sleep(1.5)
        assert here.notices(user) == []
        assert ToldUnstored not in {type(one) for one in await here.events(user)}


@pytest.mark.parametrize(("hint", "language"), [("nl-BE", "nl"), ("xx", "en"), (None, "en")])
async def test_a_stranger_is_told_in_the_language_hinted_else_the_clinics(tmp_path: Path, hint: str, language: str):
    async with lane(tmp_path) as here:
        user = here.telegram.user(42, hint)
        with here.locked():
            await user.says("/start")
            await here.is_told(user, language)


async def test_a_patient_is_told_in_the_language_that_she_chose(tmp_path: Path):
    async with lane(tmp_path) as here:
        user = here.telegram.user(42, "en")
        await user.says("/start")
        await user.taps("Nederlands")
        await user.sees(lambda shown: "Ja, ik" in "".join(shown.buttons))
        with here.locked():
            await user.says("help")
            await here.is_told(user, "nl")


async def test_she_is_told_once_in_a_while_however_much_she_writes(tmp_path: Path):
    async with lane(tmp_path, replace(SOON, told_again_after=timedelta(seconds=3))) as here:
        user = here.telegram.user(42, "en")
        with here.locked():
            for number in range(3):
                await user.says(f"message {number}")
            await here.is_told(user)
            await user.says("is anybody there?")
            await until(lambda: here.service.oldest_unanswered() > timedelta(seconds=2.5))
            assert len(here.notices(user)) == 1
            await here.telegram.until(lambda: len(here.notices(user)) == 2)
        events = await here.is_recorded(user, NotUnderstood, 3)
        assert [one.text for one in events if isinstance(one, NotUnderstood)][-1] == "is anybody there?"


@pytest.mark.parametrize("words", ["/emergency", "/Emergency", "/emergency my legs"])
async def test_an_emergency_behind_a_stuck_message_is_told_though_she_has_been_told_before(tmp_path: Path, words: str):
    async with lane(tmp_path, replace(SOON, turn=timedelta(seconds=4))) as here:
        user = here.telegram.user(42, "en")
        await user.says(HANGS)
        await here.is_told(user)
        await user.says(words)
        await here.telegram.until(lambda: len(here.notices(user)) == 2)
        assert here.clinic.clinic.emergency_number in here.notices(user)[-1].text
        assert CalledEmergency not in {type(one) for one in await here.events(user)}


async def test_a_notice_that_telegram_refuses_is_sent_again(tmp_path: Path):
    async with lane(tmp_path) as here:
        user = here.telegram.user(42, "en")
        with here.locked():
            here.telegram.faults.script("sendMessage", "500", "429:1")
            await user.says("/start")
            await here.is_told(user)


async def test_who_has_blocked_us_is_not_told(tmp_path: Path):
    async with lane(tmp_path) as here:
        user = here.telegram.user(42, "en")
        with here.locked():
            await user.blocks()
            await until(lambda: here.service.oldest_unanswered() > 3 * SOON.told_after)
            assert here.telegram.calls["sendMessage"] == 0


# --- what it says


def test_the_notice_has_the_number_that_is_answered_now_and_the_emergency_number_in_every_language():
    clinic, notices = CLINIC, UnstoredNotices(WORDS, CLINIC)
    assert len(WORDS.offered) == 8
    for language in WORDS.offered:
        open_, closed = (notices.of(language, None, at) for at in (MONDAY, MONDAY + timedelta(hours=12)))
        assert (clinic.day_number in open_.text, clinic.always_number in closed.text) == (True, True), language
        assert clinic.emergency_number in open_.text, language
        assert open_.heading, language
        assert open_.language == language


# --- by the clock that nobody sets


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def watcher(seconds: Seconds) -> Unstored:
    clinic = load(None, {}).clinic
    return Unstored(UnstoredNotices(PatientTexts(clinic), clinic), lambda: MONDAY, TurnLimits(), seconds)


def message(number: int, address: str = "42", **fields: str) -> Incoming:
    return Incoming("test", address, f"test:{number}", **fields)


async def looks(unstored: Unstored, telephones: Telephones) -> int:
    """How many have been told in all, after one more look."""
    unstored.look({"test": telephones})
    for _ in range(5):
        await asyncio.sleep(0)
    return sum(map(len, telephones.arrived.values()))


async def test_a_chat_is_told_at_ten_seconds_and_again_at_ten_minutes():
    seconds, telephones = Seconds(), Telephones()
    unstored = watcher(seconds)
    told = []
    for after in (0, 9.9, 10, 11, 300, 609, 610.5, 1000, 1221):
        seconds.now = 1000 + after
        unstored.came(message(1))
        told.append(await looks(unstored, telephones))
    assert told == [0, 0, 1, 1, 1, 1, 2, 2, 3]


async def test_a_message_waits_from_when_it_first_came_and_is_nobodys_once_it_is_no_longer_offered():
    seconds = Seconds()
    unstored = watcher(seconds)
    unstored.came(message(1))
    seconds.now += 600
    unstored.came(message(1))
    unstored.came(message(2, "43"))
    assert unstored.oldest() == timedelta(minutes=10)
    unstored.stored(message(1))
    assert unstored.oldest() == timedelta(0)
    seconds.now += 901
    assert unstored.oldest() == timedelta(0)


async def test_nobody_is_told_of_what_was_stored_while_the_notice_was_on_its_way():
    seconds, telephones = Seconds(), Telephones()
    unstored = watcher(seconds)
    unstored.came(message(1))
    seconds.now += 11
    unstored.look({"test": telephones})
    unstored.stored(message(1))
    assert await looks(unstored, telephones) == 0


async def test_emergencies_are_told_first_and_no_faster_than_a_channel_bears():
    seconds, telephones = Seconds(), Telephones()
    unstored = watcher(seconds)
    for number in range(50):
        unstored.came(message(number, f"{number}", text="hello"))
    unstored.came(message(50, "last", choice="t1:emergency_signs:yes"))
    seconds.now += 11
    assert 0 < await looks(unstored, telephones) < 30
    assert "last" in telephones.arrived
