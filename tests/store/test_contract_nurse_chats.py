"""What every make of a store promises of nurses who have linked a chat of their own."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.channels import Outgoing, Priority
from bot.store.console import Nurse, Role
from bot.store.nurse_chats import NurseChat
from bot.store.outbox import Alert
from tests.kit.clinic import MONDAY
from tests.store.steps import HOUR, claim

ANNA = Nurse("n1", "Anna", "anna@clinic.example", Role.NURSE, ("en",))
BO = Nurse("n2", "Bo", "bo@clinic.example", Role.LEAD, ("nl", "en"))
CALL = Alert("test", "7", Outgoing("An urgent entry is waiting", kind="alert", priority=Priority.URGENT))


@pytest.fixture
async def nurses(desk):
    await desk.add_nurse(ANNA, MONDAY)
    await desk.add_nurse(BO, MONDAY)


async def linked(chats, nurse: Nurse, address: str) -> NurseChat:
    await chats.add_code(f"code {address}", nurse.id, MONDAY + HOUR)
    return await chats.link(f"code {address}", "test", address, MONDAY)


async def test_a_chat_is_known_by_its_address_by_its_nurse_and_in_the_list(chats, nurses):
    chat = await linked(chats, BO, "7")
    assert chat == NurseChat("test", "7", BO, MONDAY)
    assert await chats.chat_at("test", "7") == await chats.chat_of(BO.id) == chat
    assert await chats.chats() == [chat]
    assert (await chats.chat_at("test", "8"), await chats.chat_at("web", "7"), await chats.chat_of(ANNA.id)) == (
        None,
        None,
        None,
    )


async def test_of_two_who_use_a_code_at_once_one_is_linked(chats, nurses):
    await chats.add_code("d", BO.id, MONDAY + HOUR)
    found = await asyncio.gather(*(chats.link("d", "test", address, MONDAY) for address in ("7", "8")))
    assert [one is not None for one in found].count(True) == 1
    assert len(await chats.chats()) == 1


async def test_a_code_that_is_over_or_was_replaced_or_never_was_links_nobody(chats, nurses):
    await chats.add_code("old", BO.id, MONDAY + HOUR)
    await chats.add_code("new", BO.id, MONDAY + HOUR)
    assert await chats.link("old", "test", "7", MONDAY) is None
    assert await chats.link("never", "test", "7", MONDAY) is None
    assert await chats.link("new", "test", "7", MONDAY + HOUR) is None
    assert await chats.link("new", "test", "7", MONDAY) is None
    assert await chats.chats() == []


async def test_a_new_chat_takes_the_place_of_her_earlier_one_and_of_whoever_had_it(chats, nurses):
    await linked(chats, ANNA, "7")
    await linked(chats, BO, "8")
    await chats.add_code("again", ANNA.id, MONDAY + HOUR)
    assert (await chats.link("again", "test", "8", MONDAY)).nurse == ANNA
    assert [(one.address, one.nurse) for one in await chats.chats()] == [("8", ANNA)]


async def test_the_chat_of_a_disabled_account_is_nobodys(chats, desk, nurses):
    await linked(chats, BO, "7")
    await desk.change_nurse(replace(BO, is_active=False))
    assert (await chats.chat_at("test", "7"), await chats.chat_of(BO.id), await chats.chats()) == (None, None, [])


async def test_that_an_alert_did_not_arrive_is_kept_until_she_links_anew(chats, nurses):
    await linked(chats, BO, "7")
    await chats.failed("test", "7", MONDAY + HOUR)
    assert (await chats.chat_of(BO.id)).failed_at == MONDAY + HOUR
    await chats.add_code("again", BO.id, MONDAY + HOUR)
    assert (await chats.link("again", "test", "7", MONDAY)).failed_at is None


async def test_what_is_said_to_a_nurse_goes_out_by_the_outbox_and_belongs_to_no_session(store, chats, nurses):
    await linked(chats, BO, "7")
    await chats.say(CALL, MONDAY)
    (delivery,) = await claim(store)
    assert (delivery.session, delivery.sending.address, delivery.priority) == ("", "7", Priority.URGENT)
    assert delivery.sending.outgoing == CALL.outgoing


async def test_after_unlinking_nothing_that_waited_is_sent_and_others_keep_theirs(store, chats, nurses):
    chat = await linked(chats, BO, "7")
    await linked(chats, ANNA, "8")
    await chats.say(CALL, MONDAY)
    await chats.say(replace(CALL, address="8"), MONDAY)
    await chats.unlink(chat, MONDAY)
    assert [one.address for one in await chats.chats()] == ["8"]
    assert [one.sending.address for one in await claim(store)] == ["8"]


async def test_linking_and_unlinking_are_audited(chats, desk, nurses):
    await chats.unlink(await linked(chats, BO, "7"), MONDAY + HOUR)
    assert [(one.who, one.what, one.at) for one in await desk.audited("")] == [
        ("Bo", "unlinked", MONDAY + HOUR),
        ("Bo", "linked", MONDAY),
    ]
