"""What every channel promises, whichever it is."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterator

import pytest

from bot import channels, demo
from bot.channels import Channel, Choice, Outgoing
from tests.channels.rigs import RIGS, Rig

YES_NO = (Choice("Yes", "t1:weakness:yes", 0), Choice("No", "t1:weakness:no", 0), Choice("Why?", "t1:weakness:why", 1))


@pytest.fixture(params=sorted(RIGS, key=lambda one: one.__name__), ids=lambda one: one.__name__)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with RIGS[request.param]() as rig:
        assert type(rig.channel) is request.param
        yield rig


def classes(parent: type[Channel]) -> Iterator[type[Channel]]:
    for child in parent.__subclasses__():
        yield child
        yield from classes(child)


def test_every_class_of_channel_has_its_rig():
    for package in (channels, demo):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)

    ours = {one for one in classes(Channel) if one.__module__.startswith("bot.")}
    assert ours == set(RIGS)


async def test_a_patients_words_arrive_word_for_word(rig: Rig):
    await rig.writes("my legs are <b>weak</b> & numb 🦵")

    incoming = await rig.next()

    assert (incoming.channel, incoming.address) == (rig.channel.name, rig.address)
    assert (incoming.text, incoming.what, incoming.choice) == ("my legs are <b>weak</b> & numb 🦵", "text", None)


async def test_messages_arrive_in_order_and_each_has_an_external_id_of_its_own(rig: Rig):
    for count in range(5):
        await rig.writes(f"line {count}")

    incoming = [await rig.next() for _ in range(5)]

    assert [one.text for one in incoming] == [f"line {count}" for count in range(5)]
    assert len({one.external_id for one in incoming}) == 5
    assert all(one.external_id.startswith(f"{rig.channel.name}:") for one in incoming)


async def test_a_message_shows_heading_text_and_answers(rig: Rig):
    await rig.send(Outgoing("Are your legs weaker?", heading="Question 4 of about 11", choices=YES_NO))

    [seen] = await rig.sees(1)

    assert seen.text.split("\n")[:2] == ["Question 4 of about 11", "Are your legs weaker?"]
    assert seen.buttons == ("Yes", "No", "Why?")


async def test_a_tapped_answer_arrives_as_its_data(rig: Rig):
    await rig.send(Outgoing("Are your legs weaker?", choices=YES_NO))
    await rig.sees(1)

    await rig.taps("No")

    incoming = await rig.next()
    assert (incoming.choice, incoming.text) == ("t1:weakness:no", "")


async def test_messages_appear_in_the_order_sent(rig: Rig):
    for count in range(5):
        await rig.send(Outgoing(f"message {count}"))

    assert [seen.text.strip() for seen in await rig.sees(5)] == [f"message {count}" for count in range(5)]


async def test_what_looks_like_markup_is_shown_as_it_stands(rig: Rig):
    await rig.send(Outgoing("press <b>&amp; hold</i> if T > 38 °C", heading="<script>"))

    [seen] = await rig.sees(1)

    assert seen.text.strip() == "<script>\npress <b>&amp; hold</i> if T > 38 °C"


async def test_null_bytes_and_broken_characters_do_not_stop_a_message(rig: Rig):
    await rig.send(Outgoing("call \0now \ud83d please", heading="\udc00"))

    [seen] = await rig.sees(1)

    assert "call" in seen.text
    assert "please" in seen.text


async def test_listening_ends_when_it_is_cancelled(rig: Rig):
    await rig.writes("hello")
    await rig.next()

    rig.listening.cancel()

    async with asyncio.timeout(2):
        await asyncio.gather(rig.listening, return_exceptions=True)
    assert rig.listening.cancelled()


async def test_it_works_and_answers_only_below_a_path_of_its_own(rig: Rig):
    assert rig.channel.status().trouble is None
    assert all(path.startswith("/") for path in rig.channel.routes())
    assert rig.channel.pace.messages_per_second > 0


async def test_letting_go_twice_is_as_good_as_once(rig: Rig):
    await rig.channel.close()
    await rig.channel.close()


async def test_a_patient_sees_the_notice_that_no_store_has(rig: Rig):
    await rig.channel.notice(rig.address, Outgoing("Call +31 20 555 0100", heading="Not stored yet"))

    assert await rig.is_noticed("Not stored yet\nCall +31 20 555 0100")
