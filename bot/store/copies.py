"""Copies of the clinic's database: made, proved, and put back."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

LAST_BACKUP = "backup"
"""The setting that holds the last proof, as JSON."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A database of which every page was read and every check played again, and what was in it.

    `audit_head`: as `cordwatch audit verify` takes it, to be noted down elsewhere.
    """

    at: datetime
    file: str
    patients: int
    sessions: int
    events: int
    audit_rows: int
    audit_head: str


class Unproved(Exception):
    """What is wrong with a database, a line each; nothing of what patients said."""

    def __init__(self, file: Path, problems: Sequence[str]) -> None:
        super().__init__(f"{file}: {len(problems)} problem{'s' * (len(problems) != 1)}")
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Missing:
    """What stood in the database that was put aside and is not in the copy. `is_known`: whether it could be read.

    `references`: of patients who have written since, as they can read them out.
    """

    is_known: bool = True
    patients: int = 0
    sessions: int = 0
    events: int = 0
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """`aside`: where the old database is now, None if there was none."""

    proof: Proof
    aside: Path | None
    missing: Missing


class Copies(ABC):
    """What can be done with a database as a whole, whether or not the service runs on it."""

    @abstractmethod
    def back_up(self, target: Path, keep: int | None = None, saved: Callable[[Path], bool] = lambda _: False) -> Proof:
        """A proved copy: to a new file, or under a name of its own in a folder, where the latest `keep` are left.

        `saved` fills the empty file with what a service holds open and the path no longer leads to; False when it does.
        Raises UnfitStore, or Unproved: then the copy has `.unproved` behind its name, and no earlier one is taken away.
        """

    @abstractmethod
    def note(self, proof: Proof) -> None:
        """Keeps the proof in the database, for /health. Raises StoreLocked while a service runs: it does so itself."""

    @abstractmethod
    def check(self) -> Proof:
        """Reads everything. Raises UnfitStore or Unproved."""

    @abstractmethod
    def restore(self, copy: Path) -> Restored:
        """Puts a proved copy in the place of the database, and the old files aside.

        Raises StoreLocked while a service runs, UnfitStore, or Unproved for a copy that is not whole.
        """


def as_json(proof: Proof) -> str:
    """As it is told and kept."""
    return json.dumps({**asdict(proof), "at": proof.at.isoformat()})
