"""Whole checks in real Chromium on the real process: by keyboard, by touch, through a kill, without script."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.kit.browser import DESKTOP, PHONE, Patient, chromium, patient
from tests.kit.web_chat import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).resolve().parents[2]
NO_SIGNS = ("difficulty_walking", "weakness", "numbness_tingling", "bladder_bowel", "saddle_numbness", "lhermitte")
GREETED = ("consent:yes", "respondent:patient", "emergency_signs:no")


class Clinic:
    """The demo clinic as a process of its own."""

    command = (sys.executable, "-m", "bot.cli.main", "run")

    def __init__(self, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.directory = directory
        self.database = directory / "clinic.db"
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        settings = {"BOT_DATABASE": str(self.database), "BOT_LISTEN": f"127.0.0.1:{self.port}", "PYTHONPATH": str(ROOT)}
        return {name: value for name, value in os.environ.items() if not name.startswith("BOT_")} | settings

    async def start(self) -> None:
        await self.launch()
        await until(self.is_open)

    async def launch(self) -> asyncio.subprocess.Process:
        """A process of the service that may refuse to run."""
        with (self.directory / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                cwd=self.directory,
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self.process

    def is_open(self) -> bool:
        assert self.process.returncode is None, (self.directory / "log").read_text()
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        async with asyncio.timeout(10):
            await self.process.wait()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as db:
            return db.execute(query).fetchall()

    async def until_rows(self, query: str, wanted: list[tuple[Any, ...]]) -> None:
        await until(lambda: self.rows(query) == wanted)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    clinic = Clinic(tmp_path)
    await clinic.start()
    yield clinic
    await clinic.stop()


@asynccontextmanager
async def somebody(clinic: Clinic, browser: Browser, **settings: Any) -> AsyncIterator[Patient]:
    async with patient(browser, clinic.url, **settings) as someone:
        yield someone


async def test_advice_within_12_hours_in_english_by_keyboard_alone(clinic, browser):
    async with somebody(clinic, browser, **DESKTOP) as someone:
        keys = someone.page.keyboard
        await someone.opens()
        await someone.is_asked("language")
        await keys.press("Tab")
        await expect(someone.page.get_by_role("link", name="Go to the answers")).to_be_focused()
        await keys.press("Enter")
        await expect(someone.answers).to_be_focused()
        for key, next_question in (
            ("1", "consent"),
            ("1", "respondent"),
            ("1", "emergency_signs"),
            ("2", "difficulty_walking"),
            ("2", "weakness"),
            ("3", "weakness_change"),
        ):
            await someone.page.wait_for_timeout(400)
            await keys.press(key)
            await someone.is_asked(next_question)
            await expect(someone.answers).to_be_focused()
        await keys.press("Tab")
        await keys.press("Enter")
        advice = someone.page.locator(".of-advice")
        await expect(advice.first).to_contain_text("within 12 hours")
        await expect(advice.first).to_be_in_viewport()
        await expect(advice.first.get_by_role("link", name="+31 20 555 0100").first).to_have_attribute(
            "href", "tel:+31205550100"
        )
        await expect(advice.nth(1)).to_contain_text("Show this to staff")
        await clinic.until_rows("select tier from worklist", [("12h",)])
        await someone.is_asked("call_back_number")
        await keys.press("Shift+Tab")
        await someone.page.keyboard.press("End")
        await clinic.until_rows("select distinct state from outbox where kind = 'advice'", [("sent",)])
        assert await someone.violations() == []


async def test_advice_within_1_week_in_dutch_by_touch_with_a_correction_on_the_summary(clinic, browser):
    async with somebody(clinic, browser, locale="nl-NL", color_scheme="dark", **PHONE) as someone:
        await someone.opens()
        await someone.presses("language:nl", *GREETED)
        await expect(someone.page.locator("html")).to_have_attribute("lang", "nl")
        await someone.presses(*(f"{question}:no" for question in NO_SIGNS))
        await someone.presses("back_or_neck_pain:no", "between_shoulder_blades:no", "worse_lying_better_sitting:no")
        await someone.is_asked("radiating_pain")
        await someone.page.locator('.picture [data-answer="one_side"]').tap()
        await someone.presses("pain_course:worse", "pain_severe:no", "recent_spine_radiotherapy:no", "on_steroids:no")
        await someone.presses("summary:back_or_neck_pain", "back_or_neck_pain:yes", "summary:confirm")
        advice = someone.page.locator(".of-advice")
        await expect(advice.first).to_contain_text("binnen 1 week")
        await expect(advice.first).to_have_attribute("lang", "nl")
        await expect(advice.first).to_be_in_viewport()
        await expect(someone.page.locator(".yours", has_text="Eén kant")).to_have_count(1)
        kinds = "select kind from events where kind in ('Corrected', 'Advised') order by seq"
        assert clinic.rows(kinds) == [("Corrected",), ("Advised",)]
        assert await someone.violations() == []


async def test_another_language_in_the_middle(clinic, browser):
    async with somebody(clinic, browser, **PHONE) as someone:
        await someone.opens()
        await someone.presses("language:en", *GREETED)
        await someone.is_asked("difficulty_walking")
        await someone.page.get_by_label("Menu").tap()
        await someone.page.get_by_role("button", name="Language").tap()
        await someone.presses("language:nl")
        await expect(someone.page.locator("html")).to_have_attribute("lang", "nl")
        await someone.is_asked("difficulty_walking")
        await expect(someone.answers).to_contain_text("Weet ik niet")
        assert "Yes, I agree" in await someone.has_said()
        await someone.presses("difficulty_walking:yes", "difficulty_walking_change:new_or_worse")
        await expect(someone.page.locator(".of-advice").first).to_contain_text("binnen 12 uur")


async def test_the_process_is_killed_in_the_middle_and_nothing_is_lost_or_done_twice(clinic, browser):
    async with somebody(clinic, browser, **PHONE) as someone:
        await someone.opens()
        await someone.presses("language:en", *GREETED)
        await someone.is_asked("difficulty_walking")
        said = await someone.has_said()
        await clinic.stop(signal.SIGKILL)
        await someone.answers.locator('button[value$=":unsure"]').tap()
        await expect(someone.status).to_contain_text("I keep trying")
        await clinic.start()
        await someone.is_asked("difficulty_walking_change")
        await clinic.stop(signal.SIGKILL)
        await clinic.start()
        await someone.presses("difficulty_walking_change:unsure")
        await expect(someone.page.locator(".of-advice").first).to_contain_text("within 12 hours")
        assert await someone.has_said() == [*said, "Not sure", "Not sure"]
        answered = "select count(*) from events where kind = 'Answered' and body like '%difficulty_walking%'"
        assert clinic.rows(answered) == [(2,)]
        assert clinic.rows("select count(*) from events where kind = 'Advised'") == [(1,)]


async def test_a_whole_check_without_script(clinic, browser):
    async with somebody(clinic, browser, java_script_enabled=False, locale="nl-NL", **PHONE) as someone:
        await someone.opens()
        await someone.page.locator("#start button").tap()
        await someone.presses("language:nl", "consent:yes", "respondent:carer", "emergency_signs:no")
        await someone.box.fill("Weet ik niet")
        await someone.page.locator(".send").tap()
        await someone.presses("difficulty_walking_change:new_or_worse")
        await expect(someone.page.locator(".of-advice").first).to_contain_text("binnen 12 uur")
        await someone.box.fill("+31 (0)6 1234 5678")
        await someone.page.locator(".send").tap()
        await clinic.until_rows("select call_back_number from patients", [("+31612345678",)])
        await clinic.until_rows("select distinct state from outbox where kind = 'advice'", [("sent",)])


async def test_the_phones_clock_is_wrong_by_a_day(clinic, browser):
    async with somebody(clinic, browser, **PHONE) as someone:
        await someone.page.clock.set_fixed_time(datetime.now(UTC) - timedelta(days=1))
        await someone.opens()
        await someone.presses("language:en", "consent:yes", "respondent:patient", "emergency_signs:yes")
        advice = someone.page.locator(".of-advice").first
        await expect(advice.get_by_role("link", name="112").first).to_be_visible()
        told = await advice.locator("time").get_attribute("datetime")
        assert told
        assert abs(datetime.fromisoformat(told) - datetime.now(UTC)) < timedelta(minutes=2)
        await clinic.until_rows("select distinct state from outbox where kind = 'advice'", [("sent",)])


async def test_reading_from_the_menu_and_back_to_the_question(clinic, browser):
    async with somebody(clinic, browser, **PHONE) as someone:
        await someone.opens()
        await someone.presses("language:en", *GREETED, "difficulty_walking:yes")
        await someone.is_asked("difficulty_walking_change")
        reading = someone.page.locator(".of-topic .choices")
        await someone.page.get_by_label("Menu").tap()
        await someone.page.get_by_role("button", name="Read about it").tap()
        await reading.get_by_role("button", name="Warning signs").tap()
        topic = someone.page.locator(".of-topic", has_text="They count with pain and without pain.")
        await expect(topic.get_by_role("link", name="+31 20 555 0100")).to_be_visible()
        await expect(reading).to_have_count(1)
        await someone.is_asked("difficulty_walking_change")
        assert await someone.violations() == []
        await reading.get_by_role("button", name="Back to my question").tap()
        await expect(reading).to_have_count(0)
        await someone.presses("difficulty_walking_change:new_or_worse")
        await expect(someone.page.locator(".of-advice").first).to_contain_text("within 12 hours")
        kinds = "select kind from events where kind in ('AskedForTopics', 'ReadTopic', 'Resumed') order by seq"
        assert clinic.rows(kinds) == [("AskedForTopics",), ("ReadTopic",), ("Resumed",)]


async def test_a_question_is_answered_beside_what_is_being_read(clinic, browser):
    async with somebody(clinic, browser, **DESKTOP) as someone:
        await someone.opens()
        await someone.presses("language:en", *GREETED, "difficulty_walking:yes")
        await someone.says("/learn")
        await expect(someone.page.locator(".of-topic .choices")).to_be_visible()
        await someone.presses("difficulty_walking_change:unsure")
        await expect(someone.page.locator(".of-advice").first).to_contain_text("within 12 hours")
        await expect(someone.page.locator(".of-topic .choices")).to_have_count(0)
        await someone.is_asked("call_back_number")
        await someone.page.locator(".of-advice").get_by_role("button", name="Read about it").click()
        await expect(someone.page.locator(".of-topic .choices")).to_be_visible()
        await someone.is_asked("call_back_number")
