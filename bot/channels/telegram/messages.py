"""From our messages to Telegram's: pure functions that give the parameters of Bot API calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

from bot.channels import Choice, Outgoing, Retired, clean

Json = dict[str, Any]

# Telegram's limits, counted here in UTF-16 units: never more lenient than Telegram is.
TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024

NO_PREVIEW = json.dumps({"is_disabled": True})
NO_REPLY_KEYBOARD = json.dumps({"remove_keyboard": True})
NO_BUTTONS = json.dumps({"inline_keyboard": []})


@dataclass(frozen=True, slots=True)
class Part:
    """What one call sends. `text` and `heading` are plain; `picture` is a name in `bot/static/pictures`."""

    text: str = ""
    heading: str = ""
    markup: str | None = None
    picture: str | None = None

    def content(self, is_plain: bool = False) -> Json:
        """Text or caption with its parse mode."""
        name = "caption" if self.picture else "text"
        if is_plain:
            return {name: _joined(self.heading, self.text)}
        return {name: _joined(_bold(self.heading), escape(self.text, quote=False)), "parse_mode": "HTML"}


def parts_of(outgoing: Outgoing) -> list[Part]:
    """The calls that a message takes, nearly always one; buttons are on the last."""
    heading, text, markup = clean(outgoing.heading), clean(outgoing.text), _markup(outgoing)
    parts: list[Part] = []
    if outgoing.drops_contact and outgoing.choices:
        # A message cannot both take a reply keyboard away and bear buttons.
        parts.append(Part("✓", markup=NO_REPLY_KEYBOARD))
    if outgoing.picture and length(_joined(heading, text)) <= CAPTION_LIMIT:
        return [*parts, Part(text, heading, markup, outgoing.picture)]
    if outgoing.picture:
        parts.append(Part(picture=outgoing.picture))
    *earlier, last = split(text, TEXT_LIMIT, first=TEXT_LIMIT - length(heading) - 1)
    for piece in earlier:
        parts.append(Part(piece, heading))
        heading = ""
    return [*parts, Part(last, heading, markup)]


def retirement(ref: str, retired: Retired) -> tuple[str, Json]:
    """The call that shows an earlier question as it now reads: without buttons, with the chosen answer."""
    message_id, _, kind = ref.partition(":")
    part = Part(clean(retired.text), clean(retired.heading), picture=kind or None)
    limit = CAPTION_LIMIT if kind else TEXT_LIMIT
    if length(_joined(part.heading, part.text)) > limit:
        return "editMessageReplyMarkup", {"message_id": int(message_id), "reply_markup": NO_BUTTONS}
    method = "editMessageCaption" if kind else "editMessageText"
    return method, {"message_id": int(message_id), **part.content()}


def split(text: str, limit: int, first: int | None = None) -> list[str]:
    """The text in pieces of at most `limit` (the first of `first`), at ends of paragraphs, else lines, else words."""
    pieces = []
    room = limit if first is None else max(first, 1)
    while length(text) > room:
        end = _last_end(text, room)
        pieces.append(text[:end].rstrip())
        text, room = text[end:].lstrip("\n "), limit
    return [*pieces, text]


def length(text: str) -> int:
    """In UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _last_end(text: str, room: int) -> int:
    head = text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore")
    for end in ("\n\n", "\n", " "):
        # An end in the first half would leave a stump.
        if (at := head.rfind(end)) > len(head) // 2:
            return at
    return len(head)


def _markup(outgoing: Outgoing) -> str | None:
    if outgoing.contact_label is not None:
        # Under a reply keyboard a button's label comes back as typed text, which answers just as well.
        rows = [[{"text": clean(outgoing.contact_label), "request_contact": True}]]
        rows += [[{"text": clean(choice.label)} for choice in row] for row in _rows(outgoing.choices)]
        return json.dumps({"keyboard": rows, "one_time_keyboard": True, "resize_keyboard": True})
    if outgoing.choices:
        return json.dumps({"inline_keyboard": [[_button(choice) for choice in row] for row in _rows(outgoing.choices)]})
    return NO_REPLY_KEYBOARD if outgoing.drops_contact else None


def _button(choice: Choice) -> Json:
    return {"text": clean(choice.label), "callback_data": choice.data}


def _rows(choices: tuple[Choice, ...]) -> Iterator[list[Choice]]:
    return (list(row) for _, row in groupby(choices, key=lambda choice: choice.row))


def _bold(heading: str) -> str:
    return f"<b>{escape(heading, quote=False)}</b>" if heading else ""


def _joined(heading: str, text: str) -> str:
    return "\n".join(filter(None, (heading, text)))
