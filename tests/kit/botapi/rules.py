"""What Telegram accepts: pure checks of the tests' own Bot API server. Wordings of refusals are Telegram's own."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

Json = dict[str, Any]

TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "tg-spoiler": "spoiler",
    "blockquote": "blockquote",
}
TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)([^<>]*)>|<")
COMMAND = re.compile(r"(?:^|(?<=\s))/\w{1,32}(?:@\w+)?", re.ASCII)
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Refusal(Exception):
    """The server's answer to a call it does not carry out."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


def bad_request(description: str) -> Refusal:
    return Refusal(400, f"Bad Request: {description}")


def units(text: str) -> int:
    """Length as Telegram counts it, in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_text(parameters: Json, name: str, limit: int) -> tuple[str, list[Json]]:
    """The visible text of parameter `text` or `caption` and its entities."""
    source = str(parameters.get(name) or "")
    if LONE_SURROGATE.search(source):
        raise bad_request("strings must be encoded in UTF-8")
    mode = parameters.get("parse_mode")
    if mode not in (None, "", "HTML"):
        raise bad_request("unsupported parse_mode")
    text, entities = parse_html(source) if mode else (source, [])
    text = "".join(" " if ord(one) < 32 and one != "\n" else one for one in text)
    if units(text) > limit:
        raise bad_request("message is too long" if name == "text" else "message caption is too long")
    stripped = text.lstrip()
    removed = units(text) - units(stripped)
    entities = [{**one, "offset": max(one["offset"] - removed, 0)} for one in entities]
    return stripped.rstrip(), entities


def parse_html(source: str) -> tuple[str, list[Json]]:
    """Visible text and entities of Telegram's HTML. Refuses what Telegram refuses."""
    text, entities, opened, position = "", [], [], 0
    for tag in TAG.finditer(source):
        text += unescape(source[position : tag.start()])
        position = tag.end()
        offset = len(source[: tag.start()].encode())
        closes, name = tag[1], (tag[2] or "").lower()
        if name not in TAGS:
            raise bad_request(f'can\'t parse entities: Unsupported start tag "{name}" at byte offset {offset}')
        if not closes:
            opened.append((name, units(text)))
            continue
        if not opened:
            raise bad_request(f"can't parse entities: Unexpected end tag at byte offset {offset}")
        expected, start = opened.pop()
        if expected != name:
            raise bad_request(
                f"can't parse entities: Unmatched end tag at byte offset {offset}, "
                f'expected "</{expected}>", found "</{name}>"'
            )
        if units(text) > start:
            entities.append({"type": TAGS[name], "offset": start, "length": units(text) - start})
    if opened:
        raise bad_request(f"can't parse entities: Can't find end tag corresponding to start tag \"{opened[-1][0]}\"")
    return text + unescape(source[position:]), sorted(entities, key=lambda one: one["offset"])


def commands_in(text: str) -> list[Json]:
    """The bot_command entities of what a user typed."""
    return [
        {"type": "bot_command", "offset": units(text[: found.start()]), "length": units(found[0])}
        for found in COMMAND.finditer(text)
    ]


def parse_markup(parameters: Json) -> Json | None:
    """The reply_markup of a call, checked; None when there is none."""
    markup = as_json(parameters.get("reply_markup"))
    if not markup:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    for row in markup.get("inline_keyboard", ()):
        for button in row:
            _check_inline(button)
    for row in markup.get("keyboard", ()):
        for button in row:
            if not (button if isinstance(button, str) else button.get("text")):
                raise bad_request("can't parse reply keyboard markup: button text must be non-empty")
    return markup


def _check_inline(button: Json) -> None:
    if not button.get("text"):
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if "url" in button:
        if not re.match(r"(https?|tg)://", button["url"]):
            raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Unsupported URL protocol")
    elif "callback_data" not in button:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    elif not 1 <= len(str(button["callback_data"]).encode()) <= 64:
        raise bad_request("BUTTON_DATA_INVALID")


def as_json(value: Any) -> Any:
    """A parameter that holds JSON, whether it came as JSON or as text of a form."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise bad_request("can't parse JSON encoded parameter") from None


def as_number(parameters: Json, name: str, default: int) -> int:
    try:
        return int(parameters.get(name) or default)
    except (TypeError, ValueError):
        return default
