"""How the web server's answers turn out."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SERVER_ERROR = 500
SAYS_RED = "/health"
"""Its 503 is an answer and no error."""


class CountedAnswers:
    """Counts the answers that say that the server is at fault."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.server_errors = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= SERVER_ERROR:
                self.server_errors += scope["path"] != SAYS_RED
            await send(message)

        await self._app(scope, receive, counted)
