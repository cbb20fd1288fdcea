"""A clinic's own guideline is served: stricter, never laxer, and never to a check that began under another."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bot.clinic.settings import LOCALES
from bot.language.catalogue import fill
from bot.store.sqlite.store import SqliteStore
from dialogs.protocol import SPINAL_METASTASES
from tests.kit.botapi.users import User
from tests.kit.browser import PHONE, chromium, patient
from tests.kit.wire import CLINIC, Bot, built

BUILT_IN = (SPINAL_METASTASES / "protocol.toml").read_text(encoding="utf-8")
FLOOR = (SPINAL_METASTASES / "floor.toml").read_text(encoding="utf-8")
TOPICS = (SPINAL_METASTASES / "topics.toml").read_text(encoding="utf-8")
VERSION = next(line for line in BUILT_IN.splitlines() if line.startswith("version = "))
LATER = 'when = { radiating_pain = ["one_side"] }\ndisposition = "1w"'
SOONER = LATER.replace('"1w"', '"12h"')
"""Pain that travels to one side: within 1 week in the shipped guideline, at once in a stricter one."""
ONE_MORE = """
[[rule]]
id = "lying-and-severe"
when = { worse_lying_better_sitting = ["yes", "unsure"], pain_severe = ["yes", "unsure"] }
disposition = "12h"
reason = "very bad pain when lying down"
source = "[safe] a clinic's own"
"""
UNTIL_IT_TRAVELS = {
    "consent": "yes",
    "respondent": "patient",
    "emergency_signs": "no",
    "difficulty_walking": "no",
    "weakness": "no",
    "numbness_tingling": "no",
    "bladder_bowel": "no",
    "saddle_numbness": "no",
    "lhermitte": "no",
    "back_or_neck_pain": "no",
    "between_shoulder_blades": "no",
}
TRAVELS = {"worse_lying_better_sitting": "no", "radiating_pain": "one_side"}
TO_THE_END = {
    "pain_course": "same",
    "pain_severe": "no",
    "recent_spine_radiotherapy": "no",
    "on_steroids": "no",
    "summary": "confirm",
}
LIES_BADLY = {"worse_lying_better_sitting": "yes", "radiating_pain": "none", "pain_course": "same"}
BEGINS = "/start\nEnglish\nYes, I agree\nI am the patient\nNo\n"


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def guideline(version: str, *changes: tuple[str, str], more: str = "", floor: str = "", topics: str = "") -> Path:
    """A folder with the built-in protocol, changed in some places and named anew."""
    folder = Path(version)
    folder.mkdir(exist_ok=True)
    text = BUILT_IN
    for old, new in ((VERSION, f'version = "{version}"'), *changes):
        assert old in text
        text = text.replace(old, new, 1)
    files = {"protocol.toml": text + more, "floor.toml": floor, "topics.toml": topics}
    for name, content in files.items():
        if content:
            (folder / name).write_text(content, encoding="utf-8")
    return folder


def stricter(version: str) -> Path:
    """More urgent in one rule, with one rule more, and with a floor that says so too."""
    return guideline(version, (LATER, SOONER), more=ONE_MORE, floor=FLOOR.replace(LATER, SOONER))


def cordwatch(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
    command = [sys.executable, "-m", "bot.cli.main", *arguments]
    environ = kept | {"PYTHONPATH": str(SPINAL_METASTASES.parents[2]), "BOT_DATABASE": "chat.db"}
    return subprocess.run(command, input=typed, env=environ, capture_output=True, text=True, timeout=60)


def settings(path: Path | str) -> None:
    """A clinic.toml here that names a guideline."""
    only_english = fill(CLINIC, {"languages": '["en"]', "unreviewed": "[]", "mode": "polling"})
    Path("clinic.toml").write_text(f'{only_english}\n[protocol]\npath = "{path}"\n', encoding="utf-8")


# --- over Telegram's wire and in the web chat


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with built(tmp_path, languages=("en",)) as bot:
        yield bot


def serves_by_settings(bot: Bot, folder: Path) -> None:
    text = (bot.directory / "clinic.toml").read_text(encoding="utf-8").partition("\n[protocol]")[0]
    (bot.directory / "clinic.toml").write_text(f'{text}\n[protocol]\npath = "{folder}"\n', encoding="utf-8")


def serves_by_option(bot: Bot, folder: Path) -> None:
    bot.options = ("--protocol", str(folder))


async def answers(user: User, **codes: str) -> None:
    """Taps the button of each question, once it is there."""
    for question, code in codes.items():
        shown = await user.sees(lambda one, end=f":{question}:{code}": _button(one.buttons, end) != "", within_s=20)
        user.taps_data(_button(shown.buttons, f":{question}:{code}"), shown.message_id)


def _button(buttons: dict[str, str], end: str) -> str:
    return next((data for data in buttons.values() if data.endswith(end)), "")


def advised(bot: Bot, address: str) -> tuple[str | None, str]:
    query = "select {} from sessions where address = ?"
    return tuple(bot.one(query.format(column), address) for column in ("disposition", "protocol_version"))


@pytest.mark.parametrize("serves", [serves_by_settings, serves_by_option])
async def test_a_stricter_protocol_is_served_and_a_check_finishes_under_the_one_it_began_with(bot, browser, serves):
    before, after = guideline("2026.91"), stricter("2026.92")
    serves(bot, before)
    await bot.start()
    begun, new, lying = (bot.telegram.user(number, "en") for number in (41, 42, 43))
    async with patient(browser, bot.url, **PHONE) as page, patient(browser, bot.url, **PHONE) as new_page:
        await begun.says("/start")
        await answers(begun, **UNTIL_IT_TRAVELS)
        await begun.sees(lambda one: _button(one.buttons, ":worse_lying_better_sitting:no") != "")
        await page.opens()
        await page.presses(*(f"{question}:{code}" for question, code in UNTIL_IT_TRAVELS.items()))
        await page.is_asked("worse_lying_better_sitting")

        await bot.kill()
        serves(bot, after)
        await bot.start()

        await answers(begun, **TRAVELS, **TO_THE_END)
        await begun.sees("within 1 week", within_s=20)
        await new.says("/start")
        await answers(new, **UNTIL_IT_TRAVELS, **TRAVELS)
        await new.sees("within 12 hours", within_s=20)
        await lying.says("/start")
        await answers(lying, **UNTIL_IT_TRAVELS, **LIES_BADLY, pain_severe="unsure")
        await lying.sees("within 12 hours", within_s=20)
        assert advised(bot, "41") == ("1w", "2026.91")
        assert advised(bot, "42") == ("12h", "2026.92")
        assert advised(bot, "43") == ("12h", "2026.92")

        finishes = {**TRAVELS, **TO_THE_END}
        await page.presses(*(f"{question}:{code}" for question, code in finishes.items()))
        await expect(page.page.locator(".of-advice").first).to_contain_text("within 1 week")
        await new_page.opens()
        urgent = {**UNTIL_IT_TRAVELS, **TRAVELS}
        await new_page.presses(*(f"{question}:{code}" for question, code in urgent.items()))
        await expect(new_page.page.locator(".of-advice").first).to_contain_text("within 12 hours")


# --- in the terminal

UNTIL_IT_TRAVELS_TYPED = "No\n" * 9
ONE_SIDE = f"{UNTIL_IT_TRAVELS_TYPED}One side\n"


def test_the_terminal_serves_it_too_and_a_check_finishes_under_the_one_it_began_with():
    first, second = str(guideline("2026.91")), str(stricter("2026.92"))
    begun = cordwatch("chat", "--protocol", first, typed=BEGINS)
    assert "Is walking hard for you" in begun.stdout, begun.stderr
    goes_on = cordwatch("chat", "--protocol", second, typed=ONE_SIDE)
    assert "Is this pain new, worse than before" in goes_on.stdout, goes_on.stderr
    assert "within 12 hours" not in goes_on.stdout
    anew = cordwatch("chat", "--protocol", second, typed=f"/stop\n/start\nI am the patient\nNo\n{ONE_SIDE}")
    assert "within 12 hours" in anew.stdout, anew.stderr


def test_a_protocol_changed_without_a_new_version_is_refused():
    cordwatch("chat", "--protocol", str(guideline("2026.91")))
    changed = cordwatch("chat", "--protocol", str(guideline("2026.91", (LATER, SOONER))))
    assert changed.returncode == 1
    assert "the protocol file changed without a new version" in changed.stderr


# --- what is refused


def laxer() -> Path:
    return guideline(
        "2026.93", (SOONER.partition("\n")[0], LATER.partition("\n")[0]), ('"12h"\nreason', '"1w"\nreason')
    )


def without_a_question() -> Path:
    return guideline("2026.93", ('id = "lhermitte"\ngroup', 'id = "neck"\ngroup'))


def below_its_own_floor() -> Path:
    return guideline("2026.93", floor=FLOOR.replace(LATER, SOONER))


def not_toml() -> Path:
    return guideline("2026.93", ("[[question]]", "[[question"))


def not_there() -> Path:
    return Path("gone")


def nonsense() -> Path:
    return guideline("2026.93", topics=TOPICS.replace("[[topic]]", "[[subject]]", 1))


@pytest.mark.parametrize("refused", [laxer, without_a_question, below_its_own_floor, not_toml, not_there, nonsense])
def test_what_check_refuses_run_and_chat_refuse_with_the_same_sentence(refused):
    folder = refused()
    by_option = cordwatch("check", "--protocol", str(folder)).stderr.splitlines()
    settings(folder)
    by_setting = cordwatch("check").stderr.splitlines()
    asyncio.run(SqliteStore(Path("chat.db")).close())
    (said,) = [line.removeprefix("problem").strip() for line in by_setting if line.startswith("problem")]
    assert f"problem  {said}" in by_option
    for served in (cordwatch("run"), cordwatch("chat", "--protocol", str(folder))):
        assert (served.returncode, served.stdout) == (1, "")
        assert f"Error: {said}" in served.stderr.splitlines()


# --- the commands that read a guideline read the one of the settings

VIGNETTE = {"id": "one side", "expected": "12h", "findings": {**UNTIL_IT_TRAVELS, **TRAVELS}}


@pytest.fixture
def own() -> Iterator[Path]:
    """The stricter guideline, with a page of its own to read, named in the clinic.toml."""
    heading = next(line for line in TOPICS.partition("[[topic]]")[2].splitlines() if line.startswith("title = "))
    folder = stricter("2026.92")
    (folder / "topics.toml").write_text(TOPICS.replace(heading, 'title = "Our own page"', 1), encoding="utf-8")
    settings(folder)
    return folder


def test_check_reads_the_guideline_of_the_settings(own):
    assert "protocol 2026.92: " in cordwatch("check").stdout


def test_evaluate_decides_by_the_guideline_of_the_settings(own):
    clinical = {one: code for one, code in VIGNETTE["findings"].items() if one not in ("consent", "respondent")}
    Path("rows.jsonl").write_text(json.dumps({**VIGNETTE, "findings": clinical}), encoding="utf-8")
    decided = cordwatch("evaluate", "rows.jsonl", "--json")
    assert json.loads(decided.stdout)["disposition"] == "12h", decided.stderr
    shipped = cordwatch("evaluate", "rows.jsonl", "--json", "--protocol", str(SPINAL_METASTASES))
    assert (shipped.returncode, json.loads(shipped.stdout)["disposition"]) == (1, "1w")


def test_what_a_clinician_signs_is_the_guideline_of_the_settings(own):
    assert "version 2026.92" in cordwatch("protocol").stdout
    assert "very bad pain when lying down" in cordwatch("protocol", "--table").stdout
    assert "Our own page" in cordwatch("protocol", "--topics").stdout
    cordwatch("protocol", "--draw")
    assert "lying-and-severe" in Path("questions.mmd").read_text(encoding="utf-8")


def test_translators_meet_the_texts_of_the_guideline_of_the_settings(own):
    locales = Path("locales")
    shutil.copytree(LOCALES, locales)
    ours = ("locale", "--locales", str(locales))
    assert cordwatch(*ours, "extract").returncode == 0
    assert "very bad pain when lying down" in (locales / "patient.pot").read_text(encoding="utf-8")
    assert "Our own page" in (locales / "topics.pot").read_text(encoding="utf-8")
    checked = cordwatch(*ours, "check", "nl")
    assert (checked.returncode, "rule.lying-and-severe" in checked.stderr) == (1, True), checked.stderr
    assert cordwatch(*ours, "--protocol", str(SPINAL_METASTASES), "check", "nl").returncode == 0
