"""Real Chromium for tests of the web chat, and a patient in front of it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "the page tests need Chromium: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        await browser.close()


class Patient:
    """Sits at a page, presses and reads. `complaints`: whatever the browser did not like."""

    def __init__(self, page: Page, url: str, has_touch: bool) -> None:
        self.page = page
        self.url = url
        self.has_touch = has_touch
        self.complaints: list[str] = []
        self.answers = page.locator("#answers")
        self.box = page.get_by_role("textbox")
        self.status = page.locator("#status")
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._hear(message.type, message.text))

    def _hear(self, kind: str, text: str) -> None:
        is_network = "Failed to load resource" in text or "net::ERR" in text
        if kind in ("error", "warning") and not is_network:
            self.complaints.append(text)

    async def opens(self) -> Patient:
        await self.page.goto(f"{self.url}/chat")
        return self

    async def presses(self, *answers: str) -> Patient:
        """Answers by `question:code`; taps where there is a touch screen."""
        for answer in answers:
            button = self.answers.locator(f'button[value$=":{answer}"]')
            await (button.tap() if self.has_touch else button.click())
            await expect(button).to_have_count(0)
        return self

    async def is_asked(self, question: str) -> None:
        await expect(self.answers.locator(f'button[value*=":{question}:"]').first).to_be_visible()

    async def says(self, text: str) -> Patient:
        await self.box.fill(text)
        await self.page.locator(".send").click()
        return self

    async def reads(self, text: str) -> None:
        await expect(self.page.locator(".line:not(.pending)", has_text=text).last).to_be_visible()

    async def has_said(self) -> list[str]:
        return await self.page.locator(".yours:not(.pending) .text").all_inner_texts()

    async def violations(self) -> list[str]:
        """What axe-core finds wrong with the page as it is, WCAG 2.2 AA and more."""
        await self.page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
        options = {"runOnly": {"type": "tag", "values": WCAG}, "rules": {"target-size": {"enabled": True}}}
        found = await Axe().run(self.page, options=options)
        return [
            f"{one['id']}: {node['html'][:120]} {node.get('failureSummary', '')}"
            for one in found.response["violations"]
            for node in one["nodes"]
        ]


@asynccontextmanager
async def patient(browser: Browser, url: str, **settings: Any) -> AsyncIterator[Patient]:
    """A patient with a browser profile of her own; the browser must have nothing to complain about at the end."""
    context = await browser.new_context(**settings)
    context.set_default_timeout(PATIENCE_MS)
    someone = Patient(await context.new_page(), url, bool(settings.get("has_touch")))
    yield someone
    await context.close()
    assert someone.complaints == []
