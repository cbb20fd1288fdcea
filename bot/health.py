"""What the service knows of itself, for /health and /metrics. Nothing of a patient stands in either.

Red means that patients may not be reached or not be heard: a channel refuses us, messages wait, nobody asks Telegram
for news, silence goes unanswered, or the database cannot be written. GET /health then answers 503.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from bot.channels import ChannelStatus
from bot.store.settings import Vitals

WAITED_TOO_LONG = timedelta(minutes=2)
SILENT_TOO_LONG = timedelta(minutes=3)
WOKEN_TOO_LATE = timedelta(minutes=1)
WRITE_AGAIN_AFTER = timedelta(seconds=10)
WRITE_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Status:
    """One look at the service."""

    at: datetime
    started_at: datetime
    channels: Mapping[str, ChannelStatus]
    waiting_chats: int
    oldest_waiting: timedelta
    wake_lag: timedelta
    is_writable: bool

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the status is red, in an administrator's words; empty when it is green."""
        return tuple(self._reasons())

    def _reasons(self) -> Iterator[str]:
        for name, channel in self.channels.items():
            if channel.trouble is not None:
                yield f"{name} is down: {channel.trouble}"
            if channel.polled_at is not None and self.at - channel.polled_at > SILENT_TOO_LONG:
                yield f"{name} has not been asked for messages for {_words(self.at - channel.polled_at)}"
        if self.oldest_waiting > WAITED_TOO_LONG:
            yield f"a message has been waiting to be delivered for {_words(self.oldest_waiting)}"
        if self.wake_lag > WOKEN_TOO_LATE:
            yield f"a reminder or an advice after silence is late by {_words(self.wake_lag)}"
        if not self.is_writable:
            yield "the database cannot be written; look at the disk"


@dataclass
class Health:
    """Looks at the parts when asked. `channels` gives how each channel does at this moment."""

    store: Vitals
    clock: Callable[[], datetime]
    channels: Callable[[], Mapping[str, ChannelStatus]] = dict
    started_at: datetime = field(init=False)
    _wrote_at: datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.started_at = self.clock()

    async def status(self) -> Status:
        at = self.clock()
        is_writable = await self._is_writable(at)
        waiting, since = await self.store.waiting() if is_writable else (0, None)
        wake = await self.store.next_wake() if is_writable else None
        return Status(
            at=at,
            started_at=self.started_at,
            channels=dict(self.channels()),
            waiting_chats=waiting,
            oldest_waiting=_since(since, at),
            wake_lag=_since(wake, at),
            is_writable=is_writable,
        )

    async def _is_writable(self, at: datetime) -> bool:
        """Tried by writing, at most every few seconds however often somebody looks."""
        if self._wrote_at is not None and timedelta(0) <= at - self._wrote_at < WRITE_AGAIN_AFTER:
            return True
        try:
            async with asyncio.timeout(WRITE_PATIENCE_S):
                await self.store.put_setting("health", at.isoformat())
        except Exception:
            # Whatever the store raises, the answer is the same, and this page must outlive it.
            self._wrote_at = None
            return False
        self._wrote_at = at
        return True


def routes(health: Health) -> list[Route]:
    """/health for people and supervisors, /metrics for Prometheus."""

    async def show_health(request: Request) -> JSONResponse:  # noqa: ARG001
        status = await health.status()
        return JSONResponse(as_json(status), 503 if status.reasons else 200, {"cache-control": "no-store"})

    async def show_metrics(request: Request) -> PlainTextResponse:  # noqa: ARG001
        text = as_metrics(await health.status())
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4", headers={"cache-control": "no-store"})

    return [Route("/health", show_health), Route("/metrics", show_metrics)]


def as_json(status: Status) -> dict[str, Any]:
    return {
        "status": "red" if status.reasons else "green",
        "reasons": list(status.reasons),
        "at": status.at.isoformat(),
        "started_at": status.started_at.isoformat(),
        "channels": {
            name: {
                "trouble": channel.trouble,
                "last_poll": None if channel.polled_at is None else channel.polled_at.isoformat(),
            }
            for name, channel in status.channels.items()
        },
        "waiting_chats": status.waiting_chats,
        "oldest_undelivered_s": status.oldest_waiting.total_seconds(),
        "wake_lag_s": status.wake_lag.total_seconds(),
        "database": "writable" if status.is_writable else "not writable",
    }


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
        ("database_writable", "1 when the database can be written.", [("", float(status.is_writable))]),
    ]
    lines = []
    for name, meaning, samples in metrics:
        lines += [f"# HELP cordwatch_{name} {meaning}", f"# TYPE cordwatch_{name} gauge"]
        lines += [f"cordwatch_{name}{labels} {value:.15g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _since(moment: datetime | None, at: datetime) -> timedelta:
    return timedelta(0) if moment is None else max(timedelta(0), at - moment)


def _words(duration: timedelta) -> str:
    minutes = int(duration.total_seconds()) // 60
    if minutes >= 120:
        return f"{minutes // 60} hours"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
