"""A message of which no turn can be made is set aside, listed and told; never while the store itself fails."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from sqlite3 import OperationalError

import pytest

from bot.channels import Incoming
from bot.store.worklist import WorklistRow
from dialogs.events import Closed, NotUnderstood, Said, Unprocessed
from tests.kit.botapi.users import User
from tests.kit.lane import HANGS, RAISES, SOON, Lane, StumblingStore, lane
from tests.kit.web_chat import until


async def is_parked(here: Lane, count: int = 1) -> tuple[WorklistRow, ...]:
    """The worklist, once so many messages are parked."""
    async with asyncio.timeout(20):
        while await here.service.parked() < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return tuple(await here.clinic.worklist())


def stored(here: Lane, columns: str) -> tuple[object, ...]:
    with closing(sqlite3.connect(here.path)) as db:
        return tuple(db.execute(f"select {columns} from parked").fetchone())


async def sees_the_numbers(here: Lane, user: User) -> None:
    shown = await user.sees(lambda shown: "Something went wrong here" in shown.text)
    assert here.clinic.clinic.day_number in shown.text
    assert here.clinic.clinic.emergency_number in shown.text


@pytest.mark.parametrize(("words", "error"), [(RAISES, "LookupError"), (HANGS, "TimeoutError")])
async def test_a_turn_that_fails_again_and_again_is_parked_and_the_chat_goes_on(tmp_path: Path, words: str, error: str):
    async with lane(tmp_path) as here:
        user, other = here.telegram.user(42, "en"), here.telegram.user(43, "en")
        await user.says("/start")
        await user.taps("English")
        await user.says(words)
        await user.says("and my legs are numb")
        await other.says("/start")
        await other.sees(lambda shown: "computer program" in shown.text)
        (row,) = await is_parked(here)
        assert row.entry.trouble == "unprocessed"
        await sees_the_numbers(here, user)
        events = await here.is_recorded(user, NotUnderstood)
        assert Unprocessed(error, words) in events
        assert [one.text for one in events if isinstance(one, NotUnderstood)] == ["and my legs are numb"]
        assert stored(here, "error, tries, is_listed, session, address") == (error, 3, 1, row.session, "42")
        await until(lambda: here.service.oldest_unanswered().total_seconds() == 0)


async def test_a_parked_message_is_kept_whole_and_dealt_with_when_a_nurse_closes_its_entry(tmp_path: Path):
    async with lane(tmp_path) as here:
        user = here.telegram.user(42, "nl")
        await user.says(RAISES)
        (row,) = await is_parked(here)
        assert f'"text": "{RAISES}"' in str(stored(here, "message"))
        assert '"language_hint": "nl"' in str(stored(here, "message"))
        await here.service.review(row.session, Closed("Kim", "reached_advised"), "form:1")
        assert await here.service.parked() == 0


@pytest.mark.parametrize("channel", ["web", "terminal"])
async def test_it_is_so_for_every_channel(tmp_path: Path, channel: str):
    async with lane(tmp_path) as here:
        message = Incoming(channel, "42", f"{channel}:1", RAISES)
        for _ in range(2):
            with pytest.raises(LookupError):
                await here.service.receive(message)
        assert await here.service.receive(message) is None
        assert await here.service.parked() == 1
        assert await here.service.receive(Incoming(channel, "42", f"{channel}:2", "hello")) is None


async def test_an_emergency_of_which_no_turn_can_be_made_is_advised_and_listed_as_one(tmp_path: Path):
    async with lane(tmp_path) as here:
        here.clinic.store.troubled.add("42")
        user = here.telegram.user(42, "en")
        await user.says("/emergency")
        (row,) = await is_parked(here)
        assert (row.entry.disposition, row.entry.trouble) == ("emergency", "unprocessed")
        await sees_the_numbers(here, user)
        await user.sees(lambda shown: "112" in shown.text)


async def test_nothing_is_parked_and_no_offset_moves_while_the_store_takes_nothing(tmp_path: Path):
    async with lane(tmp_path) as here:
        users = [here.telegram.user(number, "en") for number in range(1, 6)]
        with here.locked():
            for user in users:
                await user.says("I cannot feel my legs")
            polls = here.telegram.calls["getUpdates"]
            await here.telegram.until(lambda: here.telegram.calls["getUpdates"] > polls + 10)
            assert await here.service.parked() == 0
            assert len(here.telegram.updates.waiting) == 5
        for user in users:
            assert [one.text for one in await here.is_recorded(user, Said) if isinstance(one, Said)]
        assert await here.service.parked() == 0


async def test_a_failure_of_the_store_is_not_counted_against_a_message(tmp_path: Path):
    """Else one that failed for the store's sake would be parked in the moment in which the store is back."""
    async with lane(tmp_path) as here:
        user = here.telegram.user(42, "en")
        here.clinic.store.is_down = True
        await user.says("I cannot feel my legs")
        polls = here.telegram.calls["getUpdates"]
        await here.telegram.until(lambda: here.telegram.calls["getUpdates"] > polls + 10)
        assert await here.service.parked() == 0
        here.clinic.store.is_down = False
        assert await here.is_recorded(user, Said)
        assert await here.service.parked() == 0


async def test_a_full_queue_behind_one_impossible_message_goes_on(tmp_path: Path):
    async with lane(tmp_path) as here:
        await here.telegram.user(1).says(RAISES)
        for count in range(150):
            await here.telegram.user(2 + count % 7).says(f"{count}")
        await here.telegram.updates.settles(within_s=20)
        assert await here.service.parked() == 1
        for number in range(2, 9):
            said = [one.text for one in await here.events(here.telegram.user(number)) if getattr(one, "text", "")]
            assert said == [f"{count}" for count in range(150) if 2 + count % 7 == number]


async def test_a_full_disk_parks_nothing_and_goes_on_when_there_is_room(tmp_path: Path):
    """The database may not grow by a single page, which to a turn is a disk without room."""
    words = "My legs are heavy. " * 200
    async with lane(tmp_path) as here:
        users = [here.telegram.user(number, "en") for number in range(1, 31)]
        await limit_pages(here, 1)
        for user in users:
            await user.says(words)
        await here.telegram.until(lambda: sum(bool(here.notices(user)) for user in users) > 10, within_s=20)
        told = next(user for user in users if here.notices(user))
        assert here.clinic.clinic.emergency_number in here.notices(told)[0].text
        await limit_pages(here, 100_000)
        await here.telegram.updates.settles(within_s=60)
        assert [[one.text for one in await here.events(user) if isinstance(one, Said)] for user in users] == [
            [words]
        ] * 30
        assert await here.service.parked() == 0


@pytest.mark.parametrize("trouble", ["full", "held", "closed to writing"])
async def test_a_store_that_takes_a_small_write_and_no_turn_has_nothing_parked(tmp_path: Path, trouble: str):
    async with lane(tmp_path) as here:
        user = here.telegram.user(1, "en")
        store = here.clinic.store
        assert isinstance(store, StumblingStore)
        store.refusal = refusal(trouble)
        await user.says("My legs are heavy")
        await here.is_told(user)
        await until(lambda: store.refused > 2 * SOON.tries)
        assert await here.service.parked() == 0
        store.refusal = None
        await here.is_recorded(user, Said)
        assert await here.service.parked() == 0


def refusal(trouble: str) -> sqlite3.Error:
    """SQLite's own, of a database in that state."""
    with closing(sqlite3.connect("file:one?mode=memory&cache=shared", uri=True, isolation_level=None)) as db:
        db.execute("create table one (a)")
        query = "insert into one values (zeroblob(1000000))"
        match trouble:
            case "full":
                db.execute("pragma max_page_count = 2")
            case "closed to writing":
                db.execute("pragma query_only = on")
        with closing(sqlite3.connect("file:one?mode=memory&cache=shared", uri=True, isolation_level=None)) as other:
            if trouble == "held":
                other.execute("begin immediate")
            with pytest.raises(sqlite3.OperationalError) as caught:
                db.execute(query)
    return caught.value


async def limit_pages(here: Lane, most: int) -> None:
    """SQLite takes the pages that there are for the least. What shares a commit with a failing turn is tried again."""
    query = f"pragma max_page_count = {most}"
    async with asyncio.timeout(20):
        while True:
            with suppress(OperationalError):
                return await here.clinic.store.write(lambda db: db.execute(query).fetchone() and None)
            await asyncio.sleep(0.01)
