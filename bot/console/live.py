"""Tells open pages that the worklist has changed. They ask for what they show; nothing of a patient goes this way."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from bot.store.signals import WORKLIST, Signals, Subscriber

BEAT_S = 15
MOST = 200


class OpenPages:
    """The open pages."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._open: set[Subscriber] = set()
        self._is_closed = False

    def close(self) -> None:
        """Ends all streams, so that the web server can stop; the pages come back by themselves."""
        self._is_closed = True
        for page in self._open:
            page.notify()

    def stream(self) -> Response:
        if self._is_closed or len(self._open) >= MOST:
            return Response(status_code=503, headers={"Retry-After": "10"})
        return StreamingResponse(self._changes(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def _changes(self) -> AsyncIterator[bytes]:
        page = self._signals.subscribe(WORKLIST)
        self._open.add(page)
        try:
            yield b"retry: 2000\n\nevent: changed\ndata: \n\n"
            while not self._is_closed:
                await page.wait(BEAT_S)
                yield b"event: changed\ndata: \n\n" if page.consume() else b"event: beat\ndata: \n\n"
        finally:
            self._open.discard(page)
