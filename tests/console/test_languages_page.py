"""Every page of the console in German and Arabic in real Chromium: long words, and the other direction."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from bot.store.console import Role
from dialogs.events import Called, Claimed
from tests.console.test_page import RULES
from tests.kit.browser import chromium
from tests.kit.clinic import TestClinic
from tests.kit.console_client import BACK, ONE_SIDE, WEAK, Ward, opened

NAMES = {"ar": "ليلى حداد", "de": "Annegret Schmidt-Kowalewski"}
REPORTS = ("hand-over", "timeliness", "alerts", "audit", "nurses", "account")
BACKWARDS = """() => {
    const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const place = (text, from) => {
        const range = document.createRange();
        range.setStart(text, from);
        range.setEnd(text, from + 1);
        return range.getBoundingClientRect();
    };
    while (walker.nextNode()) {
        const text = walker.currentNode, first = text.data.search(/\\S/);
        if (!/^\\s*([+#][\\w ]+|−?\\d+:[\\d:]+)\\s*$/.test(text.data)) continue;
        if (!text.parentElement.checkVisibility()) continue;
        const start = place(text, first), end = place(text, text.data.trimEnd().length - 1);
        if (start.top === end.top && start.left >= end.left) found.push(text.data);
    }
    return found;
}"""
"""Telephone numbers, short ids and clocks that are drawn from right to left."""


@pytest_asyncio.fixture
async def ward(clinic: TestClinic) -> AsyncIterator[Ward]:
    async with opened(clinic) as ready:
        yield ready


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened_browser:
        yield opened_browser


async def busy(ward: Ward) -> list[str]:
    """Something of everything; gives the addresses of all pages."""
    urgent = await ward.patient("1", language="nl", **WEAK)
    await urgent.says("Wanneer belt u?")
    session = await ward.session_of(urgent)
    await ward.clinic.service.review(
        session, (Claimed("Bo de Vries"), Called("Bo de Vries", False, None, "")), "form:1"
    )
    week = await ward.session_of(await ward.patient("2", **ONE_SIDE))
    await ward.patient("3", **BACK)
    await ward.clinic.patient("4").says("/emergency")
    entries = [f"entries/{session}?reply=will_call", f"entries/{week}", f"entries/{session}/referral", "entries/none"]
    return ["/console", *(f"/console/{one}" for one in ("?q=zzz", "?view=closed", *entries, *REPORTS, "sign-in"))]


async def violations(page: Page) -> list[str]:
    found = (await Axe().run(page, options=RULES)).response["violations"]
    return [f"{one['id']}: {node['html'][:150]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("language", [*NAMES])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
async def test_every_page_is_accessible_fits_and_keeps_numbers_readable(ward, browser, language, scheme, width):
    pages = await busy(ward)
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, locale=language)
    page = await context.new_page()
    await page.goto(await ward.link(NAMES[language], role=Role.ADMINISTRATOR, languages=(language,)))
    for path in pages:
        await page.goto(ward.base + path)
        await page.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
        assert await page.get_attribute("html", "lang") == language, path
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert await page.evaluate(BACKWARDS) == [], path
        assert await violations(page) == [], path
    await context.close()


async def test_a_countdown_keeps_the_words_of_the_server(ward, browser):
    """Script counts on where the server began; the words must not change under her eyes."""
    await busy(ward)
    for language in NAMES:
        pages = []
        for has_script in (False, True):
            context = await browser.new_context(java_script_enabled=has_script, locale=language)
            page = await context.new_page()
            await page.goto(await ward.link(NAMES[language], role=Role.ADMINISTRATOR, languages=(language,)))
            pages.append(await page.locator("[data-words]").all_text_contents())
            await context.close()
        assert pages[0], language
        assert pages[0] == pages[1], language
