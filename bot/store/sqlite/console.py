"""The console's tables and queries: accounts, the worklist page, and the audit. See `Desk`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from sqlite3 import Connection, IntegrityError
from typing import Any

from bot.store.console import Audited, Counts, Desk, Filter, Link, Login, NameTaken, Nurse, Page, Role, SessionSummary
from bot.store.sessions import Log
from bot.store.sqlite import audit as sqlite_audit
from bot.store.sqlite.readings import Readings
from bot.store.sqlite.turns import PATIENT, ROW, worklist_row
from bot.store.sqlite.values import moment, text
from bot.store.transcripts import SentMessage
from bot.store.worklist import WorklistRow

_NURSE = "id, name, email, role, languages, password, code_secret, code_step, is_active, is_demo"
NURSE_COLUMNS = ", ".join(f"nurses.{column}" for column in _NURSE.split(", "))
ADD_NURSE = f"insert into nurses ({_NURSE}, created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
CHANGE_NURSE = """
    update nurses set email = ?, role = ?, languages = ?, password = ?, code_secret = ?, code_step = ?, is_active = ?
    where id = ?
"""
NURSES = f"select {_NURSE} from nurses order by name"
NURSE = (f"select {_NURSE} from nurses where email = ?", f"select {_NURSE} from nurses where name = ?")

BEGIN_LOGIN = "insert into nurse_visits (digest, nurse, began_at, active_at) values (?, ?, ?, ?)"
LOGIN = f"""
    select nurse_visits.began_at, nurse_visits.active_at, {NURSE_COLUMNS}
    from nurse_visits join nurses on nurses.id = nurse_visits.nurse where nurse_visits.digest = ?
"""
TOUCH_LOGIN = "update nurse_visits set active_at = ? where digest = ?"
END_LOGIN = "delete from nurse_visits where digest = ?"
END_LOGINS = "delete from nurse_visits where nurse = ?"
DROP_LINKS = "delete from nurse_links where nurse = ? and purpose = ?"
ADD_LINK = "insert into nurse_links (digest, nurse, purpose, until) values (?, ?, ?, ?)"
LINK = f"""
    select nurse_links.purpose, nurse_links.until, {NURSE_COLUMNS}
    from nurse_links join nurses on nurses.id = nurse_links.nurse where nurse_links.digest = ?
"""
USE_LINK = "delete from nurse_links where digest = ?"

# --- the worklist

PARTS = (
    "place <= 2 {wanted} order by place, due_at",
    "place >= 3 and due_at <= :at {wanted} order by due_at",
    "place = 3 and due_at > :at {wanted} order by due_at",
    "place = 4 and due_at > :at {wanted} order by due_at",
)
VIEWS = {
    "open": PARTS,
    "mine": tuple(part.replace("{wanted}", "and owner = :nurse {wanted}") for part in PARTS),
    "unclaimed": tuple(part.replace("{wanted}", "and owner is null {wanted}") for part in PARTS),
    "undelivered": tuple(
        part.replace("{wanted}", "and trouble in ('delivery_failed', 'not_seen') {wanted}") for part in PARTS
    ),
    "call_back": ("call_back_at <= :at {wanted} order by call_back_at",),
    "snoozed": ("place = 5 and due_at > :at {wanted} order by due_at",),
}
"""What each view shows, part after part; every part is in the order of an index."""
CLOSED = f"{ROW} where is_open = 0 and closed_at > '' {{wanted}} order by closed_at desc"
ENTRIES_OF_PATIENT = f"{ROW} where is_open = 1 and worklist.patient = ? order by place, due_at, worklist.id"
ALL_OF_PATIENT = f"{ROW} where worklist.patient = ? order by worklist.id desc limit 1"
AWAKE = "(place, due_at) <= (5, :at)"
"""Not snoozed, or no longer: those who are stand in place 5 until they are due."""
COUNTS = {
    "open": AWAKE,
    "mine": f"owner = :nurse and {AWAKE}",
    "unclaimed": f"owner is null and {AWAKE}",
    "undelivered": f"trouble in ('delivery_failed', 'not_seen') and {AWAKE}",
    "call_back": "call_back_at <= :at",
    "snoozed": "place = 5 and due_at > :at",
    "urgent": "place <= 1 and acknowledged_at is null",
}
COUNT = "select count(*) from (select 1 from worklist where is_open = 1 and {which} limit :most)"

FIND = (
    "select id from patients where substr(id, -6) = :short limit :limit",
    """
    select id from patients where call_back_number is not null and substr(call_back_number, -6) = :digits limit :limit
    """,
    "select patient from sessions where id = :words limit :limit",
)
CHECKS = (
    "select id, started_at, state, disposition, answers from sessions where patient = ? order by number desc limit ?"
)
ROW_OF_SESSION = f"{ROW} where worklist.session = ?"
AUDITED = "select seq, at, who, what, about from audit where about = ? order by seq desc limit ?"


class SqliteDesk(Desk):
    """Shares a store's connections."""

    def __init__(self, store: Readings) -> None:
        self._store = store

    # --- accounts

    async def add_nurse(self, nurse: Nurse, at: datetime) -> None:
        row = (nurse.id, nurse.name, nurse.email, nurse.role, json.dumps(nurse.languages), nurse.password)
        rest = (nurse.code_secret, nurse.code_step, int(nurse.is_active), int(nurse.is_demo), text(at))

        def add(db: Connection) -> None:
            try:
                db.execute(ADD_NURSE, (*row, *rest))
            except IntegrityError as error:
                raise NameTaken(_taken(error)) from error

        await self._store.write(add)

    async def change_nurse(self, nurse: Nurse) -> None:
        row = (nurse.email, nurse.role, json.dumps(nurse.languages), nurse.password, nurse.code_secret, nurse.code_step)

        def change(db: Connection) -> None:
            try:
                if not db.execute(CHANGE_NURSE, (*row, int(nurse.is_active), nurse.id)).rowcount:
                    raise KeyError(f"there is no nurse {nurse.id!r}")
            except IntegrityError as error:
                raise NameTaken(_taken(error)) from error

        await self._store.write(change)

    async def nurses(self) -> Sequence[Nurse]:
        with self._store.snapshot() as db:
            return [nurse_of(row) for row in db.execute(NURSES)]

    async def nurse(self, name_or_email: str) -> Nurse | None:
        with self._store.snapshot() as db:
            rows = (db.execute(query, (name_or_email,)).fetchone() for query in NURSE)
            return next((nurse_of(row) for row in rows if row is not None), None)

    # --- logins and links

    async def begin_login(self, digest: str, nurse: str, at: datetime) -> None:
        await self._store.write(lambda db: db.execute(BEGIN_LOGIN, (digest, nurse, text(at), text(at))) and None)

    async def login(self, digest: str) -> Login | None:
        with self._store.snapshot() as db:
            row = db.execute(LOGIN, (digest,)).fetchone()
        return None if row is None else Login(digest, nurse_of(row[2:]), moment(row[0]), moment(row[1]))

    async def touch_login(self, digest: str, at: datetime) -> None:
        await self._store.write(lambda db: db.execute(TOUCH_LOGIN, (text(at), digest)) and None)

    async def end_login(self, digest: str) -> None:
        await self._store.write(lambda db: db.execute(END_LOGIN, (digest,)) and None)

    async def end_logins(self, nurse: str) -> None:
        await self._store.write(lambda db: db.execute(END_LOGINS, (nurse,)) and None)

    async def add_link(self, digest: str, nurse: str, purpose: str, until: datetime) -> None:
        def add(db: Connection) -> None:
            db.execute(DROP_LINKS, (nurse, purpose))
            db.execute(ADD_LINK, (digest, nurse, purpose, text(until)))

        await self._store.write(add)

    async def link(self, digest: str) -> Link | None:
        with self._store.snapshot() as db:
            row = db.execute(LINK, (digest,)).fetchone()
        return None if row is None else Link(digest, nurse_of(row[2:]), row[0], moment(row[1]))

    async def use_link(self, digest: str) -> bool:
        return await self._store.write(lambda db: db.execute(USE_LINK, (digest,)).rowcount == 1)

    # --- pages

    async def page(self, wanted: Filter, nurse: str, at: datetime, skip: int, limit: int) -> Page:
        values = {"nurse": nurse, "at": text(at), "tier": wanted.disposition, "language": wanted.language}
        with self._store.snapshot() as db:
            return _page(db, _queries(wanted), values, wanted.view == "closed", skip, limit)

    async def counts(self, nurse: str, at: datetime, most: int = 100) -> Counts:
        values = {"nurse": nurse, "at": text(at), "most": most}
        with self._store.snapshot() as db:
            found = {
                view: int(db.execute(COUNT.format(which=which), values).fetchone()[0]) for view, which in COUNTS.items()
            }
        return Counts(found, found.pop("urgent"), most)

    async def find(self, words: str, limit: int = 25) -> Page:
        plain = words.strip().lower().removeprefix("#")
        digits = re.sub(r"\D", "", plain)[-6:]
        values = {"short": plain, "digits": digits if len(digits) == 6 else None, "words": plain, "limit": limit}
        with self._store.snapshot() as db:
            found = dict.fromkeys(patient for query in FIND for (patient,) in db.execute(query, values))
            rows = [_entries(db, patient) for patient in found]
        return Page(tuple(row for row in rows if row)[:limit], False)

    async def checks(self, patient: str, limit: int = 12) -> Sequence[SessionSummary]:
        with self._store.snapshot() as db:
            return [
                SessionSummary(session, moment(at), state, disposition, json.loads(answers), _row_of(db, session))
                for session, at, state, disposition, answers in db.execute(CHECKS, (patient, limit)).fetchall()
            ]

    # --- the audit

    async def audit(self, who: str, what: str, about: str, at: datetime) -> None:
        await self._store.write(lambda db: sqlite_audit.add(db, text(at), who, what, about))

    async def audited(self, about: str, limit: int = 50) -> Sequence[Audited]:
        with self._store.snapshot() as db:
            return [
                Audited(seq, moment(at), who, what, of)
                for seq, at, who, what, of in db.execute(AUDITED, (about, limit))
            ]

    # --- reading

    async def open(self, channel: str, address: str) -> Log:
        return await self._store.open(channel, address)

    async def load(self, session: str) -> Log:
        return await self._store.load(session)

    async def transcript(self, session: str, after: int = 0) -> Sequence[SentMessage]:
        return await self._store.transcript(session, after)

    async def worklist(self, at: datetime | None = None, limit: int | None = None) -> Sequence[WorklistRow]:
        return await self._store.worklist(at, limit)

    # --- the demonstration

    async def forget_channel(self, channel: str) -> int:
        return await self._store.write(lambda db: _forget_channel(db, channel))


def nurse_of(row: Sequence[Any]) -> Nurse:
    id_, name, email, role, languages, password, code_secret, code_step, is_active, is_demo = row
    read = tuple(json.loads(languages))
    return Nurse(id_, name, email, Role(role), read, password, code_secret, code_step, bool(is_active), bool(is_demo))


def _taken(error: IntegrityError) -> str:
    return "e-mail address" if "email" in str(error) else "name"


# --- pages


def _queries(wanted: Filter) -> Sequence[str]:
    conditions = ""
    if wanted.disposition == "unfinished":
        conditions += " and tier is null"
    elif wanted.disposition is not None:
        conditions += " and tier = :tier"
    if wanted.language is not None:
        conditions += " and sessions.language = :language"
    if wanted.view == "closed":
        return (CLOSED.format(wanted=conditions),)
    parts = VIEWS.get(wanted.view, PARTS)
    return [f"{ROW} where is_open = 1 and {part.format(wanted=conditions)}, worklist.id" for part in parts]


def _page(
    db: Connection, queries: Sequence[str], values: dict[str, Any], is_closed: bool, skip: int, limit: int
) -> Page:
    """Reads no further than the page's end: a list of ten thousand costs what a list of ten does."""
    patients: dict[str, tuple[WorklistRow, ...]] = {}
    seen: set[str] = set()
    for row in chain.from_iterable(db.execute(query, values) for query in queries):
        patient = row[PATIENT]
        if patient in seen:
            continue
        seen.add(patient)
        if len(seen) <= skip:
            continue
        if len(patients) == limit:
            return Page(tuple(patients.values()), True)
        patients[patient] = (worklist_row(row),) if is_closed else _entries(db, patient)
    return Page(tuple(patients.values()), False)


def _entries(db: Connection, patient: str) -> tuple[WorklistRow, ...]:
    """All open entries of a patient, or the latest closed one."""
    rows = db.execute(ENTRIES_OF_PATIENT, (patient,)).fetchall() or db.execute(ALL_OF_PATIENT, (patient,)).fetchall()
    return tuple(worklist_row(row) for row in rows)


def _row_of(db: Connection, session: str) -> WorklistRow | None:
    row = db.execute(ROW_OF_SESSION, (session,)).fetchone()
    return None if row is None else worklist_row(row)


# --- the demonstration

_OF_CHANNEL = "select id from sessions where channel = :channel"
FORGET = (
    f"delete from alarms where session in ({_OF_CHANNEL})",
    "delete from parked where channel = :channel",
    f"delete from worklist where session in ({_OF_CHANNEL})",
    f"delete from waits where session in ({_OF_CHANNEL})",
    f"delete from outbox where session in ({_OF_CHANNEL})",
    "delete from texts where patient in (select id from patients where channel = :channel)",
    f"delete from events where session in ({_OF_CHANNEL})",
    "delete from sessions where channel = :channel",
    "delete from baselines where patient in (select id from patients where channel = :channel)",
    "delete from chats where channel = :channel",
    "delete from messages where patient in (select id from patients where channel = :channel)",
    "delete from addresses where patient in (select id from patients where channel = :channel)",
)
FORGET_PATIENTS = "delete from patients where channel = :channel"
TRIGGER = "select sql from sqlite_master where type = 'trigger' and name = 'events_refuse_delete'"


def _forget_channel(db: Connection, channel: str) -> int:
    """Events are never deleted, but those of a demonstration were never true."""
    (trigger,) = db.execute(TRIGGER).fetchone()
    db.execute("drop trigger events_refuse_delete")
    for statement in FORGET:
        db.execute(statement, {"channel": channel})
    forgotten = db.execute(FORGET_PATIENTS, {"channel": channel}).rowcount
    db.execute(trigger)
    return int(forgotten)
