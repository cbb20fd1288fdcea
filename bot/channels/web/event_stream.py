"""Event streams to open pages: nothing is queued, and there is an end to pages that no longer read."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from bot.store.signals import Signals, Subscriber

NOTICES_KEPT = 1_000


class Stream:
    """What one open page waits at.

    `newest`: the last delivery it has written; `notice`: the last notice. `is_displaced`: it must make room for a newer
    page of the same visitor.
    """

    def __init__(self, news: Subscriber) -> None:
        self.news = news
        self.newest = 0
        self.notice: str | None = None
        self.is_over = False
        self.is_displaced = False
        news.notify()

    def end(self, is_displaced: bool = False) -> None:
        self.is_over = True
        self.is_displaced = is_displaced
        self.news.notify()


class Streams:
    """The streams of a channel that are open here, by address; so many in all and for each address."""

    def __init__(self, signals: Signals, channel: str, most: int, most_per_address: int) -> None:
        self._signals = signals
        self._channel = channel
        self._most = most
        self._most_per_address = most_per_address
        self._open: defaultdict[str, list[Stream]] = defaultdict(list)
        self._count = 0
        self._is_closed = False
        self._notices: OrderedDict[str, str] = OrderedDict()

    def open(self, address: str) -> Stream | None:
        """A new stream, the oldest of the address ending if there are too many; None when no more are taken."""
        if self._is_closed or self._count >= self._most:
            return None
        streams = self._open[address]
        if len(streams) >= self._most_per_address:
            streams[0].end(is_displaced=True)
            self.leave(address, streams[0])
        stream = Stream(self._signals.subscribe(self._key(address)))
        self._open[address].append(stream)
        self._count += 1
        return stream

    def leave(self, address: str, stream: Stream) -> None:
        if stream in self._open.get(address, ()):
            self._open[address].remove(stream)
            self._count -= 1
            if not self._open[address]:
                del self._open[address]

    def changed(self, address: str) -> None:
        """Wakes the pages of an address, wherever they are open."""
        self._signals.publish(self._key(address))

    def sent(self, address: str, delivery: int) -> None:
        """The same, but those here that have written this delivery, and await nothing else, need not look."""
        streams = self._open.get(address, ())
        knowing = [one for one in streams if one.newest >= delivery and not one.news.has_news]
        self.changed(address)
        for stream in knowing:
            stream.news.consume()

    def tell(self, address: str, text: str) -> None:
        """Shows a text on every page of an address, also on one that opens until it is forgotten."""
        self._notices[address] = text
        if len(self._notices) > NOTICES_KEPT:
            self._notices.popitem(last=False)
        for stream in self._open.get(address, ()):
            stream.news.notify()

    def notice_for(self, address: str, stream: Stream) -> str | None:
        """What is still to be shown on this page."""
        notice = self._notices.get(address)
        is_news, stream.notice = notice != stream.notice, notice
        return notice if is_news else None

    def forget_notice(self, address: str) -> None:
        self._notices.pop(address, None)

    def close(self) -> None:
        self._is_closed = True
        for streams in self._open.values():
            for stream in streams:
                stream.end()

    def _key(self, address: str) -> str:
        return f"{self._channel}:{address}"

    def __len__(self) -> int:
        return self._count


def server_sent(event: str, data: Any, event_id: str | None = None) -> bytes:
    """One server-sent event."""
    name = f"id: {event_id}\n" if event_id else ""
    return f"{name}event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode(errors="replace")


class EventStream(Response):
    """Writes events until either side leaves. A page that does not read for `write_within_s` is left."""

    media_type = "text/event-stream"

    def __init__(
        self, streams: Streams, address: str, stream: Stream, events: AsyncIterator[bytes], write_within_s: float
    ):
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._streams = streams
        self._address = address
        self._stream = stream
        self._events = events
        self._write_within_s = write_within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        watching = asyncio.create_task(self._watch(receive))
        try:
            await self._write(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for event in self._events:
                await self._write(send, {"type": "http.response.body", "body": event, "more_body": True})
            await self._write(send, {"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            return
        finally:
            watching.cancel()
            self._streams.leave(self._address, self._stream)

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._stream.end()

    async def _write(self, send: Send, message: Message) -> None:
        async with asyncio.timeout(self._write_within_s):
            await send(message)
