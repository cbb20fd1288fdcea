"""How a store does: what /health asks of it, and the probes of the path of a message."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.store.settings import Settings

KEPT_PROBES = 60


@dataclass(frozen=True, slots=True)
class Probe:
    """One step of somebody who is nobody. `prepared_ms`: how long it took from its arrival to the commit."""

    at: datetime
    step: str
    prepared_ms: float


class Probes(ABC):
    """A table of its own: no list, count, alarm or erasure knows of it."""

    @abstractmethod
    async def add_probe(self, probe: Probe) -> None:
        """By the same commit as a patient's turn; only the last `KEPT_PROBES` stay."""

    @abstractmethod
    async def probes(self) -> Sequence[Probe]:
        """Those that are kept, the latest first."""


@dataclass(frozen=True, slots=True)
class Commits:
    """Since the process began. `error`: the kind of what the last commit met, None when it succeeded."""

    done: int = 0
    failed: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The database on its disk. `is_there`: its path leads to a file; `is_same`: to the one that is open."""

    is_there: bool = True
    is_same: bool = True
    database_bytes: int = 0
    log_bytes: int = 0
    free_bytes: int = 0


@dataclass(frozen=True, slots=True)
class OpenEntries:
    """Those of one disposition (None: an unfinished check) that wait for nurses."""

    disposition: str | None
    open: int
    overdue: int
    oldest_unread: datetime | None


class Vitals(Settings, Probes):
    """What /health asks. No answer takes longer the more history there is."""

    @property
    @abstractmethod
    def has_died(self) -> bool:
        """Nothing can be written any more until the process is started anew."""

    @property
    @abstractmethod
    def commits(self) -> Commits: ...

    @abstractmethod
    def place(self) -> Place: ...

    @abstractmethod
    async def copy_open(self, to: Path) -> None:
        """Copies what is open, wherever its own files are by now, into an empty file. Everybody waits meanwhile."""

    @abstractmethod
    async def quick_check(self) -> Sequence[str]:
        """What is broken in the file, in SQLite's words; nothing when it is whole. Takes long, and holds up nobody."""

    @abstractmethod
    async def waiting(self) -> tuple[int, datetime | None]:
        """How many chats have messages waiting, and the moment the oldest of these was committed."""

    @abstractmethod
    async def next_wake(self) -> datetime | None:
        """As `Sessions.next_wake`."""

    @abstractmethod
    async def parked(self) -> int:
        """As `ParkedMessages.parked`."""

    @abstractmethod
    async def open_entries_by_disposition(self, at: datetime) -> Sequence[OpenEntries]:
        """Only those dispositions of which there are any."""

    @abstractmethod
    async def accounts(self) -> int:
        """How many people can sign in and read."""
