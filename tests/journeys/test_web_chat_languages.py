"""All eight languages in real Chromium: from the first page to each disposition, and from language to language."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bot.clinic.languages import direction
from bot.language.catalogue import fill
from bot.store.sqlite.store import SqliteStore
from dialogs.decision import decide_from_answers, next_question
from tests.journeys.test_telegram_languages import FINDINGS
from tests.journeys.test_web_chat import Clinic
from tests.kit.browser import PATIENCE_MS, PHONE, Patient, chromium, patient
from tests.kit.every_message import DISPOSITIONS, ENGLISH
from tests.kit.languages import LANGUAGES, PROTOCOL, WORDS
from tests.kit.wire import CLINIC

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT_ONCE = 8
"""So many pages are open at a time."""
CLICKS = """
async ([answers, patience]) => {
  const until = async (holds, answer) => {
    const end = performance.now() + patience;
    while (!holds()) {
      if (performance.now() > end) throw new Error(`waited in vain at ${answer}`);
      await new Promise((done) => setTimeout(done, 10));
    }
  };
  for (const answer of answers) {
    const button = () => document.querySelector(`#answers button[value$=":${answer}"]`);
    await until(button, answer);
    button().click();
    await until(() => !button(), answer);
  }
}
"""
"""Clicks without looking whether a finger could: that is tested elsewhere, and is most of the time of a tap."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clinic(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clinic]:
    clinic = Clinic(tmp_path_factory.mktemp("languages"))
    wanted = {"mode": "polling", "languages": json.dumps(LANGUAGES), "unreviewed": json.dumps(LANGUAGES[1:])}
    (clinic.directory / "clinic.toml").write_text(f"{fill(CLINIC, wanted)}\n[web]\nnew_sessions_per_hour = 1000\n")
    await SqliteStore(clinic.database).close()
    await clinic.start()
    yield clinic
    await clinic.stop()


def settings(languages: str) -> dict[str, object]:
    """A telephone set to these languages."""
    return {"reduced_motion": "reduce", "extra_http_headers": {"Accept-Language": languages}, **PHONE}


def presses(language: str, disposition: str) -> list[str]:
    """Every button on the way to the advice, by `question:code`."""
    given: dict[str, str] = {}
    is_urgent = disposition in ("emergency", "12h")
    while (question := next_question(given, PROTOCOL)) is not None and question.id not in given:
        least = "none" if "none" in question.codes else "no" if "no" in question.codes else question.codes[0]
        given[question.id] = FINDINGS[disposition].get(question.id, least)
        if is_urgent and decide_from_answers(given, PROTOCOL).disposition == disposition:
            break
    greeted = {"language": language, "consent": "yes", "respondent": "patient"}
    end = {} if is_urgent else {"summary": "confirm"}
    return [f"{question}:{code}" for question, code in {**greeted, **given, **end}.items()]


async def test_every_language_reaches_every_disposition(clinic: Clinic, browser: Browser) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def reaches(language: str, disposition: str) -> None:
        async with places, patient(browser, clinic.url, **settings(language)) as someone:
            await someone.opens()
            await expect(someone.page.locator("html")).to_have_attribute("lang", language)
            first, *others = presses(language, disposition)
            await someone.presses(first)
            await someone.page.evaluate(CLICKS, [others, PATIENCE_MS])
            await is_advised(someone, language)

    journeys = [(language, disposition) for language in LANGUAGES for disposition in DISPOSITIONS]
    await asyncio.gather(*(reaches(*journey) for journey in journeys))
    reached = clinic.rows("select language, disposition from sessions order by language, disposition")
    assert reached == sorted(journeys)


async def is_advised(someone: Patient, language: str) -> None:
    """Both messages of the advice are there, in the language and its direction, and nothing else is said in English."""
    advice = someone.page.locator(".of-advice")
    await expect(advice).to_have_count(2)
    await expect(advice.first).to_have_attribute("lang", language)
    await expect(advice.first).to_have_attribute("dir", direction(language))
    await expect(advice.nth(1)).to_contain_text(WORDS.ui("program", language))
    page = await someone.page.locator("body").inner_text()
    assert language == "en" or not {sentence for sentence in ENGLISH if sentence in page}


async def test_the_language_can_be_changed_at_every_step_and_the_page_follows(clinic: Clinic, browser: Browser) -> None:
    async with patient(browser, clinic.url, **settings("ca,es;q=0.8,en;q=0.5")) as someone:
        await someone.opens()
        await is_asked_in(someone, "language", "es")
        await someone.presses("language:es")
        await changes(someone, "consent", "ar")
        await someone.presses("consent:yes", "respondent:carer", "emergency_signs:no")
        await changes(someone, "difficulty_walking", "tr")
        await someone.presses(
            *(f"{one}:no" for one in ("difficulty_walking", "weakness", "numbness_tingling", "bladder_bowel")),
            *(f"{one}:no" for one in ("saddle_numbness", "lhermitte", "back_or_neck_pain", "between_shoulder_blades")),
            "worse_lying_better_sitting:no",
        )
        await changes(someone, "radiating_pain", "ar")
        await someone.presses("radiating_pain:none")
        await changes(someone, "summary", "de")
        await someone.presses("summary:weakness", "weakness:yes")
        await changes(someone, "weakness_change", "fr")
        await someone.presses("weakness_change:new_or_worse")
        await changes(someone, "call_back_number", "ar")
        await someone.presses("call_back_number:skip", "more:yes")
        await is_asked_in(someone, "recent_spine_radiotherapy", "ar")
        assert await someone.violations() == []
    ((language, disposition, answers),) = clinic.rows(
        "select language, disposition, answers from sessions order by number desc limit 1"
    )
    assert (language, disposition) == ("ar", "12h")
    assert json.loads(answers)["weakness"] == "yes"
    assert json.loads(answers)["radiating_pain"] == "none"
    assert len(json.loads(answers)) == 12


async def changes(someone: Patient, pending: str, language: str) -> None:
    """Chooses another language from the menu; the question that was pending is asked again in it, once."""
    await someone.is_asked(pending)
    await someone.page.locator("#menu summary").tap()
    await someone.page.locator('#menu button[value="/language"]').tap()
    await someone.is_asked("language")
    await expect(someone.answers.locator(f'button[value*=":{pending}:"]')).to_have_count(0)
    await someone.presses(f"language:{language}")
    await is_asked_in(someone, pending, language)


async def is_asked_in(someone: Patient, question: str, language: str) -> None:
    root = someone.page.locator("html")
    await expect(root).to_have_attribute("lang", language)
    await expect(root).to_have_attribute("dir", direction(language))
    await someone.is_asked(question)
    await expect(someone.answers.locator(f'button[value$=":{question}:person"]')).to_have_count(1)
    await expect(someone.answers).to_contain_text(WORDS.ui("action_person", language))


async def test_the_language_is_remembered_for_the_next_check(clinic: Clinic, browser: Browser) -> None:
    async with patient(browser, clinic.url, **settings("en-GB")) as someone:
        await someone.opens()
        await someone.presses("language:ar", "consent:yes", "respondent:patient", "emergency_signs:no")
        await someone.says("/restart")
        await is_asked_in(someone, "respondent", "ar")
