"""What every page is answered with, so that a browser does no more than our pages need: patients' and nurses' alike."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("cordwatch.web")

PROTECTION = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds PROTECTION and `more` to the headers of every answer. An error is logged by its class and place only."""

    def __init__(self, app: ASGIApp, name: str, more: Mapping[str, str] | None = None) -> None:
        self._app, self._name = app, name
        self._headers = {**PROTECTION, **(more or {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                headers.setdefault("Cache-Control", "no-store")
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except Exception as error:  # it has been answered already: Starlette raises it once more for the log
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("%s failed: %s at %s:%s", self._name, type(error).__name__, *place[:2])
