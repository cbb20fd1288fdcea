"""Long polling: what is committed is confirmed, what is not is asked for again, and nobody waits for another."""

from __future__ import annotations

import asyncio
import logging
from random import Random

import pytest

from bot.channels import Busy, Incoming, Outgoing, Undeliverable
from tests.kit.botapi.server import TOKEN, BotApi
from tests.kit.telegram import channel_to, listening, to


def offsets(server: BotApi) -> list[int | None]:
    return [int(sent["offset"]) if "offset" in sent else None for method, sent in server.log if method == "getUpdates"]


async def test_the_offset_moves_only_after_the_commit(server, service, settings, patient):
    committed = asyncio.Event()
    service.before = lambda _: committed.wait()
    async with listening(channel_to(server, settings), service):
        await server.until(lambda: server.calls["getUpdates"] >= 3)
        assert server.updates.waiting
        assert set(offsets(server)) <= {None, 1}

        committed.set()
        await server.updates.settles()

    assert service.texts == ["/start"]
    assert offsets(server)[0] is None


async def test_a_message_that_could_not_be_recorded_is_handed_in_again(server, service, settings, patient):
    async def fail_once(incoming: Incoming) -> None:
        tries.append(incoming.external_id)
        if len(tries) == 1:
            raise OSError("disk full")

    tries: list[str] = []
    service.before = fail_once
    async with listening(channel_to(server, settings), service):
        await server.updates.settles()

    assert tries == ["telegram:7001:1:1", "telegram:7001:1:1"]


async def test_one_patients_trouble_holds_up_nobody_else_and_not_her_order(server, service, settings):
    async def fail_for_one(incoming: Incoming) -> None:
        if incoming.address == "1" and len(service.received) < 4:
            raise OSError("disk full")

    service.before = fail_for_one
    for text in ("a", "b"):
        for user_id in (1, 2, 3):
            await server.user(user_id).says(text)
    async with listening(channel_to(server, settings), service):
        await server.updates.settles()

    by_address = [(one.address, one.text) for one in service.received]
    assert sorted(by_address[:4]) == [("2", "a"), ("2", "b"), ("3", "a"), ("3", "b")]
    assert by_address[4:] == [("1", "a"), ("1", "b")]


async def test_a_slow_patient_does_not_hold_up_the_others(server, service, settings):
    finished = asyncio.Event()

    async def wait_for_one(incoming: Incoming) -> None:
        if incoming.address == "1":
            await finished.wait()

    service.before = wait_for_one
    await server.user(1).says("slow")
    async with listening(channel_to(server, settings), service):
        await server.user(2).says("quick")
        await service.has(1)
        await server.user(3).says("quick too")
        await service.has(2)
        finished.set()
        await server.updates.settles()

    assert service.texts == ["quick", "quick too", "slow"]


async def test_numbering_that_starts_anew_loses_nothing(server, service, settings, patient):
    async with listening(channel_to(server, settings), service):
        await patient.says("before")
        await server.updates.settles()
        server.updates.renumber(900_000)
        await patient.says("much higher")
        await server.updates.settles()
        server.updates.renumber(900_000)
        await patient.says("the very same")
        await server.updates.settles()
        server.updates.renumber(5)
        await patient.says("much lower")
        await patient.says("and on")
        await server.updates.settles()

    assert service.texts == ["/start", "before", "much higher", "the very same", "much lower", "and on"]


async def test_a_thousand_waiting_messages_are_each_handed_in_once_and_in_order(server, service, settings):
    for count in range(1000):
        await server.user(count % 20 + 1).says(f"{count}")
    async with listening(channel_to(server, settings), service):
        await server.updates.settles()

    assert len(service.received) == 1000
    for user_id in range(1, 21):
        said = [int(one.text) for one in service.received if one.address == str(user_id)]
        assert said == sorted(said)


async def test_a_message_delivered_again_has_the_same_external_id(server, service, settings, patient):
    async with listening(channel_to(server, settings), service):
        await server.updates.settles()
        server.faults.updates_twice = 1.0
        for text in "abcdef":
            await patient.says(text)
            await server.updates.settles()

    once = {one.text: one.external_id for one in service.received}
    assert len(once) == len(set(once.values())) == 7
    assert len(service.received) > 7
    assert all(one.external_id == once[one.text] for one in service.received)


async def test_polling_survives_every_kind_of_trouble(server, service, settings, patient):
    server.faults.script("deleteWebhook", "dropped_before", "502")
    server.faults.script("getUpdates", "500", "502", "429:1", "dropped_before", "dropped_after", "400", None)
    async with listening(channel_to(server, settings), service):
        await server.updates.settles()

    assert service.texts == ["/start"]


async def test_nothing_is_lost_or_overtaken_while_everything_goes_wrong_now_and_then(server, service, settings):
    faults = {"429:1": 0.05, "500": 0.05, "502": 0.05, "dropped_before": 0.1, "dropped_after": 0.1}
    server.faults.at_rate(faults, 7, "getUpdates")
    server.faults.updates_twice = 0.3
    dice = Random(11)

    async def fail_now_and_then(_: Incoming) -> None:
        if dice.random() < 0.1:
            raise OSError("disk full")

    service.before = fail_now_and_then
    async with listening(channel_to(server, settings), service):
        for count in range(300):
            await server.user(count % 10 + 1).says(f"{count}")
            if count % 20 == 0:
                await asyncio.sleep(0)
        await server.updates.settles(within_s=20)

    for user_id in range(1, 11):
        first_times = dict.fromkeys(int(one.text) for one in service.received if one.address == str(user_id))
        assert list(first_times) == list(range(user_id - 1, 300, 10))


async def test_updates_in_any_order_are_each_committed(server, service, settings):
    server.faults.updates_shuffled = 1.0
    for count in range(250):
        await server.user(count % 10 + 1).says(f"{count}")
    async with listening(channel_to(server, settings), service):
        await server.updates.settles()

    assert {int(text) for text in service.texts} == set(range(250))


async def test_a_second_poller_is_named_as_trouble_until_it_is_gone(server, service, settings, patient):
    async with listening(channel_to(server, settings), service) as channel:
        await server.updates.settles()
        server.updates.set_webhook({"url": "https://elsewhere.example/hook"})
        await server.until(lambda: channel.status().trouble)
        assert "stop the other one" in channel.status().trouble
        server.updates.delete_webhook({})
        await patient.says("hello again")
        await server.updates.settles()
        assert channel.status().trouble is None


async def test_neither_the_token_nor_a_patients_words_reach_a_log_or_an_error(
    server, service, settings, patient, caplog
):
    caplog.set_level(logging.DEBUG)
    errors: list[BaseException] = []

    async def fail_once(incoming: Incoming) -> None:
        if not errors:
            errors.append(ValueError(f"cannot read {incoming.text!r}"))
            raise errors[0]

    service.before = fail_once
    await patient.says("my legs are weak")
    server.faults.script("getUpdates", "dropped_before", "502", "500")
    async with listening(channel_to(server, settings), service) as channel:
        await server.updates.settles()
        for fault in ("dropped_before", "hang", "429:1", "500", "502", "403"):
            server.faults.script("sendMessage", fault)
            with pytest.raises((Busy, Undeliverable)) as raised:
                await channel.send(to(patient, Outgoing("your legs are weak")))
            errors.append(raised.value)
    stranger = channel_to(server, settings, token=TOKEN[:-1] + "x", api_url="http://127.0.0.1:9")
    with pytest.raises(Busy) as raised:
        await stranger.send(to(patient, Outgoing("hello")))
    await stranger.close()

    told = caplog.text + repr(errors[1:]) + repr(raised.value)
    told += "".join(repr(error.__cause__) + repr(error.__context__) for error in [*errors[1:], raised.value])
    assert TOKEN.split(":")[1][:20] not in told
    assert "legs are weak" not in told
