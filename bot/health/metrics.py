"""The figures of a look in Prometheus' text form."""

from __future__ import annotations

from bot.health.status import Status


def as_metrics(status: Status) -> str:
    """The same in Prometheus' text form."""
    up = [(f'{{channel="{name}"}}', float(channel.trouble is None)) for name, channel in status.channels.items()]
    polls = [
        (f'{{channel="{name}"}}', channel.polled_at.timestamp())
        for name, channel in status.channels.items()
        if channel.polled_at is not None
    ]
    metrics: list[tuple[str, str, list[tuple[str, float]]]] = [
        ("healthy", "1 when /health is green.", [("", float(not status.reasons))]),
        ("start_time_seconds", "When the service started.", [("", status.started_at.timestamp())]),
        ("channel_up", "1 when the channel takes our messages.", up),
        ("last_poll_timestamp_seconds", "When the channel was last asked for messages.", polls),
        ("waiting_chats", "Chats with undelivered messages.", [("", status.waiting_chats)]),
        ("oldest_undelivered_seconds", "Age of the oldest.", [("", status.oldest_waiting.total_seconds())]),
        ("wake_lag_seconds", "How late the earliest due wake is.", [("", status.wake_lag.total_seconds())]),
        ("database_writable", "1 when the database can be written.", [("", float(status.commits.error is None))]),
    ]
    lines = []
    for name, meaning, samples in metrics:
        lines += [f"# HELP cordwatch_{name} {meaning}", f"# TYPE cordwatch_{name} gauge"]
        lines += [f"cordwatch_{name}{labels} {value:.15g}" for labels, value in samples]
    return "\n".join(lines) + "\n"
