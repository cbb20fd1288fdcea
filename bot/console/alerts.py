"""A nurse's own page to link a chat for alerts, try it, and unlink it."""

from __future__ import annotations

from starlette.responses import Response

from bot.console.request import NurseRequest
from bot.service.alerts import CODE_HOLDS


async def page(request: NurseRequest) -> Response:
    return await _draw(request)


async def code(request: NurseRequest) -> Response:
    """Shows a new code, on this answer only."""
    alerts = request.console.alerts
    return await _draw(request, None if alerts is None else await alerts.new_code(request.nurse, request.at))


async def test(request: NurseRequest) -> Response:
    alerts = request.console.alerts
    if alerts is not None and (chat := await alerts.chat_of(request.nurse)) is not None:
        await alerts.test(chat, request.at)
    return request.to("alerts", "tested")


async def unlink(request: NurseRequest) -> Response:
    alerts = request.console.alerts
    if alerts is not None and (chat := await alerts.chat_of(request.nurse)) is not None:
        await alerts.unlink(chat, request.at)
    return request.to("alerts", "unlinked")


async def _draw(request: NurseRequest, shown: str | None = None) -> Response:
    alerts = request.console.alerts
    return request.page(
        "alerts.html",
        is_possible=alerts is not None,
        chat=None if alerts is None else await alerts.chat_of(request.nurse),
        code=shown,
        until=request.at + CODE_HOLDS,
        done=request.query.get("done"),
    )
