"""What a text may measure on any channel: Telegram's limits, which are the tightest, and forty words of advice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from babel.dates import format_datetime

from bot.language.catalogue import NAME, Texts, fill_known
from dialogs.decision import CAN_WAIT
from dialogs.protocol import Disposition, TriageProtocol

COMMANDS = ("start", "help", "learn", "stop", "restart", "language", "emergency")
LIMITS = {"bot_name": 64, "bot_description": 512, "bot_short_description": 120} | {
    f"command_{command}": 256 for command in COMMANDS
}
"""Characters that Telegram takes, with the clinic's own values filled in."""
MESSAGE, CAPTION = 4096, 1024
WORDS_OF_ADVICE = 40
FIRST_ADVICE = (*(f"advice_{disposition}" for disposition in Disposition), "advice_unfinished")
"""How the keys of the first message of an outcome begin."""

NUMBER = "+00 00 000 0000"
LONG_DAY = datetime(2026, 9, 23, 20, 30)  # noqa: DTZ001
"""Filled in where length is measured, so that a text is no longer for one clinic than for another."""
FAR = tuple(f"advice_{disposition}" for disposition in CAN_WAIT)
"""Advice whose deadline is written with its date; of all other moments the weekday says which day is meant."""


def too_long(protocol: TriageProtocol, raw: Texts, filled: Texts, language: str) -> Iterator[tuple[str, str]]:
    """Keys and complaints. `raw`: as in the catalogue; `filled`: with the clinic's own values."""
    for key, limit in LIMITS.items():
        if (length := len(filled[f"wording.{key}"])) > limit:
            yield f"wording.{key}", f"has {length} characters with the clinic's values; Telegram takes {limit}"
    for key, text in filled.items():
        limit = CAPTION if key in _captions(protocol) else MESSAGE
        if len(text) > limit:
            yield key, f"has {len(text)} characters; shorten it to {limit}, which is what Telegram takes"
    for key, text in raw.items():
        if key.startswith(tuple(f"wording.{one}" for one in FIRST_ADVICE)):
            count = words(_worst(key.removeprefix("wording."), text, raw, language))
            if count > WORDS_OF_ADVICE:
                yield key, f"has {count} words with its numbers and times; shorten it to {WORDS_OF_ADVICE}"


def words(text: str) -> int:
    """How many words a text has; a sign that stands alone is none, such as the colon in French."""
    return sum(any(map(str.isalnum, word)) for word in text.split())


def _captions(protocol: TriageProtocol) -> set[str]:
    return {f"question.{question.id}.text" for question in protocol.questions if question.picture}


def _worst(key: str, text: str, raw: Texts, language: str) -> str:
    def written(pattern: str) -> str:
        return format_datetime(LONG_DAY, raw[f"wording.{pattern}"], locale=language)

    numbers = {name: NUMBER for name in NAME.findall(text) if name.endswith("number")}
    times = {
        "deadline": written("moment" if key.startswith(FAR) else "moment_near"),
        "call_by": written("moment_near"),
        "opening": written("moment_near"),
        "check_again": written("day"),
    }
    return fill_known(text, numbers | {"emergency_number": "112", "crisis_line": "113"} | times)
