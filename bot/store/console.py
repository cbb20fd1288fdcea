"""What the nurse's console asks of the store: who may sign in, which entries a page shows, who looked at what."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.store.transcripts import Transcripts
from bot.store.worklist import Worklist, WorklistRow


class Role(StrEnum):
    """What somebody may do at the console: a lead reads the audit too, an administrator keeps the accounts."""

    NURSE = "nurse"
    LEAD = "lead"
    ADMINISTRATOR = "administrator"


class NameTaken(Exception):
    """Another account has this name or e-mail address."""


class AuditBroken(Exception):
    """A row of the audit was altered, removed or moved. `seq`: the first that does not fit."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(f"row {seq}: {why}")
        self.seq = seq


@dataclass(frozen=True, slots=True)
class Nurse:
    """An account. `name` stands in the log, so it never changes. `languages`: those she reads, her own first.

    `password`: its hash. `code_secret`: of one-time codes; `code_step`: of the last code that was used.
    """

    id: str
    name: str
    email: str
    role: Role
    languages: tuple[str, ...]
    password: str | None = None
    code_secret: str | None = None
    code_step: int = 0
    is_active: bool = True
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """A signed-in browser. `digest`: of the secret in its cookie."""

    digest: str
    nurse: Nurse
    began_at: datetime
    active_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """A link that works once. `purpose`: sign_in, or password (to choose a new one)."""

    digest: str
    nurse: Nurse
    purpose: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted; nothing set means every open one that is not snoozed.

    `view`: open, mine, unclaimed, undelivered, call_back (a call is due), snoozed or closed. `disposition`: its's
    code, or unfinished.
    """

    view: str = "open"
    disposition: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of patients: for each the entries of one row, the most pressing first."""

    patients: tuple[tuple[WorklistRow, ...], ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """How many entries stand in each view, none counted above `most`; `urgent`: 12 hours or emergency, not read."""

    by_view: dict[str, int]
    urgent: int
    most: int


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session of a patient, for the list of earlier checks and the trend."""

    session: str
    started_at: datetime
    state: str
    disposition: str | None
    answers: dict[str, str]
    row: WorklistRow | None


@dataclass(frozen=True, slots=True)
class Audited:
    """A line of the audit. `what`: signed_in, viewed, or the name of an event; `about`: a session's id, or nothing."""

    seq: int
    at: datetime
    who: str
    what: str
    about: str


class NurseAccounts(ABC):
    """Who may sign in, and who has. Every write is one durable transaction."""

    @abstractmethod
    async def add_nurse(self, nurse: Nurse, at: datetime) -> None:
        """Raises NameTaken."""

    @abstractmethod
    async def change_nurse(self, nurse: Nurse) -> None:
        """Everything but id and name. Raises NameTaken or KeyError."""

    @abstractmethod
    async def nurses(self) -> Sequence[Nurse]:
        """All accounts by name."""

    @abstractmethod
    async def nurse(self, name_or_email: str) -> Nurse | None: ...

    # --- logins and links

    @abstractmethod
    async def begin_login(self, digest: str, nurse: str, at: datetime) -> None: ...

    @abstractmethod
    async def login(self, digest: str) -> Login | None: ...

    @abstractmethod
    async def touch_login(self, digest: str, at: datetime) -> None:
        """She is still there."""

    @abstractmethod
    async def end_login(self, digest: str) -> None: ...

    @abstractmethod
    async def end_logins(self, nurse: str) -> None:
        """Signs her out everywhere."""

    @abstractmethod
    async def add_link(self, digest: str, nurse: str, purpose: str, until: datetime) -> None:
        """A new link takes the place of her earlier ones of the same purpose."""

    @abstractmethod
    async def link(self, digest: str) -> Link | None: ...

    @abstractmethod
    async def use_link(self, digest: str) -> bool:
        """Whether it was there to be used: of two at once, one."""


class WorklistPages(ABC):
    """The list as a page shows it: patients, each with her entries."""

    @abstractmethod
    async def page(self, wanted: Filter, nurse: str, at: datetime, skip: int, limit: int) -> Page:
        """Patients with a wanted entry, the most pressing first; each with all open entries (in `closed`: with one)."""

    @abstractmethod
    async def counts(self, nurse: str, at: datetime, most: int = 100) -> Counts: ...

    @abstractmethod
    async def find(self, words: str, limit: int = 25) -> Page:
        """Patients by short id, session id or the end of a telephone number, whether open or closed."""

    @abstractmethod
    async def checks(self, patient: str, limit: int = 12) -> Sequence[SessionSummary]:
        """The patient's sessions, the latest first."""


class AuditLog(ABC):
    """Whatever a nurse does in a patient's session is audited by the store itself; here stands what else she does."""

    @abstractmethod
    async def audit(self, who: str, what: str, about: str, at: datetime) -> None:
        """Writes down that somebody looked, exported or signed in."""

    @abstractmethod
    async def audited(self, about: str, limit: int = 50) -> Sequence[Audited]:
        """Who did what with a session, the latest first."""


class Demonstration(ABC):
    """Made-up patients, who may be forgotten."""

    @abstractmethod
    async def forget_channel(self, channel: str) -> int:
        """Erases every patient of the demonstration's channel; returns how many there were."""


class AuditedAccounts(NurseAccounts, AuditLog):
    """What signing in asks: whoever does is written down."""


class Desk(AuditedAccounts, WorklistPages, Transcripts, Worklist, Demonstration):
    """All that the console's pages ask."""
