"""Tells open pages that the worklist has changed. They ask for what they show; nothing of a patient goes this way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.responses import Response, StreamingResponse

BEAT_S = 15
MOST = 200


class Bells:
    """One for each open page."""

    def __init__(self) -> None:
        self._bells: set[asyncio.Event] = set()
        self._is_closed = False

    def ring(self) -> None:
        for bell in self._bells:
            bell.set()

    def close(self) -> None:
        """Ends all streams, so that the web server can stop; the pages come back by themselves."""
        self._is_closed = True
        self.ring()

    def stream(self) -> Response:
        if self._is_closed or len(self._bells) >= MOST:
            return Response(status_code=503, headers={"Retry-After": "10"})
        return StreamingResponse(self._changes(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def _changes(self) -> AsyncIterator[bytes]:
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            yield b"retry: 2000\n\nevent: changed\ndata: \n\n"
            while not self._is_closed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_S):
                        await bell.wait()
                was_rung = bell.is_set()
                bell.clear()
                yield b"event: changed\ndata: \n\n" if was_rung else b"event: beat\ndata: \n\n"
        finally:
            self._bells.discard(bell)
