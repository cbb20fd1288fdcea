"""What every make of a store promises of accounts: who may sign in, and who has."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.store.console import NameTaken, Nurse, Role
from tests.kit.clinic import MONDAY
from tests.store.steps import HOUR, MINUTE

ANNA = Nurse(
    "n1",
    "Anna Smit",
    "anna@clinic.example",
    Role.LEAD,
    ("nl", "en"),
    "hash",
    "secret",
    7,
    is_active=False,
    is_demo=True,
)
BO = Nurse("n2", "Bo", "bo@clinic.example", Role.NURSE, ("en",))


async def test_an_account_is_read_back_as_it_was_written(desk):
    await desk.add_nurse(ANNA, MONDAY)
    assert await desk.nurses() == [ANNA]


async def test_accounts_are_listed_by_name(desk):
    await desk.add_nurse(BO, MONDAY)
    await desk.add_nurse(ANNA, MONDAY)
    assert await desk.nurses() == [ANNA, BO]


async def test_an_account_is_found_by_name_or_address_however_it_is_spelt(desk):
    await desk.add_nurse(ANNA, MONDAY)
    assert await desk.nurse("ANNA SMIT") == await desk.nurse("Anna@Clinic.Example") == ANNA
    assert await desk.nurse("Anna") is None


@pytest.mark.parametrize("taken", [{"name": "BO"}, {"email": "Bo@Clinic.example"}], ids=str)
async def test_a_name_and_an_address_belong_to_one(desk, taken):
    await desk.add_nurse(BO, MONDAY)
    with pytest.raises(NameTaken, match="name" if "name" in taken else "e-mail address"):
        await desk.add_nurse(replace(ANNA, **taken), MONDAY)
    assert await desk.nurses() == [BO]


async def test_everything_of_an_account_can_change_but_its_id_and_name(desk):
    await desk.add_nurse(BO, MONDAY)
    changed = replace(ANNA, id=BO.id, name=BO.name, email="bo@elsewhere.example", is_demo=BO.is_demo)
    await desk.change_nurse(replace(changed, name="Somebody else"))
    assert await desk.nurses() == [changed]


async def test_a_change_takes_nobody_elses_address_and_makes_nobody(desk):
    await desk.add_nurse(ANNA, MONDAY)
    await desk.add_nurse(BO, MONDAY)
    with pytest.raises(NameTaken, match="e-mail address"):
        await desk.change_nurse(replace(BO, email=ANNA.email))
    with pytest.raises(KeyError, match="n3"):
        await desk.change_nurse(replace(BO, id="n3"))
    assert await desk.nurses() == [ANNA, BO]


# --- logins


async def test_a_login_is_known_by_its_digest_with_the_account_as_it_is_now(desk):
    await desk.add_nurse(BO, MONDAY)
    await desk.begin_login("d", BO.id, MONDAY)
    await desk.touch_login("d", MONDAY + HOUR)
    await desk.change_nurse(replace(BO, is_active=False))
    login = await desk.login("d")
    assert (login.digest, login.nurse) == ("d", replace(BO, is_active=False))
    assert (login.began_at, login.active_at) == (MONDAY, MONDAY + HOUR)
    assert await desk.login("other") is None


async def test_a_login_ends_alone_or_with_all_of_hers(desk):
    await desk.add_nurse(ANNA, MONDAY)
    await desk.add_nurse(BO, MONDAY)
    for digest, nurse in (("a1", ANNA), ("a2", ANNA), ("a3", ANNA), ("b1", BO)):
        await desk.begin_login(digest, nurse.id, MONDAY)
    await desk.end_login("a1")
    assert [await desk.login(one) is not None for one in ("a1", "a2", "a3", "b1")] == [False, True, True, True]
    await desk.end_logins(ANNA.id)
    assert [await desk.login(one) is not None for one in ("a1", "a2", "a3", "b1")] == [False, False, False, True]


async def test_a_sign_of_life_does_not_bring_back_a_login_that_ended(desk):
    await desk.add_nurse(BO, MONDAY)
    await desk.begin_login("d", BO.id, MONDAY)
    await desk.end_login("d")
    await desk.touch_login("d", MONDAY + MINUTE)
    assert await desk.login("d") is None


# --- links


async def test_a_link_takes_the_place_of_her_earlier_one_of_the_same_purpose(desk):
    await desk.add_nurse(BO, MONDAY)
    for digest, purpose in (("old", "password"), ("other", "sign_in"), ("new", "password")):
        await desk.add_link(digest, BO.id, purpose, MONDAY + HOUR)
    assert await desk.link("old") is None
    link = await desk.link("new")
    assert (link.nurse, link.purpose, link.until) == (BO, "password", MONDAY + HOUR)
    assert (await desk.link("other")).purpose == "sign_in"


async def test_of_two_who_use_a_link_at_once_one_has_it(desk):
    await desk.add_nurse(BO, MONDAY)
    await desk.add_link("d", BO.id, "sign_in", MONDAY + HOUR)
    assert sorted(await asyncio.gather(desk.use_link("d"), desk.use_link("d"))) == [False, True]
    assert await desk.link("d") is None
