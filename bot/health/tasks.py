"""The tasks of the process: each goes on side by side with the others, and none takes them down with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn

from bot.service.pulse import Pulse

log = logging.getLogger("cordwatch")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 10.0


class Ended(Exception):
    """The service has ended though nobody told it to: whoever supervises it is to start it anew."""


class Tasks:
    """Keeps tasks alive: one that ends, however it does, is counted and begun anew after a pause."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.pulses: dict[str, Pulse] = {}
        self._sleep = sleep

    async def keep(self, pulse: Pulse, begin: Callable[[], Coroutine[Any, Any, object]]) -> NoReturn:
        """Runs until it is cancelled itself."""
        self.pulses[pulse.name] = pulse
        while True:
            pulse.begins()
            pulse.has_ended(await _end_of(begin()))
            log.error("the task %r has ended (%s); it is begun anew", pulse.name, pulse.error)
            await self._sleep(min(FIRST_PAUSE_S * 2 ** (pulse.vain_ends - 1), LONGEST_PAUSE_S))


async def _end_of(coroutine: Coroutine[Any, Any, object]) -> BaseException | str:
    """How it ended, though nobody stopped it. Stopped from outside, it is stopped too and nothing is returned."""
    task = asyncio.ensure_future(coroutine)
    try:
        await asyncio.wait([task])
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    if task.cancelled():
        return "was cancelled from within"
    return task.exception() or "returned"
