"""What was said, each text once: rows of the outbox point to it.

A text is found by the hash of what it says; one that is hers alone, by that of the patient and it. Tokens, which
differ from asking to asking, stay with the row, so that the same question is the same text for everybody.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import replace
from sqlite3 import Connection
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from bot.channels import Choice, Outgoing, Retired

OUTGOING: TypeAdapter[Outgoing] = TypeAdapter(Outgoing)
RETIRED: TypeAdapter[Retired] = TypeAdapter(Retired)

FIND_TEXT = "select id from texts where key = ?"
ADD_TEXT = "insert into texts (key, patient, body) values (?, ?, ?)"
SAID = "texts.body, outbox.token, retired.body, outbox.retires"
"""What `outgoing` takes, of an outbox joined with TEXTS."""
TEXTS = """
    cross join texts on texts.id = outbox.text left join texts as retired on retired.id = outbox.retires_text
"""


class Texts(NamedTuple):
    """A message as its row keeps it: its text, the token of the question that it retires, and how that then reads."""

    text: int
    retires: str | None
    retires_text: int | None


def keep(db: Connection, outgoing: Outgoing, patient: str | None) -> Texts:
    """`patient`: whose the texts are; None for what may be said to anybody."""
    retires = outgoing.retires
    bare = replace(outgoing, token=None, retires=None, choices=_without(outgoing.token, outgoing.choices))
    text = keep_text(db, OUTGOING.dump_json(bare, exclude_defaults=True), patient)
    if retires is None:
        return Texts(text, None, None)
    return Texts(text, retires.token, keep_text(db, RETIRED.dump_json(replace(retires, token="")), patient))


def keep_text(db: Connection, body: bytes, patient: str | None) -> int:
    """The text's id, new or as it was."""
    key = key_of(body, patient)
    known = db.execute(FIND_TEXT, (key,)).fetchone()
    added = known[0] if known else db.execute(ADD_TEXT, (key, patient, zlib.compress(body))).lastrowid
    assert added is not None
    return int(added)


def key_of(body: bytes, patient: str | None) -> bytes:
    """The SHA-256 of the body, after the patient's id where it is hers alone."""
    return hashlib.sha256(body if patient is None else f"{patient}\0".encode() + body).digest()


def outgoing(said: Sequence[Any]) -> Outgoing:
    """The message again. `said` as SAID selects it. Raises ValueError for a text that cannot be read."""
    body, token, retired_body, retires = said
    try:
        bare = OUTGOING.validate_json(zlib.decompress(body))
        retired = None if retires is None else RETIRED.validate_json(zlib.decompress(retired_body))
    except zlib.error as error:
        raise ValueError(f"a text cannot be read: {error}") from error
    if retired is not None:
        retired = replace(retired, token=retires)
    return replace(bare, token=token, retires=retired, choices=_with(token, bare.choices))


def _without(token: str | None, choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    if token is None:
        return choices
    return tuple(
        replace(one, data=one.data.removeprefix(token)) if one.data.startswith(f"{token}:") else one for one in choices
    )


def _with(token: str | None, choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    return tuple(replace(one, data=f"{token}{one.data}") if one.data.startswith(":") else one for one in choices)
