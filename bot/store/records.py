"""What the service asks of a store: sessions' logs, the outbox and the worklist, each method one transaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.channels import Outgoing, Priority, Sending
from dialogs.events import Event, Recorded


class StaleSession(Exception):
    """Somebody else has added to this session since it was read: read it again and advance again."""


class DuplicateMessage(Exception):
    """This message has already taken effect."""


class StoreLocked(Exception):
    """Another service runs on this database."""


class UnfitStore(Exception):
    """The database cannot be used as it is: there is none, or its tables are of another version. Says what to do."""


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
class Entry:
    """The row of table `worklist` for one session: equal to a replay of the events and the clinic's times.

    `tier`: the most urgent ever advised, or None. `decided_at`: the earliest answer that decided it; without it
    `opened_at` counts. `reasons`: rule ids, then codes of dialogs.events.REASONS. `trouble`: the worst of them that
    means nobody may have read the advice, or None. `opened_at` restarts on re-opening. `unread`: messages in the
    patient's own words since a nurse last looked. `discounted`: baselines to confirm. `last_owner`: who had it before
    it opened again. `call_back_at`: the next call that is due. `tries`: calls since the patient was last reached.
    """

    tier: str | None
    reasons: tuple[str, ...]
    opened_at: datetime
    acknowledge_by: datetime
    seen_by: datetime | None
    is_open: bool = True
    trouble: str | None = None
    is_worse: bool = False
    is_carer: bool = False
    unread: int = 0
    owner: str | None = None
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str | None = None
    discounted: tuple[str, ...] = ()
    decided_at: datetime | None = None
    last_owner: str | None = None
    snoozed_until: datetime | None = None
    call_back_at: datetime | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class SessionChange:
    """What one turn adds to one session. `length`: how many events it had when it was read."""

    session: str
    length: int
    events: tuple[Event, ...]
    summary: Summary
    entry: Entry | None = None
    outgoing: tuple[Outgoing, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """What is said to a nurse, in a chat of her own. It belongs to no patient's session."""

    channel: str
    address: str
    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything that one message or wake makes true, in one commit. `external_id` goes on the first event."""

    patient: Patient
    at: datetime
    external_id: str
    changes: tuple[SessionChange, ...]
    confirmed: tuple[str, ...] = ()
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A committed message that is to be handed over. `session` is empty when it goes to a nurse.

    `attempts` counts earlier ones. `priority` is that of its chat: of the most urgent message that waits there.
    """

    id: int
    session: str
    channel: str
    sending: Sending
    attempts: int
    created_at: datetime
    priority: Priority = Priority.ROUTINE


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """One line of the nurse's list. `delivery`: the state of the latest advice, as in Said; None without any."""

    id: int
    session: str
    patient: str
    language: str
    entry: Entry
    delivery: str | None
    call_back_number: str | None
    channel: str = ""
    is_verified: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """A line of a transcript as the patient saw it: a message of ours with its delivery state.

    `seq`: the last event of the turn that it belongs to. `state`: waiting, handed_over (a page has still to show it),
    sent, not_seen (the page never did), failed or superseded. `sent_at`: when the channel, or the page, took it.
    """

    id: int
    seq: int
    at: datetime
    outgoing: Outgoing
    state: str
    sent_at: datetime | None = None
    message_ref: str | None = None


class Store(ABC):
    """Where sessions are kept. Every write is one durable transaction; one that fails raises and changes nothing."""

    # --- turns

    @abstractmethod
    async def open(self, channel: str, address: str) -> Log:
        """The latest session of an address, or a fresh id. Writes nothing."""

    @abstractmethod
    async def load(self, session: str) -> Log:
        """Raises KeyError when there is no such session."""

    @abstractmethod
    def fresh_session(self) -> str:
        """A new session id, later in order than those before."""

    @abstractmethod
    async def append(self, turn: Turn) -> tuple[int, ...]:
        """Makes the turn true and returns the new deliveries' ids. Raises StaleSession or DuplicateMessage.

        An urgent outgoing marks the chat's unsent routine messages of earlier turns `superseded`, and lets a chat that
        waits after a failure try at once. A `DeliveryFailed` settles its delivery in the same commit:
        `failed`, or `not_seen`. A message of Telegram is a duplicate also when the same message came under another
        update's number.
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

    # --- the outbox

    @abstractmethod
    async def claim(
        self, channel: str, at: datetime, limit: int, lease: timedelta, resting: Collection[str] = ()
    ) -> Sequence[Delivery]:
        """Leases at most one waiting message for each chat of a channel, except for the `resting` addresses.

        The most urgent chats first, then those waiting longest; inside a chat always the oldest. A lease ends with
        `sent`, `later`, `failed` or `release`, or after `lease`.
        """

    @abstractmethod
    async def next_retry(self, channel: str, after: datetime) -> datetime | None:
        """The earliest moment later than `after` to which a chat of the channel was put off."""

    @abstractmethod
    async def waiting(self) -> tuple[int, datetime | None]:
        """How many chats have messages waiting, and the moment the oldest of these was committed."""

    @abstractmethod
    async def sent(self, delivery: int, at: datetime, message_ref: str | None, acknowledged: bool = True) -> None:
        """The channel accepted it. `acknowledged=False`: a page has still to show it (state `handed_over`)."""

    @abstractmethod
    async def later(self, delivery: int, retry_at: datetime, error: str) -> None:
        """Not now: its chat waits until `retry_at`."""

    @abstractmethod
    async def failed(self, delivery: int, at: datetime, error: str) -> None:
        """Never: state `failed`; the chat goes on with the next message."""

    @abstractmethod
    async def release(self, delivery: int | None = None) -> None:
        """Gives back a lease as if it had never been claimed; without `delivery` every lease."""

    @abstractmethod
    async def acknowledged(self, delivery: int, address: str, at: datetime) -> None:
        """The page of this address has shown it: it is `sent`, also if it still waited. What failed stays failed."""

    @abstractmethod
    async def unacknowledged_advice(self, before: datetime, limit: int = 100) -> Sequence[Delivery]:
        """Advice and replies handed over to a page before that moment and still not shown, the oldest first."""

    # --- reading

    @abstractmethod
    async def worklist(self, at: datetime | None = None, limit: int | None = None) -> Sequence[WorklistRow]:
        """Open entries, the most pressing first. Without `at` nothing counts as overdue.

        Emergencies; within 12 hours (unacknowledged or in trouble first); everything else overdue; in trouble; then by
        time left: until somebody must have acknowledged it, and after that until the patient should be seen.
        """

    @abstractmethod
    async def transcript(self, session: str, after: int = 0) -> Sequence[Said]:
        """Messages of ours in a session later than delivery `after`, in order, with exact text and delivery state."""

    @abstractmethod
    async def recent_sessions(self, patient: str, limit: int = 5) -> Sequence[str]:
        """The patient's sessions, the latest first."""

    async def conversation(self, session: str) -> Sequence[Recorded | Said]:
        """Both sides of a session in order: the events of each turn, then what we said. Raises KeyError as `load`."""
        events = (await self.load(session)).events
        lines: list[Recorded | Said] = [*events, *await self.transcript(session)]
        return sorted(lines, key=lambda line: line.seq)

    # --- small things

    @abstractmethod
    async def keep_protocol(self, version: str, sha256: str, content: str) -> None:
        """Keeps a protocol for sessions that began under it. Raises ValueError if the version has other content."""

    @abstractmethod
    async def protocols(self) -> dict[str, str]:
        """Content by version."""

    @abstractmethod
    async def get_setting(self, key: str) -> str | None:
        """A small fact of the shell's own, such as a picture's file_id."""

    @abstractmethod
    async def put_setting(self, key: str, value: str) -> None: ...

    @abstractmethod
    async def close(self) -> None:
        """Finishes what is queued and lets the database go."""
