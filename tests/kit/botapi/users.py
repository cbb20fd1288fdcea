"""Simulated people on the tests' own Telegram: what they do, and what they see on their screens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from tests.kit.botapi.rules import commands_in

if TYPE_CHECKING:
    from tests.kit.botapi.server import BotApi

T = TypeVar("T")
Json = dict[str, Any]

MEDIA: dict[str, Any] = {
    "sticker": {"file_id": "S", "file_unique_id": "s", "type": "regular", "width": 512, "height": 512, "emoji": "👍"},
    "photo": [{"file_id": "P", "file_unique_id": "p", "width": 90, "height": 90, "file_size": 900}],
    "voice": {"file_id": "V", "file_unique_id": "v", "duration": 3, "mime_type": "audio/ogg"},
    "video": {"file_id": "W", "file_unique_id": "w", "width": 320, "height": 240, "duration": 3},
    "video_note": {"file_id": "N", "file_unique_id": "n", "length": 240, "duration": 3},
    "animation": {"file_id": "A", "file_unique_id": "a", "width": 320, "height": 240, "duration": 3},
    "audio": {"file_id": "U", "file_unique_id": "u", "duration": 3},
    "document": {"file_id": "D", "file_unique_id": "d", "file_name": "letter.pdf", "mime_type": "application/pdf"},
    "location": {"latitude": 52.37, "longitude": 4.9},
    "poll": {
        "id": "1",
        "question": "?",
        "options": [{"text": "a", "voter_count": 0}, {"text": "b", "voter_count": 0}],
        "total_voter_count": 0,
        "is_closed": False,
        "is_anonymous": True,
        "type": "regular",
        "allows_multiple_answers": False,
    },
    "dice": {"emoji": "🎲", "value": 3},
    "story": {"chat": {"id": 5, "type": "channel", "title": "News"}, "id": 7},
    "contact": {"phone_number": "+31201234567", "first_name": "Somebody"},
}


@dataclass
class Shown:
    """A message as it now stands on the screen. `changed` counts up with every change anywhere in the server."""

    message_id: int
    is_bots: bool
    text: str
    changed: int
    entities: list[Json] = field(default_factory=list)
    markup: Json | None = None
    photo: str | None = None
    is_edited: bool = False

    @property
    def buttons(self) -> dict[str, str]:
        """Callback data by label, in the order of the keyboard."""
        rows = (self.markup or {}).get("inline_keyboard", ())
        return {button["text"]: button.get("callback_data", "") for row in rows for button in row}

    @property
    def rows(self) -> list[list[str]]:
        """Labels of the buttons as they stand, inline or under the text field."""
        markup = self.markup or {}
        rows = markup.get("inline_keyboard") or markup.get("keyboard") or ()
        return [[button["text"] for button in row] for row in rows]

    def entity(self, kind: str) -> list[str]:
        """The pieces of text formatted as `kind`."""
        raw = self.text.encode("utf-16-le")
        return [
            raw[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le")
            for one in self.entities
            if one["type"] == kind
        ]

    def __str__(self) -> str:
        labels = "  " + " ".join(f"[{label}]" for row in self.rows for label in row) if self.rows else ""
        return f"{'bot ' if self.is_bots else 'user'}  {'(photo) ' if self.photo else ''}{self.text}{labels}"


class User:
    """A person with a telephone. `chat` is her private chat with the bot, oldest message first."""

    def __init__(self, server: BotApi, user_id: int, language_code: str | None, first_name: str) -> None:
        self.id, self.language_code, self.first_name = user_id, language_code, first_name
        self.chat: list[Shown] = []
        self.toasts: list[str] = []
        self.has_blocked = False
        self._server = server
        self._seen = 0
        self._tapped: int | None = None

    # --- what she does ----------------------------------------------------------------------------------------------

    async def says(self, text: str, **fields: Any) -> int:
        """Writes a message; the update's id. `fields` are further fields of the message."""
        entities = commands_in(text)
        return self._send({"text": text, **({"entities": entities} if entities else {}), **fields})

    async def sends(self, kind: str, caption: str | None = None, **fields: Any) -> int:
        """Sends a sticker, photo, voice, …"""
        extra = {"document": MEDIA["document"]} if kind == "animation" else {}
        return self._send({kind: MEDIA[kind], **extra, **({"caption": caption} if caption else {}), **fields})

    async def sends_sticker(self) -> int:
        return await self.sends("sticker")

    async def shares_contact(self, number: str, own: bool = True) -> int:
        """Shares her own number by the button, or somebody else's from her address book."""
        contact = {"phone_number": number, "first_name": self.first_name, "user_id": self.id if own else self.id + 1}
        return self._send({"contact": contact})

    async def edits(self, message_id: int, text: str) -> int:
        """Changes an earlier message of hers."""
        shown = self.message(message_id)
        shown.text, shown.is_edited, shown.changed = text, True, self._server.change()
        return self._server.updates.push(
            edited_message={**self._head(message_id), "edit_date": self._server.now(), "text": text}
        )

    async def forwards(self, text: str) -> int:
        origin = {"type": "hidden_user", "sender_user_name": "A friend", "date": self._server.now()}
        return await self.says(text, forward_origin=origin, forward_date=origin["date"])

    async def reacts(self, emoji: str, message: Shown | None = None) -> int:
        shown = message or [one for one in self.chat if one.is_bots][-1]
        return self._server.updates.push(
            message_reaction={
                "chat": self.chat_json(),
                "message_id": shown.message_id,
                "user": self.json(),
                "date": self._server.now(),
                "old_reaction": [],
                "new_reaction": [{"type": "emoji", "emoji": emoji}],
            }
        )

    async def taps(
        self,
        label: str,
        on: Shown | None = None,
        *,
        again: bool = False,
        inaccessible: bool = False,
        within_s: float = 5,
    ) -> int:
        """Taps a button: on the newest keyboard that has it, waiting for one if need be, or on a given message.

        Without `again` it is never the message she tapped last, so that a script does not outrun the bot.
        """
        shown = on or await self._wait(lambda: self._tappable(label, again), f"a button {label!r}", within_s)
        self._tapped, self._seen = shown.message_id, self._server.change()
        return self.taps_data(shown.buttons[label], shown.message_id, inaccessible)

    def taps_data(self, data: str, message_id: int, inaccessible: bool = False) -> int:
        """Sends a button's data as an old or forged client could, whether or not the button is there."""
        message: Json = {"chat": self.chat_json(), "message_id": message_id, "date": 0}
        if not inaccessible:
            message = self._server.message_json(self, self.message(message_id))
        query = self._server.query(self)
        return self._server.updates.push(
            callback_query={
                "id": query,
                "from": self.json(),
                "message": message,
                "chat_instance": str(9_000_000 + self.id),
                "data": data,
            }
        )

    async def blocks(self) -> int:
        self.has_blocked = True
        return self._changes("member", "kicked")

    async def unblocks(self) -> int:
        self.has_blocked = False
        return self._changes("kicked", "member")

    # --- what she sees ----------------------------------------------------------------------------------------------

    async def sees(self, what: str | Callable[[Shown], bool] = "", within_s: float = 5) -> Shown:
        """The first message of the bot, new or changed since her own last act, that holds the words or fits."""
        fits = what if callable(what) else lambda shown: what in shown.text
        return await self._wait(
            lambda: next((one for one in self.chat if one.is_bots and one.changed > self._seen and fits(one)), None),
            f"{what!r}",
            within_s,
        )

    @property
    def last(self) -> Shown:
        return self.chat[-1]

    def message(self, message_id: int) -> Shown:
        return next(one for one in self.chat if one.message_id == message_id)

    def screen(self) -> str:
        return "\n".join(map(str, self.chat)) or "(nothing)"

    async def _wait(self, find: Callable[[], T | None], what: str, within_s: float) -> T:
        try:
            async with asyncio.timeout(within_s):
                while not (found := find()):
                    await self._server.changed()
        except TimeoutError:
            raise AssertionError(
                f"user {self.id} did not see {what} within {within_s} s, but:\n{self.screen()}"
            ) from None
        return found

    def _tappable(self, label: str, again: bool) -> Shown | None:
        newest = next((one for one in reversed(self.chat) if label in one.buttons), None)
        return None if newest is None or (newest.message_id == self._tapped and not again) else newest

    # --- the shapes of it --------------------------------------------------------------------------------------------

    def _send(self, content: Json) -> int:
        text = content.get("text") or content.get("caption") or f"({next(iter(content))})"
        shown = self._server.show(self, is_bots=False, text=text)
        self._seen = shown.changed
        return self._server.updates.push(message={**self._head(shown.message_id), **content})

    def _head(self, message_id: int) -> Json:
        return {"message_id": message_id, "from": self.json(), "chat": self.chat_json(), "date": self._server.now()}

    def json(self) -> Json:
        person: Json = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        return person if self.language_code is None else {**person, "language_code": self.language_code}

    def chat_json(self) -> Json:
        return {"id": self.id, "first_name": self.first_name, "type": "private"}

    def _changes(self, before: str, after: str) -> int:
        bot = self._server.bot_user()
        self._seen = self._server.change()
        return self._server.updates.push(
            my_chat_member={
                "chat": self.chat_json(),
                "from": self.json(),
                "date": self._server.now(),
                "old_chat_member": {"user": bot, "status": before},
                "new_chat_member": {"user": bot, "status": after},
            }
        )
