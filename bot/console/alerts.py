"""A nurse's own page to link a chat for alerts, try it, and unlink it."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from bot.console.request import NurseRequest
from bot.service.alerts import CODE_HOLDS, Alerts

HERE = "/console/alerts"


class Alerting:
    """`alerts`: None where no channel can bring them."""

    def __init__(self, alerts: Alerts | None) -> None:
        self._alerts = alerts

    async def page(self, request: NurseRequest) -> Response:
        return await self._draw(request)

    async def code(self, request: NurseRequest) -> Response:
        """Shows a new code, on this answer only."""
        if self._alerts is None:
            return await self._draw(request)
        return await self._draw(request, await self._alerts.new_code(request.nurse, request.at))

    async def test(self, request: NurseRequest) -> Response:
        if self._alerts is not None and (chat := await self._alerts.chat_of(request.nurse)) is not None:
            await self._alerts.test(chat, request.at)
        return RedirectResponse(f"{HERE}?done=tested", 303)

    async def unlink(self, request: NurseRequest) -> Response:
        if self._alerts is not None and (chat := await self._alerts.chat_of(request.nurse)) is not None:
            await self._alerts.unlink(chat, request.at)
        return RedirectResponse(f"{HERE}?done=unlinked", 303)

    async def _draw(self, request: NurseRequest, code: str | None = None) -> Response:
        return request.page(
            "alerts.html",
            is_possible=self._alerts is not None,
            chat=await self._alerts.chat_of(request.nurse) if self._alerts is not None else None,
            code=code,
            until=request.at + CODE_HOLDS,
            done=request.http.query_params.get("done"),
        )
