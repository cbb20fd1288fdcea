"""What the supervisor of the machine is told: that the service is ready, and that it is alive. See sd_notify(3)."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping

log = logging.getLogger("cordwatch")
LONGEST_WAIT_S = 20.0
READY, ALIVE, STOPPING = "READY=1", "WATCHDOG=1", "STOPPING=1"


class Supervisor:
    """systemd, or whoever listens at NOTIFY_SOCKET; nobody when there is none."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        is_watching = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        limit = environ.get("WATCHDOG_USEC", "") if is_watching else ""
        self.every_s = min(int(limit) / 3e6, LONGEST_WAIT_S) if limit.isdecimal() else None
        """How often it must hear that we live; None when it does not listen for that."""

    def tell(self, state: str) -> None:
        """Never waits, and never raises: what cannot be told is not worth a patient's time."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
                door.setblocking(False)
                door.connect(self._address)
                door.send(state.encode())
        except OSError as error:
            log.warning("the supervisor cannot be told %s: %s", state, error.strerror)

    async def feed(self, is_better_left_alone: Callable[[], Awaitable[bool]]) -> None:
        """Says that we live for as long as a new start would mend nothing; until cancelled."""
        if self.every_s is None:
            await asyncio.get_running_loop().create_future()
        is_fed = True
        while self.every_s is not None:
            was_fed, is_fed = is_fed, await is_better_left_alone()
            if is_fed:
                self.tell(ALIVE)
            elif was_fed:
                log.critical("the supervisor is no longer told that the service lives, so that it starts it anew")
            await asyncio.sleep(self.every_s)
