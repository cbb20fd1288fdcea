"""What the outbox asks of a store: committed messages that are still to be handed over, leased one a chat."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.channels import Outgoing, Priority, Sending

LONGEST_PUT_OFF = timedelta(seconds=60)


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
class Alert:
    """What is said to a nurse, in a chat of her own. It belongs to no patient's session."""

    channel: str
    address: str
    outgoing: Outgoing


class Deliveries(ABC):
    """Every write is one durable transaction; one that fails raises and changes nothing."""

    @abstractmethod
    async def claim(self, channel: str, at: datetime, limit: int, resting: Collection[str] = ()) -> Sequence[Delivery]:
        """Leases at most one waiting message for each chat of a channel, except for the `resting` addresses.

        The most urgent chats first; of the routine ones first those in which somebody spoke last, who is there, then
        those waiting longest; inside a chat always the oldest. A chat that was put off for longer than
        LONGEST_PUT_OFF was so by a clock that was wrong: it is not put off. A lease lasts as long as its sending: it
        ends with `sent`, `later`, `failed` or `release`, and with the process.
        """

    @abstractmethod
    async def next_retry(self, channel: str, after: datetime) -> datetime | None:
        """The earliest moment later than `after` to which a chat of the channel was put off."""

    @abstractmethod
    async def sent(self, delivery: int, at: datetime, message_ref: str | None, acknowledged: bool = True) -> None:
        """The channel accepted it. `acknowledged=False`: a page has still to show it (state `handed_over`)."""

    @abstractmethod
    async def later(self, delivery: int, retry_at: datetime, error: str) -> None:
        """Not now: its chat waits until `retry_at`, which is at most LONGEST_PUT_OFF away."""

    @abstractmethod
    async def failed(self, delivery: int, at: datetime, error: str) -> None:
        """Never: state `failed`; the chat goes on with the next message."""

    @abstractmethod
    async def release(self, delivery: int | None = None) -> None:
        """Gives back a lease as if it had never been claimed; without `delivery` every lease."""
