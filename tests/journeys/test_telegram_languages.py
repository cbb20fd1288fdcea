"""All eight languages over Telegram's wire: from /start to each disposition, and from language to language."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio

from bot.clinic.settings import load
from bot.console.transcript import transcript
from bot.language.catalogue import native_name
from bot.language.texts import PatientTexts
from bot.store.sqlite.store import SqliteStore
from bot.store.transcripts import SentMessage
from dialogs.events import Recorded
from tests.kit.botapi.users import Shown, User
from tests.kit.every_message import DISPOSITIONS, ENGLISH
from tests.kit.languages import LANGUAGES, PROTOCOL
from tests.kit.patients import VIGNETTES, Patient, Plan
from tests.kit.wire import Bot, running
from tests.kit.wire_audit import audit

pytestmark = pytest.mark.asyncio(loop_scope="module")
FINDINGS = {
    disposition: next(row["findings"] for row in VIGNETTES if row["expected"] == disposition)
    for disposition in DISPOSITIONS
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bot]:
    async with running(tmp_path_factory.mktemp("languages"), languages=LANGUAGES) as bot:
        yield bot


# --- to each disposition


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def journeys(bot: Bot) -> dict[tuple[str, str], Patient]:
    """Forty patients who talk at once, one for each language and disposition."""
    made = {}
    for number, (language, disposition) in enumerate((one, other) for one in LANGUAGES for other in DISPOSITIONS):
        plan = Plan(f"{language} {disposition}", FINDINGS[disposition], Random(number), {"language": language})
        made[language, disposition] = Patient(bot.telegram, bot.telegram.user(1000 + number, language), plan, PROTOCOL)
    await asyncio.gather(*(patient.talks() for patient in made.values()))
    await bot.settles()
    return made


async def test_every_language_reaches_every_disposition(bot: Bot, journeys: dict[tuple[str, str], Patient]) -> None:
    query = "select language, disposition from sessions where address = ?"
    with bot.rows() as db:
        reached = {key: db.execute(query, (str(one.user.id),)).fetchall() for key, one in journeys.items()}
    assert reached == {key: [key] for key in journeys}
    assert await audit(bot, [*journeys.values()]) == []


async def test_whatever_arrives_is_in_the_language_from_the_first_word_on(
    bot: Bot, journeys: dict[tuple[str, str], Patient]
) -> None:
    for (language, _), patient in journeys.items():
        sent = bot.said("address = ?", str(patient.user.id))
        assert {outgoing.language for *_, outgoing in sent} == {language}
        if language != "en":
            screen = "\n".join(part for one in patient.user.chat if one.is_bots for part in (one.text, *one.buttons))
            assert {sentence for sentence in ENGLISH if sentence in screen} == set()


async def test_a_nurse_reads_every_conversation_in_english_and_in_the_original(
    bot: Bot, journeys: dict[tuple[str, str], Patient]
) -> None:
    config = load(bot.directory / "clinic.toml", {"BOT_DATABASE": str(bot.database)})
    words, store = PatientTexts(config.clinic, PROTOCOL), SqliteStore(bot.database, is_reader=True)
    for (language, _), patient in journeys.items():
        session = bot.one("select id from sessions where address = ?", str(patient.user.id))
        parts = await store.conversation(session)
        events = [one for one in parts if isinstance(one, Recorded)]
        said = [one for one in parts if isinstance(one, SentMessage) and one.state == "sent"]
        lines = transcript(session, events, said, words, PROTOCOL, "en")
        read = "\n".join(line.text or line.exact for line in lines)
        assert "Show this to staff:" in read
        assert "Is walking hard for you" in read or "Do you have any of these right now?" in read
        assert all(line.text for line in lines if line.who == "bot") == (language != "en")
        shown = [line.exact for line in lines if line.who == "bot"]
        arrived = "\n".join(one.text for one in bot.telegram.arrivals[patient.user.id])
        assert all(text.split("\n")[0] in arrived for text in shown)
        assert {line.language for line in lines if line.who == "bot"} == {language}
    await store.close()


# --- from language to language


async def test_the_language_can_be_changed_at_every_step_and_nothing_is_lost(bot: Bot) -> None:
    user = bot.telegram.user(2000, "pt-br")
    await user.says("/start")
    await answers(user, language="en")
    spoken = await changes(bot, user, "consent", "nl")
    await answers(user, consent="yes", respondent="patient", emergency_signs="no", difficulty_walking="no")
    spoken += await changes(bot, user, "weakness", "ar")
    signs = ("weakness", "numbness_tingling", "bladder_bowel", "saddle_numbness", "lhermitte")
    await answers(user, **dict.fromkeys(signs, "no"))
    pains = ("back_or_neck_pain", "between_shoulder_blades", "worse_lying_better_sitting")
    await answers(user, **dict.fromkeys(pains, "no"))
    spoken += await changes(bot, user, "radiating_pain", "tr")
    await answers(user, radiating_pain="none")
    spoken += await changes(bot, user, "summary", "pl")
    await answers(user, summary="saddle_numbness", saddle_numbness="yes")
    spoken += await changes(bot, user, "call_back_number", "de")
    await answers(user, call_back_number="skip")
    spoken += await changes(bot, user, "more", "fr")
    await answers(user, more="yes")
    spoken += await changes(bot, user, "recent_spine_radiotherapy", "ar")
    await answers(user, recent_spine_radiotherapy="no", on_steroids="no")
    await bot.settles()
    assert spoken == ["nl", "ar", "tr", "pl", "de", "fr", "ar"]
    findings = json.loads(bot.one("select answers from sessions where address = '2000'"))
    assert findings == dict.fromkeys((*signs, *pains, "emergency_signs", "difficulty_walking"), "no") | {
        "radiating_pain": "none",
        "saddle_numbness": "yes",
        "recent_spine_radiotherapy": "no",
        "on_steroids": "no",
    }
    assert bot.one("select disposition from sessions where address = '2000'") == "12h"


async def test_the_language_is_remembered_for_the_next_check(bot: Bot) -> None:
    user = bot.telegram.user(2001, "en-GB")
    await user.says("/start")
    await answers(user, language="ar", consent="yes", respondent="patient", emergency_signs="yes")
    await keyboard(user, "call_back_number")
    await user.says("/restart")
    again = await keyboard(user, "respondent")
    await bot.settles()
    assert spoken_in(bot, user) == "ar"
    assert native_name("en") not in again.buttons


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_language_is_offered_from_the_telephones_own_and_confirmed(bot: Bot, language: str) -> None:
    user = bot.telegram.user(2100 + LANGUAGES.index(language), f"{language}-XX")
    await user.says("/start")
    question = await keyboard(user, "language")
    assert next(iter(question.buttons)) == native_name(language)
    assert {data.split(":")[2] for data in question.buttons.values()} >= {*LANGUAGES}
    assert spoken_in(bot, user) == language
    await answers(user, language=language)
    await keyboard(user, "consent")


async def keyboard(user: User, question: str) -> Shown:
    """The newest message that asks this, once it is there."""
    bell = user._server.bells[user.id]
    async with asyncio.timeout(20):
        while True:
            bell.clear()
            for shown in reversed(user.chat):
                if any(f":{question}:" in data for data in shown.buttons.values()):
                    return shown
            await bell.wait()


async def answers(user: User, **given: str) -> None:
    for question, code in given.items():
        shown = await keyboard(user, question)
        data = next(one for one in shown.buttons.values() if one.endswith(f":{question}:{code}"))
        user.taps_data(data, shown.message_id)
        await is_retired(user, shown)


async def is_retired(user: User, shown: Shown) -> None:
    """Returns once the message has lost its buttons."""
    await user._wait(lambda: not shown.buttons, f"the question without its buttons: {shown}", 20)


async def changes(bot: Bot, user: User, pending: str, language: str) -> list[str]:
    """Chooses another language while this question is pending; which one it is asked in afterwards."""
    before = await keyboard(user, pending)
    old = {*before.buttons.values()}
    await user.says("/language")
    choice = await keyboard(user, "language")
    await is_retired(user, before)
    await answers(user, language=language)
    after = await keyboard(user, pending)
    await is_retired(user, choice)
    assert not old & {*after.buttons.values()}, "the question was not asked anew"
    await bot.settles()
    return [spoken_in(bot, user)]


def spoken_in(bot: Bot, user: User) -> str:
    *_, outgoing = bot.said("address = ?", str(user.id))[-1]
    return outgoing.language
