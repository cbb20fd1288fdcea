"""The tests' own Telegram is as strict as the real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, FormData, ServerDisconnectedError

from tests.kit.botapi.server import TOKEN, BotApi

Call = Callable[..., Awaitable[Any]]
KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "t:q:yes"}]]}


@pytest.fixture
async def server() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.fixture
async def call(server: BotApi) -> AsyncIterator[Call]:
    """Calls a method with JSON; gives its result, or the refusal's text."""
    async with ClientSession() as session:

        async def call(method: str, token: str = TOKEN, **parameters: Any) -> Any:
            async with session.post(f"{server.url}/bot{token}/{method}", json=parameters) as response:
                answer = await response.json()
                assert response.status == answer.get("error_code", 200)
                return answer["result"] if answer["ok"] else answer["description"]

        yield call


@pytest.mark.parametrize(
    ("parameters", "refusal"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": " \n "}, "message text is empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "🦵" * 2049}, "message is too long"),
        ({"text": "<b>x", "parse_mode": "HTML"}, "can't parse entities: Can't find end tag corresponding to start tag"),
        ({"text": "a < b", "parse_mode": "HTML"}, "can't parse entities: Unsupported start tag"),
        ({"text": "<b><i>x</b></i>", "parse_mode": "HTML"}, "can't parse entities: Unmatched end tag at byte offset 7"),
        ({"text": "<p>x</p>", "parse_mode": "HTML"}, 'can\'t parse entities: Unsupported start tag "p"'),
        ({"text": "half \ud83d pair"}, "strings must be encoded in UTF-8"),
        ({"text": "x", "chat_id": 999}, "chat not found"),
        ({"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "Call", "url": "tel:+31"}]]}}, "is invalid"),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "A", "callback_data": "é" * 33}]]}},
            "BUTTON_DATA_INVALID",
        ),
        ({"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "A"}]]}}, "can't parse inline keyboard button"),
        ({"text": "x", "reply_markup": "{"}, "can't parse JSON encoded parameter"),
    ],
)
async def test_messages_that_telegram_refuses_are_refused(server, call, parameters, refusal):
    await server.user(42).says("/start")

    assert refusal in await call("sendMessage", **{"chat_id": 42} | parameters)


async def test_a_formatted_message_is_seen_without_its_markup(server, call):
    user = server.user(42)
    await user.says("/start")

    message = await call(
        "sendMessage", chat_id=42, text="🦵 <b>a &lt; b</b> c", parse_mode="HTML", reply_markup=KEYBOARD
    )

    assert (await user.sees("a < b")).entity("bold") == ["a < b"]
    assert message["entities"] == [{"type": "bold", "offset": 3, "length": 5}]
    assert (message["message_id"], message["chat"]["id"], message["reply_markup"]) == (2, 42, KEYBOARD)


async def test_edits_follow_telegrams_rules(server, call):
    user = server.user(42)
    await user.says("/start")
    await call("sendMessage", chat_id=42, text="Weaker?", reply_markup=KEYBOARD)

    def edit(message_id: int, text: str, **more: Any) -> Awaitable[Any]:
        return call("editMessageText", chat_id=42, message_id=message_id, text=text, **more)

    assert "message can't be edited" in await edit(1, "x")
    assert "message to edit not found" in await edit(9, "x")
    assert "message is not modified" in await edit(2, "Weaker?", reply_markup=KEYBOARD)
    assert "no caption in the message" in await call("editMessageCaption", chat_id=42, message_id=2, caption="x")
    assert (await edit(2, "Weaker? Yes"))["text"] == "Weaker? Yes"
    assert (await user.sees("Weaker? Yes")).buttons == {}


async def test_who_may_be_written_to_and_by_whom(server, call):
    user = server.user(42)
    assert await call("sendMessage", chat_id=42, text="x") == ("Forbidden: bot can't initiate conversation with a user")
    await user.blocks()
    await user.says("/start")
    assert await call("sendMessage", chat_id=42, text="x") == "Forbidden: bot was blocked by the user"
    assert await call("getMe", token="7001:" + "x" * 35) == "Unauthorized"
    assert await call("getMe", token="x") == "Not Found"
    assert await call("getMine") == "Not Found: method not found"


async def test_updates_are_forgotten_once_a_higher_offset_is_asked_for(server, call):
    for text in "abc":
        await server.user(42).says(text)

    assert [one["message"]["text"] for one in await call("getUpdates")] == ["a", "b", "c"]
    assert [one["update_id"] for one in await call("getUpdates", offset=2, limit=1)] == [2]
    assert [one["update_id"] for one in await call("getUpdates", offset=-1)] == [3]
    assert await call("getUpdates", offset=4) == []


async def test_an_offset_of_another_numbering_forgets_nothing(server, call):
    await server.user(42).says("a")
    await call("getUpdates", offset=2)
    server.updates.renumber(1_000)
    await server.user(42).says("b")

    assert [one["update_id"] for one in await call("getUpdates", offset=2)] == [1_000]
    assert [one["update_id"] for one in await call("getUpdates", offset=500_000)] == [1_000]
    assert await call("getUpdates", offset=1_001) == []


async def test_a_waiting_poll_ends_with_an_update_or_another_poll(server, call):
    first = asyncio.create_task(call("getUpdates", timeout=5))
    await server.until(lambda: server.calls["getUpdates"] == 1)
    second = asyncio.create_task(call("getUpdates", timeout=5))

    assert "terminated by other getUpdates request" in await first
    await server.user(42).says("hello")
    assert [one["message"]["text"] for one in await second] == ["hello"]
    await call("setWebhook", url="https://clinic.example/hook")
    assert "can't use getUpdates method while webhook is active" in await call("getUpdates")


async def test_a_tap_waits_for_its_button_and_is_answered_once(server, call):
    user = server.user(42)
    await user.says("/start")
    tap = asyncio.create_task(user.taps("Yes"))
    await call("sendMessage", chat_id=42, text="Weaker?", reply_markup=json.dumps(KEYBOARD))
    await tap

    query = (await call("getUpdates"))[-1]["callback_query"]

    assert (query["data"], query["from"]["id"], query["message"]["text"]) == ("t:q:yes", 42, "Weaker?")
    assert await call("answerCallbackQuery", callback_query_id=query["id"], text="Noted") is True
    assert "query is too old" in await call("answerCallbackQuery", callback_query_id=query["id"])
    assert user.toasts == ["Noted"]


async def test_a_photo_is_uploaded_once_and_then_known_by_its_id(server, call):
    user = server.user(42)
    await user.says("/start")
    form = FormData({"chat_id": "42", "caption": "Where?"})
    form.add_field("photo", b"\x89PNG....", filename="body.png")
    async with ClientSession() as session, session.post(f"{server.url}/bot{TOKEN}/sendPhoto", data=form) as response:
        photo = (await response.json())["result"]["photo"][-1]["file_id"]

    assert (await call("sendPhoto", chat_id=42, photo=photo, caption="x" * 1024))["photo"]
    assert "caption is too long" in await call("sendPhoto", chat_id=42, photo=photo, caption="x" * 1025)
    assert "wrong file identifier" in await call("sendPhoto", chat_id=42, photo="unknown")
    assert server.uploads == 1


async def test_scripted_faults_happen_in_their_order(server, call):
    user = server.user(42)
    await user.says("/start")
    server.faults.script("sendMessage", "429:3", "500", None, "dropped_before", "dropped_after")

    async def send() -> Any:
        return await call("sendMessage", chat_id=42, text="hello")

    assert await send() == "Too Many Requests: retry after 3"
    assert await send() == "Internal Server Error"
    assert (await send())["text"] == "hello"
    for seen in (1, 2):
        with pytest.raises(ServerDisconnectedError):
            await send()
        assert sum(one.is_bots for one in user.chat) == seen


async def test_what_a_user_does_not_see_is_told_with_her_screen(server):
    user = server.user(42)
    await user.says("hello?")

    with pytest.raises(AssertionError, match=r"(?s)did not see 'Welcome'.*hello\?"):
        await user.sees("Welcome", within_s=0.01)
