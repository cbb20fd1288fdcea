"""Whether a database is whole: every page, every row that points to another, every check played again, the audit."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path
from sqlite3 import Connection
from typing import Any, NamedTuple

from bot.store.console import AuditBroken
from bot.store.copies import Proof, Unproved
from bot.store.sqlite.audit import Checked
from bot.store.sqlite.values import moment
from dialogs.events import Recorded, parse
from dialogs.protocol import ProtocolError, served_before
from dialogs.session import Session, replay

MOST_PROBLEMS = 20
COUNTS = ("patients", "sessions", "events")
ROWS = "select id, state, language, disposition, protocol_version, length, answers from sessions"
EVENTS = "select session, seq, at, kind, body from events order by session, seq"
PROTOCOLS = "select version, content from protocols"
RESTORE = "stop the service and `cordwatch restore` the newest backup"


class _Row(NamedTuple):
    """What a row of `sessions` says, and what its events must give."""

    state: str
    language: str
    disposition: str | None
    protocol_version: str
    length: int


def prove(db: Connection, path: Path, at: datetime) -> Proof:
    """Reads all of it as of one moment. Raises Unproved."""
    db.execute("begin")
    try:
        problems = list(islice(_problems(db), MOST_PROBLEMS))
        if problems:
            raise Unproved(path, problems)
        patients, sessions, events = (db.execute(f"select count(*) from {table}").fetchone()[0] for table in COUNTS)
        audit = _audited(db)
        return Proof(at, str(path), patients, sessions, events, audit.count, audit.head)
    finally:
        db.execute("rollback")


def damages(db: Connection) -> Iterator[str]:
    """What is wrong with its pages and with what points where."""
    try:
        for (said,) in db.execute("pragma integrity_check"):
            if said != "ok":
                yield f"a page is damaged: {said}; {RESTORE}"
        for table, row, parent, _ in db.execute("pragma foreign_key_check"):
            yield f"row {row} of {table} points to a row of {parent} that is not there; {RESTORE}"
    except sqlite3.DatabaseError as error:
        yield f"a page cannot be read: {error}; {RESTORE}"


def _problems(db: Connection) -> Iterator[str]:
    damaged = list(islice(damages(db), MOST_PROBLEMS))
    yield from damaged
    if damaged:
        return  # the rest would only be the same in other words
    yield from _unlike_their_events(db)
    try:
        _audited(db)
    except AuditBroken as error:
        yield f"the audit is broken at {error}; compare it with an older backup"


def _audited(db: Connection) -> Checked:
    checked = Checked()
    while not checked.read(db):
        pass
    return checked


# --- every row of `sessions` equals a replay of its events


def _unlike_their_events(db: Connection) -> Iterator[str]:
    clinical = {version: _questions_of(version, text) for version, text in db.execute(PROTOCOLS)}
    rows = {id_: (_Row(*row), json.loads(answers)) for id_, *row, answers in db.execute(ROWS)}
    for session, events in groupby(db.execute(EVENTS), key=lambda row: row[0]):
        kept = rows.pop(session, None)
        log = [Recorded(seq, moment(at), parse(kind, body)) for _, seq, at, kind, body in events]
        if [one.seq for one in log] != list(range(len(log))):
            yield f"session {session}: events are missing from its log"
        elif kept is not None:
            yield from _unlike(replay(session, log), *kept, clinical)
    for session in rows:
        yield f"session {session}: none of its events is there"


def _unlike(
    after: Session, row: _Row, answers: Mapping[str, str], clinical: Mapping[str, frozenset[str] | None]
) -> Iterator[str]:
    advised = after.advised.value if after.advised else None
    replayed = _Row(after.state, after.language, advised, after.protocol_version, after.length)
    for name, says, gives in zip(_Row._fields, row, replayed, strict=True):
        if says != gives:
            yield f"session {after.id}: its row says {name} {says}, its events give {gives}"
    questions = clinical.get(after.protocol_version)
    given: Mapping[str, Any] = {
        question: answer
        for question, answer in after.answers.items()
        if question in (answers if questions is None else questions)
    }
    if differing := sorted(one for one in {*given, *answers} if given.get(one) != answers.get(one)):
        yield f"session {after.id}: its row has other answers than its events to {', '.join(differing)}"


def _questions_of(version: str, text: str) -> frozenset[str] | None:
    """None for a protocol that this program can no longer read."""
    try:
        return frozenset(one.id for one in served_before(version, text).questions)
    except ProtocolError:
        return None
