"""How the bot introduces itself: name, description and commands, registered with Telegram in each language."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from telegram.error import TelegramError

from bot.channels.telegram.request import Json, PlainBot

log = logging.getLogger(__name__)

PRIVATE_CHATS = {"type": "all_private_chats"}


@dataclass(frozen=True, slots=True)
class Profile:
    """The bot in one language. Telegram takes 64 characters of name, 120 of short description, 512 of description.

    `commands`: name without slash, and what it does in at most 256 characters.
    """

    language: str
    name: str
    short_description: str
    description: str
    commands: tuple[tuple[str, str], ...]


async def introduce(
    bot: PlainBot,
    bot_id: str,
    profiles: Sequence[Profile],
    get_setting: Callable[[str], Awaitable[str | None]],
    put_setting: Callable[[str, str], Awaitable[None]],
) -> None:
    """Registers what differs from what was registered last; what fails is tried again at the next start.

    The first profile is also what patients with another language see.
    """
    key = f"telegram:{bot_id}:profile"
    registered = json.loads(await get_setting(key) or "{}")
    for name, method, parameters in _calls(profiles, registered):
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


def _calls(profiles: Sequence[Profile], registered: Json) -> Iterator[tuple[str, str, Json]]:
    """Name, method and parameters of each; of a language no longer offered, those that take it away."""
    codes: dict[str, Profile] = {}
    for profile in profiles:
        codes.setdefault("", profile)
        # Telegram knows languages by two letters only.
        if len(code := re.split("[-_]", profile.language)[0]) == 2:
            codes.setdefault(code, profile)
    for code in {*codes, *(name.partition(".")[0] for name in registered)} if codes else ():
        one = codes.get(code, Profile(code, "", "", "", ()))
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
