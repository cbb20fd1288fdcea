"""Nurses who have linked a chat of their own: what is kept of it, and who takes the messages that come from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.channels import Incoming
from bot.store.console import Nurse
from bot.store.outbox import Alert, Delivery
from bot.store.worklist import Entry
from dialogs.events import NurseEvent


@dataclass(frozen=True, slots=True)
class NurseChat:
    """Where alerts go. `failed_at`: when one last did not arrive."""

    channel: str
    address: str
    nurse: Nurse
    since: datetime
    failed_at: datetime | None = None


class NurseChats(ABC):
    """Every write is one durable transaction. The chats of accounts that are disabled are nobody's."""

    @abstractmethod
    async def chat_at(self, channel: str, address: str) -> NurseChat | None: ...

    @abstractmethod
    async def chat_of(self, nurse: str) -> NurseChat | None:
        """`nurse`: the account's id."""

    @abstractmethod
    async def chats(self) -> Sequence[NurseChat]: ...

    @abstractmethod
    async def add_code(self, digest: str, nurse: str, until: datetime) -> None:
        """Takes the place of her earlier one."""

    @abstractmethod
    async def link(self, digest: str, channel: str, address: str, at: datetime) -> NurseChat | None:
        """Uses up the code. The chat takes the place of her earlier one. None when there is no such code any more."""

    @abstractmethod
    async def unlink(self, chat: NurseChat, at: datetime) -> None:
        """What still waits to be sent to her is not sent."""

    @abstractmethod
    async def failed(self, channel: str, address: str, at: datetime) -> None:
        """An alert did not arrive."""

    @abstractmethod
    async def say(self, alert: Alert, at: datetime) -> None:
        """Puts a message into the outbox."""


Review = Callable[[str, NurseEvent, str], Awaitable[None]]
"""`Service.review`: session, what a nurse did, and the id under which it takes effect once."""


class StaffInbox(ABC):
    """Takes what does not come from patients, before any session of a patient is looked at."""

    @abstractmethod
    async def handles(self, incoming: Incoming) -> bool:
        """Whether the message comes from a nurse's own chat, or is an attempt to link one."""

    @abstractmethod
    async def receive(self, incoming: Incoming, review: Review) -> str | None:
        """As `Service.receive`, for a message that is taken."""

    @abstractmethod
    async def alerts(self, session: str, entry: Entry, at: datetime) -> Sequence[Alert]:
        """What is to be said, and to whom, about an urgent entry that waits."""

    @abstractmethod
    async def alert_failed(self, delivery: Delivery, reason: str) -> None:
        """Something said to a nurse did not arrive."""
