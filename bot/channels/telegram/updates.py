"""From Telegram's updates to our messages: pure functions over the JSON as it came."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.channels import Incoming, clean

Json = Mapping[str, Any]

# Reactions are among them because a patient may believe that a thumb up answers a question.
ALLOWED = ("message", "edited_message", "callback_query", "my_chat_member", "message_reaction")

# The first that a message has names it: an animation also has a document, a venue also a location.
MESSAGE_KINDS = (
    "sticker",
    "photo",
    "voice",
    "video",
    "video_note",
    "animation",
    "audio",
    "document",
    "venue",
    "location",
    "poll",
    "dice",
    "contact",
    "story",
    "game",
)

# What Telegram itself writes into a private chat; nobody waits for an answer to it.
SERVICE_MESSAGES = frozenset(
    {"pinned_message", "message_auto_delete_timer_changed", "chat_background_set", "write_access_allowed"}
)

ADDRESSED_COMMAND = re.compile(r"(/\w+)@\w+bot\b", re.IGNORECASE | re.ASCII)


def kind_of(update: Json) -> str:
    """The name of the update's one field beside its id, or "nothing"."""
    return next((key for key, value in update.items() if key != "update_id" and isinstance(value, Mapping)), "nothing")


def chat_of(update: Json) -> str:
    """The id of the chat an update belongs to; "None" when it shows none."""
    return str(_chat(_body(update)).get("id"))


def incoming_from(update: Json, bot: str) -> Incoming | None:
    """What a patient did, or None for what is not ours: groups, channels, Telegram's own service messages.

    `bot`: the channel and the bot, such as telegram:7001. An update whose parts are not where they should be becomes
    `what="unknown"`, if it shows a private chat.
    """
    kind, body = kind_of(update), _body(update)
    if _chat(body).get("type") != "private":
        return None
    try:
        return _READERS[kind](update, body, bot) if kind in _READERS else _unknown(update, body, bot)
    except (KeyError, TypeError, AttributeError, ValueError):
        return _unknown(update, body, bot)


def _message(update: Json, message: Json, bot: str) -> Incoming | None:
    if not SERVICE_MESSAGES.isdisjoint(message):
        return None
    ref = message["message_id"]
    if "forward_origin" in message or "forward_date" in message:
        return _incoming(update, message, bot, ref, what="forwarded")
    if "text" in message:
        return _incoming(update, message, bot, ref)
    what = next((kind for kind in MESSAGE_KINDS if kind in message), "unknown")
    return _incoming(update, message, bot, ref, what=what, contact=_own_number(message))


def _edited_message(update: Json, message: Json, bot: str) -> Incoming | None:
    # A live location is "edited" every few seconds as its owner walks.
    if "location" in message:
        return None
    return _incoming(update, message, bot, f"{message['message_id']}e{message['edit_date']}", what="edited")


def _callback_query(update: Json, query: Json, bot: str) -> Incoming:
    return _incoming(update, query, bot, query["id"], choice=clean(query["data"]))


def _my_chat_member(update: Json, change: Json, bot: str) -> Incoming:
    status = change["new_chat_member"]["status"]
    what = "blocked" if status in ("kicked", "left") else "unblocked"
    return _incoming(update, change, bot, f"{status}{change['date']}", what=what)


def _message_reaction(update: Json, reaction: Json, bot: str) -> Incoming | None:
    if not reaction["new_reaction"]:
        return None
    emoji = "".join(clean(one.get("emoji", "")) for one in reaction["new_reaction"])
    ref = f"{reaction['message_id']}r{reaction['date']}"
    return _incoming(update, {"text": emoji, **reaction}, bot, ref, what="reaction")


def _unknown(update: Json, body: Json, bot: str) -> Incoming:
    return _incoming(update, {"chat": _chat(body)}, bot, kind_of(update), what="unknown")


_READERS = {
    "message": _message,
    "edited_message": _edited_message,
    "callback_query": _callback_query,
    "my_chat_member": _my_chat_member,
    "message_reaction": _message_reaction,
}


def _incoming(
    update: Json,
    body: Json,
    bot: str,
    ref: object,
    *,
    what: str = "text",
    choice: str | None = None,
    contact: str | None = None,
) -> Incoming:
    text = clean(body.get("text") or body.get("caption") or "") if choice is None else ""
    return Incoming(
        channel=bot.partition(":")[0],
        address=str(_chat(body)["id"]),
        external_id=f"{bot}:{update['update_id']}:{ref}",
        text=ADDRESSED_COMMAND.sub(r"\1", text, count=1) if text.startswith("/") else text,
        choice=choice,
        what=what,
        contact=contact,
        language_hint=_sender(body).get("language_code"),
        message_ref=_message_ref(bot, str(ref)),
    )


def _message_ref(bot: str, ref: str) -> str | None:
    """Telegram may number its updates anew and send one again. Only messages and taps have a number of their own."""
    return f"{bot.partition(':')[2]}:{ref}" if ref[:1].isdigit() else None


def _body(update: Json) -> Json:
    body: Json = update.get(kind_of(update)) or {}
    return body


def _chat(body: Json) -> Json:
    chat = body.get("chat")
    if chat is None and isinstance(message := body.get("message"), Mapping):
        chat = message.get("chat")
    return chat if isinstance(chat, Mapping) and type(chat.get("id")) is int else {}


def _sender(body: Json) -> Json:
    sender = body.get("from") or body.get("user")
    return sender if isinstance(sender, Mapping) else {}


def _own_number(message: Json) -> str | None:
    """The sender's own number: a contact of somebody else is a message like any other."""
    contact = message.get("contact")
    if contact is None or contact.get("user_id") != message["from"]["id"]:
        return None
    return clean(contact["phone_number"])
