"""/health for people and supervisors, /metrics for Prometheus. Nothing of a patient stands in either."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from bot.health.look import Health
from bot.health.metrics import as_metrics
from bot.health.status import Status


def routes(health: Health) -> list[Route]:
    """GET /health answers 503 when it is red."""

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
        "warnings": list(status.warnings),
        "names": [one.reason.name for one in status.troubles],
        "at": status.at.isoformat(),
        "started_at": status.started_at.isoformat(),
        "channels": {
            name: {
                "trouble": channel.trouble,
                "last_poll": None if channel.polled_at is None else channel.polled_at.isoformat(),
            }
            for name, channel in status.channels.items()
        },
        "tasks": {one.name: {"error": one.error, "failures": one.failures} for one in status.tasks},
        "waiting_chats": status.waiting_chats,
        "oldest_undelivered_s": status.oldest_waiting.total_seconds(),
        "wake_lag_s": status.wake_lag.total_seconds(),
        "oldest_unanswered_s": status.unanswered.total_seconds(),
        "parked": status.parked,
        "database": "writable" if status.commits.error is None else "not writable",
        "last_backup": None if status.backup is None else status.backup.at.isoformat(),
    }
