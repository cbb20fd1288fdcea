"""Calls that nobody waits for and that may fail: a button's spinner, the look of an answered question."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from typing import Any

from telegram.error import TelegramError

log = logging.getLogger(__name__)

MOST_AT_ONCE = 200


class Background:
    """Not too many at once: beyond that a call is left out."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, call: Coroutine[Any, Any, Any]) -> None:
        if len(self._tasks) >= MOST_AT_ONCE:
            call.close()
            return
        task = asyncio.create_task(best_effort(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, patience_s: float) -> None:
        """Ends what has not ended after a moment."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def best_effort(call: Awaitable[object]) -> None:
    try:
        await call
    except TelegramError:
        pass
    except Exception as error:
        log.error("a call in the background failed: %s", type(error).__name__)
