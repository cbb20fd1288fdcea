"""The web chat over HTTP: plain forms, who may read and write, event streams, and whatever can be sent wrongly."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio

from bot.channels import Outgoing, Sending
from bot.channels.web.browser_id import BrowserIds, RateLimit, network_of
from bot.channels.web.channel import Limits, WebChatChannel
from bot.channels.web.event_stream import Streams
from bot.channels.web.page import ChatClinic, ChatPages
from bot.store.signals import ChangeFeed
from bot.web.forms import FormLimits
from tests.kit.clinic import MONDAY
from tests.kit.web_chat import KEY, WebChat, until, web_chat

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest_asyncio.fixture
async def chat() -> AsyncIterator[WebChat]:
    async with web_chat() as opened:
        yield opened


def web_client(url: str, **settings: Any) -> httpx.AsyncClient:
    # verify: reading the certificates of the world takes longer than most of these tests
    return httpx.AsyncClient(base_url=url, timeout=30, verify=False, **settings)


class Browser:
    """A patient's browser without script: it loads the page and submits its forms."""

    def __init__(self, chat: WebChat, language: str = "en", **headers: str) -> None:
        self.client = web_client(chat.url, headers={"accept-language": language, **headers})
        self.page = ""

    async def __aenter__(self) -> Browser:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def open(self) -> Browser:
        response = await self.client.get("/chat")
        assert response.status_code == 200
        self.page = response.text
        return self

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        assert found, f"the page has no field {name}"
        return found[1]

    @property
    def cookie(self) -> str:
        return self.client.cookies["cordwatch"]

    @property
    def address(self) -> str:
        return hashlib.sha256(self.cookie.partition(".")[0].encode()).hexdigest()

    async def post(self, path: str = "/chat", **fields: str) -> httpx.Response:
        return await self.client.post(path, data={"token": self.hidden("token"), **fields})

    async def says(self, text: str) -> httpx.Response:
        return await self.follows(await self.post(id=self.hidden("id"), text=text))

    async def presses(self, label: str) -> httpx.Response:
        found = re.search(rf'name="choice" value="([^"]+)"[^>]*>{re.escape(label)}<', self.page)
        assert found, f"the page has no button {label!r}"
        return await self.follows(await self.post(id=self.hidden("id"), choice=found[1]))

    async def follows(self, response: httpx.Response) -> httpx.Response:
        assert response.status_code == 303, response.text
        await self.open()
        return response

    @asynccontextmanager
    async def events(self, have: str = "", **headers: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
        parameters = {"have": have, "of": self.address[:16]}
        async with self.client.stream("GET", "/chat/events", params=parameters, headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            yield _events(response)


async def _events(response: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


def texts(page: str) -> list[str]:
    return re.findall(r'class="text"[^>]*>([^<]*)<', page)


# --- a conversation by plain forms


async def test_a_browser_without_script_reaches_the_advice(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        await browser.presses("English")
        await browser.presses("Not sure")
        redirected = await browser.presses("Yes, to both sides")
        assert "Call now. You should be seen within 12 hours." in browser.page
        assert 'href="tel:+31205550100"' in browser.page
        assert 'href="tel:112"' in browser.page
        assert redirected.headers["location"].startswith("/chat#line-")


async def test_an_answered_question_keeps_its_text_and_shows_the_answer_without_buttons(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        await browser.presses("English")
        assert texts(browser.page)[:2] == ["In which language?", "English"]
        assert "العربية" not in browser.page
        assert len(re.findall('id="answers"', browser.page)) == 1


async def test_typing_does_not_press_the_first_button(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        talk = re.search(r'<form id="talk".*?</form>', browser.page, re.S)[0]
        assert 'name="choice"' not in talk
        assert 'form="talk"' not in browser.page


async def test_the_page_speaks_the_language_of_the_conversation_and_runs_its_way(chat):
    async with Browser(chat, language="nl-NL,nl;q=0.9") as browser:
        assert '<html lang="nl" dir="ltr">' in browser.page
        await browser.says("/start")
        await browser.presses("العربية")
        assert '<html lang="ar" dir="rtl">' in browser.page


@pytest.mark.parametrize("accepted", ["nl-NL,nl;q=0.9", "fy,nl;q=0.8,en;q=0.5"])
async def test_the_clinic_learns_which_of_its_languages_the_browser_likes_best(chat, accepted):
    async with Browser(chat, language=accepted) as browser:
        assert '<html lang="nl" dir="ltr">' in browser.page
        await browser.says("/start")
        assert chat.clinic.received[0].language_hint == "nl"


async def test_an_empty_message_is_none(chat):
    async with Browser(chat) as browser:
        await browser.says("  \n ")
        assert chat.clinic.received == []


async def test_markup_and_script_are_shown_as_they_were_typed(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        await browser.says("<script>alert(1)</script><img src=x onerror=alert(1)> & “quotes”")
        await chat.says(browser.address, Outgoing("<b>bold</b> call +31 20 555 0100", heading="</p><script>"))
        await browser.open()
        assert "<script>alert" not in browser.page
        assert "&lt;script&gt;alert(1)" in browser.page
        assert "&lt;b&gt;bold&lt;/b&gt; call <a" in browser.page


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "🙂" * 3000, "‮abc", "x" * 20_000])
async def test_strange_letters_reach_the_clinic_and_the_page_still_opens(chat, text):
    async with Browser(chat) as browser:
        await browser.says("/start")
        body = {"token": browser.hidden("token"), "id": "1", "text": text}
        encoded = "&".join(f"{key}={_quoted(value)}" for key, value in body.items())
        response = await browser.client.post("/chat", content=encoded, headers=FORM)
        assert response.status_code == 303
        assert len(chat.clinic.received) == 2
        await browser.open()


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode(errors="surrogatepass"))


# --- once and only once


async def test_a_message_sent_again_with_its_id_is_the_same_message(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        for _ in range(3):
            await browser.post(id="abc", text="My legs are heavy")
        assert len({incoming.external_id for incoming in chat.clinic.received}) == 2
        await browser.open()
        assert texts(browser.page).count("My legs are heavy") == 1


async def test_another_answer_on_an_old_form_is_another_message(chat):
    async with Browser(chat) as browser:
        await browser.post(id="abc", choice="t:weakness:no")
        await browser.post(id="abc", choice="t:weakness:yes")
        assert len({incoming.external_id for incoming in chat.clinic.received}) == 2


async def test_the_same_id_of_two_patients_is_two_messages(chat):
    async with Browser(chat) as one, Browser(chat) as other:
        await one.post(id="start", text="/start")
        await other.post(id="start", text="/start")
        assert len({incoming.external_id for incoming in chat.clinic.received}) == 2


async def test_nothing_is_acknowledged_to_the_page_before_the_clinic_listens(chat):
    async with Browser(chat) as browser:
        chat.listening.cancel()
        await asyncio.sleep(0)
        response = await browser.post(id="1", text="/start")
        assert response.status_code == 503
        assert response.headers["retry-after"]


async def test_a_failure_says_so_without_details_and_logs_no_words(chat, caplog):
    async with Browser(chat) as browser:
        with caplog.at_level(logging.ERROR):
            response = await browser.post(id="1", choice="my:secret words:x")
        assert response.status_code == 500
        assert "Something went wrong" in response.text
        assert "112" in response.text
        assert "failed: RuntimeError at" in caplog.text
        assert "secret words" not in caplog.text


async def test_a_turn_that_hangs_is_answered_with_the_numbers_and_takes_effect_once():
    async with web_chat(Limits(answer_within_s=0.2)) as chat, Browser(chat) as browser:
        chat.clinic.pauses = asyncio.Event()
        answers = [await browser.post(id="1", text="my legs") for _ in range(2)]
        assert [one.status_code for one in answers] == [503, 503]
        assert all("tel:+31205550100" in one.text and "tel:112" in one.text for one in answers)
        chat.clinic.pauses.set()
        assert (await browser.post(id="1", text="my legs")).status_code == 303
        assert [one.text for one in chat.clinic.received].count("my legs") <= 2
        await browser.open()
        assert texts(browser.page).count("my legs") == 1


async def test_what_she_says_is_taken_though_what_was_said_cannot_be_read(chat):
    async with Browser(chat) as browser:
        chat.clinic.said[browser.address] = [None]
        assert (await browser.post(id="1", text="my legs are heavy")).status_code == 500
        assert [one.text for one in chat.clinic.received] == ["my legs are heavy"]


# --- who may read and write


async def test_a_first_visit_gives_a_guarded_cookie_and_keeps_nothing(chat):
    async with Browser(chat) as browser:
        header = (await browser.client.get("/chat")).headers["set-cookie"]
        assert "HttpOnly" in header
        assert "SameSite=lax" in header
        assert "Secure" not in header
        assert len(browser.cookie.partition(".")[0]) == 43
        assert chat.clinic.said == {}


async def test_outside_loopback_the_cookie_travels_only_encrypted(chat):
    async with web_client(chat.url) as client:
        response = await client.get("/chat", headers={"host": "check.example.org"})
        assert response.headers["set-cookie"].startswith("__Host-cordwatch=")
        assert "; Secure" in response.headers["set-cookie"]


async def test_behind_a_proxy_with_tls_on_the_same_machine_the_cookie_is_secure_too(chat):
    async with web_client(chat.url) as client:
        response = await client.get("/chat", headers={"x-forwarded-proto": "https"})
        assert "; Secure" in response.headers["set-cookie"]


async def test_the_clinic_knows_a_patient_by_the_hash_of_her_secret_only(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        assert list(chat.clinic.said) == [browser.address]
        assert browser.cookie.partition(".")[0] not in repr(chat.clinic.received)


def forged(cookie: str) -> list[str]:
    secret, _, signature = cookie.partition(".")
    other = BrowserIds(b"x" * 32)
    foreign = other.cookie(other.new())
    return [
        "",
        ".",
        "guess",
        f"{secret}.",
        f"{secret}.{signature[:-1]}",
        f"x{secret}.{signature}",
        foreign,
        "é.ü",
        "." * 9,
    ]


@pytest.mark.parametrize("place", range(9))
async def test_a_forged_cookie_opens_no_conversation(chat, place):
    async with Browser(chat) as browser:
        await browser.says("/start")
        cookie = forged(browser.cookie)[place]
        headers = [(b"cookie", f"cordwatch={cookie}".encode())]
        async with web_client(chat.url) as client:
            page = await client.get("/chat", headers=headers)
            assert "In which language?" not in page.text
            data = {"token": browser.hidden("token"), "id": "2", "text": "hello"}
            assert (await client.post("/chat", data=data, headers=headers)).status_code == 403
            assert (await client.get("/chat/shown.gif?deliveries=1", headers=headers)).status_code == 403
            events = await client.get("/chat/events", headers=headers)
            assert "event: reload" in events.text
        assert len(chat.clinic.received) == 1


async def test_a_form_is_read_without_what_no_store_takes(chat):
    async with Browser(chat) as browser:
        await browser.follows(await browser.post(**{"id": "1", "te\0xt": "my \0legs\0"}))
        assert [one.text for one in chat.clinic.received] == ["my legs"]


@pytest.mark.parametrize("path", ["/chat", "/chat/new", "/chat/seen"])
async def test_a_form_needs_the_token_of_its_own_page(chat, path):
    async with Browser(chat) as browser, Browser(chat) as stranger:
        for token in ("", "guess", stranger.hidden("token"), "é"):
            response = await browser.client.post(path, data={"token": token, "id": "1", "text": "hello"})
            assert response.status_code == 403
            assert "set-cookie" not in response.headers
        assert chat.clinic.received == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "null"}, 303),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "{own}"}, 303),
    ],
)
async def test_a_form_of_another_site_is_refused(chat, headers, status):
    async with Browser(chat) as browser:
        sent = {name: value.format(own=chat.url) for name, value in headers.items()}
        response = await browser.client.post(
            "/chat", data={"token": browser.hidden("token"), "text": "hello"}, headers=sent
        )
        assert response.status_code == status


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}],
)
async def test_another_site_is_told_of_no_events(chat, headers):
    async with Browser(chat) as browser:
        await browser.says("/start")
        parameters = {"of": browser.address[:16]}
        async with browser.client.stream("GET", "/chat/events", params=parameters, headers=headers) as response:
            assert response.status_code == 403


async def test_start_new_gives_a_new_identity_and_leaves_the_old_conversation_with_the_clinic(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        before = browser.address
        await browser.follows(await browser.post("/chat/new"))
        assert browser.address != before
        assert "In which language?" not in browser.page
        assert chat.clinic.said[before]


async def test_after_twelve_idle_hours_nothing_is_shown_but_the_emergency_number_and_a_new_start(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        chat.clock.move(timedelta(hours=12) - timedelta(seconds=1))
        assert "In which language?" in (await browser.open()).page
        chat.clock.move(timedelta(seconds=1))
        await browser.open()
        assert "In which language?" not in browser.page
        assert "For your privacy" in browser.page
        assert 'href="tel:112"' in browser.page
        assert (await browser.post(id="9", text="hello")).status_code == 409
        await browser.follows(await browser.post("/chat/new"))
        assert 'id="talk"' in browser.page


async def test_an_open_page_is_told_when_the_history_is_to_be_hidden(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        async with browser.events() as events:
            assert (await anext(events))[0] == "lines"
            chat.clock.move(timedelta(hours=12))
            await chat.says(browser.address, Outgoing("Did you reach someone?"))
            assert (await anext(events))[0] == "reload"


# --- how much


async def test_new_conversations_are_limited_for_each_address_and_old_ones_go_on():
    async with (
        web_chat(Limits(new_conversations=2)) as chat,
        Browser(chat) as first,
        Browser(chat) as second,
        Browser(chat) as third,
    ):
        assert (await first.post(id="1", text="/start")).status_code == 303
        assert (await second.post(id="1", text="/start")).status_code == 303
        refused = await third.post(id="1", text="/start")
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "60"
        assert "Too many new checks" in refused.text
        assert (await first.post(id="2", text="hello")).status_code == 303
        elsewhere = Browser(chat, **{"x-forwarded-for": "198.51.100.7"})
        async with elsewhere:
            assert (await elsewhere.post(id="1", text="/start")).status_code == 303
        chat.clock.move(timedelta(minutes=6))
        assert (await third.post(id="1", text="/start")).status_code == 303


async def test_a_flood_of_messages_is_slowed_down_and_says_when_to_try_again():
    async with web_chat(Limits(messages=3)) as chat, Browser(chat) as browser:
        answers = [(await browser.post(id=str(number), text="hello")).status_code for number in range(5)]
        assert answers == [303, 303, 303, 429, 429]
        chat.clock.move(timedelta(seconds=1))
        assert (await browser.post(id="4", text="hello")).status_code == 303


def test_an_allowance_fills_up_again_with_time():
    limit = RateLimit(2, timedelta(minutes=1))
    taken = [limit.take("a", MONDAY + timedelta(seconds=second)) for second in (0, 0, 0, 59, 60, 61, 300, 300, 300)]
    assert taken == [True, True, False, False, True, False, True, True, False]


def test_an_allowance_remembers_only_so_many():
    limit = RateLimit(1, timedelta(hours=1), keys_kept=2)
    assert [limit.take(key, MONDAY) for key in "abca"] == [True, True, True, True]
    assert not limit.take("a", MONDAY)


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1%eth0", "2001:db8::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("", ""),
    ],
)
def test_a_household_counts_as_one_address(host, network):
    assert network_of(host) == network


def test_a_short_cookie_key_is_refused():
    with pytest.raises(ValueError, match="at least 32 bytes, not 5"):
        BrowserIds(b"short")


def test_a_cookie_outlives_a_restart_under_the_same_key_only():
    visitor = BrowserIds(KEY).new()
    cookie = BrowserIds(KEY).cookie(visitor)
    assert BrowserIds(KEY).read(cookie) == visitor
    assert BrowserIds(b"x" * 32).read(cookie) is None


# --- what is sent wrongly


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "words"),
    [
        ("GET", "/chat/nothing", {}, b"", 404, "no page here"),
        ("GET", "/chat/static/../../store.py", {}, b"", 404, "no page here"),
        ("GET", "/chat/static/%2e%2e%2fstore.py", {}, b"", 404, "no page here"),
        ("PUT", "/chat", FORM, b"", 405, "could not be read"),
        ("DELETE", "/chat", {}, b"", 405, "could not be read"),
        ("GET", "/chat/new", {}, b"", 405, "could not be read"),
        ("POST", "/chat/events", FORM, b"", 405, "could not be read"),
        ("POST", "/chat", {}, b"text=hello", 415, "could not be read"),
        ("POST", "/chat", {"content-type": "application/json"}, b"{}", 415, "could not be read"),
        ("POST", "/chat", {"content-type": "multipart/form-data; boundary=x"}, b"--x--", 415, "could not be read"),
        ("POST", "/chat", FORM, b"text=" + b"x" * 70_000, 413, "could not be read"),
        ("POST", "/chat", FORM, b"&".join(b"a=%d" % place for place in range(50)), 400, "could not be read"),
        ("POST", "/chat", FORM, b"%zz&&==&\xff\xfe", 403, "open for too long"),
        ("POST", "/chat", FORM, b"", 403, "open for too long"),
    ],
)
async def test_what_is_sent_wrongly_is_answered_kindly(chat, method, path, headers, body, status, words):
    async with web_client(chat.url) as client:
        sent = {"accept-language": "nl", **headers}
        response = await client.request(method, path, headers=sent, content=body)
        assert response.status_code == status
        assert f"[nl] {words}"[:4] in response.text
        assert words in response.text
        assert 'href="tel:112"' in response.text
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert chat.clinic.received == []


async def test_a_page_with_script_gets_the_reason_in_words(chat):
    async with Browser(chat, accept="application/json") as browser:
        response = await browser.client.post("/chat", data={"token": "no"})
        assert response.status_code == 403
        assert "open for too long" in response.json()["wrong"]


async def test_a_button_that_no_page_ever_had_is_refused(chat):
    async with Browser(chat) as browser:
        assert (await browser.post(id="1", choice="t:" + "x" * 70)).status_code == 400


async def test_a_half_sent_form_is_given_up():
    async with web_chat(Limits(form=FormLimits(within_s=0.1))) as chat:
        reader, writer = await asyncio.open_connection("127.0.0.1", chat.port)
        writer.write(
            b"POST /chat HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-www-form-urlencoded\r\n"
            b"content-length: 100\r\n\r\ntext=my le"
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
        await writer.wait_closed()
        assert chat.clinic.received == []


async def test_a_patient_who_leaves_in_the_middle_of_a_form_disturbs_nobody(chat, caplog):
    for body in (b"text=my le", b""):
        _, writer = await asyncio.open_connection("127.0.0.1", chat.port)
        writer.write(
            b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n"
            b"content-length: 100\r\n\r\n" + body
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    async with Browser(chat) as browser:
        await browser.says("/start")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("host", ["[::1]:8080", "[::", "a b", "localhost:99999", "é"])
async def test_a_strange_host_is_answered(chat, host):
    reader, writer = await asyncio.open_connection("127.0.0.1", chat.port)
    writer.write(f"GET /chat HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
    status = await reader.readline()
    assert status.split()[1] in (b"200", b"400")
    writer.close()
    await writer.wait_closed()


async def test_the_page_needs_nothing_inline_and_nothing_from_elsewhere(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        assert not re.search(r'<style|style="|<script(?! src=)|\son\w+=|https?://', browser.page)
        response = await browser.client.get("/chat")
        policy = response.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"


async def test_style_and_script_are_kept_until_they_change(chat):
    async with Browser(chat) as browser:
        for address in re.findall(r'(?:href|src)="(/chat/static/[^"]+)"', browser.page):
            response = await browser.client.get(address)
            assert response.status_code == 200
            assert "immutable" in response.headers["cache-control"]
            stale = await browser.client.get(re.sub(r"v=\w+", "v=old", address))
            assert stale.headers["cache-control"] == "no-cache"


# --- event streams


async def test_a_page_hears_what_the_bot_says_unprompted(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        async with browser.events() as events:
            assert (await anext(events))[0] == "lines"
            delivery = await chat.says(browser.address, Outgoing("Are you still there?"))
            name, update = await anext(events)
            assert name == "lines"
            assert "Are you still there?" in update["lines"][-1]["html"]
            assert update["unseen"][-1] == delivery


async def test_a_page_hears_what_is_sent_where_it_is_not_open(chat):
    ids = BrowserIds(KEY)
    elsewhere = WebChatChannel(chat.clinic, chat.channel.pages, ids, chat.clock, chat.signals)
    async with Browser(chat) as browser, browser.events() as events:
        assert (await anext(events))[0] == "lines"
        said = Outgoing("Are you still there?")
        await elsewhere.send(Sending(browser.address, said, chat.clinic.say(browser.address, said)))
        assert "Are you still there?" in (await anext(events))[1]["lines"][-1]["html"]


@pytest.mark.parametrize("other", [("web", "hers"), ("web-2", "mine")])
async def test_pages_hear_only_of_their_own_conversation(other):
    signals = ChangeFeed()
    page = Streams(signals, "web", 9, 9).open("mine")
    page.news.consume()
    channel, address = other
    Streams(signals, channel, 9, 9).changed(address)
    assert not page.news.consume()
    Streams(signals, "web", 9, 9).changed("mine")
    assert page.news.consume()


@pytest.mark.parametrize(("newest", "must_look"), [(6, True), (7, False), (8, False)])
async def test_a_page_looks_for_a_delivery_that_it_has_not_written(newest, must_look):
    streams = Streams(ChangeFeed(), "web", 9, 9)
    page = streams.open("mine")
    page.newest = newest
    page.news.consume()
    streams.sent("mine", 7)
    assert page.news.consume() is must_look
    streams.changed("mine")
    streams.sent("mine", 7)
    assert page.news.consume()


async def test_a_second_page_sees_what_was_answered_on_the_first(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        async with browser.events() as one, browser.events() as other:
            await anext(one)
            await anext(other)
            await browser.presses("English")
            for events in (one, other):
                drawn = "".join(line["html"] for line in (await anext(events))[1]["lines"])
                assert "weaker, heavier or stiffer" in drawn
                assert "العربية" not in drawn


async def test_a_page_that_comes_back_gets_only_what_it_lacks(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        for number in range(20):
            await chat.says(browser.address, Outgoing(f"Message {number}"))
        async with browser.events() as events:
            everything = (await anext(events))[1]
        await chat.says(browser.address, Outgoing("The newest"))
        async with browser.events(**{"last-event-id": everything["cursor"]}) as events:
            rest = (await anext(events))[1]
        assert len(everything["lines"]) == 21
        assert len(rest["lines"]) <= 5
        assert "The newest" in rest["lines"][-1]["html"]
        assert rest["order"] == [*everything["order"], rest["lines"][-1]["id"]]


@pytest.mark.parametrize("have", ["", "7", "999999.0123456789abcdef", "3.0000000000000000", "é", "x" * 500])
async def test_a_page_with_a_cursor_that_fits_nothing_gets_everything(chat, have):
    async with Browser(chat) as browser:
        await browser.says("/start")
        for number in range(9):
            await chat.says(browser.address, Outgoing(f"Message {number}"))
        async with browser.events(have) as events:
            assert len((await anext(events))[1]["lines"]) == 10


async def test_a_quiet_stream_beats():
    async with (
        web_chat(Limits(beat_s=0.01)) as chat,
        Browser(chat) as browser,
        browser.events() as events,
    ):
        assert [(await anext(events))[0] for _ in range(3)] == ["lines", "beat", "beat"]


async def test_a_page_of_a_conversation_that_was_left_is_told_to_load_again(chat):
    async with Browser(chat) as browser:
        old = browser.address
        await browser.follows(await browser.post("/chat/new"))
        response = await browser.client.get("/chat/events", params={"of": old[:16]})
        assert "event: reload" in response.text


async def test_a_page_too_many_makes_the_oldest_rest():
    async with (
        web_chat(Limits(streams_per_visitor=2)) as chat,
        Browser(chat) as browser,
        browser.events() as first,
        browser.events() as second,
    ):
        await anext(first)
        await anext(second)
        async with browser.events() as third:
            await anext(third)
            assert (await anext(first))[0] == "displaced"
            await chat.says(browser.address, Outgoing("Hello"))
            assert (await anext(second))[0] == (await anext(third))[0] == "lines"


async def test_no_more_streams_than_the_limit():
    async with (
        web_chat(Limits(streams=1)) as chat,
        Browser(chat) as one,
        Browser(chat) as other,
        one.events() as events,
    ):
        await anext(events)
        refused = await other.client.get("/chat/events", params={"of": other.address[:16]})
        assert refused.status_code == 503
        assert refused.headers["retry-after"]


async def test_two_hundred_open_streams_each_hear_their_own_message(chat):
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    visitors = BrowserIds(KEY)
    patients = [visitors.new() for _ in range(200)]

    async def listens(client: httpx.AsyncClient, number: int) -> str:
        patient = patients[number]
        headers = {"cookie": f"cordwatch={visitors.cookie(patient)}"}
        parameters = {"of": patient.address[:16]}
        async with client.stream("GET", "/chat/events", params=parameters, headers=headers) as response:
            async for _, update in _events(response):
                waiting.discard(number)
                if not waiting:
                    all_listen.set()
                if update.get("lines"):
                    return str(update["lines"][-1]["html"])
        return ""

    waiting, all_listen = set(range(200)), asyncio.Event()
    async with web_client(chat.url, limits=limits) as client:
        heard = [asyncio.create_task(listens(client, number)) for number in range(200)]
        await all_listen.wait()
        for number, patient in enumerate(patients):
            await chat.says(patient.address, Outgoing(f"For patient n{number}."))
        said = await asyncio.gather(*heard)
    assert all(f"For patient n{number}." in text for number, text in enumerate(said))


async def test_a_page_that_does_not_read_is_left():
    async with web_chat(Limits(write_within_s=0.1)) as chat, Browser(chat) as browser:
        reader, writer = await asyncio.open_connection("127.0.0.1", chat.port, limit=1024)
        cookie = f"host: 127.0.0.1\r\ncookie: cordwatch={browser.cookie}"
        writer.write(f"GET /chat/events?of={browser.address[:16]} HTTP/1.1\r\n{cookie}\r\n\r\n".encode())
        await reader.readline()
        writer.transport.pause_reading()
        streams = chat.channel.streams
        for number in range(400):
            await chat.says(browser.address, Outgoing(f"{number} " + "x" * 60_000))
            await asyncio.sleep(0)
            if not len(streams):
                break
        await until(lambda: not len(streams))
        writer.close()


async def test_open_streams_do_not_hold_up_a_stop(chat):
    async with Browser(chat) as browser, browser.events() as events:
        await anext(events)
        async with asyncio.timeout(2):
            await chat.stop()
        with pytest.raises(StopAsyncIteration):
            await anext(events)
        await chat.start()


# --- shown is sent


async def test_only_messages_of_the_patient_herself_are_acknowledged(chat):
    async with Browser(chat) as browser, Browser(chat) as other:
        await browser.says("/start")
        await other.says("/start")
        mine, theirs = chat.clinic.said[browser.address][0], chat.clinic.said[other.address][0]
        response = await browser.post(
            "/chat/seen", deliveries=f"{mine.delivery} {theirs.delivery} 99999999999999999999 x"
        )
        assert response.status_code == 204
        assert chat.clinic.acknowledged == [mine.delivery]


async def test_a_browser_without_script_acknowledges_by_loading_the_end_of_the_page(chat):
    async with Browser(chat) as browser:
        await browser.says("/start")
        picture = re.search(r'<noscript>.*?src="([^"]+)"', browser.page, re.S)[1]
        response = await browser.client.get(picture.replace("&amp;", "&"))
        assert response.headers["content-type"] == "image/gif"
        assert chat.clinic.acknowledged == [chat.clinic.said[browser.address][0].delivery]
        await browser.open()
        assert "shown.gif" not in browser.page


# --- words and numbers


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("Call 112 now", ["112"]),
        ("Call 112.", ["112"]),
        ("Call +31 20 555 0100, or 113.", ["+31205550100", "113"]),
        ("Room 1125, 38 °C, within 12 hours, 2026-11-23", []),
        ("+31 (0)20 555-0100", ["+31205550100"]),
        ("At 1:12 or 112:30", []),
        ("0112 1 112 a112", ["112"]),
    ],
)
async def test_telephone_numbers_and_nothing_else_become_links(chat, text, linked):
    html = chat.channel.pages.linked(text)
    assert re.findall(r'href="tel:([^"]+)"', html) == linked
    assert re.sub("<[^>]+>", "", html) == text


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("If nobody answers: 15.", ["15"]),
        ("Before Tuesday 15 December, 15:40, in 15 minutes: 15:40", []),
        ("Si personne ne répond : 15. Ensuite, répondez ici. Crise : 116 123", ["15", "116123"]),
        ("It was 15.5 °C; 0115 15", []),
    ],
)
def test_a_number_of_two_figures_becomes_a_link_only_where_it_is_no_time(text, linked):
    site = ChatClinic("St. Anna", ZoneInfo("Europe/Paris"), str, str, numbers=("15", "116 123", "+33 1 23 45 67 89"))
    assert re.findall(r'href="tel:([^"]+)"', ChatPages(site).linked(text)) == linked
    assert 'href="tel:15"' in ChatPages(site).linked("Call 15 now", is_notice=True)
