"""A Telegram of the tests' own: the Bot API over HTTP on a loopback port, with simulated people and scripted faults.

    async with BotApi() as server:
        patient = server.user(42, language_code="nl")
        await patient.says("/start")
        await patient.taps("Yes")
        await patient.sees("Call now")

`python -m tests.kit.botapi.server` serves one for trying a bot by hand.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from aiohttp import web

from tests.kit.botapi.queue import Updates
from tests.kit.botapi.rules import Json, Refusal, as_json, as_number, bad_request, parse_markup, parse_text
from tests.kit.botapi.users import Shown, User

TOKEN = "7001:AAtestTESTtestTESTtestTESTtestTESTte"


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody else in Telegram's place answers, to the byte; `times` as often, one after the other."""

    body: bytes
    status: int = 200
    times: int = 1

    @classmethod
    def of(cls, value: object, status: int = 200) -> Answer:
        return cls(json.dumps(value).encode(), status)


Fault = str | Answer


class Faults:
    """What goes wrong: scripted for a method, one call after the other, else for all its calls, else by rate.

    "400", "403", "429:3" (try again after 3 s), "500", "502" (a gateway's page), "hang", "dropped_before" and
    "dropped_after" (the connection ends without an answer before or after the call took effect), or an `Answer`.
    `always`: by method, until it is taken out again.
    """

    def __init__(self) -> None:
        self.updates_twice = 0.0
        self.updates_shuffled = 0.0
        self.always: dict[str, Fault] = {}
        self._scripted: dict[str, deque[Fault | None]] = {}
        self._rates: dict[str, float] = {}
        self._methods: frozenset[str] = frozenset()
        self._random = Random(0)

    def script(self, method: str, *faults: Fault | None) -> None:
        """The next calls of `method` go wrong like this; None is a call that goes well."""
        self._scripted.setdefault(method, deque()).extend(faults)

    def at_rate(self, rates: dict[str, float], seed: int, *methods: str) -> None:
        """Each call (of the methods, or any) goes wrong with these probabilities."""
        self._rates, self._methods, self._random = rates, frozenset(methods), Random(seed)

    def next(self, method: str) -> Fault | None:
        if scripted := self._scripted.get(method):
            return scripted.popleft()
        if method in self.always:
            return self.always[method]
        if self._rates and (not self._methods or method in self._methods):
            return next(iter(self._random.choices([*self._rates, None], [*self._rates.values(), self._rest()])))
        return None

    def happens(self, probability: float) -> bool:
        return probability > 0 and self._random.random() < probability

    def shuffled(self, updates: list[Json]) -> list[Json]:
        return self._random.sample(updates, len(updates))

    def one_of(self, updates: Sequence[Json]) -> Json:
        return self._random.choice(updates)

    def _rest(self) -> float:
        return 1 - sum(self._rates.values())


class BotApi:
    """One bot's Telegram. `calls` counts methods; `log` keeps each call's method and parameters."""

    def __init__(
        self,
        token: str = TOKEN,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        latency_s: float = 0.0,
        retry_s: float = 0.01,
    ) -> None:
        self.token, self.url, self.latency_s = token, "", latency_s
        self.calls: Counter[str] = Counter()
        self.log: deque[tuple[str, Json]] = deque(maxlen=10_000)
        self.faults = Faults()
        self.updates = Updates(self.faults, retry_s, self._answered_by_webhook)
        self.users: dict[int, User] = {}
        self.registered: dict[tuple[str, str], Any] = {}
        self.uploads = 0
        self._clock = clock
        self._files: dict[str, str] = {}
        self._queries: dict[str, User] = {}
        self._changes = 0
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> BotApi:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        app = web.Application(client_max_size=20 * 2**20)
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self._stopping.set()
        await self.updates.close()
        await self._runner.cleanup()

    def user(self, user_id: int, language_code: str | None = "en", first_name: str = "Pat") -> User:
        """The person with this id, the same one each time."""
        return self.users.setdefault(user_id, User(self, user_id, language_code, first_name))

    def says_in(self, chat_type: str, text: str, chat_id: int = -1001) -> int:
        """Somebody writes in a group, supergroup or channel that the bot is in."""
        message = {"message_id": 1, "date": self.now(), "text": text}
        message["chat"] = {"id": chat_id, "type": chat_type, "title": "Ward"}
        if chat_type == "channel":
            return self.updates.push_unasked(channel_post=message)
        return self.updates.push(message={**message, "from": {"id": 77, "is_bot": False, "first_name": "Pat"}})

    def expire_queries(self) -> None:
        """The buttons tapped so far become too old to be answered."""
        self._queries.clear()

    # --- screens -----------------------------------------------------------------------------------------------------

    def now(self) -> int:
        return int(self._clock().timestamp())

    def change(self) -> int:
        """Counts a change of any screen."""
        self._changes += 1
        return self._changes

    async def changed(self) -> None:
        """Returns at the next change of any screen, or the next call."""
        await self._changed.wait()

    async def until(self, holds: Callable[[], object], within_s: float = 5) -> None:
        """Returns when something on the screens or about the calls holds."""
        async with asyncio.timeout(within_s):
            while not holds():
                await self.changed()

    def show(self, user: User, is_bots: bool, text: str, **fields: Any) -> Shown:
        shown = Shown(len(user.chat) + 1, is_bots, text, self.change(), **fields)
        user.chat.append(shown)
        self._tell()
        return shown

    def query(self, user: User) -> str:
        query = f"{8_000_000_000 + self.change()}"
        self._queries[query] = user
        return query

    def bot_user(self) -> Json:
        return {
            "id": int(self.token.split(":")[0]),
            "is_bot": True,
            "first_name": "Check",
            "username": "check_test_bot",
        }

    def message_json(self, user: User, shown: Shown) -> Json:
        """A message as the Bot API shows it."""
        message: Json = {"message_id": shown.message_id, "date": self.now(), "chat": user.chat_json()}
        message["from"] = self.bot_user() if shown.is_bots else user.json()
        if shown.is_edited:
            message["edit_date"] = self.now()
        if shown.photo:
            message["photo"] = [
                {"file_id": f"{shown.photo}-{size}", "file_unique_id": f"u{size}", "width": size, "height": size}
                for size in (90, 800)
            ]
        if shown.text:
            message["caption" if shown.photo else "text"] = shown.text
        if shown.entities:
            message["caption_entities" if shown.photo else "entities"] = shown.entities
        if shown.markup and "inline_keyboard" in shown.markup:
            message["reply_markup"] = shown.markup
        return message

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # --- the wire ----------------------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        parameters = await _parameters(request)
        self.calls[method] += 1
        self.log.append((method, parameters))
        self._tell()
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        fault = self.faults.next(method) or ""
        if isinstance(fault, Answer):
            return await _streamed(request, fault)
        if fault == "hang":
            await self._stopping.wait()
        if fault in ("hang", "dropped_before"):
            return _dropped(request)
        if fault == "502":
            return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
        try:
            _refuse(fault)
            result = await self._run(request.match_info["token"], method, parameters)
        except Refusal as refusal:
            return _refused(refusal)
        return _dropped(request) if fault == "dropped_after" else web.json_response({"ok": True, "result": result})

    async def _run(self, token: str, method: str, parameters: Json) -> Any:
        if token != self.token:
            is_wellformed = re.fullmatch(r"\d+:[\w-]{35,}", token)
            raise Refusal(401, "Unauthorized") if is_wellformed else Refusal(404, "Not Found")
        match method:
            case "getMe":
                return {**self.bot_user(), "can_join_groups": True, "can_read_all_group_messages": False}
            case "getUpdates":
                return await self.updates.poll(parameters)
            case "setWebhook":
                return self.updates.set_webhook(parameters)
            case "deleteWebhook":
                return self.updates.delete_webhook(parameters)
            case "getWebhookInfo":
                return self.updates.webhook_info()
            case "sendMessage":
                return self._send_message(parameters)
            case "sendPhoto":
                return self._send_photo(parameters)
            case "editMessageText" | "editMessageCaption" | "editMessageReplyMarkup":
                return self._edit(method.removeprefix("editMessage"), parameters)
            case "answerCallbackQuery":
                return self._answer_query(parameters)
            case _ if registered := re.fullmatch(r"(set|get|delete)My(\w+)", method):
                return self._registered(registered[1], registered[2], parameters)
        raise Refusal(404, "Not Found: method not found")

    async def _answered_by_webhook(self, parameters: Json) -> None:
        method = str(parameters.pop("method", ""))
        self.calls[f"{method} by webhook"] += 1
        try:
            await self._run(self.token, method, parameters)
        except Refusal:
            self.calls["refused by webhook"] += 1

    # --- methods -----------------------------------------------------------------------------------------------------

    def _send_message(self, parameters: Json) -> Json:
        user = self._recipient(parameters)
        text, entities = parse_text(parameters, "text", 4096)
        if not text:
            raise bad_request("message text is empty")
        shown = self.show(user, True, text, entities=entities, markup=parse_markup(parameters))
        return self.message_json(user, shown)

    def _send_photo(self, parameters: Json) -> Json:
        user = self._recipient(parameters)
        text, entities = parse_text(parameters, "caption", 1024)
        markup, photo = parse_markup(parameters), parameters.get("photo")
        if isinstance(photo, web.FileField):
            if photo.file.read(4) not in (b"\x89PNG", b"\xff\xd8\xff\xe0"):
                raise bad_request("IMAGE_PROCESS_FAILED")
            self.uploads += 1
            file = f"AgACAgQ{self.uploads}"
            self._files[file] = photo.filename
        else:
            file = str(photo).rpartition("-")[0]
            if file not in self._files:
                raise bad_request("wrong file identifier/HTTP URL specified")
        shown = self.show(user, True, text, entities=entities, markup=markup, photo=file)
        return self.message_json(user, shown)

    def _edit(self, what: str, parameters: Json) -> Json:
        user = self._recipient(parameters, is_edit=True)
        shown = next((one for one in user.chat if one.message_id == as_number(parameters, "message_id", 0)), None)
        if shown is None:
            raise bad_request("message to edit not found")
        if not shown.is_bots or "inline_keyboard" not in (shown.markup or {"inline_keyboard": []}):
            raise bad_request("message can't be edited")
        text, entities = shown.text, shown.entities
        if what == "Text":
            if shown.photo:
                raise bad_request("there is no text in the message to edit")
            text, entities = parse_text(parameters, "text", 4096)
            if not text:
                raise bad_request("message text is empty")
        if what == "Caption":
            if not shown.photo:
                raise bad_request("there is no caption in the message to edit")
            text, entities = parse_text(parameters, "caption", 1024)
        markup = parse_markup(parameters)
        markup = markup if markup and any(markup.get("inline_keyboard", ())) else None
        if (text, entities, markup) == (shown.text, shown.entities, shown.markup):
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same "
                "as a current content and reply markup of the message"
            )
        shown.text, shown.entities, shown.markup = text, entities, markup
        shown.is_edited, shown.changed = True, self.change()
        self._tell()
        return self.message_json(user, shown)

    def _answer_query(self, parameters: Json) -> bool:
        user = self._queries.pop(str(parameters.get("callback_query_id")), None)
        if user is None:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        if len(text := parameters.get("text") or "") > 200:
            raise bad_request("MESSAGE_TOO_LONG")
        user.toasts.append(text)
        self._tell()
        return True

    def _registered(self, verb: str, what: str, parameters: Json) -> Any:
        """Name, description, short description and commands, each by language."""
        key = (what, str(parameters.get("language_code") or ""))
        empty: Any = [] if what == "Commands" else ""
        names = {"Name": "name", "Description": "description", "ShortDescription": "short_description"}
        if what not in {*names, "Commands"}:
            raise Refusal(404, "Not Found: method not found")
        if verb == "get":
            value = self.registered.get(key, empty)
            return value if what == "Commands" else {names[what]: value}
        value = as_json(parameters["commands"]) if "commands" in parameters else parameters.get(names.get(what, ""))
        limits = {"Name": 64, "ShortDescription": 120, "Description": 512}
        if len(value or "") > limits.get(what, 100):
            raise bad_request(f"BOT_{what.upper()}_TOO_LONG")
        if what == "Commands" and any(not re.fullmatch(r"[a-z0-9_]{1,32}", one["command"]) for one in value or ()):
            raise bad_request("BOT_COMMAND_INVALID")
        self.registered[key] = value or empty
        return True

    def _recipient(self, parameters: Json, is_edit: bool = False) -> User:
        user = self.users.get(as_number(parameters, "chat_id", 0))
        if user is None:
            raise bad_request("chat not found")
        if not user.chat and not is_edit:
            raise Refusal(403, "Forbidden: bot can't initiate conversation with a user")
        if user.has_blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        return user


async def _parameters(request: web.Request) -> Json:
    if request.content_type == "application/json":
        body = await request.json()
        return {**request.query, **body}
    return {**request.query, **await request.post()}


async def _streamed(request: web.Request, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers={"content-type": "application/json"})
    with suppress(ConnectionError):
        await response.prepare(request)
        for _ in range(answer.times):
            await response.write(answer.body)
        await response.write_eof()
    return response


def _refuse(fault: str) -> None:
    code, _, seconds = fault.partition(":")
    match code:
        case "400":
            raise bad_request("can't parse entities: Unexpected end of name token at byte offset 7")
        case "403":
            raise Refusal(403, "Forbidden: user is deactivated")
        case "429":
            after = int(seconds or 1)
            raise Refusal(429, f"Too Many Requests: retry after {after}", retry_after=after)
        case "500":
            raise Refusal(500, "Internal Server Error")


def _refused(refusal: Refusal) -> web.Response:
    answer: Json = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    if refusal.parameters:
        answer["parameters"] = refusal.parameters
    return web.json_response(answer, status=refusal.code)


def _dropped(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _by_hand() -> None:
    """One person at the keyboard: a line is a message, "/tap LABEL" a tap."""
    async with BotApi() as server:
        print(f"export BOT_TELEGRAM_API_URL={server.url} BOT_TELEGRAM_TOKEN={server.token}")
        user, shown = server.user(42), 0
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            tap = line.removeprefix("/tap ")
            with_button = next((one for one in reversed(user.chat) if tap in one.buttons), None)
            await (user.taps(tap, with_button) if tap != line and with_button else user.says(line))
            await asyncio.sleep(1)
            print("\n".join(map(str, [one for one in user.chat if one.changed > shown])))
            shown = server.change()


if __name__ == "__main__":
    asyncio.run(_by_hand())
