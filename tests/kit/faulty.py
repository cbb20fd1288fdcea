"""`cordwatch` with a fault in it: `python -m tests.kit.faulty FAULT[,FAULT…] run`. What no test can do from outside.

Every wait for trouble is short here, so that a test sees in two seconds what a clinic sees in ninety.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from bot import app
from bot.channels import Incoming
from bot.channels.telegram import webhook
from bot.cli import main, running
from bot.health import status
from bot.service import outbox, probe, pulse, service, waker
from bot.store import signals
from bot.store.sqlite import writer

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "tests.kit.faulty")


_commit = writer.Writer._commit
_receive = service.Service._receive
utc_now = service.utc_now


async def _raises(*_: Any) -> NoReturn:
    raise RuntimeError("legs are numb")


async def _returns(*_: Any) -> None:
    await asyncio.sleep(0.1)


async def _is_cancelled(*_: Any) -> None:
    await asyncio.sleep(0.1)
    raise asyncio.CancelledError


async def _hangs(*_: Any) -> None:
    await asyncio.get_running_loop().create_future()


def _dies(self: writer.Writer, group: Any) -> Any:
    """Once there is a file `die` where the service was started."""
    if Path("die").exists():
        raise SystemExit
    return _commit(self, group)


async def _hangs_at_words(self: service.Service, incoming: Incoming) -> str | None:
    if incoming.text == "hang":
        await _hangs()
    return await _receive(self, incoming)


def _clock() -> datetime:
    """The machine's, set by as many seconds as the file `jump` says."""
    jump = Path("jump")
    return utc_now() + timedelta(seconds=float(jump.read_text()) if jump.exists() else 0)


FAULTS = {
    "turn-hangs": (service.Service, "_receive", _hangs_at_words),
    "clock-jumps": (app, "utc_now", _clock),
    "none": (object, "", None),
    "outbox-returns": (outbox.Outbox, "run", _returns),
    "outbox-is-cancelled": (outbox.Outbox, "run", _is_cancelled),
    "outbox-raises": (outbox.Outbox, "run", _raises),
    "watch-raises": (service.Service, "check_seen", _raises),
    "wake-raises": (waker.Waker, "wake_due", _raises),
    "wake-hangs": (waker.Waker, "wake_due", _hangs),
    "probe-raises": (probe.Rehearsal, "append", _raises),
    "writer-dies": (writer.Writer, "_commit", _dies),
}


def program(directory: Path, faults: str) -> str:
    """A file to start instead of `cordwatch`."""
    path = directory / "faulty"
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec {" ".join(COMMAND)} {faults} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def break_at(fault: str) -> None:
    where, name, replacement = FAULTS[fault]
    if name:
        setattr(where, name, replacement)


if __name__ == "__main__":
    pulse.SILENT_AFTER_S = 2.0
    signals.LONGEST_WAIT_S = 0.2
    waker.WAKE_AGAIN_S = 0.2
    probe.EVERY_S = 0.3
    webhook.LOOK_AFTER_S = webhook.LOOK_AGAIN_AFTER_S = 0.3
    status.ANSWERED_WITHIN = status.POLLED_WITHIN = timedelta(seconds=2)
    running.SEEN_WITHIN = timedelta(seconds=1)
    for fault in sys.argv.pop(1).split(","):
        break_at(fault)
    main.main()
