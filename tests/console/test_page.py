"""The nurse's console in real Chromium: news that disturbs nobody, the keyboard, no script, narrow pages, axe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from bot.store.console import Role
from tests.kit.clinic import TestClinic
from tests.kit.console_client import BACK, ONE_SIDE, WEAK, Ward, opened

CHROMIUM = "/usr/bin/chromium"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest_asyncio.fixture
async def ward(clinic: TestClinic) -> AsyncIterator[Ward]:
    async with opened(clinic) as ready:
        yield ready


@pytest_asyncio.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@asynccontextmanager
async def at_the_desk(chromium: Browser, ward: Ward, name: str, **fields: object) -> AsyncIterator[Page]:
    """A nurse's signed-in page; whatever the browser complains of fails the test."""
    role = fields.pop("role", Role.NURSE)
    languages = fields.pop("languages", ("en",))
    context: BrowserContext = await chromium.new_context(**fields)  # type: ignore[arg-type]
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    await page.goto(await ward.link(name, role=role, languages=languages))
    yield page
    await context.close()
    assert not complaints


async def test_a_new_entry_comes_on_top_within_two_seconds_and_takes_no_focus(chromium, ward):
    await ward.patient("1", **BACK)
    async with at_the_desk(chromium, ward, "Anna") as page:
        link = page.locator(".entry h2 a")
        await link.focus()
        old = await link.get_attribute("id")
        await asyncio.wait_for(page.evaluate("new Promise(done => setTimeout(done, 300))"), 5)
        await ward.clinic.patient("2").says("/emergency")
        await expect(page.locator(".entry").first).to_contain_text("Emergency", timeout=2000)
        assert await page.evaluate("document.activeElement.id") == old
        await expect(page).to_have_title("(1) Worklist · Demo Cancer Centre")


async def test_what_she_opened_and_typed_stays_when_news_comes_in(chromium, ward):
    patient = await ward.patient(**WEAK)
    async with at_the_desk(chromium, ward, "Anna") as page:
        await page.goto(f"{ward.base}/console/entries/{await ward.session_of(patient)}")
        await page.locator("#note summary").click()
        await page.locator("#note-text").fill("Waiting for the physio")
        await page.locator(".said details summary").first.click()
        await patient.says("I cannot feel my feet")
        await expect(page.locator(".lines")).to_contain_text("I cannot feel my feet", timeout=3000)
        assert await page.locator("#note-text").input_value() == "Waiting for the physio"
        assert await page.locator(".said details").first.get_attribute("open") is not None


async def test_a_nurse_works_by_keyboard_alone(chromium, ward):
    await ward.patient("1", **ONE_SIDE)
    await ward.patient("2", **WEAK)
    async with at_the_desk(chromium, ward, "Anna") as page:
        await page.keyboard.press("?")
        await expect(page.locator("#shortcuts")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page.locator(".head")).to_contain_text("Within 12 hours")
        await page.keyboard.press("t")
        await expect(page.locator(".act")).to_contain_text("You have this patient")
        await page.keyboard.press("c")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Closed")
        await page.keyboard.press("w")
        await expect(page.locator(".entry")).to_have_count(1)


async def test_two_nurses_reach_for_one_patient(chromium, ward):
    await ward.patient(**WEAK)
    async with at_the_desk(chromium, ward, "Anna") as anna, at_the_desk(chromium, ward, "Bo") as bo:
        await anna.get_by_role("button", name="Take").click()
        await expect(anna.locator(".act")).to_contain_text("You have this patient")
        await expect(bo.locator(".entry")).to_contain_text("Anna", timeout=3000)
        await expect(bo.get_by_role("button", name="Take")).to_have_count(0)


async def test_everything_works_without_script(chromium, ward):
    await ward.patient(language="nl", **WEAK)
    async with at_the_desk(chromium, ward, "Anna", java_script_enabled=False) as page:
        await page.get_by_role("button", name="Take").click()
        await page.locator("#reply summary").click()
        await page.get_by_role("button", name="Use").click()
        await page.locator("#blank-when").fill("2026-11-23T15:00")
        await page.locator(".prepared button").click()
        await expect(page.get_by_role("status")).to_contain_text("Reply on its way")
        await page.locator("#close summary").click()
        await page.get_by_role("button", name="Sent in for MRI").click()
        await expect(page.locator(".act")).to_contain_text("Sent in for MRI")


async def test_the_countdown_runs(chromium, ward):
    await ward.patient(**WEAK)
    async with at_the_desk(chromium, ward, "Anna") as page:
        clock = page.locator("[data-clock]").first
        before = await clock.text_content()
        await expect(clock).not_to_have_text(before or "", timeout=3000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
async def test_no_page_violates_wcag_or_scrolls_sideways(chromium, ward, scheme, width):
    patient = await ward.patient("1", language="nl", **WEAK)
    await patient.says("Wanneer belt u?")
    await ward.patient("2", **ONE_SIDE)
    session = await ward.session_of(patient)
    paths = (
        "/console",
        "/console?q=zzz",
        "/console?view=closed",
        f"/console/entries/{session}?reply=will_call",
        "/console/account",
        "/console/nurses",
        "/console/entries/none",
    )
    viewport = {"width": width, "height": 800}
    async with at_the_desk(
        chromium, ward, "Ada", role=Role.ADMINISTRATOR, color_scheme=scheme, viewport=viewport
    ) as page:
        for path in (*paths, "/console/sign-in"):
            await page.goto(ward.base + path)
            await page.evaluate("document.querySelectorAll('aside details').forEach(one => (one.open = true))")
            found = (await Axe().run(page, options=RULES)).response["violations"]
            assert not found, [(path, one["id"], one["nodes"][0]["html"]) for one in found]
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
