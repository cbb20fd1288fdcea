"""The timers of a session: what silence means, and when it wakes without a message. Pure; see `wake_at`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialogs.protocol import Disposition
from dialogs.session import Session


def _never(disposition: Disposition, at: datetime) -> datetime | None:  # noqa: ARG001
    return None


@dataclass(frozen=True, slots=True)
class Timing:
    """The clinic's patience. `check_back`: when to ask whether somebody was reached after an advice."""

    urgent_after: timedelta = timedelta(minutes=5)
    remind_after: timedelta = timedelta(minutes=15)
    expire_after: timedelta = timedelta(minutes=60)
    check_back: Callable[[Disposition, datetime], datetime | None] = _never


def wake_at(session: Session, timing: Timing) -> datetime | None:
    """When the silence of this session means something; None when it means nothing any more."""
    return min((moment for due in TIMERS if (moment := due(session, timing)) is not None), default=None)


def urgent_due(session: Session, timing: Timing) -> datetime | None:
    """When an open question about a 12-hour sign has waited long enough."""
    if session.urgent_at is None or session.state not in ("asking", "advised", "asking_more"):
        return None
    return session.urgent_at + timing.urgent_after


def reminder_due(session: Session, timing: Timing) -> datetime | None:
    """When the pending question is asked once more."""
    if session.is_reminded or session.active_at is None or session.state not in ("greeting", "asking", "reviewing"):
        return None
    return session.active_at + timing.remind_after


def expiry_due(session: Session, timing: Timing) -> datetime | None:
    """When nothing more is expected and the check ends."""
    asks = session.state in ("greeting", "asking", "reviewing", "advised", "asking_more")
    return session.active_at + timing.expire_after if asks and session.active_at is not None else None


def check_back_due(session: Session, timing: Timing) -> datetime | None:
    """When the patient is asked whether somebody was reached: once after each new advice, however the check ended."""
    if session.state not in ("following_up", "stopped", "expired") or session.checked_back_at is not None:
        return None
    if session.advised is None or session.advised_at is None:
        return None
    return timing.check_back(session.advised, session.advised_at)


TIMERS = (urgent_due, reminder_due, expiry_due, check_back_due)
