"""One look at the service, and what is judged of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.channels import ChannelStatus
from bot.health.reasons import Restart, Trouble, trouble

DELIVERED_WITHIN = timedelta(seconds=100)
POLLED_WITHIN = timedelta(seconds=90)
WOKEN_WITHIN = timedelta(minutes=1)


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
    is_writable: bool = True
    has_writer_died: bool = False

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        return (*_of_store(self), *_of_channels(self), *_of_delivery(self), *_of_tasks(self))

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


def _of_store(status: Status) -> Iterator[Trouble]:
    if status.has_writer_died:
        yield trouble("dead_writer")
    elif not status.is_writable:
        yield trouble("database")


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
        elif task.is_failing:
            yield trouble("task_fails", task=task.name, since=task.unwell, error=task.error)
        elif task.is_silent:
            yield trouble("task_hangs", task=task.name, since=task.unwell)
