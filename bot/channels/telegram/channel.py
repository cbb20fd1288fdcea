"""Telegram: patients' updates by long polling or webhook, and our messages to them.

Telegram forgets an update once a higher offset is requested or the webhook has answered 200, so both wait for the
commit. What may be lost without harm (a button's spinner, the look of an answered question) is sent in the
background.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from telegram import InputFile
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)

from bot.channels import (
    Busy,
    Channel,
    ChannelDown,
    ChannelStatus,
    Introduction,
    Outgoing,
    Pace,
    Receive,
    Retired,
    Sending,
    Undeliverable,
    WebApp,
)
from bot.channels.telegram.messages import NO_PREVIEW, Part, parts_of, retirement
from bot.channels.telegram.profile import introduce
from bot.channels.telegram.request import Json, open_bot
from bot.channels.telegram.updates import ALLOWED, chat_of, incoming_from, kind_of
from bot.web.deliveries import Deliveries

log = logging.getLogger(__name__)

TELEGRAM = "https://api.telegram.org"
PICTURES = Path(__file__).parents[2] / "static" / "pictures"

BATCH = 100
LARGEST_UPDATE = 1_000_000
"""Bytes."""
GIVE_UP_AFTER = 10
MOST_IN_BACKGROUND = 200
FIRST_PAUSE_S, LONG_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0, 30.0

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
    ) -> None:
        super().__init__(name, pace)
        self.ignored_updates: Counter[str] = Counter()
        self._bot = open_bot(token, api_url, timeout)
        self._key = f"{name}:{token.partition(':')[0]}"
        self._get_setting, self._put_setting = get_setting, put_setting
        self._webhook, self._introductions = webhook, introductions
        self._timeout_s, self._poll_s = timeout.total_seconds(), round(poll.total_seconds())
        self._patience_s, self._pause = patience.total_seconds(), pause
        self._receive: Receive | None = None
        self._trouble: str | None = None
        self._polled_at: datetime | None = None
        self._failures: Counter[int] = Counter()
        self._background: set[asyncio.Task[None]] = set()

    def status(self) -> ChannelStatus:
        return ChannelStatus(self._trouble, self._polled_at)

    def routes(self) -> Mapping[str, WebApp]:
        return {} if self._webhook is None else {f"/{self.name}": Deliveries(self._delivered, LARGEST_UPDATE)}

    # --- listening ---------------------------------------------------------------------------------------------------

    async def listen(self, receive: Receive) -> None:
        self._receive = receive
        self._in_background(
            introduce(self._bot, f"{self._key}:profile", self._introductions, self._get_setting, self._put_setting)
        )
        if self._webhook is None:
            await self._retry_for_ever("deleteWebhook")
            await self._poll()
        else:
            url, secret = self._webhook.url, self._webhook.secret
            await self._retry_for_ever("setWebhook", url=url, secret_token=secret, allowed_updates=ALLOWED)
            await asyncio.Event().wait()

    async def webhook(self, secret: str | None, body: bytes) -> tuple[int, Json | None]:
        """Status and JSON to answer an update with that Telegram posted; anything but 200 makes it post again."""
        if self._webhook is None or not hmac.compare_digest((secret or "").encode(), self._webhook.secret.encode()):
            return 403, None
        try:
            update = json.loads(body)
            int(update["update_id"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return 400, None
        if self._receive is None:
            return 503, None
        try:
            return 200, await self._take(update)
        except Exception as error:
            _log_unrecorded(update, error)
            return 500, None

    async def _delivered(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Json | None]:
        return await self.webhook(headers.get("x-telegram-bot-api-secret-token"), body)

    async def _poll(self) -> None:
        offset: int | None = None
        turns: dict[int, Turn] = {}
        try:
            while True:
                updates = await self._retry_for_ever(
                    "getUpdates",
                    timeout_s=self._poll_s + self._timeout_s,
                    offset=offset,
                    limit=BATCH,
                    timeout=self._poll_s,
                    allowed_updates=ALLOWED,
                )
                self._polled_at = datetime.now(UTC)
                if not updates:
                    continue
                turns = self._begin(updates, turns)
                await asyncio.wait(turns.values(), timeout=self._patience_s)
                waiting = await self._uncommitted(turns)
                # The last received and not the highest: after a quiet week Telegram starts anew with a lower number.
                offset = min(waiting) if waiting else updates[-1]["update_id"] + 1
                turns = turns if waiting else {}
        finally:
            for turn in turns.values():
                turn.cancel()
            await asyncio.gather(*turns.values(), return_exceptions=True)

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
        if before is not None and not await before:
            return False
        try:
            answer = await self._take(update)
        except Exception as error:
            if not self._failures[update["update_id"]]:
                _log_unrecorded(update, error)
            self._failures[update["update_id"]] += 1
            return False
        self._failures.pop(update["update_id"], None)
        if answer is not None:
            self._in_background(self._bot.call(answer.pop("method"), **answer))
        return True

    async def _uncommitted(self, turns: dict[int, Turn]) -> list[int]:
        """Ids that Telegram must not forget yet. Pauses when any has failed, so that it is not tried again at once."""
        waiting = [update_id for update_id, turn in turns.items() if not turn.done() or not turn.result()]
        if all(turns[update_id].done() for update_id in waiting) and len(waiting) < len(turns) == BATCH:
            # A full window behind one update that can never be recorded would shut everybody else out.
            for update_id in [one for one in waiting if self._failures[one] >= GIVE_UP_AFTER]:
                log.critical("update %d could not be recorded %d times and is given up", update_id, GIVE_UP_AFTER)
                waiting.remove(update_id)
                del self._failures[update_id]
        if any(turns[update_id].done() for update_id in waiting):
            await self._pause(self._patience_s)
        return waiting

    async def _take(self, update: Json) -> Json | None:
        """Hands an update in; returns, once it is committed, the call that stops the tapped button's spinner."""
        incoming = incoming_from(update, self._key)
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

    async def _retry_for_ever(self, method: str, **parameters: Any) -> Any:
        """The result of a call that we cannot go on without, however long it takes to get it."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                with _errors_as_ours():
                    result = await self._bot.call(method, **parameters)
            except Busy as error:
                if pause >= LONG_PAUSE_S:
                    self._note(f"Telegram cannot be reached: {error}")
                await self._pause(error.retry_after.total_seconds() if error.retry_after else pause)
            except ChannelDown as error:
                self._note(str(error))
                await self._pause(pause)
            except Undeliverable as error:
                self._note(f"Telegram refuses {method}: {error}")
                await self._pause(pause)
            else:
                self._note(None)
                return result
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _note(self, trouble: str | None) -> None:
        if trouble and trouble != self._trouble:
            log.error("%s", trouble)
        self._trouble = trouble

    # --- sending -----------------------------------------------------------------------------------------------------

    async def send(self, sending: Sending) -> str | None:
        outgoing = sending.outgoing
        if outgoing.retires is not None and sending.retires_ref is not None:
            self._in_background(self._retire(sending.address, sending.retires_ref, outgoing.retires))
        with _errors_as_ours():
            return await self._send(sending.address, outgoing)

    async def close(self) -> None:
        if self._background:
            await asyncio.wait(self._background, timeout=self._patience_s)
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._bot.disconnect()

    async def _send(self, address: str, outgoing: Outgoing) -> str:
        """The name of the part that bears the buttons: the message id, with ":photo" for a photo."""
        ref = ""
        for part in parts_of(outgoing):
            ref = await self._send_part(address, part) or ref
        return ref

    async def _send_part(self, address: str, part: Part) -> str | None:
        """Formatted, else as plain text, else without its picture: what is to be read goes before how it looks."""
        for is_plain in (False, True):
            try:
                if part.picture is not None:
                    return await self._send_photo(address, part, is_plain)
                return await self._send_text(address, part, is_plain)
            except FileNotFoundError:
                log.error("picture %s is missing", part.picture)
                break
            except BadRequest as error:
                if is_plain and part.picture is None:
                    raise
                log.warning("Telegram refused a message: %s", error)
        if not part.text and not part.heading:
            return None
        return await self._send_text(address, Part(part.text, part.heading, part.markup), is_plain=True)

    async def _send_text(self, address: str, part: Part, is_plain: bool) -> str:
        message = await self._bot.call(
            "sendMessage",
            chat_id=address,
            reply_markup=part.markup,
            link_preview_options=NO_PREVIEW,
            **part.content(is_plain),
        )
        return str(message["message_id"])

    async def _send_photo(self, address: str, part: Part, is_plain: bool) -> str:
        """A picture by its file_id; the file itself the first time, and when the formatted try was refused."""
        picture = PICTURES / f"{part.picture}.png"
        key = f"{self._key}:picture:{part.picture}:{picture.stat().st_size}"
        file_id = None if is_plain else await self._get_setting(key)
        photo = file_id or InputFile(picture.read_bytes(), filename=picture.name)
        message = await self._bot.call(
            "sendPhoto", chat_id=address, photo=photo, reply_markup=part.markup, **part.content(is_plain)
        )
        if file_id is None:
            await self._put_setting(key, message["photo"][-1]["file_id"])
        return f"{message['message_id']}:photo"

    # --- in the background -------------------------------------------------------------------------------------------

    async def _retire(self, address: str, ref: str, retired: Retired) -> None:
        method, parameters = retirement(ref, retired)
        await self._bot.call(method, chat_id=address, **parameters)

    def _in_background(self, call: Coroutine[Any, Any, Any]) -> None:
        """Runs what nobody waits for and what may fail; not at all when too many of them are already waiting."""
        if len(self._background) >= MOST_IN_BACKGROUND:
            call.close()
            return
        task = asyncio.create_task(_best_effort(call))
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _best_effort(call: Coroutine[Any, Any, Any]) -> None:
    try:
        await call
    except TelegramError:
        pass
    except Exception as error:
        log.error("a call in the background failed: %s", type(error).__name__)


def _log_unrecorded(update: Json, error: Exception) -> None:
    # Only the error's class: its text may hold what the patient wrote.
    log.error("update %s of kind %s was not recorded: %s", update["update_id"], kind_of(update), type(error).__name__)


@contextlib.contextmanager
def _errors_as_ours() -> Iterator[None]:
    """Telegram's errors by what the caller should do. To the library BadRequest is a NetworkError, hence the order."""
    try:
        yield
    except RetryAfter as error:
        wait = error.retry_after
        raise Busy(str(error), wait if isinstance(wait, timedelta) else timedelta(seconds=wait)) from error
    except Forbidden as error:
        raise Undeliverable(str(error), "blocked") from error
    except InvalidToken as error:
        raise ChannelDown(f"Telegram does not know this bot ({error}): check BOT_TELEGRAM_TOKEN") from error
    except Conflict as error:
        raise ChannelDown(
            f"Telegram serves this bot to another process ({error}): stop the other one, or give this one its own token"
        ) from error
    except (BadRequest, ChatMigrated) as error:
        raise Undeliverable(str(error), "refused") from error
    except TelegramError as error:
        raise Busy(str(error)[:200]) from error
