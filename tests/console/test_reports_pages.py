"""Hand-over, timeliness, referral, alerts and audit in real Chromium: for everybody, in Dutch, and on paper."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from bot.store.console import Role
from dialogs.events import Acknowledged, Claimed, Closed
from tests.kit.browser import DESKTOP, PHONE, WCAG, chromium
from tests.kit.clinic import TestClinic
from tests.kit.console_client import BACK, ONE_SIDE, WEAK, Ward, opened

PAGES = ("/console/hand-over", "/console/timeliness", "/console/alerts", "/console/audit", "referral")
SIGNS = ("difficulty_walking", "weakness", "numbness_tingling", "bladder_bowel", "lhermitte")


@pytest_asyncio.fixture
async def ward(clinic: TestClinic) -> AsyncIterator[Ward]:
    async with opened(clinic) as ready:
        yield ready


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened_browser:
        yield opened_browser


async def busy(ward: Ward, count: int = 8) -> str:
    """A ward with something of everything; gives a session with a long check."""
    for number in range(count):
        findings = (WEAK, BACK, ONE_SIDE, {"emergency_signs": "yes"})[number % 4]
        someone = await ward.patient(f"p{number}", language=("en", "nl")[number % 2], **findings)
        if number % 5 == 4:
            acts = (Claimed("Lea"), Acknowledged("Lea"), Closed("Lea", "false_alarm"))
            await ward.clinic.service.review(await ward.session_of(someone), acts, f"form:{number}")
    long = await ward.patient("long", language="nl", **{**WEAK, **BACK, "more": "yes", "on_steroids": "yes"})
    await long.says("Ik ben erg bang dat ik straks niet meer kan lopen.")
    return await ward.session_of(long)


async def violations(page: Page) -> list[str]:
    options = {"runOnly": {"type": "tag", "values": WCAG}, "rules": {"target-size": {"enabled": True}}}
    found = await Axe().run(page, options=options)
    return [f"{one['id']}: {node['html'][:150]}" for one in found.response["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "screen", [DESKTOP, PHONE, {"viewport": {"width": 320, "height": 640}}], ids=["wide", "phone", "320"]
)
async def test_every_page_is_accessible_and_fits_the_screen(ward, browser, screen, scheme):
    session = await busy(ward)
    context = await browser.new_context(**screen, color_scheme=scheme)
    page = await context.new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    await page.goto(await ward.link("Lea", role=Role.LEAD, languages=("en", "nl")))
    for path in PAGES:
        address = f"/console/entries/{session}/referral" if path == "referral" else path
        await page.goto(ward.base + address)
        if path == "/console/alerts":
            await page.click("form[action$=code] button")
        await page.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
        assert await violations(page) == [], address
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    await context.close()
    assert complaints == []


async def test_every_page_speaks_dutch(ward, browser):
    session = await busy(ward, 4)
    page = await browser.new_page()
    await page.goto(await ward.link("Lea", role=Role.LEAD, languages=("nl",)))
    for path, words in zip(PAGES, ("Overdracht", "Tijdigheid", "Waarschuwingen", "Logboek", "verwijzing"), strict=True):
        address = f"/console/entries/{session}/referral" if path == "referral" else path
        await page.goto(ward.base + address)
        assert words in await page.locator("h1").inner_text()


def sheets(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


async def test_the_hand_over_of_forty_patients_prints_on_one_sheet(ward, browser):
    await busy(ward, 49)
    page = await browser.new_page()
    await page.goto(await ward.link("Lea"))
    await page.goto(f"{ward.base}/console/hand-over")
    assert await page.locator("tbody tr").count() >= 40
    assert sheets(await page.pdf(prefer_css_page_size=True)) == 1


async def test_the_referral_prints_on_one_sheet_with_the_longest_check(ward, browser):
    everything = {
        **BACK,
        "pain_severe": "yes",
        "radiating_pain": "both_sides",
        "between_shoulder_blades": "yes",
        "worse_lying_better_sitting": "yes",
        "recent_spine_radiotherapy": "yes",
        "on_steroids": "yes",
        "saddle_numbness": "unsure",
        "more": "yes",
        **dict.fromkeys(SIGNS, "yes"),
        **dict.fromkeys([f"{one}_change" for one in SIGNS], "new_or_worse"),
    }
    someone = await ward.patient(language="nl", **everything)
    await someone.says("Ik ben erg bang dat ik straks niet meer kan lopen.")
    page = await browser.new_page()
    await page.goto(await ward.link("Lea"))
    await page.goto(f"{ward.base}/console/entries/{await ward.session_of(someone)}/referral")
    assert await page.locator(".told tbody tr").count() >= 20
    assert sheets(await page.pdf(prefer_css_page_size=True)) == 1
