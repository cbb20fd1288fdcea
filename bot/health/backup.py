"""The proof of the last backup, as whoever made it wrote it down."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Backup:
    at: datetime
    file: str
    events: int


def read(setting: str | None) -> Backup | None:
    """None when there was none, or none that can be understood."""
    try:
        found = json.loads(setting or "null")
        at = datetime.fromisoformat(found["at"])
        return None if at.tzinfo is None else Backup(at, str(found["file"]), int(found["events"]))
    except (ValueError, TypeError, KeyError):
        return None
