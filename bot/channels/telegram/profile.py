"""How the bot introduces itself: name, description and commands, registered with Telegram in each language."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence

from telegram.error import TelegramError

from bot.channels import Introduction
from bot.channels.telegram.request import Json, PlainBot

log = logging.getLogger(__name__)

PRIVATE_CHATS = {"type": "all_private_chats"}


async def introduce(
    bot: PlainBot,
    key: str,
    introductions: Sequence[Introduction],
    get_setting: Callable[[str], Awaitable[str | None]],
    put_setting: Callable[[str, str], Awaitable[None]],
) -> None:
    """Registers what differs from what was registered last; what fails is tried again at the next start.

    `key`: of the setting that keeps what was. The first introduction is also what patients with another language see.
    """
    registered = json.loads(await get_setting(key) or "{}")
    for name, method, parameters in _calls(introductions, registered):
        digest = hashlib.sha256(json.dumps(parameters).encode()).hexdigest()[:16]
        if registered.get(name) == digest:
            continue
        try:
            await bot.call(method, **parameters)
        except TelegramError as error:
            log.warning("%s was refused and will be tried at the next start: %s", name, error)
            continue
        registered[name] = digest
        await put_setting(key, json.dumps(registered))


def _calls(introductions: Sequence[Introduction], registered: Json) -> Iterator[tuple[str, str, Json]]:
    """Name, method and parameters of each; of a language no longer offered, those that take it away."""
    codes: dict[str, Introduction] = {}
    for introduction in introductions:
        codes.setdefault("", introduction)
        # Telegram knows languages by two letters only.
        if len(code := re.split("[-_]", introduction.language)[0]) == 2:
            codes.setdefault(code, introduction)
    for code in {*codes, *(name.partition(".")[0] for name in registered)} if codes else ():
        one = codes.get(code, Introduction(code, "", "", "", ()))
        commands = [{"command": command, "description": what} for command, what in one.commands]
        yield f"{code}.name", "setMyName", {"name": one.name, "language_code": code}
        yield (
            f"{code}.short",
            "setMyShortDescription",
            {"short_description": one.short_description, "language_code": code},
        )
        yield f"{code}.description", "setMyDescription", {"description": one.description, "language_code": code}
        parameters = {"scope": PRIVATE_CHATS, "language_code": code}
        if commands:
            yield f"{code}.commands", "setMyCommands", {"commands": commands, **parameters}
        else:
            yield f"{code}.commands", "deleteMyCommands", parameters
