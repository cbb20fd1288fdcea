"""How the tests' own Telegram hands updates over: numbering, long polling with offsets, and webhooks."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.kit.botapi.rules import Json, Refusal, as_json, as_number, bad_request

if TYPE_CHECKING:
    from tests.kit.botapi.server import Faults

NOT_SENT_UNASKED = {"chat_member", "message_reaction", "message_reaction_count"}


class Updates:
    """Updates not yet confirmed, oldest first. `answer` carries out a call that a webhook's response asks for."""

    def __init__(self, faults: Faults, retry_s: float, answer: Callable[[Json], Awaitable[None]]) -> None:
        self.waiting: list[tuple[int, Json]] = []
        self.webhook: Json = {}
        self.webhook_answers: Counter[int] = Counter()
        self._faults, self._retry_s, self._answer = faults, retry_s, answer
        self._allowed: list[str] = []
        self._last_error: Json = {}
        # First and last number of each run of numbering.
        self._runs: list[list[int]] = [[1, 0]]
        self._confirmed: deque[Json] = deque(maxlen=50)
        self._changed = asyncio.Event()
        self._poll: asyncio.Future[str] | None = None
        self._lanes: dict[Any, asyncio.Task[None]] = {}
        self._session: ClientSession | None = None

    def push(self, **content: Any) -> int:
        """Queues an update and returns its number; a kind that the bot did not ask for only takes a number."""
        run = self._runs[-1]
        run[1] += 1
        kind = next(iter(content))
        if kind in self._allowed or (not self._allowed and kind not in NOT_SENT_UNASKED):
            self._add(len(self._runs) - 1, {"update_id": run[1], **content})
        return run[1]

    def push_unasked(self, **content: Any) -> int:
        """Queues an update whatever the bot asked for, such as one of a kind that is yet to be invented."""
        run = self._runs[-1]
        run[1] += 1
        self._add(len(self._runs) - 1, {"update_id": run[1], **content})
        return run[1]

    def renumber(self, first: int) -> None:
        """As after a week of quiet: the next number is `first`, often lower than the last."""
        self._runs.append([first, first - 1])

    async def settles(self, within_s: float = 5) -> None:
        """Returns when every update is confirmed."""
        async with asyncio.timeout(within_s):
            while self.waiting:
                await self._changed.wait()

    async def close(self) -> None:
        for lane in self._lanes.values():
            lane.cancel()
        await asyncio.gather(*self._lanes.values(), return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    # --- long polling ------------------------------------------------------------------------------------------------

    async def poll(self, parameters: Json) -> list[Json]:
        if self.webhook:
            raise Refusal(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self._end_poll("terminated by other getUpdates request; make sure that only one bot instance is running")
        self._allow(parameters)
        self._confirm(as_number(parameters, "offset", 0))
        if not self.waiting and (timeout := as_number(parameters, "timeout", 0)) > 0:
            await self._next_update(timeout)
        batch = [update for _, update in self.waiting[: min(as_number(parameters, "limit", 100), 100)]]
        return self._disturbed(batch)

    async def _next_update(self, within_s: int) -> None:
        self._poll = poll = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(within_s):
                why = await poll
        except TimeoutError:
            return
        finally:
            if self._poll is poll:
                self._poll = None
        if why:
            raise Refusal(409, f"Conflict: {why}")

    def _end_poll(self, why: str) -> None:
        """Answers the poll under way; with an empty `why` because there is an update."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(why)
        self._poll = None

    def _allow(self, parameters: Json) -> None:
        if parameters.get("allowed_updates") is not None:
            self._allowed = as_json(parameters["allowed_updates"])

    def _confirm(self, offset: int) -> None:
        """Forgets what lies before `offset` in the run of numbers it belongs to; one out of all range means nothing."""
        if offset < 0:
            self._forget(self.waiting[:offset])
        for run in reversed(range(len(self._runs))):
            first, last = self._runs[run]
            if offset > 0 and first <= offset <= last + 10:
                self._forget([one for one in self.waiting if (one[0], one[1]["update_id"]) < (run, offset)])
                return

    def _forget(self, confirmed: list[tuple[int, Json]]) -> None:
        if confirmed:
            self._confirmed.extend(update for _, update in confirmed)
            gone = {id(update) for _, update in confirmed}
            self.waiting = [one for one in self.waiting if id(one[1]) not in gone]
            self._tell()

    def _disturbed(self, batch: list[Json]) -> list[Json]:
        if batch and self._confirmed and self._faults.happens(self._faults.updates_twice):
            batch = [self._faults.one_of(self._confirmed), *batch]
        if self._faults.happens(self._faults.updates_shuffled):
            batch = self._faults.shuffled(batch)
        return batch

    # --- webhook -----------------------------------------------------------------------------------------------------

    def set_webhook(self, parameters: Json) -> bool:
        url = parameters.get("url") or ""
        if url and not url.startswith(("https://", "http://127.0.0.1")):
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        self.webhook = {"url": url, "secret": parameters.get("secret_token")} if url else {}
        self._allow(parameters)
        self._drop_if_asked(parameters)
        if url:
            self._end_poll("terminated by setWebhook request")
            for _, update in self.waiting:
                self._deliver(update)
        return True

    def delete_webhook(self, parameters: Json) -> bool:
        self.webhook = {}
        self._drop_if_asked(parameters)
        return True

    def webhook_info(self) -> Json:
        return {
            "url": self.webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self.waiting),
            "max_connections": 40,
            "allowed_updates": self._allowed,
            **self._last_error,
        }

    def _drop_if_asked(self, parameters: Json) -> None:
        if str(parameters.get("drop_pending_updates")).lower() == "true":
            self._forget(self.waiting)

    def _deliver(self, update: Json) -> None:
        """Posts it after the earlier ones of its chat; chats side by side."""
        body: Json = next(value for key, value in update.items() if key != "update_id")
        chat = (body.get("chat") or body.get("message", {}).get("chat") or {}).get("id")
        self._lanes[chat] = asyncio.create_task(self._post_until_taken(update, self._lanes.get(chat)))

    async def _post_until_taken(self, update: Json, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=10))
        pause = self._retry_s
        while self.webhook and any(one is update for _, one in self.waiting):
            taken = await self._post(self._session, update)
            if taken and self._faults.happens(self._faults.updates_twice):
                await self._post(self._session, update)
            if taken:
                self._forget([one for one in self.waiting if one[1] is update])
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, 100 * self._retry_s)

    async def _post(self, session: ClientSession, update: Json) -> bool:
        secret = self.webhook.get("secret")
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        try:
            async with session.post(self.webhook["url"], json=update, headers=headers) as response:
                status, body = response.status, await response.read()
        except (ClientError, TimeoutError):
            return self._not_taken(0, "Connection refused")
        if not 200 <= status <= 299:
            return self._not_taken(status, f"Wrong response from the webhook: {status}")
        self.webhook_answers[status] += 1
        if body.startswith(b"{"):
            await self._answer(json.loads(body))
        return True

    def _not_taken(self, status: int, why: str) -> bool:
        self.webhook_answers[status] += 1
        self._last_error = {"last_error_date": int(time.time()), "last_error_message": why}
        self._tell()
        return False

    # --- both --------------------------------------------------------------------------------------------------------

    def _add(self, run: int, update: Json) -> None:
        self.waiting.append((run, update))
        self._end_poll("")
        if self.webhook:
            self._deliver(update)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
