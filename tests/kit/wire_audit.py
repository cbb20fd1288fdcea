"""What must hold once every conversation is over, read from the database and from the patients' screens."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from sqlite3 import Connection

from bot.channels import Outgoing
from bot.channels.telegram.messages import Part, parts_of
from bot.clinic.settings import load
from bot.language.texts import PatientTexts
from bot.service.entry import entry
from bot.service.service import Service, utc_now
from bot.store.signals import ChangeFeed
from bot.store.sqlite.store import SqliteStore
from bot.store.worklist import Entry
from dialogs.events import Advised, Answered, Corrected, Recorded
from dialogs.protocol import load as load_protocol
from dialogs.session import Session, apply, replay
from tests.kit.lane import NOT_STORED
from tests.kit.patients import Patient
from tests.kit.wire import Arrival, Bot, said

NOTICES = tuple(NOT_STORED.values())
"""How what comes from a channel alone begins: it is in no outbox."""


async def audit(bot: Bot, patients: Sequence[Patient]) -> list[str]:
    """Everything that does not hold, in words; nothing when all is well."""
    config = load(bot.directory / "clinic.toml", {"BOT_DATABASE": str(bot.database)})
    protocol = load_protocol()
    store = SqliteStore(bot.database, is_reader=True)
    service = Service(store, PatientTexts(config.clinic, protocol), config.clinic, {}, protocol, utc_now, ChangeFeed())
    listed = {row.session: row.entry for row in await store.worklist()}
    found = []
    with bot.rows() as db:
        for patient in patients:
            who = f"patient {patient.user.id} ({patient.plan.name})"
            found += [f"{who}: {fault}" for fault in await _faults(patient, store, service, listed, db)]
    await store.close()
    return found


async def _faults(
    patient: Patient, store: SqliteStore, service: Service, listed: Mapping[str, Entry], db: Connection
) -> list[str]:
    sessions = db.execute("select id from sessions where address = ?", (str(patient.user.id),)).fetchall()
    if len(sessions) != 1:
        return [f"has {len(sessions)} sessions"]
    ((session,),) = sessions
    events = (await store.load(session)).events
    return [
        *_nothing_lost(patient, events),
        *_decided_right(patient, events, db, session),
        *_equal_to_replay(service, events, db, session),
        *_listed_right(service, events, listed.get(session)),
        *_said_right(service, events, db, session),
        *_arrived_in_order(patient, db),
    ]


def _nothing_lost(patient: Patient, events: Sequence[Recorded]) -> Iterator[str]:
    heard = [(one.event.question, one.event.answer) for one in events if isinstance(one.event, Answered | Corrected)]
    told = [(question, answer.replace(" ", "")) for question, answer in patient.answers]
    if heard != told:
        yield f"answered {told}, but the log has {heard}"
    ids = Counter(one.external_id.split(":")[2] for one in events if (one.external_id or "").startswith("telegram:"))
    if ids != Counter(map(str, patient.updates)):
        yield f"sent updates {patient.updates}, but the log has {ids}"


def _decided_right(patient: Patient, events: Sequence[Recorded], db: Connection, session: str) -> Iterator[str]:
    advised = [one.event for one in events if isinstance(one.event, Advised)]
    dispositions = Counter(one.disposition for one in advised)
    if any(count > 1 for count in dispositions.values()):
        yield f"was advised twice: {dispositions}"
    expected = patient.expected()
    (disposition,) = db.execute("select disposition from sessions where id = ?", (session,)).fetchone()
    if disposition != expected or expected not in dispositions:
        yield f"should have been advised {expected}, was {dispositions}, and the summary says {disposition}"
    if advised and advised[-1].is_finished and set(advised[-1].rules) - set(patient.at_the_end().rules):
        yield f"was advised because of {advised[-1].rules}, not {patient.at_the_end().rules}"


def _equal_to_replay(service: Service, events: Sequence[Recorded], db: Connection, session: str) -> Iterator[str]:
    """Table `sessions` says what a replay says, and the log is without a gap."""
    if [one.seq for one in events] != list(range(len(events))):
        yield f"has a log of {[one.seq for one in events]}"
    after = replay(session, events)
    row = db.execute("select state, language, disposition, length, answers from sessions where id = ?", (session,))
    state, language, disposition, length, answers = row.fetchone()
    clinical = {one.id for one in service.current.questions}
    replayed = {question: answer for question, answer in after.answers.items() if question in clinical}
    advised = after.advised.value if after.advised else None
    if (state, language, disposition, length) != (after.state, after.language, advised, len(events)):
        yield f"summary row {(state, language, disposition, length)} is not its replay {after}"
    if json.loads(answers) != replayed:
        yield f"summary row has answers {answers}, its replay {replayed}"


def _listed_right(service: Service, events: Sequence[Recorded], listed: Entry | None) -> Iterator[str]:
    expected = entry(events, service.current, service.clinic)
    if listed != expected:
        yield f"stands on the worklist as {listed}, its replay gives {expected}"


def _said_right(service: Service, events: Sequence[Recorded], db: Connection, session: str) -> Iterator[str]:
    """Each turn of the log, put into words again, is what stands in the outbox: no more and no less."""
    by_turn: dict[int, list[Outgoing]] = defaultdict(list)
    for _, seq, _, outgoing in said(db, "session = ?", session):
        by_turn[seq].append(outgoing)
    before = Session(session)
    for turn in _turns(events):
        after = before
        for one in turn:
            after = apply(after, one.event, one.at)
        facts = [one.event for one in turn]
        expected = service.words.render(facts, before, after, service.current, turn[0].at)
        if tuple(by_turn.pop(turn[-1].seq, ())) != expected:
            yield f"turn {turn[-1].seq} of {facts} was answered with something else than {expected}"
        before = after
    if by_turn:
        yield f"was told something after no turn: {dict(by_turn)}"


def _turns(events: Sequence[Recorded]) -> list[list[Recorded]]:
    """The log in turns: the first event of each bears an external id."""
    turns: list[list[Recorded]] = []
    for one in events:
        if one.external_id is not None:
            turns.append([])
        turns[-1].append(one)
    return turns


def _arrived_in_order(patient: Patient, db: Connection) -> Iterator[str]:
    """Rows of the outbox arrived in their order, each at least once; one that was under way at a crash, again."""
    rows = said(db, "channel = 'telegram' and address = ?", str(patient.user.id))
    for id_, _, state, _ in rows:
        if state not in ("sent", "superseded"):
            yield f"message {id_} is {state}"
    expected = [
        (id_, state == "sent", _key_of_part(part)) for id_, _, state, outgoing in rows for part in parts_of(outgoing)
    ]
    arrived = [one for one in patient.telegram.arrivals[patient.user.id] if not one.text.startswith(NOTICES)]
    yield from in_order(expected, [_key_of_arrival(one) for one in arrived])


Key = tuple[str, tuple[str, ...], bool]


def in_order(expected: list[tuple[int, bool, Key]], arrived: list[Key]) -> Iterator[str]:
    """What is wrong with the arrivals. `expected`, in the order committed: row, whether it must arrive, its part."""
    place = 0
    for key in arrived:
        latest = expected[place - 1][0] if place else None
        again = next((at for at, one in enumerate(expected[:place]) if one[0] == latest), None)
        while place < len(expected) and expected[place][2] != key and not expected[place][1]:
            place += 1  # superseded, and it did not arrive
        if place < len(expected) and expected[place][2] == key:
            place += 1
        elif again is not None and expected[again][2] == key:
            place = again + 1
        else:
            yield f"{key} arrived where {expected[place : place + 1]} or the one before was due"
            return
    if any(must_arrive for _, must_arrive, _ in expected[place:]):
        yield f"{expected[place:]} never arrived"


def _key_of_part(part: Part) -> Key:
    keyboard = json.loads(part.markup) if part.markup else {}
    data = tuple(button["callback_data"] for row in keyboard.get("inline_keyboard", ()) for button in row)
    text = "\n".join(filter(None, (part.heading, part.text)))
    return text.strip(), data, part.picture is not None


def _key_of_arrival(arrival: Arrival) -> Key:
    return arrival.text, arrival.data, arrival.is_photo
