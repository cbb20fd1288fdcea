"""The tables of patients, sessions, events and worklist: reading a session's log, and making a turn true."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from sqlite3 import Connection, DatabaseError, IntegrityError
from typing import Any, NamedTuple

from bot.store import rules
from bot.store.sessions import DuplicateMessage, Log, OpenEntry, Patient, SessionChange, StaleSession, Summary, Turn
from bot.store.sqlite import audit as sqlite_audit
from bot.store.sqlite import waiting_times
from bot.store.sqlite.deliveries import add_outgoing, fail, supersede
from bot.store.sqlite.parked import add_parked
from bot.store.sqlite.values import maybe_moment, maybe_text, moment, text
from bot.store.worklist import Entry, WorklistRow
from dialogs.events import DeliveryFailed, NurseEvent, Recorded, Reopened, dump, parse

LAST_NUMBER = 2**63 - 1
NEVER = "9999-12-31T23:59:59.999999+00:00"

# --- reading

_PATIENT = "language, call_back_number, verified, consented, turns"
PATIENT_AT = f"""
    select id, addresses.channel, addresses.address, {_PATIENT} from addresses
    cross join patients on patients.id = addresses.patient where addresses.channel = ? and addresses.address = ?
"""
PATIENT_OF = (
    f"select id, channel, address, {_PATIENT} from patients where id = (select patient from sessions where id = ?)"
)
LATEST_SESSION = "select id, number from sessions where patient = ? order by number desc limit 1"
NUMBER_OF = "select number from sessions where id = ?"
EVENTS = "select seq, at, kind, body, external_id from events where session = ? and seq >= ? order by seq"
OPEN_ENTRIES = """
    select tier, coalesce(decided_at, opened_at) from worklist
    where patient = ? and is_open = 1 and tier is not null
"""
PREVIOUS_ANSWERS = """
    select answers from sessions where patient = ? and number < ? and answers <> '{}' order by number desc limit 1
"""
BASELINES = "select question, confirmed_at from baselines where patient = ?"
DUE_SESSIONS = "select id, wake_at from sessions where wake_at <= ? order by wake_at limit ?"
NEXT_WAKE = "select min(wake_at) from sessions where wake_at is not null"
OPEN_SESSIONS = "select session from worklist where patient = ? and is_open = 1 order by id desc"
RECENT_SESSIONS = "select id from sessions where patient = ? order by number desc limit ?"

# --- writing

KNOWN_ID = "select 1 from events where external_id = ?"
KNOWN_MESSAGE = "select 1 from messages where patient = ? and message_ref = ?"
ADD_MESSAGE = "insert into messages (patient, message_ref) values (?, ?)"
ADD_PATIENT = """
    insert into patients (id, channel, address, language, call_back_number, verified, consented, turns, created_at)
    values (?, ?, ?, ?, ?, ?, ?, 1, ?)
"""
ADD_ADDRESS = "insert into addresses (channel, address, patient, since) values (?, ?, ?, ?)"
CHANGE_PATIENT = """
    update patients set language = ?, call_back_number = ?, verified = ?, consented = ?, turns = turns + 1
    where id = ? and turns = ?
"""
ADD_SESSION = """
    insert into sessions (language, state, disposition, protocol_version, wake_at, answers, updated_at, length, id,
        patient, channel, address, started_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
CHANGE_SESSION = """
    update sessions set language = ?, state = ?, disposition = ?, protocol_version = ?, wake_at = ?, answers = ?,
        updated_at = ?, length = ?
    where id = ? and length = ?
"""
ADD_EVENT = "insert into events (session, seq, at, kind, body, external_id) values (?, ?, ?, ?, ?, ?)"


class _Column(NamedTuple):
    """How one field of an entry is stored and read back. `column`: its name in the table, where that is another."""

    name: str
    store: Callable[[Any], Any] = lambda value: value
    read: Callable[[Any], Any] = lambda stored: stored
    column: str = ""


# one line a field, in any order: everything that writes or reads an entry goes by this table
ENTRY = (
    _Column("disposition", column="tier"),
    _Column("reasons", json.dumps, lambda stored: tuple(json.loads(stored))),
    _Column("trouble"),
    _Column("is_worse", int, bool),
    _Column("is_carer", int, bool),
    _Column("unread"),
    _Column("discounted", json.dumps, lambda stored: tuple(json.loads(stored))),
    _Column("opened_at", text, moment),
    _Column("decided_at", maybe_text, maybe_moment),
    _Column("acknowledge_by", text, moment),
    _Column("seen_by", maybe_text, maybe_moment),
    _Column("owner"),
    _Column("acknowledged_at", maybe_text, maybe_moment),
    _Column("is_open", int, bool),
    _Column("closed_at", maybe_text, maybe_moment),
    _Column("outcome"),
    _Column("last_owner"),
    _Column("snoozed_until", maybe_text, maybe_moment),
    _Column("call_back_at", maybe_text, maybe_moment),
    _Column("tries"),
)
_NAMES = tuple(field.column or field.name for field in ENTRY)
ENTRY_COLUMNS = ", ".join(_NAMES)
_KEPT_COLUMNS = ("session", "patient", *_NAMES, "place", "due_at")
KEEP_ENTRY = f"""
    insert into worklist ({", ".join(_KEPT_COLUMNS)}) values ({", ".join("?" for _ in _KEPT_COLUMNS)})
    on conflict (session) do update set {", ".join(f"{name} = excluded.{name}" for name in _KEPT_COLUMNS)}
"""
ADD_ALARM = "insert into alarms (session, seq, at) values (?, ?, ?)"
CONFIRM_BASELINE = """
    insert into baselines (patient, question, confirmed_at) values (?, ?, ?)
    on conflict (patient, question) do update set confirmed_at = max(confirmed_at, excluded.confirmed_at)
"""

# --- the nurse's list

PATIENT = 2
"""Where a row of the list names its patient."""
ROW = f"""
    select worklist.id, worklist.session, worklist.patient, sessions.language, patients.call_back_number,
        (select state from outbox where session = worklist.session and kind = 'advice' order by outbox.id desc limit 1),
        sessions.channel, patients.verified, {ENTRY_COLUMNS}
    from worklist
    cross join sessions on sessions.id = worklist.session
    cross join patients on patients.id = worklist.patient
"""
# each part is in the order of an index, so that the first page costs the same however long the list is
WORKLIST = tuple(
    f"""{ROW}
    where is_open = 1 and {part}, worklist.id limit :limit
"""
    for part in (
        "place <= 2 order by place, due_at",
        "place >= 3 and due_at <= :at order by due_at",
        "place = 3 and due_at > :at order by due_at",
        "place = 4 and due_at > :at order by due_at",
        "place = 5 and due_at > :at order by due_at",
    )
)


def patient_of(row: Sequence[Any]) -> Patient:
    id_, channel, address, language, call_back_number, verified, consented, turns = row
    return Patient(id_, channel, address, language, call_back_number, bool(verified), bool(consented), turns)


class ReadEvents:
    """The events of the sessions that were read last. They never change, so only what came after them is read anew."""

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._kept: OrderedDict[str, tuple[Recorded, ...]] = OrderedDict()

    def of(self, db: Connection, session: str) -> tuple[Recorded, ...]:
        known = self._kept.pop(session, ())
        later = (
            Recorded(seq, moment(at), parse(kind, body), external_id)
            for seq, at, kind, body, external_id in db.execute(EVENTS, (session, len(known)))
        )
        events = self._kept[session] = (*known, *later)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return events


def read_log(db: Connection, patient: Patient, session: str, number: int, read: ReadEvents) -> Log:
    """Everything the next step must know. `number`: the session's place among all that ever began."""
    previous = db.execute(PREVIOUS_ANSWERS, (patient.id, number)).fetchone()
    return Log(
        session=session,
        patient=patient,
        events=read.of(db, session),
        open_entry=_open_entry(db, patient.id),
        previous=None if previous is None else json.loads(previous[0]),
        confirmed={question: moment(at) for question, at in db.execute(BASELINES, (patient.id,))},
    )


def read_anew(db: Connection, patient: Patient, session: str) -> Log:
    """As `read_log` for a session that is still to begin; a damaged page of another table is no reason to give up."""
    log = Log(session, patient)
    with suppress(DatabaseError):
        log = replace(log, open_entry=_open_entry(db, patient.id))
    with suppress(DatabaseError):
        previous = db.execute(PREVIOUS_ANSWERS, (patient.id, LAST_NUMBER)).fetchone()
        log = replace(log, previous=None if previous is None else json.loads(previous[0]))
    with suppress(DatabaseError):
        confirmed = {question: moment(at) for question, at in db.execute(BASELINES, (patient.id,))}
        log = replace(log, confirmed=confirmed)
    return log


def _open_entry(db: Connection, patient: str) -> OpenEntry | None:
    rows = db.execute(OPEN_ENTRIES, (patient,))
    return rules.standing(OpenEntry(disposition, moment(decided_at)) for disposition, decided_at in rows)


# --- a turn


def append(db: Connection, turn: Turn) -> tuple[int, ...]:
    """Makes the turn true, inside of a transaction that the caller undoes if this raises."""
    _refuse_duplicate(db, turn)
    _keep_patient(db, turn.patient, turn.at)
    if turn.message_ref is not None:
        db.execute(ADD_MESSAGE, (turn.patient.id, turn.message_ref))
    for change in turn.changes:
        _keep_session(db, change, turn)
    _add_events(db, turn)
    if turn.parked is not None:
        add_parked(db, turn.parked)
    patient = turn.patient
    if rules.supersedes(one for change in turn.changes for one in change.outgoing):
        supersede(db, patient.channel, patient.address)
    added: list[int] = []
    for change in turn.changes:
        last = change.length + len(change.events) - 1
        said = [(one, patient.id if rules.is_hers_alone(one, change.events) else None) for one in change.outgoing]
        where = (patient.channel, patient.address, turn.at)
        added += add_outgoing(db, change.session, last, *where, said, turn.is_answer)
        if change.entry is not None:
            db.execute(KEEP_ENTRY, (change.session, patient.id, *_entry_row(change.entry)))
            waiting_times.record(db, change.session, change.summary.language, change.entry, turn.at)
        if change.is_alarm:
            db.execute(ADD_ALARM, (change.session, last, text(turn.at)))
    for question in turn.confirmed:
        db.execute(CONFIRM_BASELINE, (patient.id, question, text(turn.at)))
    return tuple(added)


def _refuse_duplicate(db: Connection, turn: Turn) -> None:
    if db.execute(KNOWN_ID, (turn.external_id,)).fetchone():
        raise DuplicateMessage(f"{turn.external_id} has already taken effect")
    if turn.message_ref is not None and db.execute(KNOWN_MESSAGE, (turn.patient.id, turn.message_ref)).fetchone():
        raise DuplicateMessage(f"{turn.external_id} has already taken effect under another id")


def _keep_patient(db: Connection, patient: Patient, at: datetime) -> None:
    known = (patient.language, patient.call_back_number, int(patient.is_verified), int(patient.is_consented))
    if patient.turns:
        if not db.execute(CHANGE_PATIENT, (*known, patient.id, patient.turns)).rowcount:
            raise StaleSession(f"patient {patient.id} has had another turn since turn {patient.turns} was read")
        return
    try:
        db.execute(ADD_PATIENT, (patient.id, patient.channel, patient.address, *known, text(at)))
        db.execute(ADD_ADDRESS, (patient.channel, patient.address, patient.id, text(at)))
    except IntegrityError as error:
        raise StaleSession(f"another first turn of patient {patient.id} was sooner") from error


def _keep_session(db: Connection, change: SessionChange, turn: Turn) -> None:
    row = (*_summary_row(change.summary), text(turn.at), change.length + len(change.events), change.session)
    if change.length:
        if not db.execute(CHANGE_SESSION, (*row, change.length)).rowcount:
            raise StaleSession(f"session {change.session} no longer has {change.length} events")
        return
    patient = turn.patient
    try:
        db.execute(ADD_SESSION, (*row, patient.id, patient.channel, patient.address, text(turn.at)))
    except IntegrityError as error:
        raise StaleSession(f"session {change.session} has already begun") from error


def _add_events(db: Connection, turn: Turn) -> None:
    external_id: str | None = turn.external_id
    for change in turn.changes:
        for seq, event in enumerate(change.events, change.length):
            db.execute(ADD_EVENT, (change.session, seq, text(turn.at), *dump(event), external_id))
            external_id = None
            if isinstance(event, DeliveryFailed):
                fail(db, event, turn.at)
            if isinstance(event, NurseEvent):
                kind, body = dump(event)
                who = event.by if isinstance(event, Reopened) else event.nurse
                sqlite_audit.add(db, text(turn.at), who, kind, change.session, body)


def _summary_row(summary: Summary) -> tuple[Any, ...]:
    return (
        summary.language,
        summary.state,
        summary.disposition,
        summary.protocol_version,
        maybe_text(summary.wake_at),
        json.dumps(summary.answers),
    )


# --- the nurse's list


def _entry_row(entry: Entry) -> tuple[Any, ...]:
    """In the order of _KEPT_COLUMNS after session and patient."""
    stored = (column.store(getattr(entry, column.name)) for column in ENTRY)
    return (*stored, rules.part_of_list(entry), maybe_text(rules.due_at(entry)) or NEVER)


def entry_of(stored: Sequence[Any]) -> Entry:
    """`stored`: as ENTRY_COLUMNS name it."""
    return Entry(**{column.name: column.read(value) for column, value in zip(ENTRY, stored, strict=True)})


def worklist_row(row: Sequence[Any]) -> WorklistRow:
    """`row` as WORKLIST selects it."""
    id_, session, patient, language, call_back_number, delivery, channel, is_verified, *stored = row
    return WorklistRow(
        id=id_,
        session=session,
        patient=patient,
        language=language,
        call_back_number=call_back_number,
        delivery=delivery,
        channel=channel,
        is_verified=bool(is_verified),
        entry=entry_of(stored),
    )
