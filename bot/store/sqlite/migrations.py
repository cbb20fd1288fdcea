"""The tables of the SQLite store. A change is a new migration; one that a clinic may have applied is never edited."""

from __future__ import annotations

from collections.abc import Callable

from sqlite_utils import Database, Migrations

from bot.store.sqlite.moving_texts import move_texts

MIGRATIONS = Migrations("cordwatch")
NAMES: list[str] = []
"""Of every migration there is: a database that has had others is newer than this program."""


def bring_up_to_date(db: Database) -> None:
    """Every change that the database has not had, or none: after a fault the program of before can still read it."""
    with db.atomic():
        MIGRATIONS.apply(db)


def _migration(change: Callable[[Database], None]) -> Callable[[Database], None]:
    NAMES.append(change.__name__)
    return MIGRATIONS()(change)


_PATIENTS = """
create table patients (
    id text primary key,
    channel text not null,
    address text not null,
    language text,
    call_back_number text,
    verified integer not null default 0,
    consented integer not null default 0,
    turns integer not null default 0,
    created_at text not null,
    unique (channel, address)
) strict
"""

# `number` is the order in which sessions began, which two clocks may disagree about
_SESSIONS = """
create table sessions (
    number integer primary key,
    id text not null unique,
    patient text not null references patients (id),
    channel text not null,
    address text not null,
    language text not null,
    state text not null,
    disposition text,
    protocol_version text not null,
    started_at text not null,
    updated_at text not null,
    wake_at text,
    length integer not null,
    answers text not null default '{}'
) strict
"""

_EVENTS = """
create table events (
    session text not null references sessions (id),
    seq integer not null,
    at text not null,
    kind text not null,
    body text not null,
    external_id text,
    primary key (session, seq)
) strict, without rowid
"""

_OUTBOX = """
create table outbox (
    id integer primary key autoincrement,
    session text not null references sessions (id),
    seq integer not null,
    channel text not null,
    address text not null,
    urgency integer not null check (urgency between 0 and 3),
    kind text not null,
    token text,
    body text not null,
    state text not null default 'waiting'
        check (state in ('waiting', 'handed_over', 'sent', 'not_seen', 'failed', 'superseded')),
    attempts integer not null default 0,
    retry_at text,
    created_at text not null,
    sent_at text,
    failed_at text,
    message_ref text,
    error text
) strict
"""

# one row for each chat in which something waits: what `claim` looks at, however many messages there are
_CHATS = """
create table chats (
    channel text not null,
    address text not null,
    urgency integer not null,
    oldest integer not null,
    retry_at text,
    primary key (channel, address)
) strict, without rowid
"""

# `place` and `due_at` put the list in order: see bot/store/rules.py
_WORKLIST = """
create table worklist (
    id integer primary key,
    session text not null unique references sessions (id),
    patient text not null references patients (id),
    tier text,
    reasons text not null,
    trouble text,
    is_worse integer not null,
    is_carer integer not null,
    unread integer not null,
    discounted text not null,
    opened_at text not null,
    decided_at text,
    acknowledge_by text not null,
    seen_by text,
    owner text,
    acknowledged_at text,
    is_open integer not null,
    closed_at text,
    outcome text,
    place integer not null,
    due_at text not null
) strict
"""

_BASELINES = """
create table baselines (
    patient text not null references patients (id),
    question text not null,
    confirmed_at text not null,
    primary key (patient, question)
) strict, without rowid
"""

_PROTOCOLS = "create table protocols (version text primary key, sha256 text not null, content text not null) strict"

_SETTINGS = "create table settings (key text primary key, value text not null) strict"

# The last part of a Telegram id names the message itself: what follows the last colon.
MESSAGE = "substr(external_id, length(rtrim(external_id, replace(external_id, ':', ''))) + 1)"

_INDICES = (
    "create index sessions_of_patient on sessions (patient, number)",
    "create index sessions_with_answers on sessions (patient, number) where answers <> '{}'",
    "create index sessions_to_wake on sessions (wake_at) where wake_at is not null",
    "create unique index events_external_id on events (external_id) where external_id is not null",
    f"create index events_message on events (session, {MESSAGE}) where substr(external_id, 1, 9) = 'telegram:'",
    "create index outbox_of_session on outbox (session, id)",
    "create index outbox_waiting on outbox (channel, address, id) where state = 'waiting'",
    "create index outbox_urgent on outbox (channel, address, urgency) where state = 'waiting' and urgency > 0",
    "create index outbox_token on outbox (channel, address, token) where token is not null",
    "create index outbox_advice on outbox (session, id) where kind = 'advice'",
    "create index outbox_unseen on outbox (sent_at) where state = 'handed_over' and kind in ('advice', 'reply')",
    "create index chats_oldest on chats (oldest)",
    "create index chats_ready on chats (channel, urgency desc, oldest) where retry_at is null",
    "create index chats_put_off on chats (channel, urgency, retry_at) where retry_at is not null",
    "create index worklist_of_patient on worklist (patient) where is_open = 1",
    "create index worklist_in_order on worklist (place, due_at) where is_open = 1",
    "create index worklist_overdue on worklist (due_at) where is_open = 1 and place >= 3",
)

_TRIGGERS = tuple(
    f"""
create trigger events_refuse_{verb} before {verb} on events
begin
    select raise(abort, 'events are only added, never changed or deleted: add a new event instead');
end
"""
    for verb in ("update", "delete")
)


@_migration
def m001_sessions_outbox_worklist(db: Database) -> None:
    tables = (_PATIENTS, _SESSIONS, _EVENTS, _OUTBOX, _CHATS, _WORKLIST, _BASELINES, _PROTOCOLS, _SETTINGS)
    for statement in (*tables, *_INDICES, *_TRIGGERS):
        db.execute(statement)


# --- the nurse's console

# `name` is what the log calls a nurse; so it is hers for ever
_NURSES = """
create table nurses (
    id text primary key,
    name text not null collate nocase unique,
    email text not null collate nocase unique,
    role text not null check (role in ('nurse', 'lead', 'administrator')),
    languages text not null,
    password text,
    code_secret text,
    code_step integer not null default 0,
    is_active integer not null default 1,
    is_demo integer not null default 0,
    created_at text not null
) strict
"""

# `digest`: of the secret in the cookie, or in the link
_NURSE_VISITS = """
create table nurse_visits (
    digest text primary key,
    nurse text not null references nurses (id),
    began_at text not null,
    active_at text not null
) strict, without rowid
"""

_NURSE_LINKS = """
create table nurse_links (
    digest text primary key,
    nurse text not null references nurses (id),
    purpose text not null check (purpose in ('sign_in', 'password')),
    until text not null
) strict, without rowid
"""

# no patient's words: `about` is a session's id, `digest` a keyed one of the event's body; `link` ties a row to the one
# before, so that a row altered, missing or moved shows, and an erased patient does not
_AUDIT = """
create table audit (
    seq integer primary key,
    at text not null,
    who text not null,
    what text not null,
    about text not null,
    digest text not null,
    link text not null
) strict
"""


@_migration
def m002_console(db: Database) -> None:
    for column in ("last_owner text", "snoozed_until text", "call_back_at text", "tries integer not null default 0"):
        db.execute(f"alter table worklist add column {column}")
    for statement in (_NURSES, _NURSE_VISITS, _NURSE_LINKS, _AUDIT):
        db.execute(statement)
    for statement in (
        "create index nurse_visits_of_nurse on nurse_visits (nurse)",
        "create index nurse_links_of_nurse on nurse_links (nurse)",
        "create index audit_about on audit (about, seq)",
        "create index audit_by on audit (who, seq)",
        "create index worklist_of_owner on worklist (owner) where is_open = 1",
        "create index worklist_in_trouble on worklist (trouble) where is_open = 1 and trouble is not null",
        "create index worklist_to_call on worklist (call_back_at) where is_open = 1 and call_back_at is not null",
        "create index worklist_closed on worklist (closed_at) where is_open = 0",
        "create index worklist_entries_of_patient on worklist (patient, id)",
        "create index patients_short_id on patients (substr(id, -6))",
        "create index patients_number on patients (substr(call_back_number, -6)) where call_back_number is not null",
        "insert into settings (key, value) values ('audit_key', lower(hex(randomblob(32))))",
    ):
        db.execute(statement)
    for verb in ("update", "delete"):
        db.execute(
            f"create trigger audit_refuse_{verb} before {verb} on audit "
            "begin select raise(abort, 'the audit is only added to, never changed or deleted'); end"
        )


# --- reports and alerts

# one row each time that an entry waits for a nurse: at first, when it is raised, when it opens again. The times of the
# worklist begin anew on each of these; here they stay, for the lead who must know whether anybody waited too long.
# `is_last`: the last of its opening, whose closing counts.
_WAITS = """
create table waits (
    session text not null references sessions (id),
    since text not null,
    language text not null,
    tier text,
    acknowledge_by text not null,
    seen_by text,
    opened_at text not null,
    acknowledged_at text,
    closed_at text,
    outcome text,
    is_last integer not null default 1,
    primary key (session, since)
) strict, without rowid
"""
_WAITS_SO_FAR = """
    insert into waits (session, since, language, tier, acknowledge_by, seen_by, opened_at, acknowledged_at, closed_at,
        outcome)
    select worklist.session, opened_at, sessions.language, tier, acknowledge_by, seen_by, opened_at,
        coalesce(acknowledged_at, closed_at), closed_at, outcome
    from worklist join sessions on sessions.id = worklist.session
"""

# a nurse's own chat, to which alerts go: no patient's session ever begins there
_NURSE_CHATS = """
create table nurse_chats (
    channel text not null,
    address text not null,
    nurse text not null references nurses (id),
    since text not null,
    failed_at text,
    primary key (channel, address),
    unique (nurse, channel)
) strict, without rowid
"""
_NURSE_CODES = """
create table nurse_codes (
    digest text primary key,
    nurse text not null unique references nurses (id),
    until text not null
) strict, without rowid
"""


@_migration
def m003_reports_and_alerts(db: Database) -> None:
    _let_messages_be_about_no_session(db)
    for statement in (_WAITS, _WAITS_SO_FAR, _NURSE_CHATS, _NURSE_CODES):
        db.execute(statement)
    for statement in (
        "create index waits_since on waits (since, tier, language, acknowledge_by, acknowledged_at, seen_by, "
        "opened_at, closed_at, outcome, is_last)",
        "create index audit_of on audit (what, seq)",
    ):
        db.execute(statement)


def _let_messages_be_about_no_session(db: Database) -> None:
    """What is said to a nurse belongs to no patient's session. SQLite drops a constraint by making the table anew."""
    fresh = _OUTBOX.replace("session text not null", "session text")
    _make_outbox_anew(db, fresh, "insert into outbox_anew select * from outbox")


def _make_outbox_anew(db: Database, table: str, filled: str) -> None:
    """`table`: how the outbox is declared from now on; `filled`: what copies into `outbox_anew`."""
    indices = db.execute("select sql from sqlite_master where type = 'index' and tbl_name = 'outbox' and sql <> ''")
    statements = [sql for (sql,) in indices.fetchall()]
    last = db.execute("select seq from sqlite_sequence where name = 'outbox'").fetchone()
    for statement in (
        table.replace("table outbox", "table outbox_anew"),
        filled,
        "drop table outbox",
        "alter table outbox_anew rename to outbox",
        *statements,
    ):
        db.execute(statement)
    if last is not None:
        db.execute("insert or ignore into sqlite_sequence (name, seq) values ('outbox', 0)")
        db.execute("update sqlite_sequence set seq = ? where name = 'outbox'", last)


@_migration
def m004_audit_head(db: Database) -> None:
    """Where the audit's chain ends, so that a missing last row shows too."""
    db.execute("""
        insert into settings (key, value)
        select 'audit_head', coalesce((select seq || ':' || link from audit order by seq desc limit 1), '0:')
    """)


# where a patient can be reached; the first stands with the patient and her sessions too
_ADDRESSES = """
create table addresses (
    channel text not null,
    address text not null,
    patient text not null references patients (id),
    since text not null,
    primary key (channel, address)
) strict, without rowid
"""
_ADDRESSES_SO_FAR = """
    insert into addresses (channel, address, patient, since) select channel, address, id, created_at from patients
"""

# the messages that a patient's channel may send once more under another number
_MESSAGES = """
create table messages (
    patient text not null references patients (id),
    message_ref text not null,
    primary key (patient, message_ref)
) strict, without rowid
"""
_IDS_OF_TELEGRAM = """
    select sessions.patient, external_id from events join sessions on sessions.id = events.session
    where substr(external_id, 1, 9) = 'telegram:'
"""


@_migration
def m005_addresses_and_messages(db: Database) -> None:
    for statement in (_ADDRESSES, _ADDRESSES_SO_FAR, _MESSAGES):
        db.execute(statement)
    for patient, external_id in db.execute(_IDS_OF_TELEGRAM).fetchall():
        bot, _, ref = external_id.split(":", 3)[1:]
        if ref[:1].isdigit():  # only messages and taps have a number of their own
            db.execute("insert or ignore into messages (patient, message_ref) values (?, ?)", (patient, f"{bot}:{ref}"))
    db.execute("drop index events_message")
    db.execute("create index addresses_of_patient on addresses (patient)")


# what somebody who is nobody did on the path of a message: see bot/service/probe.py
_PROBES = """
create table probes (
    id integer primary key autoincrement,
    at text not null,
    step text not null,
    prepared_ms real not null
) strict
"""


@_migration
def m006_probes(db: Database) -> None:
    db.execute(_PROBES)
    db.execute("create index worklist_by_tier on worklist (tier, due_at, acknowledged_at, opened_at) where is_open = 1")


# messages of which no turn could be made, as they came: `session` lists them, where one could be written
_PARKED = """
create table parked (
    external_id text primary key,
    channel text not null,
    address text not null,
    session text references sessions (id),
    at text not null,
    what text not null,
    message text not null,
    error text not null,
    tries integer not null,
    told_at text,
    is_listed integer not null
) strict
"""


@_migration
def m007_parked_messages(db: Database) -> None:
    db.execute(_PARKED)
    db.execute("create index parked_in_session on parked (session)")


# each text that was ever said, once. `key`: the SHA-256 of its JSON; of `patient` and JSON where it is hers alone.
# `body`: the JSON, deflated by zlib. The outbox names it without a foreign key, for which SQLite would look through all
# messages for each text forgotten.
_TEXTS = """
create table texts (
    id integer primary key,
    key blob not null unique,
    patient text references patients (id),
    body blob not null
) strict
"""
_TEXTS_OF_OUTBOX = """
    text integer not null,
    retires text,
    retires_text integer,
"""
_COLUMNS = (
    "id, session, seq, channel, address, urgency, kind, token, state, attempts, retry_at, created_at, sent_at, "
    "failed_at, message_ref, error"
)


@_migration
def m008_texts_once(db: Database) -> None:
    """Bodies of messages become rows of `texts`; what differs from asking to asking stays in the outbox."""
    db.execute(_TEXTS)
    db.execute("create index texts_of_patient on texts (patient) where patient is not null")
    move_texts(db)
    fresh = _OUTBOX.replace("    body text not null,\n", _TEXTS_OF_OUTBOX[1:])
    _make_outbox_anew(
        db,
        fresh.replace("session text not null", "session text"),
        f"insert into outbox_anew ({_COLUMNS}, text, retires, retires_text) "
        f"select {_COLUMNS}, text, retires, retires_text from outbox join moved using (id) order by id",
    )
    db.execute("drop table temp.moved")


@_migration
def m009_who_spoke_last(db: Database) -> None:
    """When each chat with something to send was last spoken in: who is there is answered first."""
    db.execute("alter table chats add column spoke_at text")
    db.execute("create index chats_there on chats (channel, urgency, spoke_at desc, oldest) where retry_at is null")


# what calls nurses and has not been told; `seq`: the event that calls
_ALARMS = """
create table alarms (
    session text not null references sessions (id),
    seq integer not null,
    at text not null,
    primary key (session, seq)
) strict, without rowid
"""


@_migration
def m010_alarms(db: Database) -> None:
    db.execute(_ALARMS)
