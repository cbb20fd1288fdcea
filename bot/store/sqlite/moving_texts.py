"""How the bodies of messages that earlier versions kept whole become rows of `texts`: a part of one migration."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

_MESSAGES_SO_FAR = """
    select outbox.id, kind, token, body, session, sessions.patient from outbox
    left join sessions on sessions.id = outbox.session order by outbox.id
"""
_WRITTEN = """
    select session, coalesce(json_extract(body, '$.text'), json_extract(body, '$.answer')) from events
    where kind in ('NotUnderstood', 'Said', 'Unprocessed', 'NoteAdded', 'Replied', 'Called')
        or kind in ('Answered', 'Corrected') and json_extract(body, '$.question') = 'call_back_number'
"""
_MOVED = (
    "create temp table moved (id integer primary key, text integer, retires text, retires_text integer)",
    "insert into moved values (?, ?, ?, ?)",
)


def move_texts(db: Database) -> None:
    """Fills `texts`, and the temporary table `moved` with what each message of the outbox is to name."""
    db.execute(_MOVED[0])
    written = defaultdict(set)
    for session, words in db.execute(_WRITTEN):
        written[session].add(words)
    messages = db.execute(_MESSAGES_SO_FAR)
    while some := messages.fetchmany(1_000):
        db.conn.executemany(_MOVED[1], [_moved(db, message, written) for message in some])


def _moved(
    db: Database, message: tuple[int, str, str | None, str, str, str], written: Mapping[str, set[str]]
) -> tuple[int, int, str | None, int | None]:
    """The row of `moved`. A body that cannot be read is kept as it is, to be given up when it is its turn."""
    id_, kind, token, body, session, patient = message
    is_hers = kind in ("advice", "reply") or any(words and words in body for words in written.get(session, ()))
    owner = patient if is_hers else None
    try:
        said = json.loads(body)
        retired = said.pop("retires", None)
        bare = {"priority" if key == "urgency" else key: value for key, value in said.items() if key != "token"}
        for choice in bare.get("choices", ()):
            if choice["data"].startswith(f"{token}:"):
                choice["data"] = choice["data"].removeprefix(token)
    except (ValueError, AttributeError, KeyError, TypeError):
        return id_, _text(db, body, owner), None, None
    text = _text(db, _compact(bare), owner)
    if retired is None:
        return id_, text, None, None
    return id_, text, retired["token"], _text(db, _compact({**retired, "token": ""}), owner)


def _text(db: Database, body: str, patient: str | None) -> int:
    key = hashlib.sha256((body if patient is None else f"{patient}\0{body}").encode()).digest()
    known = db.execute("select id from texts where key = ?", (key,)).fetchone()
    if known is not None:
        return int(known[0])
    added = db.execute(
        "insert into texts (key, patient, body) values (?, ?, ?) returning id",
        (key, patient, zlib.compress(body.encode())),
    )
    return int(added.fetchone()[0])


def _compact(said: dict[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
