"""How moments are stored."""

from __future__ import annotations

from datetime import UTC, datetime


def text(at: datetime) -> str:
    """A moment as it is stored: UTC and of fixed width, so that the order of texts is that of time."""
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone; moments are aware")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def maybe_text(at: datetime | None) -> str | None:
    return None if at is None else text(at)


def moment(stored: str) -> datetime:
    return datetime.fromisoformat(stored)


def maybe_moment(stored: str | None) -> datetime | None:
    return None if stored is None else moment(stored)
