"""The web chat: patients talk to us on a page at /chat, by plain forms or, with script, over an event stream."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot.channels import Channel, Incoming, Outgoing, Receive, Sending, WebApp
from bot.channels.conversation import Conversation, Conversations
from bot.channels.web.browser_id import BrowserId, BrowserIds, RateLimit, network_of
from bot.channels.web.event_stream import EventStream, Stream, Streams, server_sent
from bot.channels.web.page import ChatPages
from bot.clinic.languages import accepted_languages, best_language
from bot.store.signals import Signals
from bot.web.cookies import read_cookie, with_cookie
from bot.web.forms import FormLimits, read_form
from bot.web.headers import SecurityHeaders
from bot.web.origin import client_of, is_same_origin
from bot.web.paths import PATHS, path_for, root_of

log = logging.getLogger(__name__)

HIDDEN_AFTER = timedelta(hours=12)
UNREADABLE = Conversation()
COOKIE, COOKIE_KEPT = "cordwatch", timedelta(days=30)
CHOICE_BYTES = 64
WRONGS = {403: "web_form_expired", 404: "web_not_found", 409: "web_history_hidden", 429: "web_too_many"}
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one visitor, or all of them, may use."""

    new_conversations: int = 10
    new_conversation_each: timedelta = timedelta(minutes=6)
    messages: int = 30
    message_each: timedelta = timedelta(seconds=1)
    form: FormLimits = field(default_factory=FormLimits)
    streams: int = 2000
    streams_per_visitor: int = 4
    beat_s: float = 20
    answer_within_s: float = 9
    write_within_s: float = 30


class WebChatChannel(Channel):
    """Conversations in a browser. `app` is the web application; `send` tells the open pages that there is more."""

    def __init__(
        self,
        conversations: Conversations,
        pages: ChatPages,
        visitors: BrowserIds,
        clock: Callable[[], datetime],
        signals: Signals,
        limits: Limits | None = None,
        name: str = "web",
    ) -> None:
        super().__init__(name)
        self._conversations = conversations
        self.pages = pages
        self._visitors = visitors
        self._clock = clock
        self._limits = limits or Limits()
        self._newcomers = RateLimit(self._limits.new_conversations, self._limits.new_conversation_each)
        self._talkers = RateLimit(self._limits.messages, self._limits.message_each)
        self.streams = Streams(signals, name, self._limits.streams, self._limits.streams_per_visitor)
        self._receive: Receive | None = None
        self._on_their_way: dict[str, asyncio.Task[str | None]] = {}
        self.app: ASGIApp = self._build()

    async def listen(self, receive: Receive) -> None:
        self._receive = receive
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._receive = None

    async def send(self, sending: Sending) -> str | None:
        self.streams.sent(sending.address, sending.delivery)
        return None

    async def notice(self, address: str, outgoing: Outgoing) -> None:
        self.streams.tell(address, "\n".join(filter(None, (outgoing.heading, outgoing.text))))

    def routes(self) -> Mapping[str, WebApp]:
        return {"/": self.app}

    async def close(self) -> None:
        """Ends the event streams, so that the web server can stop; the pages come back by themselves."""
        self.streams.close()
        for task in self._on_their_way.values():
            task.cancel()

    def _build(self) -> ASGIApp:
        routes = [
            Route(PATHS["home"], self._home),
            Route(PATHS["chat"], self._chat, methods=["GET", "POST"]),
            Route(PATHS["chat_new"], self._start_anew, methods=["POST"]),
            Route(PATHS["chat_seen"], self._seen, methods=["POST"]),
            Route(PATHS["chat_shown"], self._shown),
            Route(PATHS["chat_events"], self._events),
            Route(PATHS["chat_asset"], self.pages.assets.serve),
        ]
        wrong: dict[Any, Any] = {HTTPException: self._refuse, Exception: self._fail}
        return SecurityHeaders(Starlette(routes=routes, exception_handlers=wrong), "web chat")

    # --- what a browser asks for ------------------------------------------------------------------------------------

    async def _home(self, request: Request) -> Response:
        return RedirectResponse(path_for(request, "chat"))

    async def _chat(self, request: Request) -> Response:
        return await (self._say(request) if request.method == "POST" else self._page(request))

    async def _page(self, request: Request) -> Response:
        visitor = self._visitor(request) or self._visitors.new()
        conversation = await self._conversations.read(visitor.address)
        language = self._language(request, conversation)
        token = self._visitors.form_token(visitor)
        if self._is_hidden(conversation.active_at):
            html = self.pages.notice("web_history_hidden", language, root_of(request), form_token=token)
        else:
            of, message_id = _owner_tag(visitor), secrets.token_hex(8)
            values = {"form_token": token, "message_id": message_id, "of": of}
            html = self.pages.chat(conversation, language, root_of(request), **values)
        return self._with_cookie(request, HTMLResponse(html), visitor)

    async def _say(self, request: Request) -> Response:
        """Takes a message; answers when it is committed."""
        form = await read_form(request, self._limits.form)
        visitor = self._owner(request, form)
        before = await self._before(visitor)
        if self._is_hidden(before.active_at):
            raise HTTPException(409)
        self._admit(request, visitor, is_new=before is not UNREADABLE and not before.lines)
        note = await self._take(request, visitor, form)
        after = await self._conversations.read(visitor.address)
        if _is_script(request):
            update = self.pages.update(after, self._language(request, after), form.get("have", ""))
            return JSONResponse({**update, "note": note})
        newest = "".join(f"#line-{line.id}" for line in after.lines[len(before.lines) :][:1])
        return RedirectResponse(path_for(request, "chat") + newest, status_code=303)

    async def _before(self, visitor: BrowserId) -> Conversation:
        """What was said so far. That it cannot be read is no reason not to take what she says now."""
        try:
            return await self._conversations.read(visitor.address)
        except Exception as error:
            log.error("a conversation cannot be read: %s", type(error).__name__)
            return UNREADABLE

    async def _start_anew(self, request: Request) -> Response:
        self._owner(request, await read_form(request, self._limits.form))
        return self._with_cookie(
            request, RedirectResponse(path_for(request, "chat"), status_code=303), self._visitors.new()
        )

    async def _seen(self, request: Request) -> Response:
        """A page with script shows these messages."""
        form = await read_form(request, self._limits.form)
        visitor = self._owner(request, form)
        await self._conversations.acknowledge(visitor.address, _numbers(form.get("deliveries", "")))
        return Response(status_code=204)

    async def _shown(self, request: Request) -> Response:
        """The same for a browser without script: it asks for a picture at the end of the page."""
        visitor = self._visitor(request)
        if visitor is None or not is_same_origin(request):
            raise HTTPException(403)
        await self._conversations.acknowledge(visitor.address, _numbers(request.query_params.get("deliveries", "")))
        return Response(PIXEL, media_type="image/gif")

    async def _events(self, request: Request) -> Response:
        visitor = self._visitor(request)
        if not is_same_origin(request):
            raise HTTPException(403)
        if visitor is None or _owner_tag(visitor) != request.query_params.get("of"):
            return Response(server_sent("reload", {}), media_type="text/event-stream")
        stream = self.streams.open(visitor.address)
        if stream is None:
            raise HTTPException(503, headers={"Retry-After": "10"})
        changes = self._changes(request, visitor.address, stream)
        return EventStream(self.streams, visitor.address, stream, changes, self._limits.write_within_s)

    async def _changes(self, request: Request, address: str, stream: Stream) -> AsyncIterator[bytes]:
        """Everything that changes from now on, beginning with what the page lacks, as server-sent events."""
        have = request.headers.get("last-event-id") or request.query_params.get("have", "")
        revision, active_at = -1, None
        yield b"retry: 2000\n\n"
        while not stream.is_over:
            event = server_sent("beat", {})
            if (notice := self.streams.notice_for(address, stream)) is not None:
                yield server_sent("notice", {"text": notice})
            if stream.news.consume():
                conversation = await self._conversations.read(address)
                active_at = conversation.active_at
                if conversation.revision != revision:
                    update = self.pages.update(conversation, self._language(request, conversation), have)
                    revision, have = conversation.revision, str(update["cursor"])
                    stream.newest = conversation.newest
                    event = server_sent("lines", update, have)
                del conversation
            if self._is_hidden(active_at):
                yield server_sent("reload", {})
                return
            yield event
            await stream.news.wait(self._limits.beat_s)
        if stream.is_displaced:
            yield server_sent("displaced", {})

    # --- who asks, and whether she may ------------------------------------------------------------------------------

    def _visitor(self, request: Request) -> BrowserId | None:
        return self._visitors.read(read_cookie(request, COOKIE))

    def _owner(self, request: Request, form: Mapping[str, str]) -> BrowserId:
        """The visitor whose own page sent this. Raises 403 for a stranger's or an outdated one."""
        visitor = self._visitor(request)
        if (
            visitor is None
            or not is_same_origin(request)
            or not self._visitors.owns_form(visitor, form.get("token", ""))
        ):
            raise HTTPException(403)
        return visitor

    def _admit(self, request: Request, visitor: BrowserId, is_new: bool) -> None:
        at = self._clock()
        if not self._talkers.take(visitor.address, at):
            raise HTTPException(429, headers={"Retry-After": "5"})
        if is_new and not self._newcomers.take(network_of(client_of(request)), at):
            raise HTTPException(429, headers={"Retry-After": "60"})

    def _is_hidden(self, active_at: datetime | None) -> bool:
        return active_at is not None and self._clock() - active_at >= HIDDEN_AFTER

    def _with_cookie(self, request: Request, response: Response, visitor: BrowserId) -> Response:
        return with_cookie(request, response, COOKIE, self._visitors.cookie(visitor), COOKIE_KEPT)

    async def _take(self, request: Request, visitor: BrowserId, form: Mapping[str, str]) -> str | None:
        choice, text = form.get("choice") or None, form.get("text", "")
        if choice is None and not text.strip():
            return None
        if choice and len(choice.encode(errors="replace")) > CHOICE_BYTES:
            raise HTTPException(400)
        if self._receive is None:
            raise HTTPException(503, headers={"Retry-After": "2"})
        return await self._within_patience(
            self._receive,
            Incoming(
                channel=self.name,
                address=visitor.address,
                external_id=self._external_id(visitor, form.get("id", ""), choice or text),
                text="" if choice else text,
                choice=choice,
                language_hint=self._hint(request),
            ),
        )

    async def _within_patience(self, receive: Receive, incoming: Incoming) -> str | None:
        """The word for her button. A turn that takes long goes on; she is answered with the numbers to call meanwhile.

        A message that is sent again while its turn goes on waits for that very turn.
        """
        turn = self._on_their_way.get(incoming.external_id)
        if turn is None:
            turn = self._on_their_way[incoming.external_id] = asyncio.ensure_future(receive(incoming))
            turn.add_done_callback(lambda ended: self._has_ended(incoming, ended))
        done, _ = await asyncio.wait([turn], timeout=self._limits.answer_within_s)
        if not done:
            raise HTTPException(503, headers={"Retry-After": "2"})
        return turn.result()

    def _has_ended(self, incoming: Incoming, turn: asyncio.Task[str | None]) -> None:
        del self._on_their_way[incoming.external_id]
        if not turn.cancelled() and turn.exception() is None:
            self.streams.forget_notice(incoming.address)
            self.streams.changed(incoming.address)

    def _external_id(self, visitor: BrowserId, message_id: str, content: str) -> str:
        """The same when the page sends the message again, and another for another answer on an old form."""
        named = hashlib.sha256(f"{message_id or secrets.token_hex(8)}\x1f{content}".encode(errors="replace"))
        return f"{self.name}:{_owner_tag(visitor)}:{named.hexdigest()[:24]}"

    # --- what it says when it cannot --------------------------------------------------------------------------------

    async def _refuse(self, request: Request, error: HTTPException) -> Response:
        key = WRONGS.get(error.status_code, "web_trouble" if error.status_code >= 500 else "web_bad_request")
        visitor = self._visitor(request)
        conversation = await self._before(visitor) if visitor else Conversation()
        return self._wrong(request, error.status_code, key, self._language(request, conversation), error.headers)

    async def _fail(self, request: Request, _: Exception) -> Response:
        return self._wrong(request, 500, "web_trouble", self._language(request, Conversation()), None)

    def _wrong(
        self, request: Request, status: int, key: str, language: str, headers: Mapping[str, str] | None
    ) -> Response:
        if _is_script(request):
            return JSONResponse({"wrong": self.pages.site.words(key, language)}, status, headers)
        return HTMLResponse(self.pages.notice(key, language, root_of(request)), status, headers)

    def _language(self, request: Request, conversation: Conversation) -> str:
        wanted = request.headers.get("accept-language", "")
        return conversation.language or best_language(accepted_languages(wanted), self.pages.site.languages)

    def _hint(self, request: Request) -> str | None:
        """The language in which the page before the first message was."""
        wanted = request.headers.get("accept-language", "")
        return best_language(accepted_languages(wanted), self.pages.site.languages) if wanted else None


def _owner_tag(visitor: BrowserId) -> str:
    """What a page and its server call the visitor between them; useless without the cookie."""
    return visitor.address[:16]


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d{1,15}", text)[:500]]


def _is_script(request: Request) -> bool:
    return request.headers.get("accept", "") == "application/json"
