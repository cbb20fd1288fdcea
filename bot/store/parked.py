"""Messages that were set aside because no turn could be made of them, each kept whole until a nurse has seen to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from bot.channels import Incoming


@dataclass(frozen=True, slots=True)
class Parked:
    """A message of which no turn could be made. `error`: the class of the last fault, never the patient's words.

    `session`: in which it is listed; None where nothing of a session could be written. `told_at`: when she was given
    the numbers to call.
    """

    incoming: Incoming
    session: str | None
    at: datetime
    error: str
    tries: int
    told_at: datetime | None


class ParkedMessages(ABC):
    """A message is parked with the turn that lists it (`Turn.parked`), or alone."""

    @abstractmethod
    async def park(self, parked: Parked) -> None:
        """Keeps a message that no session can hold. Twice is once."""

    @abstractmethod
    async def parked(self) -> int:
        """How many wait for a nurse: those whose entry is still in trouble, and those that stand in no list."""

    @abstractmethod
    def takes_nothing(self, error: Exception) -> bool:
        """Whether a turn met a store that was full, held or closed to writing: no fault of that turn, whatever it was.

        A small write may succeed all the same.
        """

    @abstractmethod
    async def prove_writable(self, at: datetime) -> None:
        """Writes what nobody reads; raises as a turn would that meets a store which takes nothing."""
