"""A web chat out of a clinic's settings."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from bot.channels.conversation import Conversations
from bot.channels.web.browser_id import BrowserIds
from bot.channels.web.channel import Limits, WebChatChannel
from bot.channels.web.page import ChatClinic, ChatPages, Words
from bot.clinic.settings import Clinic, Web
from bot.store.settings import Settings
from bot.store.signals import Signals


async def web_chat(
    name: str,
    settings: Web,
    clinic: ChatClinic,
    conversations: Conversations,
    clock: Callable[[], datetime],
    store: Settings,
    signals: Signals,
) -> WebChatChannel:
    ids = BrowserIds(await _cookie_key(settings, store))
    limits = Limits(new_conversations=settings.new_sessions_per_hour)
    return WebChatChannel(conversations, ChatPages(clinic), ids, clock, signals, limits, name)


def chat_clinic(
    clinic: Clinic, words: Words, day: Callable[[datetime, str], str], languages: Sequence[str]
) -> ChatClinic:
    """What the pages say of a clinic."""
    return ChatClinic(
        name=clinic.name,
        zone=clinic.time_zone,
        words=words,
        day=day,
        numbers=(clinic.emergency_number, clinic.crisis_line, clinic.day_number, clinic.always_number),
        languages=languages,
        is_demo=clinic.is_demo,
    )


async def _cookie_key(settings: Web, store: Settings) -> bytes:
    """The clinic's own key, or one that the database keeps, so that cookies outlive a restart."""
    if settings.cookie_key is not None:
        return settings.cookie_key.get_secret_value().encode()
    kept = await store.get_setting("cookie_key")
    if kept is None:
        kept = secrets.token_hex(32)
        await store.put_setting("cookie_key", kept)
    return kept.encode()
