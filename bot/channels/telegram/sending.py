"""How one of our messages is put to Telegram: in parts, formatted if it can be, and in any case so that it is read."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from telegram import InputFile
from telegram.error import BadRequest

from bot.channels import Outgoing, Retired
from bot.channels.telegram.answers import file_id_in, message_id_in
from bot.channels.telegram.background import best_effort
from bot.channels.telegram.messages import NO_PREVIEW, Part, parts_of, retirement
from bot.channels.telegram.request import PlainBot

log = logging.getLogger(__name__)

PICTURES = Path(__file__).parents[2] / "static" / "pictures"


class Sender:
    """Puts messages to one bot's chats. Raises the library's errors. `key` begins the settings that it keeps."""

    def __init__(
        self,
        bot: PlainBot,
        key: str,
        get_setting: Callable[[str], Awaitable[str | None]],
        put_setting: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._bot, self._key = bot, key
        self._get_setting, self._put_setting = get_setting, put_setting

    async def send(self, address: str, outgoing: Outgoing) -> str:
        """The name of the part that bears the buttons: the message id, with ":photo" for a photo; empty if unnamed."""
        ref = ""
        for part in parts_of(outgoing):
            ref = await self._send_part(address, part) or ref
        return ref

    async def retire(self, address: str, ref: str, retired: Retired) -> None:
        method, parameters = retirement(ref, retired)
        await self._bot.call(method, chat_id=address, **parameters)

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
        return message_id_in(message)

    async def _send_photo(self, address: str, part: Part, is_plain: bool) -> str:
        """A picture by its file_id; the file itself the first time, and when the formatted try was refused."""
        picture = PICTURES / f"{part.picture}.png"
        key = f"{self._key}:picture:{part.picture}:{picture.stat().st_size}"
        file_id = None if is_plain else await self._get_setting(key)
        photo = file_id or InputFile(picture.read_bytes(), filename=picture.name)
        message = await self._bot.call(
            "sendPhoto", chat_id=address, photo=photo, reply_markup=part.markup, **part.content(is_plain)
        )
        if file_id is None and (sent := file_id_in(message)) is not None:
            # A picture that went out must not go out again because its id could not be kept.
            await best_effort(self._put_setting(key, sent))
        message_id = message_id_in(message)
        return f"{message_id}:photo" if message_id else ""
