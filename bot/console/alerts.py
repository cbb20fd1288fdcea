"""A nurse's own page to link a chat for alerts, try it, and unlink it."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from bot.console.request import Asking
from bot.service.alerts import CODE_HOLDS, Alerts

HERE = "/console/alerts"


class Alerting:
    """`alerts`: None where no channel can bring them."""

    def __init__(self, alerts: Alerts | None) -> None:
        self._alerts = alerts

    async def page(self, asking: Asking) -> Response:
        return await self._draw(asking)

    async def code(self, asking: Asking) -> Response:
        """Shows a new code, on this answer only."""
        if self._alerts is None:
            return await self._draw(asking)
        return await self._draw(asking, await self._alerts.new_code(asking.nurse, asking.at))

    async def test(self, asking: Asking) -> Response:
        if self._alerts is not None and (chat := await self._alerts.chat_of(asking.nurse)) is not None:
            await self._alerts.test(chat, asking.at)
        return RedirectResponse(f"{HERE}?done=tested", 303)

    async def unlink(self, asking: Asking) -> Response:
        if self._alerts is not None and (chat := await self._alerts.chat_of(asking.nurse)) is not None:
            await self._alerts.unlink(chat, asking.at)
        return RedirectResponse(f"{HERE}?done=unlinked", 303)

    async def _draw(self, asking: Asking, code: str | None = None) -> Response:
        return asking.page(
            "alerts.html",
            is_possible=self._alerts is not None,
            chat=await self._alerts.chat_of(asking.nurse) if self._alerts is not None else None,
            code=code,
            until=asking.at + CODE_HOLDS,
            done=asking.request.query_params.get("done"),
        )
