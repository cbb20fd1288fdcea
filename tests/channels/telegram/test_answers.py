"""Whatever is answered in Telegram's place: the worst that it can do is to make this channel wait a while."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels import Busy, ChannelDown, Outgoing, Retired, Undeliverable
from bot.channels.telegram.channel import LONGEST_PAUSE_S
from bot.channels.telegram.request import LARGEST_ANSWER
from tests.kit.botapi.nonsense import NONSENSE, UPDATE
from tests.kit.botapi.server import Answer, BotApi
from tests.kit.telegram import YES_NO, Service, Settings, channel_to, listening, to

METHODS = ("deleteWebhook", "getUpdates")


class Pauses:
    """Takes no time, and knows how long it would have been."""

    def __init__(self) -> None:
        self.total_s, self.longest_s = 0.0, 0.0

    async def __call__(self, seconds: float) -> None:
        self.total_s, self.longest_s = self.total_s + seconds, max(self.longest_s, seconds)
        await asyncio.sleep(0)


@pytest.mark.parametrize("name", NONSENSE)
@pytest.mark.parametrize("method", METHODS)
async def test_nonsense_ends_no_listening_and_costs_no_message(server, service, settings, patient, method, name):
    server.faults.script(method, *[NONSENSE[name]] * 3)
    async with listening(channel_to(server, settings, pause=(pauses := Pauses())), service) as channel:
        await server.updates.settles()

    assert service.texts == ["/start"]
    assert channel.status().trouble is None
    assert pauses.longest_s <= LONGEST_PAUSE_S


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_for_ever_is_no_loop_without_pauses_and_is_said(server, service, settings, name):
    server.faults.always["getUpdates"] = NONSENSE[name]
    async with listening(channel_to(server, settings, pause=(pauses := Pauses())), service) as channel:
        await server.until(lambda: server.calls["getUpdates"] >= 30)
        trouble = channel.status().trouble

    assert pauses.total_s >= 20
    assert pauses.longest_s <= LONGEST_PAUSE_S
    assert trouble is not None


async def test_the_same_batch_for_ever_is_no_loop_without_pauses(server, service, settings):
    server.faults.always["getUpdates"] = Answer.of({"ok": True, "result": [{"update_id": 5, **UPDATE}]})
    async with listening(channel_to(server, settings, pause=(pauses := Pauses())), service):
        await server.until(lambda: server.calls["getUpdates"] >= 30)

    assert pauses.total_s >= 20


async def test_an_empty_answer_that_comes_at_once_for_ever_is_no_loop_without_pauses(server, service, settings):
    server.faults.always["getUpdates"] = Answer.of({"ok": True, "result": []})
    async with listening(channel_to(server, settings, pause=(pauses := Pauses())), service):
        await server.until(lambda: server.calls["getUpdates"] >= 30)

    assert pauses.total_s >= 20


ELEMENTS = [None, True, 7, "text", [], {}, UPDATE, *({"update_id": one, **UPDATE} for one in ("7", None, -1, 1e300))]


@pytest.mark.parametrize("element", ELEMENTS, ids=repr)
async def test_one_malformed_element_costs_itself_only(server, service, settings, caplog, element):
    one, two = (
        {"update_id": number, "message": {**UPDATE["message"], "message_id": number, "text": f"{number}"}}
        for number in (1, 2)
    )
    batch = [element, one, element, two, element]
    server.faults.script("getUpdates", Answer.of({"ok": True, "result": batch}))
    async with listening(channel_to(server, settings), service) as channel:
        await service.has(2)
        await server.until(lambda: server.calls["getUpdates"] >= 2)
        assert channel.status().trouble is None

    assert service.texts == ["1", "2"]
    assert next(sent["offset"] for method, sent in server.log if method == "getUpdates" and "offset" in sent) == "3"
    assert channel.ignored_updates["malformed"] == 3
    assert "no updates: 3" in caplog.text


@pytest.mark.parametrize("chat_id", ["\ud800", "x", None, [], {"a": 1}, True, 1.5], ids=repr)
async def test_a_chat_that_cannot_be_one_is_nobodys_and_holds_up_nobody(server, service, settings, patient, chat_id):
    chat = {"id": chat_id, "type": "private"}
    server.updates.push_unasked(message={**UPDATE["message"], "chat": chat})
    await patient.says("and on")
    async with listening(channel_to(server, settings), service):
        await server.updates.settles()

    assert service.texts == ["/start", "and on"]


@pytest.mark.parametrize("asked_s", [3600, 1e12])
async def test_a_wait_of_an_hour_is_said_at_once_and_looked_into_every_half_minute(
    server, service, settings, patient, caplog, asked_s
):
    waiting, going_on = asyncio.Event(), asyncio.Event()
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)
        waiting.set()
        await going_on.wait()

    server.faults.script("deleteWebhook", Answer.of({"ok": False, "parameters": {"retry_after": asked_s}}, 429))
    async with listening(channel_to(server, settings, pause=pause), service) as channel:
        await waiting.wait()
        assert "Flood control" in (channel.status().trouble or "")
        going_on.set()
        await server.updates.settles()
        assert channel.status().trouble is None

    assert waits[0] == 30
    assert caplog.text.count("Flood control") == 1


async def test_a_channel_that_has_never_polled_says_that_it_should(server, settings):
    channel = channel_to(server, settings)
    assert (channel.status().is_polled, channel.status().polled_at) == (True, None)
    await channel.close()


# --- sending


@pytest.mark.parametrize("name", NONSENSE)
@pytest.mark.parametrize("method", ["sendMessage", "sendPhoto"])
async def test_what_answers_a_message_means_sent_later_or_never(server, channel, patient, method, name):
    server.faults.script(method, NONSENSE[name])
    picture = "body" if method == "sendPhoto" else None
    sending = to(patient, Outgoing("Where?", picture=picture, choices=YES_NO))
    answer = NONSENSE[name]
    was_taken = answer.status == 200 and answer.body.startswith(b'{"ok": true') and _is_read(answer.body)

    if was_taken:
        assert await channel.send(sending) is not None
        assert server.calls[method] == 1
    else:
        with pytest.raises(Busy):
            await channel.send(sending)


def _is_read(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


async def test_an_answer_is_not_read_further_than_any_can_be_long(server, channel, patient):
    server.faults.script("sendMessage", Answer(b" " * 100_000, times=6000))
    with pytest.raises(Busy, match=f"longer than {LARGEST_ANSWER} bytes"):
        await channel.send(to(patient, Outgoing("hello")))


async def test_a_later_message_does_not_try_to_change_one_without_a_name(server, channel, patient):
    await channel.send(to(patient, Outgoing("Next", retires=Retired("t1", "", "✓ Yes")), ""))
    assert server.calls["editMessageText"] == 0


async def test_a_picture_whose_id_cannot_be_kept_is_sent_all_the_same(server, patient):
    class Full(Settings):
        async def put(self, key: str, value: str) -> None:
            raise OSError("disk full")

    channel = channel_to(server, Full())
    assert await channel.send(to(patient, Outgoing("Where?", picture="body"))) == "2:photo"
    await channel.close()


@pytest.mark.parametrize("status", [401, 404])
async def test_one_method_that_is_not_found_is_that_messages_trouble(server, channel, patient, status):
    server.faults.script("sendMessage", Answer.of({"ok": False, "description": "Not Found"}, status))

    with pytest.raises(Busy) as raised:
        await channel.send(to(patient, Outgoing("hello")))

    assert raised.value.most_tries is not None
    assert server.calls["getMe"] == 1


async def test_an_answer_that_repeats_the_address_does_not_bring_the_token_out(server, service, settings, patient):
    words = f"cannot post to /bot{server.token}/sendMessage"
    for answer in (Answer.of({"ok": False, "description": words}, 502), Answer(words.encode(), 502)):
        server.faults.script("sendMessage", answer)
        channel = channel_to(server, settings)
        with pytest.raises(Busy) as raised:
            await channel.send(to(patient, Outgoing("hello")))
        await channel.close()
        assert server.token not in repr(raised.value) + repr(raised.value.__cause__)


# --- anything

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ALMOST = st.fixed_dictionaries(
    {},
    optional={
        "ok": st.booleans() | JSON,
        "result": st.lists(st.fixed_dictionaries({}, optional={"update_id": JSON, "message": JSON}), max_size=3) | JSON,
        "description": JSON,
        "error_code": JSON,
        "parameters": st.fixed_dictionaries({}, optional={"retry_after": JSON, "migrate_to_chat_id": JSON}) | JSON,
    },
)
STATUS = st.sampled_from([200, 200, 201, 400, 401, 403, 404, 409, 413, 418, 429, 500, 502, 599])
ANSWERS = st.builds(Answer.of, JSON | ALMOST, STATUS)


@settings(max_examples=150, deadline=None)
@given(st.lists(ANSWERS, min_size=1, max_size=3))
def test_any_answer_to_a_poll_or_to_a_message_is_survived(answers):
    async def survive() -> None:
        async with BotApi() as server:
            channel = channel_to(server, Settings(), pause=(pauses := Pauses()))
            for method in ("getUpdates", "deleteWebhook", "sendMessage", "answerCallbackQuery", "getMe"):
                server.faults.script(method, *answers)
            patient = server.user(42)
            async with listening(channel, Service()):
                for _ in answers:
                    with suppress(Busy, Undeliverable, ChannelDown):
                        assert await channel.send(to(patient, Outgoing("hello"))) is not None
                await server.until(lambda: server.calls["getUpdates"] > len(answers))
            assert pauses.longest_s <= LONGEST_PAUSE_S

    asyncio.run(survive())
