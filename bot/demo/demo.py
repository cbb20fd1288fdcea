"""The demonstration: about forty made-up patients who talk to the real service under a clock of their own.

Nothing is written into tables: every entry of the worklist is what the service made of a conversation. They live on a
channel of their own, so that they are marked everywhere and can be forgotten together.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from itertools import count

from bot.channels import Channel, Incoming, Outgoing, Pace, Receive, Sending, Undeliverable
from bot.clinic.settings import Clinic
from bot.console.accounts import DEMO_LINK_HOLDS, Accounts
from bot.demo import stories as demo_stories
from bot.demo.stories import ALEX, ROBIN, SAM, Story
from bot.language.texts import PatientTexts
from bot.service.outbox import Outbox
from bot.service.service import Service
from bot.store.console import Demonstration, NurseAccounts, Role
from bot.store.settings import DEMO_CHANNEL as CHANNEL
from bot.store.settings import DEMO_CLEARED, DEMO_FILLED, Settings
from bot.store.signals import ChangeFeed
from bot.store.store import Store
from bot.web.paths import page_path
from dialogs.events import Acknowledged, Claimed, NurseEvent
from dialogs.protocol import TriageProtocol
from dialogs.session import Session, replay

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NURSES = (
    (ROBIN, "robin@demo.example", Role.LEAD, ("en", "nl")),
    (SAM, "sam@demo.example", Role.NURSE, ("nl", "en")),
    (ALEX, "alex@demo.example", Role.NURSE, ("en",)),
)
PACE = Pace(messages_per_second=1e6, messages_per_second_per_chat=1e6, burst_per_chat=1_000_000)
SPOKEN = ("nl", "en", "nl", "tr", "nl", "ar", "nl", "en", "pl")
"""What patients of a Dutch clinic speak, in turn."""
SKIPPED = {"call_back_number": "skip", "more": "no"}


class DemoChannel(Channel):
    """Telephones that do not exist. Whatever is sent arrives, except with those who have blocked us."""

    def __init__(self, name: str = CHANNEL) -> None:
        super().__init__(name, PACE)

    async def listen(self, receive: Receive) -> None:  # noqa: ARG002
        await asyncio.get_running_loop().create_future()

    async def send(self, sending: Sending) -> str | None:
        if "blocked" in sending.address:
            raise Undeliverable("made up to have blocked us", "blocked")
        return f"demo-{sending.delivery}"

    async def notice(self, address: str, outgoing: Outgoing) -> None:
        """Nobody is there to be told."""

    def incoming(self, address: str, at: datetime, number: int, language: str, **said: str | None) -> Incoming:
        """What a patient does: `said` is text or choice, `number` counts in all of the demonstration."""
        external_id = f"{self.name}:{at.isoformat()}:{number}"
        return Incoming(self.name, address, external_id, language_hint=language, **said)  # type: ignore[arg-type]


Following = tuple[timedelta, "Step"]
Step = Callable[[], Awaitable["Following | None"]]
"""Something that happens, and what follows after a while."""


@dataclass
class _Clock:
    at: datetime

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Demo:
    """Plays the stories up to `now`."""

    store: Store
    words: PatientTexts
    clinic: Clinic
    protocol: TriageProtocol
    now: datetime
    numbers: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.clock = _Clock(LONG_AGO)
        signals = ChangeFeed()
        self.service = Service(self.store, self.words, self.clinic, {}, self.protocol, self.clock, signals)
        self.channel = DemoChannel()
        self.outbox = Outbox(self.store, {CHANNEL: self.channel}, self.clock, self.service.delivery_failed, signals)

    async def play(self, stories: Sequence[Story]) -> None:
        """Everything in the order of time, also what silence brings in between."""
        queue: list[tuple[datetime, int, int, Step]] = []
        for index, story in enumerate(stories):
            patient = _Patient(self, story, f"{index:02}{'-blocked' if story.is_blocked else ''}")
            checks = [*story.earlier, (story.ago, story.answers)]
            steps = [(self.now - ago, patient.begins(answers)) for ago, answers in checks]
            steps += [(self.now - story.ago + act.after, patient.does(act.does)) for act in story.acts]
            queue += [(at, index, next(self.numbers), step) for at, step in steps]
        heapify(queue)
        while queue:
            at, index, _, step = heappop(queue)
            if at > self.now:
                continue
            await self._pass_to(at)
            following = await step()
            if following is not None:
                pause, step = following
                heappush(queue, (self.clock.at + pause, index, next(self.numbers), step))
        await self._pass_to(self.now)

    async def _pass_to(self, end: datetime) -> None:
        while (due := await self.store.next_wake()) is not None and due <= end:
            self.clock.at = max(due, self.clock.at)
            await self.service.wake()
            await self.outbox.deliver_due()
        self.clock.at = max(end, self.clock.at)


@dataclass
class _Patient:
    demo: Demo
    story: Story
    address: str

    def begins(self, findings: dict[str, str]) -> Step:
        """The first message of a check, and then answer by answer."""

        async def begin() -> Following:
            await self.sends(text="/start")
            return timedelta(seconds=15), self._answers(findings)

        return begin

    def does(self, what: NurseEvent | str) -> Step:
        async def do() -> None:
            await (self.sends(text=what) if isinstance(what, str) else self.is_reviewed(what))

        return do

    def _answers(self, findings: dict[str, str]) -> Step:
        """One answer as a patient gives it: after some thought, and the mildest where the story says nothing."""

        async def answer() -> Following | None:
            session = await self._session()
            pending = session.pending
            if pending is None or session.state == "following_up" or pending.question == self.story.stops_at:
                return None
            if pending.question == "call_back_number" and self.story.number:
                await self.sends(text=self.story.number)
            else:
                code = self._answer(pending.question, findings)
                await self.sends(choice=f"{pending.token}:{pending.question}:{code}")
            return timedelta(seconds=4 + len(pending.question) // 2), self._answers(findings)

        return answer

    async def sends(self, text: str = "", choice: str | None = None) -> None:
        number = next(self.demo.numbers)
        at, language = self.demo.clock.at, self.story.language
        said = self.demo.channel.incoming(self.address, at, number, language, text=text, choice=choice)
        await self.demo.service.receive(said)
        await self.demo.outbox.deliver_due()

    async def is_reviewed(self, act: NurseEvent) -> None:
        session = await self._session()
        external_id = f"demo:{self.demo.clock.at.isoformat()}:{next(self.demo.numbers)}"
        acts = (act, Acknowledged(act.nurse)) if isinstance(act, Claimed) else act
        await self.demo.service.review(session.id, acts, external_id)
        await self.demo.outbox.deliver_due()

    def _answer(self, question: str, findings: dict[str, str]) -> str:
        if question == "language":
            return self.story.language
        if question in findings:
            return findings[question]
        if question in SKIPPED:
            return SKIPPED[question]
        codes = self.demo.protocol.question(question).codes
        mildest = next((one for one in ("none", "no") if one in codes), codes[0])
        return codes[0] if question in ("consent", "respondent", "summary", "reached") else mildest

    async def _session(self) -> Session:
        log = await self.demo.store.open(CHANNEL, self.address)
        return replay(log.session, log.events)


async def fill(store: Store, words: PatientTexts, clinic: Clinic, protocol: TriageProtocol, now: datetime) -> bool:
    """Lets the made-up patients in; returns whether it did. Once there, or cleared, they do not come again."""
    if await store.get_setting(DEMO_FILLED) is not None:
        return False
    await store.put_setting(DEMO_FILLED, now.isoformat())
    spoken = [one for one in SPOKEN if one in words.offered] or words.offered
    await Demo(store, words, clinic, protocol, now).play(demo_stories.stories(now, random.Random(7), spoken))
    return True


async def sign_in_link(desk: NurseAccounts, accounts: Accounts, base: str) -> str | None:
    """An address that signs in a nurse of the demonstration, once; makes her account if there is none yet."""
    for name, email, role, languages in NURSES:
        if await desk.nurse(email) is None and await desk.nurse(name) is None:
            await accounts.add(name, email, role, languages, is_demo=True)
    nurse = await desk.nurse(NURSES[0][1])
    if nurse is None or not nurse.is_demo or not nurse.is_active:
        return None
    return base + page_path("sign_in_link", secret=await accounts.new_link(nurse, "sign_in", DEMO_LINK_HOLDS))


async def clear(store: Settings, desk: Demonstration) -> int:
    """Forgets the made-up patients; returns how many there were."""
    await store.put_setting(DEMO_FILLED, DEMO_CLEARED)
    return await desk.forget_channel(CHANNEL)
