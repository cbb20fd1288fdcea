"""What the service asks of a store: sessions with their logs, and one turn made true in one commit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.channels import Outgoing
from bot.store.alarms import Alarms
from bot.store.outbox import Delivery
from bot.store.parked import Parked, ParkedMessages
from bot.store.worklist import Entry
from dialogs.events import Event, Recorded


class StaleSession(Exception):
    """Somebody else has added to this session since it was read: read it again and advance again."""


class DuplicateMessage(Exception):
    """This message has already taken effect."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Who talks to us from one address of one channel.

    `turns`: how many there were when she was read; of two that were made from the same reading, one is stale.
    """

    id: str
    channel: str
    address: str
    language: str | None = None
    call_back_number: str | None = None
    is_verified: bool = False
    is_consented: bool = False
    turns: int = 0


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """The most urgent advice that no nurse has closed, with its earliest deciding moment."""

    disposition: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Log:
    """A session as it stands in the store, with what the next step must know of the patient.

    `session` is a fresh id and `events` empty when the address has no session yet. `open_entry` covers all sessions of
    the patient. `previous`: clinical answers of the latest earlier session with any; None when there is none.
    `confirmed`: symptoms whose baseline was confirmed, with the latest moment.
    """

    session: str
    patient: Patient
    events: tuple[Recorded, ...] = ()
    open_entry: OpenEntry | None = None
    previous: dict[str, str] | None = None
    confirmed: dict[str, datetime] = field(default_factory=dict)

    @property
    def length(self) -> int:
        return len(self.events)


@dataclass(frozen=True, slots=True)
class Summary:
    """The row of table `sessions`: equal to a replay of the events. `answers`: those to clinical questions."""

    state: str
    language: str
    disposition: str | None
    protocol_version: str
    wake_at: datetime | None
    answers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionChange:
    """What one turn adds to one session. `length`: how many events it had when it was read.

    `is_alarm`: whether its entry calls nurses from now on.
    """

    session: str
    length: int
    events: tuple[Event, ...]
    summary: Summary
    entry: Entry | None = None
    outgoing: tuple[Outgoing, ...] = ()
    is_alarm: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything that one message or wake makes true, in one commit. `external_id` goes on the first event.

    `message_ref`: as of the message, see `Incoming`. `parked`: the message itself, where this is what became of it.
    """

    patient: Patient
    at: datetime
    external_id: str
    changes: tuple[SessionChange, ...]
    confirmed: tuple[str, ...] = ()
    message_ref: str | None = None
    parked: Parked | None = None

    @property
    def is_answer(self) -> bool:
        """Whether the patient did something a moment ago, and waits; nobody waits for a reminder."""
        return not self.external_id.startswith("wake:")


class Logs(ABC):
    """Reading a session with what the next step must know of the patient."""

    @abstractmethod
    async def open(self, channel: str, address: str) -> Log:
        """The latest session of an address, or a fresh id. Writes nothing."""

    @abstractmethod
    async def load(self, session: str) -> Log:
        """Raises KeyError when there is no such session."""


class Sessions(Logs, ParkedMessages, Alarms):
    """Every write is one durable transaction; one that fails raises and changes nothing."""

    @abstractmethod
    async def anew(self, channel: str, address: str) -> Log:
        """A fresh session of an address, whose earlier ones may be unreadable: none of them is read.

        Of what else is known of the patient, that which can be read.
        """

    @abstractmethod
    def fresh_session(self) -> str:
        """A new session id, later in order than those before."""

    @abstractmethod
    async def append(self, turn: Turn) -> tuple[int, ...]:
        """Makes the turn true and returns the new deliveries' ids. Raises StaleSession or DuplicateMessage.

        An urgent outgoing marks the chat's unsent routine messages of earlier turns `superseded`, and lets a chat that
        waits after a failure try at once. A `DeliveryFailed` settles its delivery in the same commit:
        `failed`, or `not_seen`. A message is a duplicate also when the patient's message of this `message_ref` came
        under another `external_id`.
        """

    @abstractmethod
    async def is_known(self, external_id: str) -> bool:
        """Whether this message, or this form of a nurse, has already taken effect."""

    @abstractmethod
    async def open_entries(self, patient: str) -> Sequence[str]:
        """The patient's sessions with an open entry, the latest first."""

    @abstractmethod
    async def due_sessions(self, at: datetime, limit: int = 100) -> Sequence[tuple[str, datetime]]:
        """Sessions whose `wake_at` has come, the earliest first, with that moment."""

    @abstractmethod
    async def next_wake(self) -> datetime | None:
        """The earliest `wake_at` of all."""

    @abstractmethod
    async def unacknowledged_advice(self, before: datetime, limit: int = 100) -> Sequence[Delivery]:
        """Advice and replies handed over to a page before that moment and still not shown, the oldest first."""
