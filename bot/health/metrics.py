"""The figures of a look in Prometheus' text form. Nothing of a patient stands in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from bot.health.status import Status

Family = GaugeMetricFamily | CounterMetricFamily
UNFINISHED = "unfinished"


class _Look(Collector):
    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterable[Family]:
        for part in (_service, _channels, _delivery, _entries, _tasks, _store, _backup):
            yield from part(self._status)


def as_metrics(status: Status) -> str:
    return generate_latest(_Look(status)).decode()


def _service(status: Status) -> Iterator[Family]:
    figures = status.figures
    yield _gauge("healthy", "1 when /health is green.", not status.reasons)
    yield _gauge("warnings", "What asks for care though /health is green.", len(status.warnings))
    yield _gauge("start_time_seconds", "When the service started.", status.started_at.timestamp())
    yield _labelled("build_info", "The version that runs.", "version", [(figures.version, 1)])
    withheld = [(language, 1.0) for language in figures.withheld]
    yield _labelled("language_withheld", "A language of the clinic that is not offered.", "language", withheld)
    yield _counter("turns", "Turns of patients that were committed.", figures.turns)
    yield _counter("http_server_errors", "Answers of the web server from 500 on.", figures.server_errors)
    yield _gauge("clock_offset_seconds", "By how much the clock was set.", status.clock_off.total_seconds())
    yield _gauge("accounts", "People who can sign in at the console.", status.accounts)


def _channels(status: Status) -> Iterator[Family]:
    up = [(name, float(channel.trouble is None)) for name, channel in status.channels.items()]
    yield _labelled("channel_up", "1 when the channel takes our messages.", "channel", up)
    polls = [(name, one.polled_at.timestamp()) for name, one in status.channels.items() if one.polled_at is not None]
    yield _labelled("last_poll_timestamp_seconds", "When the channel last had news.", "channel", polls)


def _delivery(status: Status) -> Iterator[Family]:
    unanswered = status.unanswered.total_seconds()
    yield _gauge("oldest_unanswered_seconds", "Age of the oldest message that is not committed.", unanswered)
    yield _gauge("parked_messages", "Messages that were set aside for a nurse.", status.parked)
    yield _gauge("waiting_chats", "Chats with undelivered messages.", status.waiting_chats)
    yield _gauge("oldest_undelivered_seconds", "Age of the oldest.", status.oldest_waiting.total_seconds())
    yield _gauge("wake_lag_seconds", "How late the earliest due wake is.", status.wake_lag.total_seconds())


def _entries(status: Status) -> Iterator[Family]:
    """A disposition without any open entry has no sample."""
    rows = [(one.disposition or UNFINISHED, one) for one in status.entries]
    yield _labelled("entries_open", "Open entries.", "disposition", [(name, row.open) for name, row in rows])
    overdue = [(name, float(row.overdue)) for name, row in rows]
    yield _labelled("entries_overdue", "Open entries whose time is over.", "disposition", overdue)
    unread = [
        (name, (status.at - row.oldest_unread).total_seconds()) for name, row in rows if row.oldest_unread is not None
    ]
    yield _labelled("oldest_unread_seconds", "Age of the oldest unread entry.", "disposition", unread)


def _tasks(status: Status) -> Iterator[Family]:
    failures = CounterMetricFamily(_name("task_failures"), "Rounds and ends of tasks that failed.", labels=["task"])
    for task in status.tasks:
        failures.add_metric([task.name], task.failures)
    yield failures
    ages = [(task.name, task.unwell.total_seconds()) for task in status.tasks if task.has_rounds]
    yield _labelled("task_success_age_seconds", "Since when the task last succeeded.", "task", ages)


def _store(status: Status) -> Iterator[Family]:
    commits, place = status.commits, status.place
    yield _gauge("database_writable", "1 when the last commit succeeded.", commits.error is None)
    yield _gauge("database_whole", "0 when the last check found the database broken.", not status.faults)
    yield _gauge("database_in_place", "1 when the path leads to the open database.", place.is_there and place.is_same)
    yield _counter("commits", "Commits to the database.", commits.done)
    yield _counter("commits_failed", "Commits that failed.", commits.failed)
    yield _gauge("database_bytes", "Size of the database.", place.database_bytes)
    yield _gauge("database_log_bytes", "Size of its write-ahead log.", place.log_bytes)
    yield _gauge("disk_free_bytes", "What is free on its disk.", place.free_bytes)


def _backup(status: Status) -> Iterator[Family]:
    """No sample when there never was one."""
    if status.backup is not None:
        age = (status.at - status.backup.at).total_seconds()
        yield _gauge("backup_age_seconds", "Age of the last backup that was proved.", age)


# --- kinds


def _name(name: str) -> str:
    return f"cordwatch_{name}"


def _gauge(name: str, meaning: str, value: float) -> Family:
    return GaugeMetricFamily(_name(name), meaning, value=float(value))


def _counter(name: str, meaning: str, value: float) -> Family:
    return CounterMetricFamily(_name(name), meaning, value=value)


def _labelled(name: str, meaning: str, label: str, samples: Iterable[tuple[str, float]]) -> Family:
    family = GaugeMetricFamily(_name(name), meaning, labels=[label])
    for value, number in samples:
        family.add_metric([value], float(number))
    return family
