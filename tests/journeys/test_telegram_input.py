"""Bad input over the wire: each gets a helpful answer, is kept in the log, and disturbs nobody else."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

import pytest
import pytest_asyncio

from dialogs.protocol import load
from tests.kit.botapi.users import MEDIA, Shown, User
from tests.kit.patients import VIGNETTES, Patient, vignette_plan
from tests.kit.wire import Bot, at_the_first_question, running
from tests.kit.wire_audit import audit

pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBERS = count(1000)
EMERGENCY = "112"
SECRET_WORDS = "my left leg is purple"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bot]:
    async with running(tmp_path_factory.mktemp("input")) as bot:
        yield bot


async def patient(bot: Bot, language_code: str | None = "en") -> tuple[User, Shown]:
    """A new patient at the first question about her health."""
    return await at_the_first_question(bot, next(NUMBERS), language_code)


async def goes_on(bot: Bot, user: User) -> None:
    """The question stands below the answer, and answering it leads to the next one."""
    await bot.settles()
    await user.taps("No", again=True)
    await user.sees(lambda shown: asks(shown, "difficulty_walking"))


def asks(shown: Shown, question: str) -> bool:
    return any(f":{question}:" in data for data in shown.buttons.values())


def kept(bot: Bot, user: User) -> list[tuple[str, str]]:
    """What of hers answered nothing: its kind and words."""
    return [(body["what"], body["text"]) for kind, body in bot.events(user) if kind == "NotUnderstood"]


# --- messages that answer nothing -----------------------------------------------------------------------------------


def says(text: str, **fields: object) -> Callable[[User], Awaitable[object]]:
    return lambda user: user.says(text, **fields)


def sends(kind: str) -> Callable[[User], Awaitable[object]]:
    return lambda user: user.sends(kind)


async def edits(user: User) -> None:
    await user.edits(user.chat[0].message_id, SECRET_WORDS)


ANSWERS_NOTHING = {
    "unknown command": (says("/abracadabra"), "command", "/abracadabra"),
    "words": (says(SECRET_WORDS), "text", SECRET_WORDS),
    "10,000 characters": (says("pain " * 2000), "text", "pain " * 2000),
    "emoji": (says("🦴😭👍🏽"), "text", "🦴😭👍🏽"),
    "right to left": (says("\u202eno\u202c \u200fلا"), "text", "\u202eno\u202c \u200fلا"),
    "a null byte": (says("No\0"), "text", "No\ufffd"),
    "half a surrogate pair": (says("No\ud83d"), "text", "No\ufffd"),
    "an answer and more": (says("No, but I can't feel my legs"), "text", "No, but I can't feel my legs"),
    "forwarded": (lambda user: user.forwards("No"), "forwarded", "No"),
    "edited": (edits, "edited", SECRET_WORDS),
    "a reaction": (lambda user: user.reacts("👍"), "reaction", "👍"),
    "somebody else's number": (lambda user: user.shares_contact("+31201234567", own=False), "contact", ""),
} | {kind: (sends(kind), kind, "") for kind in MEDIA if kind not in ("contact",)}


@pytest.mark.parametrize("name", ANSWERS_NOTHING)
async def test_what_answers_nothing_is_answered_kept_and_asked_again(bot: Bot, name: str) -> None:
    act, what, words = ANSWERS_NOTHING[name]
    user, question = await patient(bot)
    await act(user)
    again = await user.sees(lambda shown: asks(shown, "emergency_signs") and shown.message_id > question.message_id)
    assert EMERGENCY in again.text
    assert kept(bot, user) == [(what, words)]
    await goes_on(bot, user)


async def test_a_second_start_shows_the_question_again_and_keeps_every_answer(bot: Bot) -> None:
    user, question = await patient(bot)
    await user.says("/start")
    await user.sees(lambda shown: asks(shown, "emergency_signs") and shown.message_id > question.message_id)
    await goes_on(bot, user)
    assert bot.one("select count(*) from sessions where address = ?", str(user.id)) == 1


@pytest.mark.parametrize("language_code", ["xx", None, "zh-hans"])
async def test_a_language_we_do_not_speak_is_greeted_in_the_clinics(bot: Bot, language_code: str | None) -> None:
    user = bot.telegram.user(next(NUMBERS), language_code)
    await user.says("/start")
    await user.sees("I am a computer program")


# --- buttons --------------------------------------------------------------------------------------------------------


async def test_a_second_tap_changes_nothing_and_says_so(bot: Bot) -> None:
    user, question = await patient(bot)
    data = question.buttons["No"]
    for _ in range(2):
        user.taps_data(data, question.message_id)
    await user.sees(lambda shown: asks(shown, "difficulty_walking"))
    await bot.settles()
    await bot.telegram.until(lambda: any(user.toasts))
    answered = [body for kind, body in bot.events(user) if kind == "Answered"]
    assert [body["question"] for body in answered].count("emergency_signs") == 1


async def test_of_two_answers_from_two_devices_the_first_counts_and_the_second_is_answered(bot: Bot) -> None:
    user, question = await patient(bot)
    user.taps_data(question.buttons["No"], question.message_id)
    user.taps_data(question.buttons["Yes"], question.message_id)
    await user.sees(lambda shown: EMERGENCY in shown.text or "+31 20 555 0178" in shown.text)
    await bot.settles()
    kinds = [kind for kind, body in bot.events(user) if body.get("question") == "emergency_signs"]
    assert kinds[:3] == ["Asked", "Answered", "TappedStale"]


async def test_a_tap_on_an_old_keyboard_never_answers_and_an_urgent_one_is_asked_again_and_listed(bot: Bot) -> None:
    user, first = await patient(bot)
    old = first.buttons["Yes"]
    await user.taps("No")
    await user.sees(lambda shown: asks(shown, "difficulty_walking"))
    user.taps_data(old, first.message_id)
    await user.sees(lambda shown: asks(shown, "emergency_signs") and shown.message_id > first.message_id)
    await bot.settles()
    assert bot.one(
        "select reasons from worklist join sessions on sessions.id = session where address = ?", str(user.id)
    )
    assert bot.one("select state from sessions where address = ?", str(user.id)) == "asking"


async def test_taps_after_the_end_are_answered_and_start_nothing(bot: Bot) -> None:
    user, question = await patient(bot)
    old = question.buttons["No"]
    await user.says("/stop")
    await user.sees(lambda shown: shown.message_id > question.message_id)
    await bot.settles()
    last = user.last.message_id
    user.taps_data(old, question.message_id)
    await user.sees(lambda shown: shown.message_id > last)
    assert bot.one("select state from sessions where address = ?", str(user.id)) == "stopped"


@pytest.mark.parametrize("data", ["x" * 64, "", "::", "abc:emergency_signs:maybe", "any:start:yes:no", "né:é:é"])
async def test_a_button_that_never_was_is_answered(bot: Bot, data: str) -> None:
    user, question = await patient(bot)
    user.taps_data(data, question.message_id)
    await user.sees(lambda shown: shown.message_id > question.message_id)
    await bot.settles()
    user.taps_data(next(one for one in newest(user).buttons.values() if one.endswith(":no")), newest(user).message_id)
    await user.sees(lambda shown: asks(shown, "difficulty_walking"))


def newest(user: User) -> Shown:
    return next(one for one in reversed(user.chat) if asks(one, "emergency_signs"))


async def test_a_tap_too_old_to_be_answered_counts_all_the_same(bot: Bot) -> None:
    user, question = await patient(bot)
    user.taps_data(question.buttons["No"], question.message_id, inaccessible=True)
    bot.telegram.expire_queries()
    await user.sees(lambda shown: asks(shown, "difficulty_walking"))


# --- reading up -----------------------------------------------------------------------------------------------------


async def test_reading_leaves_the_question_and_its_keyboard_alone(bot: Bot) -> None:
    user, question = await patient(bot)
    await user.says("/learn")
    await user.sees("What would you like to read?")
    await user.taps("The scan, and how soon")
    topic = await user.sees("The first choice is a kind of scan that is called MRI.")
    assert topic.rows == [["Other topics"], ["Back to my question"], ["Talk to a person"]]
    assert topic.entity("bold") == ["The scan, and how soon"]
    assert user.message(question.message_id).buttons == question.buttons
    user.taps_data(question.buttons["No"], question.message_id)
    await user.sees(lambda shown: asks(shown, "difficulty_walking"))
    await bot.settles()
    kinds = [kind for kind, body in bot.events(user) if kind != "Asked"]
    assert kinds[-3:] == ["AskedForTopics", "ReadTopic", "Answered"]
    assert (
        bot.one("select count(*) from worklist join sessions on sessions.id = session where address = ?", str(user.id))
        == 0
    )


async def test_a_list_from_long_ago_still_opens_its_topics(bot: Bot) -> None:
    user, _ = await patient(bot)
    await user.says("/learn")
    shown = await user.sees("What would you like to read?")
    await user.says("/stop")
    await user.sees("You stopped the check.")
    user.taps_data(shown.buttons["Who decides"], shown.message_id)
    topic = await user.sees("This meeting is called a tumour board.")
    assert topic.rows[-1] == ["Start a new check"]


# --- chats ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chat_type", ["group", "supergroup", "channel"])
async def test_groups_and_channels_get_no_answer_and_leave_no_trace(bot: Bot, chat_type: str) -> None:
    before = bot.one("select count(*) from events")
    bot.telegram.says_in(chat_type, "/start")
    await bot.settles()
    assert bot.one("select count(*) from events") == before
    assert not any(str(call.get("chat_id", "")).startswith("-") for _, call in bot.telegram.log)


async def test_advice_for_somebody_who_blocked_us_stands_first_on_the_worklist_and_she_can_come_back(bot: Bot) -> None:
    user, _ = await patient(bot)
    user.has_blocked = True
    await user.taps("Yes")
    await bot.settles()
    row = "select trouble from worklist join sessions on sessions.id = session where address = ?"
    assert bot.one(row, str(user.id)) == "delivery_failed"
    await user.unblocks()
    await user.says("/start")
    await user.sees(lambda shown: bool(shown.buttons))


async def test_blocking_us_is_kept(bot: Bot) -> None:
    user, _ = await patient(bot)
    await user.blocks()
    await bot.settles()
    assert bot.one("select count(*) from events join sessions on sessions.id = session where address = ?", str(user.id))


@pytest.mark.parametrize(
    "content",
    [
        {"never_seen": {"chat": {"id": 1, "type": "private"}, "from": {"id": 1}}},
        {"never_seen": {"without": "a chat"}},
        {"never_seen": 7},
        {"message": {"chat": {"id": 1, "type": "private"}}},
        {"message": None},
        {"callback_query": {"id": "1", "from": {"id": 1}}},
        {"poll": {"id": "1"}},
        {},
    ],
)
async def test_an_update_of_a_kind_never_seen_holds_up_nobody(bot: Bot, content: dict[str, object]) -> None:
    user, _ = await patient(bot)
    body = json.loads(json.dumps(content).replace('"id": 1,', f'"id": {user.id},'))
    bot.telegram.updates.push_unasked(**(body or {"nothing": None}))
    await goes_on(bot, user)


# --- our own mistakes -----------------------------------------------------------------------------------------------


async def test_a_message_that_our_code_cannot_digest_is_answered_listed_and_disturbs_nobody(bot: Bot) -> None:
    user, question = await patient(bot)
    await bot.settles()
    asked_about_nothing(bot, user)
    neighbour = Patient(bot.telegram, bot.telegram.user(next(NUMBERS)), vignette_plan(VIGNETTES[3]), load())
    user.taps_data(question.buttons["No"], question.message_id)
    await asyncio.gather(user.sees("Something went wrong"), neighbour.talks())
    await bot.settles()
    assert [body["error"] for kind, body in bot.events(user) if kind == "Unprocessed"] == ["KeyError"]
    row = "select trouble from worklist join sessions on sessions.id = session where address = ?"
    assert bot.one(row, str(user.id)) == "unprocessed"
    assert await audit(bot, [neighbour]) == []


def asked_about_nothing(bot: Bot, user: User) -> None:
    """Her log says that she was asked something that the protocol does not know: whatever she does now raises."""
    db = sqlite3.connect(bot.database, timeout=5)
    with db:
        db.execute(
            """
            insert into events select id, length, updated_at, 'Asked', '{"question": "vanished", "token": "t"}', null
            from sessions where address = ?
            """,
            (str(user.id),),
        )
        db.execute("update sessions set length = length + 1 where address = ?", (str(user.id),))
    db.close()


async def test_neither_the_token_nor_a_patients_words_reach_the_log_file(bot: Bot) -> None:
    user, _ = await patient(bot)
    await user.says(SECRET_WORDS)
    await bot.settles()
    assert SECRET_WORDS not in bot.output
    assert bot.telegram.token.split(":")[1] not in bot.output
    assert user.first_name not in bot.output
    assert "Traceback" not in bot.output
