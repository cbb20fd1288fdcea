"""What every make of a store promises of messages that were set aside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.channels import Incoming
from bot.store.parked import Parked
from bot.store.sessions import StaleSession
from tests.kit.builders import turn
from tests.kit.clinic import MONDAY
from tests.store.steps import entry, rows

MESSAGE = Incoming("test", "42", "test:7", "I cannot feel my legs \ud83e", language_hint="nl")
ALONE = Parked(MESSAGE, None, MONDAY, "LookupError", 3, None)


async def test_a_parked_message_is_kept_whole_and_once(store, path):
    await store.park(ALONE)
    await store.park(ALONE)
    (row,) = rows(path, "parked")
    assert '"text": "I cannot feel my legs ?"' in row["message"]
    assert '"language_hint": "nl"' in row["message"]
    assert (row["error"], row["tries"], row["is_listed"]) == ("LookupError", 3, 0)
    assert await store.parked() == 1


async def test_a_parked_message_waits_until_its_entry_is_no_longer_in_trouble(store):
    log = await store.open("test", "42")
    listed = replace(ALONE, session=log.session)
    trouble = entry(None, trouble="unprocessed")
    await store.append(replace(turn(log, entry=trouble), parked=listed))
    assert await store.parked() == 1
    log = await store.open("test", "42")
    await store.append(turn(log, entry=replace(trouble, trouble=None, is_open=False, closed_at=MONDAY)))
    assert await store.parked() == 0


async def test_a_turn_that_is_stale_parks_nothing(store):
    log = await store.open("test", "42")
    await store.append(turn(log))
    with pytest.raises(StaleSession):
        await store.append(replace(turn(log), parked=replace(ALONE, session=log.session)))
    assert await store.parked() == 0
