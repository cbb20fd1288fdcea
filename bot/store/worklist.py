"""What a nurse has to look at: one entry a session, and the list of them in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """The row of table `worklist` for one session: equal to a replay of the events and the clinic's times.

    `disposition`: the most urgent ever advised, or None. `decided_at`: the earliest answer that decided it; without it
    `opened_at` counts. `reasons`: rule ids, then codes of dialogs.events.REASONS. `trouble`: the worst of them that
    means nobody may have read the advice, or None. `opened_at` restarts on re-opening. `unread`: messages in the
    patient's own words since a nurse last looked. `discounted`: baselines to confirm. `last_owner`: who had it before
    it opened again. `call_back_at`: the next call that is due. `tries`: calls since the patient was last reached.
    """

    disposition: str | None
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
class WorklistRow:
    """One line of the nurse's list. `delivery`: the state of the latest advice, as in SentMessage; None without any."""

    id: int
    session: str
    patient: str
    language: str
    entry: Entry
    delivery: str | None
    call_back_number: str | None
    channel: str = ""
    is_verified: bool = False


class Worklist(ABC):
    """What the console, the shell and the tests ask for: the whole list, as it stands at a moment."""

    @abstractmethod
    async def worklist(self, at: datetime | None = None, limit: int | None = None) -> Sequence[WorklistRow]:
        """Open entries, the most pressing first. Without `at` nothing counts as overdue.

        Emergencies; within 12 hours (unacknowledged or in trouble first); everything else overdue; in trouble; then by
        time left: until somebody must have acknowledged it, and after that until the patient should be seen.
        """
