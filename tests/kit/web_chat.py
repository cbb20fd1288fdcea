"""A scripted clinic behind the web chat: three questions and an advice, all in memory."""

from __future__ import annotations

import asyncio
import contextlib
import tomllib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import uvicorn

from bot.channels import Choice, Incoming, Outgoing, Priority, Retired, Sending
from bot.channels.conversation import Conversation, Conversations, Line
from bot.channels.web.browser_id import BrowserIds
from bot.channels.web.channel import Limits, WebChatChannel
from bot.channels.web.page import ChatClinic, ChatPages
from bot.store.signals import ChangeFeed
from tests.kit.clinic import Clock

KEY = b"k" * 32
WORDING = tomllib.loads(Path("dialogs/protocols/spinal_metastases/protocol.toml").read_text())["wording"]
NUMBERS = {"emergency_number": "112", "always_number": "+31 20 555 0100"}
QUESTIONS = (
    ("language", "In which language?", ("en English", "ar العربية")),
    (
        "weakness",
        "Are your arms or legs weaker, heavier or stiffer than usual?",
        ("yes Yes", "no No", "unsure Not sure"),
    ),
    (
        "radiating_pain",
        "Does pain travel from your back or neck to another part of your body?",
        (
            "none No, it does not travel",
            "one_side Yes, to one arm, leg, groin or one side of the body",
            "both_sides Yes, to both sides",
            "band Yes, round the chest or belly like a tight belt",
            "unsure Not sure",
        ),
    ),
)
ADVICE = (
    Outgoing(
        "Call +31 20 555 0100 before 22:00 tonight, Monday. If nobody answers, call 112.",
        heading="Call now. You should be seen within 12 hours.",
        kind="advice",
        priority=Priority.URGENT,
    ),
    Outgoing(
        "Say: “I have cancer. My spine may be pressed. I need to be seen today.”\n\n"
        "Show this to staff: arms or legs weaker: yes. Answered on Monday 23 November at 10:00.\n\n"
        "Gets it worse, or do you suddenly lose feeling in your legs? Call 112.\n"
        "• Do not wait for a reply here.\n• Do not drive.\n• Do not change your medicines.",
        heading="What to say and do",
        kind="advice",
        priority=Priority.URGENT,
    ),
)


def words(key: str, language: str, **values: str) -> str:
    text = WORDING[key]["text"].format_map({**NUMBERS, **values})
    return text if language == "en" else f"[{language}] {text}"


def day(at: datetime, language: str) -> str:
    return f"{at:%A %-d %B}" if language == "en" else f"{at:%-d} {language}"


async def until(holds: Callable[[], bool]) -> None:
    """Returns once something holds that rings no bell; raises TimeoutError if it does not within 20 seconds."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@dataclass
class ScriptedClinic(Conversations):
    """Keeps everything said. `received`: what the channel handed over, repeats too."""

    clock: Clock
    said: dict[str, list[Line]] = field(default_factory=dict)
    languages: dict[str, str] = field(default_factory=dict)
    active_at: dict[str, datetime] = field(default_factory=dict)
    received: list[Incoming] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    pauses: asyncio.Event | None = None

    async def read(self, address: str) -> Conversation:
        lines = self.said.get(address, [])
        language = self.languages.get(address)
        shown = tuple(replace(line, is_shown=line.delivery in self.acknowledged) for line in lines)
        return Conversation(shown, language, self.active_at.get(address), len(lines))

    async def acknowledge(self, address: str, deliveries: Sequence[int]) -> None:
        ours = {line.delivery for line in self.said.get(address, [])}
        self.acknowledged += [one for one in deliveries if one in ours]

    async def receive(self, incoming: Incoming) -> str | None:
        if self.pauses is not None:
            await self.pauses.wait()
        is_repeat = incoming.external_id in {one.external_id for one in self.received}
        self.received.append(incoming)
        if is_repeat:
            return None
        lines = self.said.setdefault(incoming.address, [])
        self.active_at[incoming.address] = self.clock()
        self.languages.setdefault(incoming.address, "en")
        if incoming.choice is None and incoming.text != "/start":
            self.hear(incoming.address, incoming.text)
            self.say(incoming.address, Outgoing("Sorry, I did not understand. In an emergency call 112."))
        elif incoming.choice is None:
            self.ask(incoming.address, 0)
        else:
            self.answer(incoming.address, incoming.choice, lines)
        return None

    def answer(self, address: str, choice: str, lines: Sequence[Line]) -> None:
        token, question, code = choice.split(":")
        asked = next(line.outgoing for line in lines if line.outgoing and line.outgoing.token == token)
        assert asked is not None
        self.hear(address, next(one.label for one in asked.choices if one.data == choice))
        if question == "language":
            self.languages[address] = code
        place = [one for one, _, _ in QUESTIONS].index(question)
        retired = Retired(token, "", asked.text)
        if code in ("why", "person"):
            self.say(address, Outgoing("We ask because this can be a sign of pressure on the spine."))
        elif place + 1 < len(QUESTIONS):
            self.ask(address, place + 1, retired)
        else:
            self.say(address, replace(ADVICE[0], retires=retired, language=self.languages[address]))
            self.say(address, replace(ADVICE[1], language=self.languages[address]))

    def ask(self, address: str, place: int, retired: Retired | None = None) -> None:
        question, text, answers = QUESTIONS[place]
        token = f"t{place}{len(self.said[address])}"
        labels = [answer.partition(" ") for answer in answers]
        is_short = all(len(label) <= 12 for _, _, label in labels)
        choices = [
            Choice(label, f"{token}:{question}:{code}", 0 if is_short else row)
            for row, (code, _, label) in enumerate(labels)
        ]
        choices += [
            Choice("Why do you ask?", f"{token}:{question}:why", 8, "action"),
            Choice("Talk to a person", f"{token}:{question}:person", 9, "action"),
        ]
        is_body = question == "radiating_pain"
        self.say(
            address,
            Outgoing(
                text,
                heading=f"Question {place + 1} of about {len(QUESTIONS)}",
                kind="question",
                choices=tuple(choices),
                token=token,
                retires=retired,
                picture="body" if is_body else None,
                picture_alt="A body from the front and the back" if is_body else "",
                language=self.languages[address],
            ),
        )

    def say(self, address: str, outgoing: Outgoing) -> int:
        delivery = sum(len(lines) for lines in self.said.values()) + 1
        lines = self.said.setdefault(address, [])
        lines.append(Line(f"m{delivery}", self.clock(), outgoing, delivery=delivery, is_shown=False))
        return delivery

    def hear(self, address: str, text: str) -> None:
        lines = self.said.setdefault(address, [])
        lines.append(Line(f"p{len(lines)}", self.clock(), words=text))


@dataclass
class WebChat:
    """The channel behind a real web server on loopback. `stop` and `start` are a restart of the server."""

    clinic: ScriptedClinic
    clock: Clock
    limits: Limits
    is_demo: bool = True
    port: int = 0
    signals: ChangeFeed = field(default_factory=ChangeFeed)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        site = ChatClinic(
            "Demo Cancer Centre",
            ZoneInfo("Europe/Amsterdam"),
            words,
            day,
            ("112", "113", "+31 20 555 0100"),
            ("en", "nl", "ar"),
            self.is_demo,
        )
        ids = BrowserIds(KEY)
        self.channel = WebChatChannel(self.clinic, ChatPages(site), ids, self.clock, self.signals, self.limits)
        self.listening = asyncio.create_task(self.channel.listen(self.clinic.receive))
        config = uvicorn.Config(
            self.channel.app,
            port=self.port,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=1,
            forwarded_allow_ips="127.0.0.1",
        )
        self.server = uvicorn.Server(config)
        self.serving = asyncio.create_task(self.server._serve())
        await until(lambda: self.server.started)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    async def stop(self) -> None:
        await self.channel.close()
        self.listening.cancel()
        self.server.should_exit = True
        await self.serving

    async def says(self, address: str, outgoing: Outgoing) -> int:
        """A message of ours that nobody asked for, as the outbox hands it over."""
        delivery = self.clinic.say(address, outgoing)
        await self.channel.send(Sending(address, outgoing, delivery))
        return delivery


@contextlib.asynccontextmanager
async def web_chat(limits: Limits | None = None) -> AsyncIterator[WebChat]:
    clock = Clock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    chat = WebChat(ScriptedClinic(clock), clock, limits or Limits())
    await chat.start()
    try:
        yield chat
    finally:
        await chat.stop()
