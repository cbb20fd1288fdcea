"""What Telegram's answers mean to us. Whatever a server says in Telegram's place, the worst it can do is a pause.

Pure. A server that is not Telegram (a hotel's log-in page, a proxy, a broken gateway) may answer anything at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeGuard

from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.channels import Busy, ChannelDown, Undeliverable

Json = dict[str, Any]

LARGEST_ID = 2**63 - 1
LONGEST_WORDS = 200
LONGEST_ASKED_S = 86_400.0


class Unexpected(TelegramError):
    """An answer that the Bot API never gives."""


class UnknownBot(ChannelDown):
    """Telegram says that it does not know the bot; or somebody else says so of one method."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll brought: the updates among it, and how many elements were none."""

    updates: list[Json]
    malformed: int


def anything(result: Any) -> Any:
    return result


def batch_in(result: Any) -> Batch:
    """One element that is no update costs itself only."""
    if not isinstance(result, list):
        raise Unexpected(f"the answer to getUpdates is no list but {type(result).__name__}")
    updates = [one for one in result if is_update(one)]
    return Batch(updates, len(result) - len(updates))


def webhook_in(result: Any) -> Json:
    if not isinstance(result, dict) or not isinstance(result.get("url"), str):
        raise Unexpected("the answer to getWebhookInfo names no url")
    return result


def is_update(value: Any) -> bool:
    """Whether it has a number by which it can be confirmed."""
    return isinstance(value, dict) and is_id(value.get("update_id"))


def is_id(value: Any) -> TypeGuard[int]:
    """A whole number that the database and the Bot API can bear; true and false are numbers only to Python."""
    return type(value) is int and 0 <= value <= LARGEST_ID


def message_id_in(result: Any) -> str:
    """Empty when the answer names none: the message was taken all the same, and must not be sent again."""
    message_id = result.get("message_id") if isinstance(result, dict) else None
    return str(message_id) if is_id(message_id) else ""


def file_id_in(result: Any) -> str | None:
    """That of the largest size of a photo that was sent."""
    try:
        file_id = result["photo"][-1]["file_id"]
    except (TypeError, LookupError):
        return None
    return file_id if isinstance(file_id, str) else None


@contextmanager
def errors_as_ours() -> Iterator[None]:
    """Telegram's errors by what the caller should do. To the library BadRequest is a NetworkError, hence the order."""
    try:
        yield
    except RetryAfter as error:
        raise Busy(words(error), _wait_in(error.retry_after)) from error
    except Forbidden as error:
        raise Undeliverable(words(error), "blocked") from error
    except InvalidToken as error:
        raise UnknownBot(f"Telegram does not know this bot ({words(error)}): check BOT_TELEGRAM_TOKEN") from error
    except Conflict as error:
        raise ChannelDown(
            f"Telegram serves this bot to another process ({words(error)}): "
            "stop the other one, or give this one its own token"
        ) from error
    except (BadRequest, ChatMigrated) as error:
        raise Undeliverable(words(error), "refused") from error
    except TelegramError as error:
        raise Busy(words(error)) from error


def _wait_in(asked: Any) -> timedelta | None:
    """How long the server asks us to wait; None when it says nothing that could be waited for."""
    seconds = asked.total_seconds() if isinstance(asked, timedelta) else asked
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        return None
    return timedelta(seconds=min(seconds, LONGEST_ASKED_S))


def words(said: object) -> str:
    """On one line, and not more than anybody reads."""
    return " ".join(str(said).split())[:LONGEST_WORDS]
