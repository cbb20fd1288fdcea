"""A frozen database, as if its morning had ended just now."""

from __future__ import annotations

import json
import lzma
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.channels import Outgoing
from bot.store.sqlite.texts import OUTGOING

HERE = Path(__file__).parent
COMMITS = ("1c8d4a8", "d928a5e", "eba74a2")
"""The versions that clinics may still have, the oldest first."""
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?=Z|\+00:00)")
FORM = "%Y-%m-%dT%H:%M:%S.%f"
AUDIT = 'INSERT INTO "audit"'
"""Its rows keep their times, which their links are made of."""


def thaw(commit: str, path: Path) -> None:
    text = lzma.decompress((HERE / f"{commit}.sql.xz").read_bytes()).decode()
    with closing(sqlite3.connect(path)) as db:
        db.executescript(_moved_to_now(text))
        db.execute("pragma journal_mode = wal")


def said_then(body: str) -> Outgoing:
    """A message as the outbox of then kept it."""
    message = json.loads(body)
    return OUTGOING.validate_python({**message, "priority": message.pop("urgency", 0)})


def _moved_to_now(text: str) -> str:
    since = datetime.now(UTC).replace(tzinfo=None) - datetime.strptime(max(_happened(text)), FORM)  # noqa: DTZ007
    later = since - timedelta(seconds=5)

    def moved(found: re.Match[str]) -> str:
        return (datetime.strptime(found[0], FORM) + later).strftime(FORM)  # noqa: DTZ007

    lines = text.splitlines()
    return "\n".join(line if line.startswith(AUDIT) else MOMENT.sub(moved, line) for line in lines)


def _happened(text: str) -> list[str]:
    """The moments of what is in the log; what is due has others."""
    lines = [line for line in text.splitlines() if line.startswith('INSERT INTO "events"')]
    return [found[0] for line in lines if (found := MOMENT.search(line))]
