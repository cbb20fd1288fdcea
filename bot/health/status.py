"""One look at the service, and what is judged of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.channels import ChannelStatus
from bot.health.backup import Backup
from bot.health.reasons import Restart, Trouble, trouble
from bot.store.vitals import Commits, OpenEntries, Place
from dialogs.decision import URGENT

ANSWERED_WITHIN = timedelta(seconds=60)
DELIVERED_WITHIN = timedelta(seconds=100)
POLLED_WITHIN = timedelta(seconds=90)
WOKEN_WITHIN = timedelta(minutes=1)
CLOCK_OFF = timedelta(minutes=1)
BACKUP_OLD, BACKUP_LOST = timedelta(hours=26), timedelta(days=7)
DISK_FULL_BYTES, DISK_LOW_BYTES = 32 * 2**20, 512 * 2**20
PROBE = "probe"
NONE_YET, AS_IT_SHOULD_BE = Commits(), Place(free_bytes=DISK_LOW_BYTES)


@dataclass(frozen=True, slots=True)
class TaskState:
    """How one task does. `error`: the kind of the last failure since it last succeeded."""

    name: str
    unwell: timedelta
    failures: int = 0
    error: str | None = None
    vain_ends: int = 0
    is_failing: bool = False
    is_silent: bool = False
    has_failed_lately: bool = False
    has_rounds: bool = True


@dataclass(frozen=True, slots=True)
class Figures:
    """What the parts of the process counted since it began, and what it is."""

    version: str = ""
    withheld: tuple[str, ...] = ()
    turns: int = 0
    server_errors: int = 0


NOTHING_COUNTED = Figures()


@dataclass(frozen=True, slots=True)
class Status:
    """What was seen. Nothing of a patient stands in it."""

    at: datetime
    started_at: datetime
    channels: Mapping[str, ChannelStatus]
    tasks: tuple[TaskState, ...] = ()
    waiting_chats: int = 0
    oldest_waiting: timedelta = timedelta(0)
    wake_lag: timedelta = timedelta(0)
    unanswered: timedelta = timedelta(0)
    parked: int = 0
    commits: Commits = NONE_YET
    has_writer_died: bool = False
    unreadable: str | None = None
    faults: tuple[str, ...] = ()
    place: Place = AS_IT_SHOULD_BE
    clock_off: timedelta = timedelta(0)
    backup: Backup | None = None
    accounts: int = 0
    entries: tuple[OpenEntries, ...] = ()
    figures: Figures = NOTHING_COUNTED

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        return tuple(one for judge in JUDGES for one in judge(self))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the status is red, in an administrator's words; empty when it is green."""
        return tuple(one.words for one in self.troubles if one.reason.is_red)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What asks for care though patients are answered."""
        return tuple(one.words for one in self.troubles if not one.reason.is_red)

    def is_better_left_alone(self, red_for: timedelta, patience: timedelta) -> bool:
        """Whether a new start of the process would mend nothing, or do harm. `red_for`: how long it has been red."""
        restarts = {one.reason.restart for one in self.troubles}
        if Restart.DOES_HARM in restarts:
            return True
        return not (Restart.MAY_MEND in restarts or (Restart.MAY_MEND_LATER in restarts and red_for >= patience))


def _of_answers(status: Status) -> Iterator[Trouble]:
    if status.unanswered > ANSWERED_WITHIN:
        yield trouble("unanswered", since=status.unanswered)
    if status.parked:
        yield trouble("parked", count=status.parked)


def _of_channels(status: Status) -> Iterator[Trouble]:
    for name, channel in status.channels.items():
        if channel.trouble is not None:
            yield trouble("channel", channel=name, trouble=channel.trouble)
        polled_at = channel.polled_at or status.started_at
        if channel.is_polled and status.at - polled_at > POLLED_WITHIN:
            yield trouble("poll", channel=name, since=status.at - polled_at)


def _of_delivery(status: Status) -> Iterator[Trouble]:
    if status.oldest_waiting > DELIVERED_WITHIN:
        yield trouble("undelivered", since=status.oldest_waiting)
    if status.wake_lag > WOKEN_WITHIN:
        yield trouble("wake", since=status.wake_lag)


def _of_tasks(status: Status) -> Iterator[Trouble]:
    for task in status.tasks:
        if task.vain_ends > 1:
            yield trouble("task_ends", task=task.name, times=task.vain_ends, error=task.error)
        elif task.is_silent:
            yield trouble("task_hangs", task=task.name, since=task.unwell)
        elif task.is_failing and task.name == PROBE:
            yield trouble("probe", since=task.unwell, error=task.error)
        elif task.is_failing:
            yield trouble("task_fails", task=task.name, since=task.unwell, error=task.error)
        elif task.has_failed_lately:
            yield trouble("task_ended", task=task.name, times=task.failures)


def _of_store(status: Status) -> Iterator[Trouble]:
    if status.has_writer_died:
        yield trouble("dead_writer")
    elif status.commits.error is not None:
        yield trouble("database", error=status.commits.error)
    if status.unreadable is not None:
        yield trouble("unreadable", error=status.unreadable)
    if status.faults:
        yield trouble("broken", faults=", ".join(status.faults))


def _of_place(status: Status) -> Iterator[Trouble]:
    if not status.place.is_there:
        yield trouble("file_gone")
    elif not status.place.is_same:
        yield trouble("file_replaced")
    if status.place.free_bytes < DISK_LOW_BYTES:
        is_full = status.place.free_bytes < DISK_FULL_BYTES
        yield trouble("disk_full" if is_full else "disk", free=status.place.free_bytes // 2**20)


def _of_clock(status: Status) -> Iterator[Trouble]:
    if abs(status.clock_off) >= CLOCK_OFF:
        yield trouble("clock", way="back" if status.clock_off < timedelta(0) else "ahead", since=status.clock_off)


def _of_backup(status: Status) -> Iterator[Trouble]:
    if status.backup is None:
        yield trouble("backup_none")
    elif (age := status.at - status.backup.at) > BACKUP_OLD:
        yield trouble("backup_lost" if age > BACKUP_LOST else "backup_old", since=age)


def _of_readers(status: Status) -> Iterator[Trouble]:
    urgent = sum(one.open for one in status.entries if one.disposition in {*URGENT})
    if not status.accounts:
        yield trouble("unread", count=urgent) if urgent else trouble("no_account")
    if overdue := sum(one.overdue for one in status.entries):
        yield trouble("overdue", count=overdue)


JUDGES = (
    *(_of_answers, _of_channels, _of_delivery, _of_tasks),
    *(_of_store, _of_place, _of_clock, _of_backup, _of_readers),
)
"""In the order in which an administrator should hear of it."""
