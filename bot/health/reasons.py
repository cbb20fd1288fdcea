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


SAVE_IT_FIRST = (
    "do not stop the service: what it holds would be gone; `cordwatch backup` as its user saves that, "
    "then stop it and restore the copy"
)

_ROWS = (
    # patients are not answered
    Reason(
        "unanswered",
        "a patient has been waiting for {since} for an answer to what she wrote",
        "see the other reasons and the log for what keeps it; she was told to call meanwhile",
        restart=Restart.MAY_MEND_LATER,
    ),
    Reason(
        "parked",
        "{count} messages of patients could not be processed and wait for a nurse",
        "let a nurse read and close these entries of the worklist; send the developers what the log says of them",
    ),
    Reason(
        "probe",
        "for {since} nothing has gone the way of a patient's message to its end ({error})",
        "see the other reasons and the log; restart the service if nothing there explains it",
        restart=Restart.MAY_MEND_LATER,
    ),
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
        "unread",
        "{count} urgent entries are open and nobody has an account to read them with",
        "call these patients now (`cordwatch worklist` lists them), then `cordwatch nurse add`",
    ),
    # the parts of the process
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
    Reason(
        "dead_writer",
        "the part that writes to the database has died",
        "the service ends by itself so that it is started anew; see the log for what it met",
        restart=Restart.MAY_MEND,
    ),
    # records are in danger
    Reason(
        "database",
        "the database cannot be written ({error})",
        "look at the disk: is it full, read-only or failing, or does another program hold the database?",
        restart=Restart.DOES_HARM,
    ),
    Reason(
        "unreadable",
        "the database cannot be read ({error})",
        "run `cordwatch db check`, and `cordwatch restore` with the last backup if it is broken",
        restart=Restart.DOES_HARM,
    ),
    Reason(
        "broken",
        "the database is broken: {faults}",
        "run `cordwatch db check`, and `cordwatch restore` with the last backup",
        restart=Restart.DOES_HARM,
    ),
    Reason(
        "file_gone",
        "the database was deleted or moved while the service works on it",
        SAVE_IT_FIRST,
        restart=Restart.DOES_HARM,
    ),
    Reason(
        "file_replaced",
        "another file stands where the database is, or its log was taken away, while the service works on the old one",
        SAVE_IT_FIRST,
        restart=Restart.DOES_HARM,
    ),
    Reason(
        "disk_full",
        "the disk of the database has only {free} MB left",
        "make room now: with none left nothing that patients write can be kept",
        restart=Restart.DOES_HARM,
    ),
    Reason(
        "clock",
        "the clock of this machine was set {way} by {since}",
        "see `timedatectl` and set it right; if it is right now, restart the service",
    ),
    Reason(
        "backup_lost",
        "the last backup is {since} old",
        "see why backups are no longer made; run `cordwatch backup` now",
    ),
    # what asks for care
    Reason(
        "task_ended",
        "the task {task!r} has failed {times} times since the start, last within this hour",
        "see the log for what it met",
        is_red=False,
    ),
    Reason("overdue", "{count} entries of the worklist are overdue", "see whether nurses read it", is_red=False),
    Reason(
        "no_account",
        "nobody has an account at the console",
        "make one with `cordwatch nurse add`: patients are told that nurses read",
        is_red=False,
    ),
    Reason(
        "backup_none",
        "no backup has ever been made",
        "set up `cordwatch backup`, see docs/setup.md",
        is_red=False,
    ),
    Reason(
        "backup_old",
        "the last backup is {since} old",
        "see why backups are no longer made; run `cordwatch backup` now",
        is_red=False,
    ),
    Reason(
        "disk",
        "the disk of the database has only {free} MB left",
        "make room before it is full",
        is_red=False,
    ),
)

REASONS: Mapping[str, Reason] = {one.name: one for one in _ROWS}


def trouble(name: str, **places: object) -> Trouble:
    """Durations are put into words."""
    return Trouble(REASONS[name], {key: _words(one) for key, one in places.items()})


def _words(place: object) -> object:
    if not isinstance(place, timedelta):
        return place
    seconds = round(abs(place.total_seconds()))
    if seconds >= 172_800:
        return f"{seconds // 86_400} days"
    if seconds >= 7200:
        return f"{seconds // 3600} hours"
    if seconds >= 120:
        return f"{seconds // 60} minutes"
    return f"{seconds} seconds"
