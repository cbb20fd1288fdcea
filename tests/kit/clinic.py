"""A clinic for tests: everything real but the network and the clock. Patients talk by tapping labels."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from bot.channels import Channel, Choice, Incoming, Outgoing, Pace, Receive, Sending, Undeliverable
from bot.clinic.settings import Clinic, load
from bot.language.texts import PatientTexts
from bot.language.unstored import UnstoredNotices
from bot.service.limits import TurnLimits
from bot.service.outbox import Outbox
from bot.service.service import Service
from bot.service.unstored import Unstored
from bot.store.nurse_chats import StaffInbox
from bot.store.signals import ChangeFeed
from bot.store.sqlite.store import SqliteStore
from bot.store.worklist import WorklistRow
from dialogs.events import NurseEvent
from dialogs.protocol import load as load_protocol
from dialogs.session import Session, replay

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""Ten o'clock in the morning in Amsterdam, a working day."""


class Clock:
    """Stands still until it is moved."""

    def __init__(self, at: datetime = MONDAY) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def move(self, duration: timedelta) -> None:
        self.at += duration


class Telephones(Channel):
    """A channel whose messages the test reads: by address, in order of arrival."""

    def __init__(self) -> None:
        super().__init__("test", Pace(1e6, 1e6, 1_000_000))
        self.arrived: dict[str, list[Outgoing]] = {}
        self.blocked: set[str] = set()

    async def listen(self, receive: Receive) -> None:
        raise AssertionError("tests hand messages to the service themselves")

    async def notice(self, address: str, outgoing: Outgoing) -> None:
        self.arrived.setdefault(address, []).append(outgoing)

    async def send(self, sending: Sending) -> str | None:
        if sending.address in self.blocked:
            raise Undeliverable("bot was blocked by the user", "blocked")
        self.arrived.setdefault(sending.address, []).append(sending.outgoing)
        return str(len(self.arrived[sending.address]))


@dataclass
class TestClinic:
    __test__ = False

    store: SqliteStore
    service: Service
    outbox: Outbox
    telephones: Telephones
    clock: Clock
    clinic: Clinic
    numbers: count[int] = field(default_factory=lambda: count(1))

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        path: Path,
        clock: Clock | None = None,
        make_store: type[SqliteStore] = SqliteStore,
        limits: TurnLimits | None = None,
    ) -> AsyncIterator[TestClinic]:
        clock = clock or Clock()
        config = load(None, {"BOT_DATABASE": str(path)})
        own = config.clinic.model_copy(update={"languages": ("en", "nl"), "unreviewed_languages": ("nl",)})
        protocol = load_protocol()
        store = make_store(path)
        telephones = Telephones()
        signals = ChangeFeed()
        words = PatientTexts(own, protocol)
        unstored = Unstored(UnstoredNotices(words, own), clock, limits or TurnLimits())
        service = Service(store, words, own, {}, protocol, clock, signals, unstored=unstored)
        outbox = Outbox(store, {telephones.name: telephones}, clock, service.delivery_failed, signals)
        try:
            yield cls(store, service, outbox, telephones, clock, own)
        finally:
            await store.close()

    def sets(self, **settings: object) -> None:
        """Other settings from now on, as after a restart."""
        self.clinic = self.clinic.model_copy(update=settings)
        self.restarts()

    def restarts(self, staff: StaffInbox | None = None) -> None:
        before = self.service
        texts = PatientTexts(self.clinic, before.current)
        self.service = Service(self.store, texts, self.clinic, {}, before.current, self.clock, before.signals, staff)

    def patient(self, address: str = "42", language: str = "en") -> Patient:
        return Patient(self, address, language)

    async def passes(self, duration: timedelta) -> None:
        """Time goes by, and whatever is due on the way happens at its moment."""
        end = self.clock.at + duration
        while (due := await self.store.next_wake()) is not None and due <= end:
            self.clock.at = max(due, self.clock.at)
            await self.service.wake()
            await self.outbox.deliver_due()
        self.clock.at = end

    async def worklist(self) -> Sequence[WorklistRow]:
        return await self.store.worklist(self.clock.at)


@dataclass
class Patient:
    """Somebody with a telephone. Taps by the words on the button; the newest keyboard is the one that counts."""

    clinic: TestClinic
    address: str
    language: str = "en"

    @property
    def messages(self) -> list[Outgoing]:
        return self.clinic.telephones.arrived.setdefault(self.address, [])

    @property
    def keyboard(self) -> tuple[Choice, ...]:
        return next((message.choices for message in reversed(self.messages) if message.choices), ())

    async def says(self, *texts: str) -> Patient:
        for text in texts:
            await self.sends(text=text)
        return self

    async def taps(self, *labels: str) -> Patient:
        for label in labels:
            shown = [choice.label for choice in self.keyboard]
            assert label in shown, f"no button {label!r}, only {shown}"
            await self.sends(choice=self.keyboard[shown.index(label)].data)
        return self

    async def answers(self, **findings: str) -> Patient:
        """Taps through the check by codes: `no` or `none` where nothing is given, the first button elsewhere."""
        for _ in range(60):
            session = await self.session()
            if session.pending is None or session.state == "following_up":
                return self
            question = session.pending.question
            codes = [choice.data.split(":")[2] for choice in self.keyboard if choice.kind == "answer"]
            code = findings.get(question) or next((one for one in ("none", "no") if one in codes), "")
            if question in ("consent", "respondent", "language", "summary", "call_back_number", "more", "reached"):
                code = findings.get(question, codes[0])
            if question == "call_back_number" and code not in codes:
                await self.says(code)
            else:
                await self.sends(choice=f"{session.pending.token}:{question}:{code}")
        raise AssertionError(f"the check does not end: {await self.session()}")

    async def sends(self, **fields: str | None) -> str | None:
        number = next(self.clinic.numbers)
        incoming = Incoming(
            channel=self.clinic.telephones.name,
            address=self.address,
            external_id=f"test:{number}:m{number}",
            language_hint=self.language,
            **fields,  # type: ignore[arg-type]
        )
        word = await self.clinic.service.receive(incoming)
        await self.clinic.outbox.deliver_due()
        return word

    async def waits(self, **duration: float) -> Patient:
        await self.clinic.passes(timedelta(**duration))
        return self

    async def session(self) -> Session:
        log = await self.clinic.store.open(self.clinic.telephones.name, self.address)
        return replay(log.session, log.events)

    def has_blocked_us(self) -> None:
        self.clinic.telephones.blocked.add(self.address)


async def acts(clinic: TestClinic, someone: Patient, *events: NurseEvent, after: timedelta = timedelta()) -> None:
    """What a nurse does in the patient's latest session, some time from now."""
    clinic.clock.move(after)
    session = (await someone.session()).id
    await clinic.service.review(session, events, f"form:{session}:{clinic.clock.at}:{events}")
