"""From a weak leg in Dutch to a closed entry and a whole audit: patient, two nurses and a lead, in real Chromium."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.journeys.test_web_chat import GREETED, Clinic
from tests.kit.browser import DESKTOP, PATIENCE_MS, PHONE, Patient, chromium, patient

PASSWORD = "correct horse battery"
AT_ONCE_MS = 2_000
STAFF = {"Anna": "nurse", "Bo": "nurse", "Lea": "lead"}


async def cordwatch(clinic: Clinic, *arguments: str) -> str:
    """What a command prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli.main", *arguments),
        cwd=clinic.directory,
        env=clinic.environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    clinic = Clinic(tmp_path)
    yield clinic
    await clinic.stop()


async def hired(clinic: Clinic) -> dict[str, str]:
    """Accounts made before the service starts: for each nurse the link with which she chooses her password."""
    links = {}
    for name, role in STAFF.items():
        printed = await cordwatch(clinic, "nurse", "add", name, f"{name.lower()}@clinic.example", "--role", role)
        links[name] = printed.split()[-1]
    return links


@asynccontextmanager
async def at_the_desk(browser: Browser, link: str, name: str) -> AsyncIterator[Page]:
    """Her worklist, after she has chosen a password and signed in. The browser must have nothing to complain about."""
    context = await browser.new_context(**DESKTOP)
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    await page.goto(link)
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_label("The same once more").fill(PASSWORD)
    await page.get_by_role("button", name="Keep this password").click()
    await page.get_by_label("E-mail address").fill(f"{name.lower()}@clinic.example")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Nobody is waiting")).to_be_visible()
    yield page
    await context.close()
    assert complaints == []


async def stands_on_top_of(page: Page, *texts: str) -> None:
    """Without a reload, and soon enough for somebody who is looking."""
    for text in texts:
        await expect(page.locator(".entry").first).to_contain_text(text, timeout=AT_ONCE_MS)


async def reports_a_weak_leg(someone: Patient, anna: Page) -> None:
    """A patient reports leg weakness in Dutch."""
    await someone.opens()
    await someone.presses("language:nl", *GREETED, "difficulty_walking:no", "weakness:yes")
    await someone.is_asked("weakness_change")
    await someone.answers.locator('button[value$=":weakness_change:new_or_worse"]').tap()
    await stands_on_top_of(anna, "Within 12 hours", "weak", "Dutch", "Read by a nurse")
    await expect(someone.page.locator(".of-advice").first).to_contain_text("binnen 12 uur")


async def takes_it_before_the_other(anna: Page, bo: Page) -> None:
    """One of two nurses takes it, the other is told who has it."""
    for nurse in (anna, bo):
        await nurse.locator(".entry h2 a").first.click()
        await expect(nurse.get_by_role("button", name="Take this patient")).to_be_visible()
    # the refused form must be Bo's old page: hers is kept from being renewed
    await bo.route("**/live", lambda route: route.abort())
    await anna.get_by_role("button", name="Take this patient").click()
    await expect(anna.locator(".act")).to_contain_text("You have this patient")
    await bo.get_by_role("button", name="Take this patient").click()
    await expect(bo.get_by_role("alert")).to_contain_text("Anna has this entry")
    await expect(bo.locator(".act")).to_contain_text("Anna has this patient")


async def reads_both_languages(anna: Page) -> None:
    """She reads the whole conversation in English, with the exact Dutch beside it."""
    await anna.get_by_role("button", name="Show everything").click()
    for theirs, hers in (
        ("Is een arm of een been zwak", "Is an arm or a leg weak, heavy"),
        ("Nieuw of erger", "New or worse"),
        ("binnen 12 uur", "within 12 hours"),
    ):
        both = anna.locator(".lines .both", has_text=theirs).filter(has_text=hers).first
        await expect(both.locator('.exact[lang="nl"]')).to_contain_text(theirs)
        await expect(both.locator(".text")).to_contain_text(hers)
    lines = anna.locator(".lines > .said:not(.log):not(.nurse)")
    exact = lines.locator('.exact[lang="nl"]')
    assert await lines.count() == await exact.count() > 15


async def replies_by_template(anna: Page, someone: Patient, clinic: Clinic) -> None:
    """She replies by template in Dutch, which she does not read."""
    await anna.locator("#reply summary").click()
    await anna.get_by_label("Prepared reply").select_option(label="We will call you")
    await anna.get_by_role("button", name="Use").click()
    await expect(anna.locator("#reply")).to_contain_text("A nurse will call you")
    await anna.get_by_label("When", exact=True).fill(f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}T15:00")
    await anna.locator(".prepared").get_by_role("button", name="Send").click()
    await expect(anna.get_by_role("status").first).to_contain_text("Reply on its way")
    reply = someone.page.locator(".line", has_text="15:00 uur").last
    await reply.scroll_into_view_if_needed()
    await expect(reply).to_contain_text("Een verpleegkundige")
    await expect(reply).to_contain_text("112")
    await clinic.until_rows("select state from outbox where kind = 'reply'", [("sent",)])


async def calls_and_closes(anna: Page) -> None:
    """She logs the call and closes in two taps."""
    await anna.locator("#call summary").click()
    await anna.get_by_label("What was said").fill("Husband drives her in")
    await anna.get_by_role("button", name="Reached").click()
    await expect(anna.get_by_role("status").first).to_contain_text("Call written down")
    await expect(anna.locator(".said.nurse", has_text="15:00").locator(".state")).to_contain_text("sent")
    await anna.locator("#close summary").click()
    await anna.get_by_role("button", name="Sent in for MRI").click()
    await expect(anna.get_by_role("status").first).to_contain_text("Closed")
    await anna.get_by_role("link", name="Worklist").click()
    await expect(anna.get_by_text("Nobody is waiting")).to_be_visible()


async def opens_it_again(someone: Patient, anna: Page, bo: Page) -> None:
    """The patient writes again, and it opens again with the old owner named."""
    await someone.says("Nu kan ik niet meer staan")
    await stands_on_top_of(anna, "last with Anna", "1 unread message")
    await bo.get_by_role("link", name="Worklist").click()
    await bo.locator(".entry h2 a").first.click()
    await expect(bo.locator(".head")).to_contain_text("opened again, last with Anna")
    await expect(bo.locator(".lines")).to_contain_text("Nu kan ik niet meer staan")


async def accounts_for_it(lea: Page, clinic: Clinic) -> None:
    """The lead finds it in the figures, and the audit whole."""
    await lea.goto(f"{clinic.url}/console/timeliness")
    row = lea.locator("section", has_text="How long entries waited").locator("tr", has_text="Within 12 hours")
    await expect(row.first).to_contain_text(re.compile(r"100%\s*1/1"))
    await expect(lea.locator("tr", has_text="Sent in for MRI")).to_contain_text("1")
    await lea.goto(f"{clinic.url}/console/audit")
    for deed in ("took it", "replied", "called the patient", "closed it"):
        await expect(lea.locator("table.audit tr", has_text=deed).first).to_contain_text("Anna")
    await lea.get_by_role("button", name="Check all rows").click()
    await expect(lea.locator("#verdict")).to_contain_text("as they were written")


async def test_a_weak_leg_in_dutch_is_read_taken_answered_called_closed_opened_again_and_accounted_for(browser, clinic):
    links = await hired(clinic)
    await clinic.start()
    async with AsyncExitStack() as stack:
        anna, bo, lea = [
            await stack.enter_async_context(at_the_desk(browser, link, name)) for name, link in links.items()
        ]
        someone = await stack.enter_async_context(patient(browser, clinic.url, locale="nl-NL", **PHONE))
        await reports_a_weak_leg(someone, anna)
        await takes_it_before_the_other(anna, bo)
        await reads_both_languages(anna)
        await replies_by_template(anna, someone, clinic)
        await calls_and_closes(anna)
        await opens_it_again(someone, anna, bo)
        await accounts_for_it(lea, clinic)
    assert "all as they were written" in await cordwatch(clinic, "audit", "verify")
