"""The service's own backups, each made by a process of its own: proving one is work that no patient should wait for."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

from bot.clinic.settings import DEMO, Config
from bot.service.pulse import Pulse
from bot.store.copies import LAST_BACKUP
from bot.store.settings import Settings

log = logging.getLogger("cordwatch.backups")
COMMAND = (sys.executable, "-m", "bot.cli.main", "backup", "--json")
NICER = 10
LOOK_EVERY_S = 20.0
"""So soon a clock that was set right is noticed."""


async def back_up_regularly(
    config: Config, store: Settings, now: Callable[[], datetime], pulse: Pulse, look_every_s: float = LOOK_EVERY_S
) -> NoReturn:
    """One at once if the last is too old, or will be. A failure is tried again as soon as the next would be due."""
    tried_at: datetime | None = None
    while True:
        last = tried_at or _made_at(await store.get_setting(LAST_BACKUP))
        if last is None or not timedelta(0) <= now() - last < config.backup.pause:
            tried_at = now()
            await _back_up(config, store, pulse)
        await asyncio.sleep(look_every_s)


async def _back_up(config: Config, store: Settings, pulse: Pulse) -> None:
    code, said, complaint = await _copied(config)
    if code == 0:
        await store.put_setting(LAST_BACKUP, said)
        pulse.succeeded()
        return
    pulse.failed("BackupFailed")
    log.error("a backup failed: %s", complaint)


async def _copied(config: Config) -> tuple[int, str, str]:
    """Exit code and what was said. Ends with us."""
    arguments = (str(_absolute(Path(config.backup.directory or ""))), "--keep", str(config.backup.keep))
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        env=_environment(config),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us
    )
    try:
        os.setpriority(os.PRIO_PROCESS, process.pid, NICER)
        said, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode or 0, said.decode().strip(), " ".join(complaint.decode().split())


def _environment(config: Config) -> dict[str, str]:
    """The same clinic, wherever the process stands."""
    source, database = _absolute(config.source or DEMO), _absolute(config.database)
    return {**os.environ, "BOT_CONFIG": str(source), "BOT_DATABASE": str(database)}


def _absolute(path: Path) -> Path:
    return Path.cwd() / path


def _made_at(proof: str | None) -> datetime | None:
    with suppress(ValueError, KeyError, TypeError):
        at = datetime.fromisoformat(json.loads(proof or "")["at"])
        return at if at.tzinfo else None
    return None
