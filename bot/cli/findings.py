"""One line of what `cordwatch check` finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind`: ok, note or problem."""

    kind: str
    text: str
