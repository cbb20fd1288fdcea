"""A Telegram channel out of a clinic's settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from bot.channels import Incoming, Introduction, Pace
from bot.channels.telegram.channel import TelegramChannel, Webhook
from bot.clinic.settings import ConfigError, Telegram
from bot.store.settings import Settings


def telegram_channel(
    name: str,
    settings: Telegram,
    pace: Pace,
    introductions: Sequence[Introduction],
    store: Settings,
    heard: Callable[[Incoming], object],
) -> TelegramChannel | None:
    """None without a token. Raises ConfigError."""
    if settings.token is None:
        return None
    return TelegramChannel(
        name,
        settings.token.get_secret_value(),
        pace=pace,
        get_setting=store.get_setting,
        put_setting=store.put_setting,
        api_url=settings.api_url,
        webhook=_webhook(settings),
        introductions=introductions,
        poll=timedelta(seconds=settings.poll_s),
        heard=heard,
    )


def _webhook(settings: Telegram) -> Webhook | None:
    if settings.mode != "webhook":
        return None
    if settings.webhook_url is None or settings.webhook_secret is None:
        raise ConfigError("a webhook needs [telegram] webhook_url and BOT_TELEGRAM_WEBHOOK_SECRET; set both")
    return Webhook(settings.webhook_url, settings.webhook_secret.get_secret_value())
