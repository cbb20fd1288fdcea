"""A door for the deliveries of another server, such as a messenger's webhook: POST only, and of bounded size."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

Take = Callable[[Mapping[str, str], bytes], Awaitable[tuple[int, Any]]]
"""Takes headers and body; gives the status and what to answer as JSON, None for nothing."""


class Deliveries:
    """A web application that hands each delivery to `take`."""

    def __init__(self, take: Take, most_bytes: int) -> None:
        self._take, self._most_bytes = take, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405, headers={"Allow": "POST"})
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._most_bytes:
                return Response(status_code=413)
        status, answer = await self._take(request.headers, body)
        return Response(status_code=status) if answer is None else JSONResponse(answer, status)
