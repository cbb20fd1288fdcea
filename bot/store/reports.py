"""What the console's reports ask of the store: how long entries waited, what became of them, and who did what."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store.console import Audited


@dataclass(frozen=True, slots=True)
class Slice:
    """Which entries a report is about: those that began to wait from `since` until before `until`."""

    since: datetime
    until: datetime
    disposition: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """Of a group of entries, how many did in time what had to be done, and how long it took.

    `due`: those of which it is known, because it was done or its time is over. `median` and `p95`: of those done, by
    nearest rank; None without any.
    """

    due: int = 0
    in_time: int = 0
    median: timedelta | None = None
    p95: timedelta | None = None

    @property
    def share(self) -> float | None:
        return self.in_time / self.due if self.due else None


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of one `part` (a week's number, a language, or nothing) and tier; the tier may be "unfinished"."""

    part: str
    disposition: str
    entries: int
    acknowledged: Times
    closed: Times


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows of the audit: by whom, of which kind, about which session; nothing set means all."""

    who: str | None = None
    what: str | None = None
    about: str | None = None


class Reports(ABC):
    """Reads only. An entry counts once each time that it began to wait for a nurse: at first, raised, opened again."""

    @abstractmethod
    async def by_disposition(self, wanted: Slice, at: datetime) -> Sequence[Group]:
        """One group for each tier."""

    @abstractmethod
    async def by_language(self, wanted: Slice, at: datetime) -> Sequence[Group]:
        """One group for each language and tier."""

    @abstractmethod
    async def by_week(self, wanted: Slice, weeks: Sequence[datetime], at: datetime) -> Sequence[Group]:
        """One group for each week and tier; `weeks`: when each begins. The last one ends with the slice."""

    @abstractmethod
    async def outcomes(self, wanted: Slice) -> Mapping[tuple[str, str], int]:
        """How many closed entries there are of each tier and outcome."""

    @abstractmethod
    async def arrivals(self, wanted: Slice) -> Sequence[tuple[datetime, int]]:
        """How many entries opened in each ten minutes, those with none left out."""

    @abstractmethod
    async def audit(self, wanted: AuditFilter, before: int | None, limit: int) -> Sequence[Audited]:
        """Rows of the audit, the latest first; `before`: only earlier ones than this row."""

    @abstractmethod
    async def verify_audit(self, head: str | None = None) -> tuple[int, str]:
        """How many rows there are, all as written, and the chain's head. Raises AuditBroken.

        `head`: one that was noted down earlier, which the chain must still hold.
        """
