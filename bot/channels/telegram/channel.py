"""Telegram: patients' updates by long polling or webhook, and our messages to them.

Telegram forgets an update once a higher offset is requested or the webhook has answered 200, so both wait for the
commit. What may be lost without harm (a button's spinner, the look of an answered question) is sent in the
background.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.channels import (
    Busy,
    Channel,
    ChannelDown,
    ChannelStatus,
    Incoming,
    Introduction,
    Outgoing,
    Pace,
    Receive,
    Sending,
    Undeliverable,
    WebApp,
)
from bot.channels.telegram.answers import (
    Batch,
    UnknownBot,
    anything,
    batch_in,
    errors_as_ours,
    is_update,
    webhook_in,
)
from bot.channels.telegram.background import Background
from bot.channels.telegram.profile import introduce
from bot.channels.telegram.request import Json, open_bot
from bot.channels.telegram.sending import Sender
from bot.channels.telegram.updates import ALLOWED, chat_of, incoming_from, kind_of
from bot.channels.telegram.webhook import WebhookWatch
from bot.web.deliveries import Deliveries

log = logging.getLogger(__name__)

TELEGRAM = "https://api.telegram.org"

BATCH = 100
LARGEST_UPDATE = 1_000_000
"""Bytes."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 30.0
LONGEST_IDLE_S = 1.0
TELL_AFTER_S = 5.0
MOST_TRIES = 6
NO_UPDATES = "Telegram answers with what are no updates: look at BOT_TELEGRAM_API_URL and any proxy"

Turn = asyncio.Task[bool]


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where Telegram is to deliver updates, and the secret it shows us with each."""

    url: str
    secret: str


class TelegramChannel(Channel):
    """Private chats with one bot. Everything it keeps is kept under its own name and the bot's."""

    is_for_nurses_too = True

    def __init__(
        self,
        name: str,
        token: str,
        *,
        pace: Pace | None = None,
        get_setting: Callable[[str], Awaitable[str | None]],
        put_setting: Callable[[str, str], Awaitable[None]],
        api_url: str = TELEGRAM,
        webhook: Webhook | None = None,
        introductions: Sequence[Introduction] = (),
        timeout: timedelta = timedelta(seconds=15),
        poll: timedelta = timedelta(seconds=25),
        patience: timedelta = timedelta(seconds=1),
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        heard: Callable[[Incoming], object] = lambda _: None,
    ) -> None:
        """`heard` is told of each message as it comes, also while it has to wait for the one before it in its chat."""
        super().__init__(name, pace)
        self.ignored_updates: Counter[str] = Counter()
        self._bot = open_bot(token, api_url, timeout)
        self._key = f"{name}:{token.partition(':')[0]}"
        self._get_setting, self._put_setting = get_setting, put_setting
        self._webhook, self._introductions = webhook, introductions
        self._timeout_s, self._poll_s = timeout.total_seconds(), round(poll.total_seconds())
        self._patience_s, self._pause = patience.total_seconds(), pause
        self._hear = heard
        self._receive: Receive | None = None
        self._troubles: dict[str, str] = {}
        self._brought = 0
        self._polled_s: float | None = None
        self._unrecorded: set[int] = set()
        self._background = Background()
        self._sender = Sender(self._bot, self._key, get_setting, put_setting)

    def status(self) -> ChannelStatus:
        trouble = next(iter(self._troubles.values()), None)
        return ChannelStatus(trouble, self._polled_at(), is_polled=self._webhook is None)

    def _polled_at(self) -> datetime | None:
        """By the monotonic clock: a clock that is set back must not hide that nobody polls."""
        if self._polled_s is None:
            return None
        return datetime.now(UTC) - timedelta(seconds=time.monotonic() - self._polled_s)

    def routes(self) -> Mapping[str, WebApp]:
        return {} if self._webhook is None else {f"/{self.name}": Deliveries(self._delivered, LARGEST_UPDATE)}

    # --- listening ---------------------------------------------------------------------------------------------------

    async def listen(self, receive: Receive) -> None:
        self._receive = receive
        self._background.run(
            introduce(self._bot, f"{self._key}:profile", self._introductions, self._get_setting, self._put_setting)
        )
        if self._webhook is None:
            await self._retry_for_ever("deleteWebhook")
            await self._poll()
        else:
            await self._watch(self._webhook)

    async def webhook(self, secret: str | None, body: bytes) -> tuple[int, Json | None]:
        """Status and JSON to answer an update with that Telegram posted; anything but 200 makes it post again."""
        if self._webhook is None or not hmac.compare_digest((secret or "").encode(), self._webhook.secret.encode()):
            return 403, None
        try:
            update = json.loads(body)
        except (ValueError, RecursionError):
            return 400, None
        if not is_update(update):
            return 400, None
        self._brought += 1
        if self._receive is None:
            return 503, None
        try:
            return 200, await self._take(update, self._incoming(update))
        except Exception as error:
            _log_unrecorded(update, error)
            return 500, None

    async def _delivered(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Json | None]:
        return await self.webhook(headers.get("x-telegram-bot-api-secret-token"), body)

    async def _watch(self, webhook: Webhook) -> None:
        """Has updates brought to us, and sees to it that they still are."""
        watch, is_set = WebhookWatch(webhook.url), False
        while True:
            if not is_set:
                url, secret = webhook.url, webhook.secret
                await self._retry_for_ever("setWebhook", url=url, secret_token=secret, allowed_updates=ALLOWED)
            await self._pause(watch.next_look_s)
            trouble = watch.trouble_in(await self._retry_for_ever("getWebhookInfo", webhook_in), self._brought)
            self._note("webhook", trouble)
            is_set = trouble is None

    async def _poll(self) -> None:
        offset: int | None = None
        turns: dict[int, Turn] = {}
        known: Collection[int] = ()
        idle_s = 0.0
        try:
            while True:
                began = time.monotonic()
                batch = await self._next_batch(offset)
                self._polled_s = time.monotonic()
                if idle_s := _idle_after(batch, known, self._polled_s - began, idle_s):
                    await self._pause(idle_s)
                if not (updates := batch.updates):
                    continue
                turns = self._begin(updates, turns)
                await asyncio.wait(turns.values(), timeout=self._patience_s)
                waiting = await self._uncommitted(turns)
                # The last received and not the highest: after a quiet week Telegram starts anew with a lower number.
                offset = min(waiting) if waiting else updates[-1]["update_id"] + 1
                turns, known = (turns, ()) if waiting else ({}, turns.keys())
        finally:
            for turn in turns.values():
                turn.cancel()
            await asyncio.gather(*turns.values(), return_exceptions=True)

    async def _next_batch(self, offset: int | None) -> Batch:
        batch: Batch = await self._retry_for_ever(
            "getUpdates",
            batch_in,
            timeout_s=self._poll_s + self._timeout_s,
            offset=offset,
            limit=BATCH,
            timeout=self._poll_s,
            allowed_updates=ALLOWED,
        )
        if batch.malformed:
            self.ignored_updates["malformed"] += batch.malformed
            log.error("left out of an answer of Telegram, because they are no updates: %d", batch.malformed)
        self._note("updates", None if batch.updates or not batch.malformed else NO_UPDATES)
        return batch

    def _begin(self, updates: list[Json], earlier: dict[int, Turn]) -> dict[int, Turn]:
        """A turn for each update, chats side by side; of those handed to us again only what has failed begins anew."""
        turns: dict[int, Turn] = {}
        latest: dict[str, Turn] = {}
        for update in updates:
            update_id, chat = update["update_id"], chat_of(update)
            turn = earlier.get(update_id)
            if turn is None or (turn.done() and not turn.result()):
                turn = asyncio.create_task(self._turn(update, latest.get(chat)))
            turns[update_id] = latest[chat] = turn
        return turns

    async def _turn(self, update: Json, before: Turn | None) -> bool:
        """Whether the update is committed. It waits for the one before it in its chat, and does not overtake it."""
        try:
            incoming = self._incoming(update)
            if before is not None and not await before:
                return False
            answer = await self._take(update, incoming)
        except Exception as error:
            if update["update_id"] not in self._unrecorded:
                _log_unrecorded(update, error)
                self._unrecorded.add(update["update_id"])
            return False
        self._unrecorded.discard(update["update_id"])
        if answer is not None:
            self._background.run(self._bot.call(answer.pop("method"), **answer))
        return True

    async def _uncommitted(self, turns: dict[int, Turn]) -> list[int]:
        """Ids that Telegram must not forget yet. Pauses when any has failed, so that it is not tried again at once."""
        waiting = [update_id for update_id, turn in turns.items() if not turn.done() or not turn.result()]
        if any(turns[update_id].done() for update_id in waiting):
            await self._pause(self._patience_s)
        return waiting

    def _incoming(self, update: Json) -> Incoming | None:
        incoming = incoming_from(update, self._key)
        if incoming is not None:
            self._hear(incoming)
        return incoming

    async def _take(self, update: Json, incoming: Incoming | None) -> Json | None:
        """Hands an update in; returns, once it is committed, the call that stops the tapped button's spinner."""
        if incoming is None:
            self.ignored_updates[kind_of(update)] += 1
            log.info("ignored an update of kind %s", kind_of(update))
            return None
        assert self._receive is not None
        word = await self._receive(incoming)
        if incoming.choice is None:
            return None
        answer = {"method": "answerCallbackQuery", "callback_query_id": update["callback_query"]["id"]}
        return {**answer, "text": word[:200]} if word else answer

    async def _retry_for_ever(self, method: str, read: Callable[[Any], Any] = anything, **parameters: Any) -> Any:
        """What `read` gives of a call that we cannot go on without, however long it takes to get it."""
        pause, failing_since = FIRST_PAUSE_S, None
        while True:
            try:
                async with self._boundary():
                    result = read(await self._bot.call(method, **parameters))
            except (Busy, ChannelDown, Undeliverable) as error:
                failing_since = failing_since or time.monotonic()
                wait = max(pause, _asked_for(error))
                if not isinstance(error, Busy) or max(wait, time.monotonic() - failing_since) >= TELL_AFTER_S:
                    self._note("call", _trouble_of(error, method))
                await self._pause(min(wait, LONGEST_PAUSE_S))
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                self._note("call", None)
                return result

    @asynccontextmanager
    async def _boundary(self) -> AsyncIterator[None]:
        """Errors as ours. That the bot is unknown is believed only when getMe says so too."""
        try:
            with errors_as_ours():
                yield
        except UnknownBot as error:
            if await self._is_unknown():
                raise
            raise Busy(f"only this was answered so: {error}", most_tries=MOST_TRIES) from error

    async def _is_unknown(self) -> bool:
        try:
            with errors_as_ours():
                await self._bot.call("getMe")
        except ChannelDown:
            return True
        except (Busy, Undeliverable):
            pass
        return False

    def _note(self, kind: str, trouble: str | None) -> None:
        if trouble is None:
            self._troubles.pop(kind, None)
            return
        if trouble != self._troubles.get(kind):
            log.error("%s", trouble)
        self._troubles[kind] = trouble

    # --- sending -----------------------------------------------------------------------------------------------------

    async def send(self, sending: Sending) -> str | None:
        outgoing = sending.outgoing
        if outgoing.retires is not None and sending.retires_ref:
            self._background.run(self._sender.retire(sending.address, sending.retires_ref, outgoing.retires))
        async with self._boundary():
            return await self._sender.send(sending.address, outgoing)

    async def notice(self, address: str, outgoing: Outgoing) -> None:
        async with self._boundary():
            await self._sender.send(address, outgoing)

    async def close(self) -> None:
        await self._background.close(self._patience_s)
        await self._bot.disconnect()


def _log_unrecorded(update: Json, error: Exception) -> None:
    # Only the error's class: its text may hold what the patient wrote.
    log.error("update %s of kind %s was not recorded: %s", update["update_id"], kind_of(update), type(error).__name__)


def _idle_after(batch: Batch, known: Collection[int], took_s: float, last_s: float) -> float:
    """How long to wait after an answer that came at once and brings nothing new. Telegram's own never does so twice."""
    if took_s >= LONGEST_IDLE_S or any(update["update_id"] not in known for update in batch.updates):
        return 0.0
    return min(2 * last_s or FIRST_PAUSE_S, LONGEST_IDLE_S)


def _asked_for(error: Exception) -> float:
    """Seconds; 0 when the server named none."""
    after = error.retry_after if isinstance(error, Busy) else None
    return 0.0 if after is None else after.total_seconds()


def _trouble_of(error: Exception, method: str) -> str:
    match error:
        case Busy():
            return f"Telegram cannot be reached: {error}"
        case Undeliverable():
            return f"Telegram refuses {method}: {error}"
        case _:
            return str(error)
