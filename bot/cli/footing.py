"""What the service stands on besides its files: the database, the address, Telegram. Looked at, never changed."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from bot.cli.door import DoorShut, ask, door_of
from bot.cli.findings import Finding
from bot.clinic.settings import Config, ConfigError
from bot.health.status import DISK_LOW_BYTES
from bot.makes import open_store, refuse_missing, refuse_newer, refuse_taken, refuse_wrong_database
from bot.store.store import StoreLocked, UnfitStore
from bot.web.server import AddressTaken, bound
from dialogs.protocol import TriageProtocol

TOKEN_UNKNOWN = "Telegram does not know the token; take the one that @BotFather gave, whole, into BOT_TELEGRAM_TOKEN"
WITHIN_S = 4.0
"""Seconds that Telegram has to answer."""


def look(config: Config, protocol: TriageProtocol) -> Iterator[Finding]:
    """What would keep the service from starting here, and what it could not do well."""
    if _is_running(config.database):
        yield Finding("ok", f"database {config.database}: the service runs on it")
    else:
        yield from _database(config)
        yield from _address(config)
    if config.database.exists():
        yield from _content(config, protocol)
    yield from _telegram(config)


def _is_running(database: Path) -> bool:
    """Whether a service can be spoken to, or at least stands behind a door that is shut for us."""
    door = door_of(database)
    try:
        return door.exists() and ask(door, b"{}") is not None
    except DoorShut:
        return True


def _database(config: Config) -> Iterator[Finding]:
    path = config.database
    try:
        refuse_wrong_database(config)
        if not config.is_demo:
            refuse_missing(config)
        refuse_newer(config)
        _refuse_unwritable(path)
        refuse_taken(config)
    except (ConfigError, UnfitStore, StoreLocked) as error:
        yield Finding("problem", str(error))
        return
    except OSError as error:
        remedy = "give the user who runs this the right to write there, or name another file with BOT_DATABASE"
        yield Finding("problem", f"{path}: cannot be written ({error.strerror}); {remedy}")
        return
    yield Finding("ok", f"database {path}")
    if (free := shutil.disk_usage(_there(path.parent)).free) < DISK_LOW_BYTES:
        yield Finding("note", f"{path}: its disk has only {free // 2**20} MB left; make room")


def _refuse_unwritable(path: Path) -> None:
    """Raises OSError where the database, or what lies beside it, could not be written."""
    if path.exists():
        path.open("r+b").close()
    folder = _there(path.parent)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".cordwatch-check-"):
        pass


def _there(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists. Raises OSError if that is none."""
    found = next(one for one in (folder, *folder.resolve().parents) if one.exists())
    if not found.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(found))
    return found


def _address(config: Config) -> Iterator[Finding]:
    try:
        bound(*config.listen).close()
    except AddressTaken as error:
        yield Finding("problem", str(error))
    else:
        yield Finding("ok", f"address {config.listen[0]}:{config.listen[1]} is free")


def _content(config: Config, protocol: TriageProtocol) -> Iterator[Finding]:
    """What is read of a database whose tables are today's; an older one is brought up to date at the start."""

    async def read() -> tuple[str | None, bool]:
        store = open_store(config, is_reader=True)
        try:
            kept = (await store.protocols()).get(protocol.version)
            return kept, any(nurse.is_active and not nurse.is_demo for nurse in await store.desk.nurses())
        finally:
            await store.close()

    with suppress(ConfigError, UnfitStore, OSError):
        kept, has_accounts = asyncio.run(read())
        if kept not in (None, protocol.text):
            yield Finding(
                "problem",
                f"protocol {protocol.version}: checks have begun under this version with other content; give the "
                "changed protocol a new version",
            )
        if not has_accounts and not config.is_demo:
            yield Finding("note", "nobody can sign in to read: no account is active; `cordwatch nurse add NAME EMAIL`")


def _telegram(config: Config) -> Iterator[Finding]:
    """Who the token says we are. That Telegram cannot be reached now need not be so at the start."""
    telegram = config.telegram
    if telegram.token is None:
        return
    if "your-token" in telegram.token.get_secret_value():
        yield Finding("problem", f"BOT_TELEGRAM_TOKEN is what the guide has in its place; {TOKEN_UNKNOWN}")
        return
    try:
        with urlopen(f"{telegram.api_url}/bot{telegram.token.get_secret_value()}/getMe", timeout=WITHIN_S) as answer:
            name = json.loads(answer.read(65_536))["result"]["username"]
    except HTTPError as error:
        if error.code in (401, 404):
            yield Finding("problem", f"{telegram.api_url}: {TOKEN_UNKNOWN}")
        else:
            yield Finding("note", f"{telegram.api_url} answers {error.code}; Telegram could not be asked for the bot")
    except (URLError, TimeoutError, OSError) as error:
        why = getattr(error, "reason", None) or error
        yield Finding("note", f"{telegram.api_url} cannot be reached ({why}); whether the token is right is not known")
    except (ValueError, KeyError, TypeError):
        yield Finding("note", f"{telegram.api_url} does not answer as Telegram does; is BOT_TELEGRAM_API_URL right?")
    else:
        yield Finding("ok", f"Telegram: @{name}")
