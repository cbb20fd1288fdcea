"""Why /health is not green: one row a reason, the same for the page, for `cordwatch status`, for docs and tests.

Red means that patients are not answered or that records are in danger; what only asks for care is a warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum


class Restart(Enum):
    """What a new start of the process does about it."""

    MAY_MEND = "at once"
    MAY_MEND_LATER = "after a while"
    MENDS_NOTHING = "no"
    DOES_HARM = "never"


@dataclass(frozen=True, slots=True)
class Reason:
    """`sentence` has places in braces; `remedy` is what an administrator does about it."""

    name: str
    sentence: str
    remedy: str
    is_red: bool = True
    restart: Restart = Restart.MENDS_NOTHING


@dataclass(frozen=True, slots=True)
class Trouble:
    """A reason that holds at this moment, and what stands in its places."""

    reason: Reason
    places: Mapping[str, object] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return f"{self.reason.sentence.format_map(self.places)}; {self.reason.remedy}"


_ROWS = (
    Reason(
        "channel",
        "{channel} is down: {trouble}",
        "put right what it says; messages to and from patients wait meanwhile and are not lost",
    ),
    Reason(
        "poll",
        "{channel} has not been asked for messages for {since}",
        "see whether this machine reaches the internet and whether a firewall or proxy stands between",
    ),
    Reason(
        "undelivered",
        "a message has been waiting to be delivered for {since}",
        "see which channel is down, and whether the machine is overloaded",
    ),
    Reason(
        "wake",
        "a reminder or an advice after silence is late by {since}",
        "see the log for the session that cannot be woken, and the clock",
    ),
    Reason(
        "database",
        "the database cannot be written",
        "look at the disk: is it full, read-only or failing, or does another program hold the database?",
        restart=Restart.DOES_HARM,
    ),
    Reason(
        "dead_writer",
        "the part that writes to the database has died",
        "the service ends by itself so that it is started anew; see the log for what it met",
        restart=Restart.MAY_MEND,
    ),
    Reason(
        "task_ends",
        "the task {task!r} has ended {times} times in a row ({error}) and is begun again and again",
        "see the log for what it met; restart the service once that is put right",
        restart=Restart.MAY_MEND_LATER,
    ),
    Reason(
        "task_fails",
        "the task {task!r} has not succeeded for {since} ({error})",
        "see the log for what it met; restart the service if nothing there explains it",
        restart=Restart.MAY_MEND_LATER,
    ),
    Reason(
        "task_hangs",
        "the task {task!r} has not ended a round for {since}",
        "restart the service; under systemd it is restarted by itself",
        restart=Restart.MAY_MEND,
    ),
)

REASONS: Mapping[str, Reason] = {one.name: one for one in _ROWS}


def trouble(name: str, **places: object) -> Trouble:
    """Durations are put into words."""
    return Trouble(REASONS[name], {key: _words(one) for key, one in places.items()})


def _words(place: object) -> object:
    if not isinstance(place, timedelta):
        return place
    seconds = int(place.total_seconds())
    if seconds >= 7200:
        return f"{seconds // 3600} hours"
    if seconds >= 120:
        return f"{seconds // 60} minutes"
    return f"{seconds} seconds"
