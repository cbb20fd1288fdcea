"""The web chat's page in real Chromium, before a scripted clinic: networks that break, keyboards, screens, paper."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from bot.channels import Outgoing, Priority
from bot.channels.web.channel import Limits
from tests.kit.browser import DESKTOP, PHONE, chromium, patient
from tests.kit.web_chat import WebChat, until, web_chat

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOT_BY_ACCIDENT_MS = 400
"""A little longer than a new question leaves number keys unheeded: they may be meant for the last one."""
TO_THE_PICTURE = ("language:en", "weakness:no")
TO_THE_ADVICE = (*TO_THE_PICTURE, "radiating_pain:both_sides")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def chat() -> AsyncIterator[WebChat]:
    async with web_chat(Limits(new_conversations=100)) as opened:
        yield opened


def address_of(chat: WebChat) -> str:
    return next(iter(chat.clinic.said))


async def until_acknowledged(chat: WebChat, delivery: int) -> None:
    await until(lambda: delivery in chat.clinic.acknowledged)


# --- networks that break


async def test_a_lost_connection_is_said_and_mends_itself(chat, browser):
    async with patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.is_asked("language")
        await chat.stop()
        await expect(someone.status).to_contain_text("Connection lost. I keep trying.")
        chat.clinic.say(address_of(chat), Outgoing("Are you still there?"))
        await chat.start()
        await someone.reads("Are you still there?")
        await expect(someone.status).not_to_contain_text("lost")


async def test_what_is_pressed_while_the_server_is_away_arrives_once_it_is_back(chat, browser):
    async with patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.is_asked("language")
        await chat.stop()
        await someone.answers.get_by_role("button", name="English").click()
        await someone.says("And my legs are heavy")
        await expect(someone.status).to_contain_text("Not sent yet. I keep trying.")
        await expect(someone.page.locator(".pending")).to_have_count(2)
        await chat.start()
        await expect(someone.page.locator(".pending")).to_have_count(0)
        assert await someone.has_said() == ["English", "And my legs are heavy"]
        await expect(someone.status).not_to_contain_text("Not sent")


async def test_the_numbers_are_shown_while_a_message_cannot_be_stored(browser):
    async with web_chat(Limits(answer_within_s=0.5)) as chat, patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.is_asked("language")
        chat.clinic.pauses = asyncio.Event()
        await someone.says("My legs are heavy")
        await expect(someone.status).to_contain_text("Call +31 20 555 0100")
        await chat.channel.notice(address_of(chat), Outgoing("Call 0900 1234", heading="Not stored yet"))
        await expect(someone.status).to_contain_text("Not stored yet Call 0900 1234")
        await expect(someone.page.locator(".pending")).to_have_count(1)
        chat.clinic.pauses.set()
        await expect(someone.page.locator(".pending")).to_have_count(0)
        await expect(someone.status).not_to_contain_text("Not stored")
        assert await someone.has_said() == ["My legs are heavy"]


async def test_a_lost_reply_makes_no_second_message(chat, browser):
    async def drop_the_first_reply(route: Route) -> None:
        if route.request.method != "POST" or dropped:
            await route.continue_()
            return
        dropped.append(await route.fetch())
        await route.abort()

    dropped: list[object] = []
    async with patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.is_asked("language")
        await someone.page.route("**/chat", drop_the_first_reply)
        await someone.says("My legs are heavy")
        await expect(someone.page.locator(".pending")).to_have_count(0)
        assert await someone.has_said() == ["My legs are heavy"]
        repeats = [one.external_id for one in chat.clinic.received if one.text == "My legs are heavy"]
        assert len(repeats) == 2
        assert len(set(repeats)) == 1


async def test_a_proxys_own_error_page_is_no_answer(chat, browser):
    async def gateway(route: Route) -> None:
        if route.request.method == "POST" and not refused:
            refused.append(route)
            await route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1>")
        else:
            await route.continue_()

    refused: list[Route] = []
    async with patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.is_asked("language")
        await someone.page.route("**/chat", gateway)
        await someone.says("My legs are heavy")
        await expect(someone.page.locator(".pending")).to_have_count(0)
        assert await someone.has_said() == ["My legs are heavy"]


async def test_a_browser_that_keeps_no_cookies_is_told_and_does_not_load_for_ever(chat, browser):
    async def forget(route: Route) -> None:
        asked.append(f"{route.request.method} {urlsplit(route.request.url).path}")
        await someone.page.context.clear_cookies()
        await route.continue_()

    asked: list[str] = []
    async with patient(browser, chat.url) as someone:
        await someone.page.route("**/*", forget)
        await someone.opens()
        await expect(someone.status).to_contain_text("Is it urgent? Call")
        assert asked.count("GET /chat") == 2
        assert chat.clinic.received == []


async def test_an_unsent_message_and_a_draft_survive_a_reload(chat, browser):
    async def drop(route: Route) -> None:
        await (route.abort() if route.request.method == "POST" else route.continue_())

    async with patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.is_asked("language")
        await someone.page.route("**/chat", drop)
        await someone.says("My legs are heavy")
        await someone.box.fill("And my")
        await expect(someone.page.locator(".pending")).to_have_count(1)
        someone.page.on("dialog", lambda dialog: dialog.accept())
        await someone.page.unroute("**/chat", drop)
        await someone.page.reload()
        await expect(someone.page.locator(".pending")).to_have_count(0)
        assert await someone.has_said() == ["My legs are heavy"]
        assert await someone.box.input_value() == "And my"


async def test_a_refused_message_comes_back_to_the_box_with_the_reason(chat, browser):
    async with patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.is_asked("language")
        await someone.says("x" * 70_000)
        await expect(someone.status).to_contain_text("could not be read")
        assert len(await someone.box.input_value()) == 70_000


async def test_too_many_messages_are_sent_a_little_later(browser):
    async with web_chat(Limits(messages=2)) as chat, patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.is_asked("language")
        await someone.says("one")
        await someone.says("two")
        await expect(someone.page.get_by_role("button", name="Try now")).to_be_visible()
        chat.clock.move(timedelta(minutes=1))
        await someone.page.get_by_role("button", name="Try now").click()
        await expect(someone.page.locator(".pending")).to_have_count(0)
        assert await someone.has_said() == ["one", "two"]


# --- pages


async def test_two_pages_of_one_patient_both_follow(chat, browser):
    async with patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.is_asked("language")
        other = await someone.page.context.new_page()
        await other.goto(f"{chat.url}/chat")
        await someone.presses("language:en")
        await expect(other.locator("#answers")).to_contain_text("Not sure")
        await other.locator("#answers button", has_text="Not sure").click()
        await someone.is_asked("radiating_pain")
        assert len(chat.clinic.received) == 3


async def test_the_conversation_survives_a_reload(chat, browser):
    async with patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.presses(*TO_THE_PICTURE)
        before = await someone.page.locator(".line .text").all_inner_texts()
        await someone.page.reload()
        await someone.is_asked("radiating_pain")
        assert await someone.page.locator(".line .text").all_inner_texts() == before


async def test_start_new_on_one_page_takes_the_old_conversation_off_the_other(chat, browser):
    async with patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.presses("language:en")
        other = await someone.page.context.new_page()
        await other.goto(f"{chat.url}/chat")
        await other.get_by_label("Menu").click()
        await other.get_by_role("button", name="Not you? Start new").click()
        await expect(other.locator("#answers")).to_contain_text("العربية")
        await chat.stop()
        await chat.start()
        await someone.is_asked("language")
        assert len(chat.clinic.said) == 2


async def test_an_open_page_hides_the_conversation_after_twelve_idle_hours(browser):
    async with web_chat(Limits(beat_s=0.05)) as chat, patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.presses("language:en")
        chat.clock.move(timedelta(hours=12))
        await expect(someone.page.get_by_text("earlier messages are hidden")).to_be_visible()
        assert await someone.page.locator(".line").count() == 0
        await someone.page.get_by_role("button", name="Start").click()
        await someone.is_asked("language")


async def test_a_message_counts_as_shown_once_it_was_in_view(chat, browser):
    async with patient(browser, chat.url, **PHONE) as someone:
        await someone.opens()
        await someone.presses(*TO_THE_ADVICE)
        await someone.reads("Call now.")
        await someone.page.evaluate("window.scrollTo(0, 0)")
        delivery = await chat.says(address_of(chat), Outgoing("Did you reach someone?"))
        below = someone.page.get_by_role("button", name="New message")
        await expect(below).to_be_visible()
        assert delivery not in chat.clinic.acknowledged
        await someone.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        await until_acknowledged(chat, delivery)
        await expect(below).to_be_hidden()


async def test_urgent_advice_comes_into_view_wherever_the_patient_was_reading(chat, browser):
    async with patient(browser, chat.url, **PHONE) as someone:
        await someone.opens()
        await someone.presses(*TO_THE_ADVICE)
        await someone.page.evaluate("window.scrollTo(0, 0)")
        urgent = Outgoing("Call 112 now.", heading="This is an emergency", kind="advice", priority=Priority.EMERGENCY)
        await until_acknowledged(chat, await chat.says(address_of(chat), urgent))
        await expect(someone.page.get_by_role("heading", name="This is an emergency")).to_be_in_viewport()


# --- hands and keys


async def test_number_keys_answer_while_the_answers_have_the_focus_and_only_then(chat, browser):
    async with patient(browser, chat.url, **DESKTOP) as someone:
        await someone.opens()
        await someone.is_asked("language")
        await someone.page.keyboard.press("1")
        await someone.box.fill("1")
        assert len(chat.clinic.received) == 1
        await someone.page.keyboard.press("Shift+Tab")
        await someone.answers.get_by_role("button").first.focus()
        await someone.page.wait_for_timeout(NOT_BY_ACCIDENT_MS)
        await someone.page.keyboard.press("1")
        await someone.is_asked("weakness")
        await expect(someone.answers).to_be_focused()
        await someone.page.wait_for_timeout(NOT_BY_ACCIDENT_MS)
        await someone.page.keyboard.press("3")
        await someone.is_asked("radiating_pain")
        assert await someone.has_said() == ["English", "Not sure"]
        assert await someone.box.input_value() == "1"


async def test_a_new_message_never_takes_the_focus(chat, browser):
    async with patient(browser, chat.url, **DESKTOP) as someone:
        await someone.opens()
        await someone.is_asked("language")
        await someone.box.press_sequentially("My le")
        await chat.says(address_of(chat), Outgoing("Call 112 now.", kind="advice", priority=Priority.EMERGENCY))
        await someone.reads("Call 112 now.")
        await someone.page.keyboard.type("gs")
        assert await someone.box.input_value() == "My legs"


async def test_enter_sends_and_shift_enter_begins_a_new_line(chat, browser):
    async with patient(browser, chat.url, **DESKTOP) as someone:
        await someone.opens()
        await someone.is_asked("language")
        await someone.box.press_sequentially("one")
        await someone.page.keyboard.press("Shift+Enter")
        await someone.page.keyboard.type("two")
        await someone.page.keyboard.press("Enter")
        await someone.reads("one\ntwo")
        assert await someone.box.input_value() == ""


async def test_a_double_tap_answers_one_question(chat, browser):
    async with patient(browser, chat.url, **DESKTOP) as someone:
        await someone.opens()
        await someone.presses("language:en")
        place = await someone.answers.get_by_role("button", name="Yes").bounding_box()
        assert place
        await someone.answers.get_by_role("button", name="Yes").click(position={"x": 20, "y": 10})
        for _ in range(5):
            await someone.page.mouse.click(place["x"] + 20, place["y"] + 10)
        await someone.is_asked("radiating_pain")
        assert len(chat.clinic.received) == 3


async def test_the_place_of_the_pain_can_be_pressed_on_the_picture(chat, browser):
    async with patient(browser, chat.url, **PHONE) as someone:
        await someone.opens()
        await someone.presses(*TO_THE_PICTURE)
        picture = someone.page.get_by_role("img", name="A body from the front and the back")
        await expect(picture).to_be_visible()
        await picture.locator('[data-answer="one_side"]').tap()
        await someone.reads("Call now.")
        assert (await someone.has_said())[-1].startswith("Yes, to one arm")
        await expect(picture).to_have_count(0)


async def test_the_advice_is_copied_whole(chat, browser):
    async with patient(browser, chat.url, permissions=["clipboard-read", "clipboard-write"]) as someone:
        await someone.opens()
        await someone.presses(*TO_THE_ADVICE)
        await someone.page.get_by_role("button", name="Copy the advice").click()
        await expect(someone.status).to_contain_text("Copied")
        copied = await someone.page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("Call now. You should be seen within 12 hours.\n\nCall +31 20 555 0100 before")
        assert "Do not drive." in copied


async def test_the_printed_page_is_the_advice(chat, browser):
    async with patient(browser, chat.url) as someone:
        await someone.opens()
        await someone.presses(*TO_THE_ADVICE)
        await someone.page.emulate_media(media="print")
        await expect(someone.page.get_by_text("Call now.")).to_be_visible()
        await expect(someone.page.get_by_text("In which language?")).to_be_hidden()
        await expect(someone.box).to_be_hidden()


# --- screens and schemes


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_axe_finds_nothing(chat, browser, screen, scheme):
    async with patient(browser, chat.url, color_scheme=scheme, **screen) as someone:
        await someone.opens()
        await someone.is_asked("language")
        found = await someone.violations()
        await someone.presses("language:en")
        await someone.says("My legs are heavy")
        await someone.reads("Sorry")
        await someone.presses("weakness:no")
        await someone.page.wait_for_timeout(500)
        found += await someone.violations()
        await someone.presses("radiating_pain:both_sides")
        await chat.says(
            address_of(chat), Outgoing("Call 112.", heading="Emergency", kind="advice", priority=Priority.EMERGENCY)
        )
        await chat.says(
            address_of(chat), Outgoing("Call today.", heading="Within 1 week", kind="advice", priority=Priority.ADVICE)
        )
        await someone.reads("Within 1 week")
        await someone.page.get_by_label("Menu").click()
        await someone.page.wait_for_timeout(500)
        found += await someone.violations()
        await someone.page.goto(f"{chat.url}/chat/nothing")
        found += await someone.violations()
        assert found == []


@pytest.mark.parametrize("width", [320, 360, 640, 1280])
async def test_nothing_is_cut_off_and_everything_can_be_hit(chat, browser, width):
    viewport = {"width": width, "height": 400 if width == 640 else 740}
    async with patient(browser, chat.url, viewport=viewport) as someone:
        await someone.opens()
        await someone.presses(*TO_THE_PICTURE)
        await chat.says(address_of(chat), Outgoing("W" * 200, heading="H" * 90))
        await someone.reads("WWW")
        assert await someone.page.evaluate("document.documentElement.scrollWidth") <= width
        await someone.presses("radiating_pain:none")
        assert await someone.page.evaluate("document.documentElement.scrollWidth") <= width
        await someone.page.get_by_label("Menu").click()
        for target in await someone.page.locator("button:visible, summary, textarea").all():
            box = await target.bounding_box()
            assert box
            assert min(box["width"], box["height"]) >= 44, await target.inner_text()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width


async def test_right_to_left_mirrors_the_page(chat, browser):
    async with patient(browser, chat.url, **PHONE) as someone:
        await someone.opens()
        await someone.presses("language:ar")
        await expect(someone.page.locator("html")).to_have_attribute("dir", "rtl")
        await someone.is_asked("weakness")
        mine = await someone.page.locator(".yours .bubble").bounding_box()
        ours = await someone.page.locator(".ours .bubble").last.bounding_box()
        assert mine
        assert ours
        assert mine["x"] < 30 < ours["x"] + 30
        assert ours["x"] + ours["width"] > 330
        assert await someone.page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_the_clock_of_the_phone_does_not_matter(chat, browser):
    async with patient(browser, chat.url, **PHONE) as someone:
        await someone.page.clock.set_fixed_time(chat.clock.at + timedelta(days=1, hours=3))
        await someone.opens()
        await someone.presses(*TO_THE_ADVICE)
        await someone.reads("Call now.")
        assert await someone.page.locator(".day").all_inner_texts() == ["Monday 23 November"]
        assert set(await someone.page.locator(".line time").all_inner_texts()) == {"10:00"}


async def test_a_browser_without_script_holds_the_whole_conversation(chat, browser):
    async with patient(browser, chat.url, java_script_enabled=False, **PHONE) as someone:
        await someone.opens()
        await someone.page.get_by_role("button", name="Start").click()
        await someone.page.get_by_role("button", name="English").click()
        await someone.box.fill("My legs are heavy")
        await someone.page.locator(".send").click()
        await someone.page.get_by_role("button", name="Not sure").click()
        await someone.page.get_by_role("button", name="Yes, to both sides").click()
        await expect(someone.page.get_by_role("heading", name="Call now.")).to_be_in_viewport()
        await expect(someone.page.get_by_role("button", name="Copy")).to_be_hidden()
        await until_acknowledged(chat, chat.clinic.said[address_of(chat)][-1].delivery or 0)
