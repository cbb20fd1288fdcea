"""Takes pictures of the web chat on a small telephone: `python -m tests.journeys.screenshots FOLDER [LANGUAGE …]`.

For each language a question, the question with the body picture, both messages of an advice within 12 hours, the list
of topics and a topic.
`--docs` renews the chat's pictures in docs/pictures instead.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import Browser, expect

from tests.journeys.test_web_chat import Clinic
from tests.kit.browser import DESKTOP, PHONE, Patient, chromium, patient
from tests.kit.languages import LANGUAGES

DOCS = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SHARP: dict[str, Any] = {**PHONE, "device_scale_factor": 2, "reduced_motion": "reduce"}
NARROW: dict[str, Any] = {**SHARP, "viewport": {"width": 360, "height": 740}}
STILL: dict[str, Any] = {**DESKTOP, "reduced_motion": "reduce"}
GREETED = ("consent:yes", "respondent:patient", "emergency_signs:no", "difficulty_walking:no")
WEAK = ("weakness:yes", "weakness_change:new_or_worse")
NO_SIGNS = ("weakness", "numbness_tingling", "bladder_bowel", "saddle_numbness", "lhermitte")
NO_PAIN = ("back_or_neck_pain", "between_shoulder_blades", "worse_lying_better_sitting")


@asynccontextmanager
async def somebody(browser: Browser, clinic: Clinic, language: str, **settings: Any) -> AsyncIterator[Patient]:
    """Who has answered up to the question about weakness, in this language."""
    headers = {"Accept-Language": language}
    async with patient(browser, clinic.url, extra_http_headers=headers, **settings) as someone:
        await someone.opens()
        await someone.presses(f"language:{language}", *GREETED)
        await someone.is_asked("weakness")
        yield someone


async def shoot(someone: Patient, path: Path, **options: Any) -> None:
    await someone.page.evaluate("document.fonts.ready")
    await someone.page.wait_for_timeout(300)
    await someone.page.screenshot(path=path, **options)


async def advised(someone: Patient) -> None:
    await someone.presses(*WEAK)
    await expect(someone.page.locator(".of-advice")).to_have_count(2)


async def of_language(browser: Browser, clinic: Clinic, language: str, folder: Path) -> None:
    async with somebody(browser, clinic, language, **NARROW) as someone:
        await shoot(someone, folder / f"{language}-question.png")
        await advised(someone)
        for place, name in enumerate(("advice", "advice-more")):
            await (
                someone.page.locator(".of-advice").nth(place).evaluate("line => line.scrollIntoView({block: 'start'})")
            )
            await shoot(someone, folder / f"{language}-{name}.png")
        for name in ("topic:list", "topic:warning_signs"):
            await someone.page.locator(f'#log [value="any:{name}"]:visible').last.click()
            await shoot(someone, folder / f"{language}-{name.replace(':', '-')}.png")
    async with somebody(browser, clinic, language, **NARROW) as someone:
        await someone.presses(*(f"{question}:no" for question in (*NO_SIGNS, *NO_PAIN)))
        await someone.is_asked("radiating_pain")
        await shoot(someone, folder / f"{language}-body.png")


async def for_docs(browser: Browser, clinic: Clinic, folder: Path) -> None:
    async with somebody(browser, clinic, "en", **SHARP, color_scheme="light") as someone:
        await shoot(someone, folder / "chat-phone-light.png")
    async with somebody(browser, clinic, "en", **SHARP, color_scheme="dark") as someone:
        await advised(someone)
        await shoot(someone, folder / "chat-phone-dark.png")
    async with somebody(browser, clinic, "en", **STILL, color_scheme="light") as someone:
        await shoot(someone, folder / "chat-desktop-light.png")


async def take(folder: Path, languages: Sequence[str], is_for_docs: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    async with chromium() as browser:
        for language in (None,) if is_for_docs else languages:
            with TemporaryDirectory() as directory:  # a clinic each: one address may begin few checks
                clinic = Clinic(Path(directory))
                await clinic.start()
                try:
                    await (
                        of_language(browser, clinic, language, folder)
                        if language
                        else for_docs(browser, clinic, folder)
                    )
                finally:
                    await clinic.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.journeys.screenshots")
    parser.add_argument("folder", type=Path, nargs="?", default=DOCS)
    parser.add_argument("languages", nargs="*", default=LANGUAGES)
    parser.add_argument("--docs", action="store_true", help="renew the chat's pictures in docs/pictures")
    wanted = parser.parse_args()
    asyncio.run(take(wanted.folder, wanted.languages, wanted.docs))


if __name__ == "__main__":
    main()
