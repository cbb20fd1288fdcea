"""What calls nurses, kept from the turn that committed it until they have been told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.store.outbox import Alert
from bot.store.worklist import Entry


@dataclass(frozen=True, slots=True)
class Alarm:
    """An entry that waits urgently, and that no nurse has been told of since it does, or since it is as grave.

    `seq`: the latest event that calls; with the session it is the one name of this call. `entry`: as it stands now.
    """

    session: str
    seq: int
    entry: Entry


class Alarms(ABC):
    """An alarm is committed with the turn that raises it (`SessionChange.is_alarm`)."""

    @abstractmethod
    async def alarms(self, limit: int = 100) -> Sequence[Alarm]:
        """Of which nobody has been told: one a session, the oldest sessions first."""

    @abstractmethod
    async def tell_nurses(self, alarm: Alarm, alerts: Sequence[Alert], at: datetime) -> None:
        """Puts the alerts into the outbox and ends the alarm, in one commit. Does nothing where it has ended."""
