"""What a channel that shows whole conversations asks of whoever keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.channels import Outgoing


@dataclass(frozen=True, slots=True)
class Line:
    """What was said once: `outgoing` by us, or `words` by the patient (typed, or the label of the tapped button).

    `id`: letters, digits and dashes, unique in the conversation and the same for ever. `delivery`: of a message of
    ours; `is_shown`: a page has acknowledged it.
    """

    id: str
    at: datetime
    outgoing: Outgoing | None = None
    words: str = ""
    delivery: int | None = None
    is_shown: bool = True


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything that was said at one address, oldest first.

    `active_at`: when the patient last did something. `revision` grows with every change.
    """

    lines: tuple[Line, ...] = ()
    language: str | None = None
    active_at: datetime | None = None
    revision: int = 0

    @property
    def newest(self) -> int:
        """The last delivery, 0 if there is none."""
        return max((line.delivery or 0 for line in self.lines), default=0)


class Conversations(ABC):
    """What the web chat asks of whoever keeps the conversations."""

    @abstractmethod
    async def read(self, address: str) -> Conversation:
        """All that was said at an address, what is committed and not yet handed over too; empty for a new address."""

    @abstractmethod
    async def acknowledge(self, address: str, deliveries: Sequence[int]) -> None:
        """A page shows these messages: they are sent. Deliveries of other addresses are left alone."""
