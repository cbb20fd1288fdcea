"""The promises of a Store, and what SQLite must keep of them when it is killed, full or locked."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import sqlite3
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from bot.channels import Choice, Outgoing, Priority, Retired
from bot.store.outbox import Delivery
from bot.store.sessions import DuplicateMessage, OpenEntry, StaleSession
from bot.store.sqlite import deliveries as sqlite_outbox
from bot.store.sqlite import store as sqlite
from bot.store.sqlite import turns as sqlite_turns
from bot.store.sqlite.migrations import NAMES
from bot.store.sqlite.store import SqliteStore, new_id
from bot.store.store import Store, StoreLocked, UnfitStore
from bot.store.worklist import Entry
from dialogs.events import Advised, Answered, Asked, DeliveryFailed, NotUnderstood, Recorded, Started
from tests.kit.builders import turn
from tests.kit.clinic import MONDAY

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=2)
ROUTINE = Outgoing("How are you?")
URGENT = Outgoing("Call now", kind="advice", priority=Priority.URGENT)
EMERGENCY = Outgoing("Call the emergency number", kind="advice", priority=Priority.EMERGENCY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cord watch.db"


@pytest_asyncio.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    opened = SqliteStore(path)
    yield opened
    await opened.close()


async def say(store: Store, *outgoing: Outgoing, to: str = "42", channel: str = "test", **fields: object) -> str:
    """One turn of an address; returns its session."""
    log = await store.open(channel, to)
    await store.append(turn(log, *outgoing, **fields))  # type: ignore[arg-type]
    return str(fields.get("session") or log.session)


async def claim(store: Store, limit: int = 10, at: datetime = MONDAY, **fields: object) -> list[Delivery]:
    return list(await store.claim("test", at, limit, LEASE, **fields))  # type: ignore[arg-type]


async def claimed_texts(store: Store, at: datetime = MONDAY) -> list[str]:
    return [one.sending.outgoing.text for one in await claim(store, at=at)]


async def send_all(store: Store, at: datetime = MONDAY) -> list[str]:
    """Texts in the order in which they leave."""
    left = []
    while claimed := await claim(store, limit=1, at=at):
        left.append(claimed[0].sending.outgoing.text)
        await store.sent(claimed[0].id, at, "ref")
    return left


async def states(store: Store, session: str) -> list[str]:
    return [said.state for said in await store.transcript(session)]


# --- turns


async def test_an_address_never_seen_has_an_empty_log_and_nothing_is_written(store, path):
    log = await store.open("test", "42")
    assert log.events == ()
    assert log.session != (await store.open("test", "42")).session
    assert rows(path, "patients") == rows(path, "sessions") == []


async def test_a_turn_is_read_back_as_it_was_written(store):
    log = await store.open("test", "42")
    patient = replace(log.patient, language="nl", call_back_number="+31205550100", is_consented=True, is_verified=True)
    started, asked = Started("2026.1", "nl", previous={"weakness": "no"}), Asked("weakness", "t1")
    first = replace(turn(log, events=(started, asked), external_id="test:first"), patient=patient)
    await store.append(first)

    read = await store.open("test", "42")
    assert read.events == (Recorded(0, MONDAY, started, "test:first"), Recorded(1, MONDAY, asked))
    assert read.patient == replace(patient, turns=1)
    assert read == await store.load(log.session)


@pytest.mark.parametrize("words", ["x\0y", "\u202eright to left", "🦴" * 5000, "'; drop table events; --", ""])
async def test_a_patients_words_are_kept_word_for_word(store, words):
    session = await say(store, Outgoing(words), events=(NotUnderstood("text", words),))
    assert (await store.load(session)).events[0].event == NotUnderstood("text", words)
    assert (await store.transcript(session))[0].outgoing == Outgoing(words)


async def test_a_session_nobody_began_is_a_key_error(store):
    with pytest.raises(KeyError, match="no-such"):
        await store.load("no-such")


async def test_a_moment_without_a_time_zone_is_refused(store):
    log = await store.open("test", "42")
    with pytest.raises(ValueError, match="time zone"):
        await store.append(turn(log, at=datetime(2026, 11, 23)))  # noqa: DTZ001


async def test_the_same_message_takes_effect_once(store):
    session = await say(store, ROUTINE, external_id="test:1")
    with pytest.raises(DuplicateMessage):
        await say(store, ROUTINE, external_id="test:1")
    assert (await store.load(session)).length == len(await store.transcript(session)) == 1


async def test_a_message_takes_effect_once_whatever_the_number_of_its_delivery(store):
    await say(store, external_id="test:1000", message_ref="7:31")
    with pytest.raises(DuplicateMessage):
        await say(store, external_id="test:5", message_ref="7:31")
    await say(store, external_id="test:6", message_ref="7:31e1790000000")
    await say(store, external_id="test:7", message_ref="8:31")
    await say(store, external_id="test:8", message_ref="7:31", to="43")


async def test_a_renumbered_restart_does_not_restart_again(store):
    await say(store)
    log = await store.open("test", "42")
    leaving = turn(log, external_id="test:1000", message_ref="7:32")
    beginning = turn(log, session=store.fresh_session())
    await store.append(replace(leaving, changes=leaving.changes + beginning.changes))
    with pytest.raises(DuplicateMessage):
        await say(store, external_id="test:5", message_ref="7:32")


async def test_messages_of_no_name_are_no_duplicates_of_each_other(store):
    await say(store)
    await say(store)
    assert (await store.open("test", "42")).length == 2


async def test_of_two_turns_made_from_one_reading_the_second_is_stale(store):
    session = await say(store)
    log = await store.load(session)
    await store.append(turn(log, ROUTINE))
    with pytest.raises(StaleSession):
        await store.append(turn(log, URGENT))
    assert len(await store.transcript(session)) == 1


async def test_a_turn_that_counts_the_events_wrongly_is_stale(store):
    session = await say(store)
    log = await store.load(session)
    wrong = turn(log)
    with pytest.raises(StaleSession):
        await store.append(replace(wrong, changes=(replace(wrong.changes[0], length=7),)))
    with pytest.raises(StaleSession):
        await store.append(turn(log, session=session))


async def test_of_two_first_turns_of_an_address_the_second_is_stale(store):
    one, other = await store.open("test", "42"), await store.open("test", "42")
    await store.append(turn(one))
    with pytest.raises(StaleSession):
        await store.append(turn(other))


async def test_of_two_new_checks_begun_from_one_reading_the_second_is_stale(store):
    await say(store)
    log = await store.open("test", "42")
    await store.append(turn(log, session=store.fresh_session()))
    with pytest.raises(StaleSession):
        await store.append(turn(log, session=store.fresh_session()))


async def test_the_latest_session_is_the_one_that_is_open(store):
    first = await say(store)
    second = await say(store, session=store.fresh_session())
    log = await store.open("test", "42")
    assert log.session == second
    assert list(await store.recent_sessions(log.patient.id)) == [second, first]


async def test_the_previous_answers_are_those_of_the_latest_earlier_session_with_any(store):
    await say(store, answers={"weakness": "no"})
    await say(store, session=store.fresh_session(), answers={"weakness": "yes"})
    await say(store, session=store.fresh_session(), answers={})
    latest = await say(store, session=store.fresh_session(), answers={"weakness": "unsure"})
    assert (await store.load(latest)).previous == {"weakness": "yes"}
    assert (await store.load(latest)).previous == (await store.open("test", "42")).previous


async def test_a_first_check_has_no_previous_answers(store):
    session = await say(store, answers={"weakness": "no"})
    assert (await store.load(session)).previous is None


async def test_a_confirmed_baseline_is_known_with_its_latest_moment(store):
    await say(store, confirmed=("weakness", "lhermitte"))
    await say(store, confirmed=("weakness",), at=MONDAY + HOUR)
    log = await store.open("test", "42")
    assert log.confirmed == {"weakness": MONDAY + HOUR, "lhermitte": MONDAY}


async def test_sessions_are_due_when_their_moment_has_come_the_earliest_first(store):
    later = await say(store, to="1", wake_at=MONDAY + 2 * MINUTE)
    sooner = await say(store, to="2", wake_at=MONDAY + MINUTE)
    await say(store, to="3", wake_at=MONDAY + HOUR)
    await say(store, to="4")
    due = await store.due_sessions(MONDAY + 2 * MINUTE)
    assert list(due) == [(sooner, MONDAY + MINUTE), (later, MONDAY + 2 * MINUTE)]
    assert list(await store.due_sessions(MONDAY + HOUR, limit=1)) == [(sooner, MONDAY + MINUTE)]
    assert await store.next_wake() == MONDAY + MINUTE


async def test_a_session_that_has_moved_on_is_not_due(store):
    await say(store, wake_at=MONDAY)
    await say(store)
    assert list(await store.due_sessions(MONDAY)) == []
    assert await store.next_wake() is None


async def test_a_conversation_is_both_sides_in_order(store):
    session = await say(store, Outgoing("hello"), Outgoing("first?"))
    await say(store, Outgoing("second?"), events=(Answered("a", "yes"), Asked("b", "t")))
    lines = await store.conversation(session)
    assert [getattr(line, "event", None) or line.outgoing.text for line in lines] == [
        Started("2026.1", "en"),
        "hello",
        "first?",
        Answered("a", "yes"),
        Asked("b", "t"),
        "second?",
    ]


# --- the outbox


async def test_a_chat_gets_its_messages_one_at_a_time_and_in_order(store):
    await say(store, Outgoing("1"), Outgoing("2"))
    await say(store, Outgoing("3"))
    assert await claimed_texts(store) == ["1"]
    assert await claimed_texts(store) == []
    await store.release()
    assert await send_all(store) == ["1", "2", "3"]


async def test_the_most_urgent_chat_is_first_then_the_one_that_waits_longest(store):
    await say(store, Outgoing("routine 1"), to="1")
    await say(store, Outgoing("routine 2"), to="2")
    await say(store, Outgoing("reply", priority=Priority.ADVICE), to="3")
    await say(store, EMERGENCY, to="4")
    await say(store, URGENT, to="5")
    assert await send_all(store) == [EMERGENCY.text, URGENT.text, "reply", "routine 1", "routine 2"]


async def test_a_chat_inherits_the_priority_of_its_most_urgent_message_and_keeps_its_order(store):
    await say(store, Outgoing("other"), to="1")
    await say(store, Outgoing("reply", priority=Priority.ADVICE), to="2")
    await say(store, URGENT, Outgoing("What is your number?"), to="2")
    first = (await claim(store, limit=1))[0]
    assert (first.sending.outgoing.text, first.priority) == ("reply", 2)
    await store.release()
    assert await send_all(store) == ["reply", URGENT.text, "other", "What is your number?"]


async def test_urgent_advice_supersedes_what_waited_in_its_chat_but_not_its_own_turn(store):
    other = await say(store, Outgoing("other"), to="1")
    session = await say(store, Outgoing("old question"), Outgoing("a nurse's reply", priority=Priority.ADVICE))
    await say(store, Outgoing("heading"), URGENT, Outgoing("new question"))
    assert await states(store, session) == ["superseded", "waiting", "waiting", "waiting", "waiting"]
    assert await states(store, other) == ["waiting"]
    assert await send_all(store) == ["a nurse's reply", "heading", URGENT.text, "other", "new question"]


async def test_a_message_on_its_way_when_it_is_superseded_counts_as_what_became_of_it(store):
    session = await say(store, ROUTINE)
    (on_its_way,) = await claim(store)
    await say(store, URGENT)
    assert await claimed_texts(store) == []
    await store.sent(on_its_way.id, MONDAY, "ref")
    assert await states(store, session) == ["sent", "waiting"]
    assert await claimed_texts(store) == [URGENT.text]


async def test_a_superseded_message_that_the_channel_was_too_busy_for_does_not_delay_the_advice(store):
    session = await say(store, ROUTINE)
    (on_its_way,) = await claim(store)
    await say(store, URGENT)
    await store.later(on_its_way.id, MONDAY + MINUTE, "busy")
    assert await states(store, session) == ["superseded", "waiting"]
    assert await claimed_texts(store) == [URGENT.text]


async def test_a_chat_that_was_put_off_waits_for_its_moment(store):
    await say(store, Outgoing("1"), Outgoing("2"))
    (first,) = await claim(store)
    await store.later(first.id, MONDAY + MINUTE, "busy")
    assert await claimed_texts(store) == []
    assert await store.next_retry("test", MONDAY) == MONDAY + MINUTE
    (again,) = await claim(store, at=MONDAY + MINUTE)
    assert (again.id, again.attempts) == (first.id, 1)
    assert await store.next_retry("test", MONDAY + MINUTE) is None


async def test_chats_that_were_put_off_take_their_turn_by_priority_and_age(store):
    for address, outgoing in {"1": Outgoing("old"), "2": URGENT, "3": Outgoing("young")}.items():
        await say(store, outgoing, to=address)
    for one in await claim(store, limit=2):
        await store.later(one.id, MONDAY + MINUTE, "busy")
    assert await claimed_texts(store) == ["young"]
    await store.release()
    assert await send_all(store, MONDAY + MINUTE) == [URGENT.text, "old", "young"]


async def test_urgent_advice_does_not_wait_for_the_moment_its_chat_was_put_off_to(store):
    await say(store, Outgoing("reply", priority=Priority.ADVICE))
    (reply,) = await claim(store)
    await store.later(reply.id, MONDAY + MINUTE, "busy")
    await say(store, ROUTINE)
    assert await claimed_texts(store) == []
    await say(store, URGENT)
    assert await claimed_texts(store) == ["reply"]


async def test_after_a_message_that_failed_the_chat_goes_on(store):
    session = await say(store, Outgoing("1"), Outgoing("2"))
    (first,) = await claim(store)
    await store.failed(first.id, MONDAY, "refused")
    assert await states(store, session) == ["failed", "waiting"]
    assert await claimed_texts(store) == ["2"]


async def test_a_lease_runs_out(store):
    await say(store, ROUTINE)
    assert await claimed_texts(store) == [ROUTINE.text]
    assert await claimed_texts(store, MONDAY + LEASE - MINUTE) == []
    assert await claimed_texts(store, MONDAY + LEASE) == [ROUTINE.text]


async def test_a_claim_leaves_out_resting_chats_other_channels_and_more_than_it_asked_for(store):
    for number in range(6):
        await say(store, Outgoing(str(number)), to=str(number))
    await say(store, Outgoing("elsewhere"), channel="other")
    assert [one.sending.address for one in await claim(store, limit=2, resting={"0", "2"})] == ["1", "3"]
    assert [one.sending.address for one in await claim(store, resting={"0"})] == ["2", "4", "5"]


async def test_a_message_that_retires_another_knows_what_the_channel_calls_it(store):
    ask = Outgoing("weak?", kind="question", token="t1")
    for address, ref in {"41": "not this", "42": "first", "43": "nor this"}.items():
        await say(store, ask, to=address)
        await store.sent((await claim(store))[0].id, MONDAY, ref)
    await say(store, ask)
    await store.sent((await claim(store))[0].id, MONDAY, "again")
    await say(store, Outgoing("next?", retires=Retired("t1", "", "✓ Yes")))
    assert (await claim(store))[0].sending.retires_ref == "again"


async def test_a_message_arrives_with_everything_it_was_committed_with(store):
    choices = (Choice("Yes", "t1:weakness:yes", 0), Choice("Back", "t1:weakness:back", 1, kind="action"))
    outgoing = Outgoing(
        "weak?", "Question", "question", choices, "t1", None, "body", "a body", "Share", True, Priority.ADVICE, "nl"
    )
    await say(store, outgoing)
    (delivery,) = await claim(store)
    assert delivery.sending.outgoing == outgoing
    assert (delivery.channel, delivery.sending.address, delivery.created_at) == ("test", "42", MONDAY)


async def test_a_message_of_an_earlier_version_is_read_with_its_priority(store, path):
    await say(store, URGENT)
    with opened(path) as db:
        db.execute("update outbox set body = replace(body, '\"priority\"', '\"urgency\"')")
    (delivery,) = await claim(store)
    assert delivery.sending.outgoing == URGENT
    assert [said.outgoing for said in await store.transcript(delivery.session)] == [URGENT]


async def test_a_message_that_cannot_be_read_holds_up_nobody(store, path):
    await say(store, Outgoing("broken"), Outgoing("next"))
    await say(store, Outgoing("other"), to="43")
    with opened(path) as db:
        db.execute("update outbox set body = '{}' where id = 1")
    assert await claimed_texts(store) == ["other"]
    assert await claimed_texts(store) == ["next"]
    assert [row["state"] for row in rows(path, "outbox")] == ["failed", "waiting", "waiting"]


async def test_how_many_chats_wait_and_since_when(store):
    assert await store.waiting() == (0, None)
    await say(store, Outgoing("1"), Outgoing("2"))
    await say(store, ROUTINE, to="43", at=MONDAY + MINUTE)
    assert await store.waiting() == (2, MONDAY)


async def test_a_page_has_shown_what_it_acknowledges_and_only_its_own(store):
    session = await say(store, ROUTINE)
    (delivery,) = await claim(store)
    await store.sent(delivery.id, MONDAY, None, acknowledged=False)
    await store.acknowledged(delivery.id, "43", MONDAY)
    assert await states(store, session) == ["handed_over"]
    await store.acknowledged(delivery.id, "42", MONDAY + MINUTE)
    (said,) = await store.transcript(session)
    assert (said.state, said.sent_at) == ("sent", MONDAY + MINUTE)


async def test_a_page_cannot_acknowledge_what_has_failed(store):
    session = await say(store, ROUTINE)
    (said,) = await store.transcript(session)
    await store.failed(said.id, MONDAY, "refused")
    await store.acknowledged(said.id, "42", MONDAY)
    assert await states(store, session) == ["failed"]


async def test_a_page_that_shows_what_still_waits_was_faster_than_the_outbox(store):
    session = await say(store, ROUTINE, URGENT)
    (first,) = await claim(store)
    await store.acknowledged(first.id, "42", MONDAY)
    await store.sent(first.id, MONDAY, None, acknowledged=False)
    assert await states(store, session) == ["sent", "waiting"]
    (second,) = await claim(store)
    await store.acknowledged(second.id, "42", MONDAY)
    await store.later(second.id, MONDAY + HOUR, "slow")
    assert await states(store, session) == ["sent", "sent"]
    assert await store.waiting() == (0, None)


async def test_advice_that_no_page_has_shown_is_found_until_the_log_says_so(store):
    session = await say(store, ROUTINE, URGENT)
    for _ in range(2):
        (delivery,) = await claim(store)
        await store.sent(delivery.id, MONDAY, None, acknowledged=False)
    assert list(await store.unacknowledged_advice(MONDAY)) == []
    (unseen,) = await store.unacknowledged_advice(MONDAY + MINUTE)
    assert (unseen.sending.outgoing, unseen.session) == (URGENT, session)
    await say(store, events=(DeliveryFailed(unseen.id, "not_seen", is_advice=True),))
    assert list(await store.unacknowledged_advice(MONDAY + MINUTE)) == []
    assert await states(store, session) == ["handed_over", "not_seen"]
    await store.acknowledged(unseen.id, "42", MONDAY + HOUR)
    assert await states(store, session) == ["handed_over", "sent"]


async def test_a_failure_in_the_log_is_the_delivery_s_state_in_the_same_commit(store):
    session = await say(store, Outgoing("1"), Outgoing("2"))
    (first,) = await claim(store)
    await say(store, events=(DeliveryFailed(first.id, "blocked"),))
    assert await states(store, session) == ["failed", "waiting"]


async def test_what_was_sent_stays_sent(store):
    session = await say(store, ROUTINE)
    (delivery,) = await claim(store)
    await store.sent(delivery.id, MONDAY, "ref")
    await store.later(delivery.id, MONDAY + MINUTE, "busy")
    await store.failed(delivery.id, MONDAY, "refused")
    assert await states(store, session) == ["sent"]
    assert await claimed_texts(store, MONDAY + HOUR) == []


async def test_a_transcript_can_begin_after_what_is_known(store):
    session = await say(store, Outgoing("1"), Outgoing("2"))
    first, second = await store.transcript(session)
    assert list(await store.transcript(session, after=first.id)) == [second]


# --- the nurse's list


def entry(tier: str | None, minutes: int = 30, hours: int = 12, **fields: object) -> Entry:
    return Entry(tier, ("weakness",), MONDAY, MONDAY + minutes * MINUTE, MONDAY + hours * HOUR, **fields)  # type: ignore[arg-type]


async def test_an_entry_is_read_back_as_it_was_written_with_the_state_of_its_latest_advice(store):
    log = await store.open("test", "42")
    written = entry(
        "12h", trouble="not_seen", is_worse=True, is_carer=True, unread=2, owner="Ann", discounted=("lhermitte",),
        acknowledged_at=MONDAY, decided_at=MONDAY - MINUTE, closed_at=MONDAY, outcome="reached",
        last_owner="Bea", snoozed_until=MONDAY + HOUR, call_back_at=MONDAY + MINUTE, tries=2,
    )  # fmt: skip
    first = turn(log, Outgoing("wait", kind="advice"), URGENT, ROUTINE, entry=written)
    await store.append(replace(first, patient=replace(log.patient, call_back_number="+31205550100")))
    (row,) = await store.worklist(MONDAY)
    assert row.entry == written
    assert (row.session, row.patient, row.language) == (log.session, log.patient.id, "en")
    assert (row.delivery, row.call_back_number) == ("waiting", "+31205550100")
    await send_all(store)
    assert (await store.worklist(MONDAY))[0].delivery == "sent"


async def test_the_most_pressing_entry_stands_first(store):
    pressing = {
        "emergency": entry("emergency", 50),
        "12h in trouble": entry("12h", 40, trouble="not_seen", acknowledged_at=MONDAY, hours=1),
        "12h unacknowledged": entry("12h", 90, hours=20),
        "12h acknowledged": entry("12h", 1, acknowledged_at=MONDAY, hours=1),
        "most overdue": entry("2w", -60),
        "overdue and in trouble": entry("1w", -30, trouble="delivery_failed"),
        "overdue after acknowledgement": entry("1w", -90, acknowledged_at=MONDAY - HOUR, hours=0),
        "in trouble": entry("2w", 600, trouble="delivery_failed"),
        "soon": entry("2w", 100),
        "later": entry(None, 200),
        "acknowledged and never due": replace(entry(None, 5, acknowledged_at=MONDAY), seen_by=None),
    }
    for place, written in reversed(list(enumerate(pressing.values()))):
        await say(store, to=str(place), entry=written)
    await say(store, to="closed", entry=entry("emergency", is_open=False))
    assert [row.entry for row in await store.worklist(MONDAY)] == list(pressing.values())
    assert [row.entry for row in await store.worklist(MONDAY, limit=6)] == list(pressing.values())[:6]


async def test_without_a_moment_nothing_on_the_list_is_overdue(store):
    await say(store, to="1", entry=entry("2w", -60))
    await say(store, to="2", entry=entry("1w", 60, trouble="delivery_failed"))
    assert [row.entry.tier for row in await store.worklist()] == ["1w", "2w"]


async def test_the_advice_that_stands_is_the_most_urgent_one_no_nurse_has_closed(store):
    await say(store, entry=entry("2w", decided_at=MONDAY - HOUR))
    await say(store, session=store.fresh_session(), entry=entry("12h", decided_at=MONDAY))
    await say(store, session=store.fresh_session(), entry=entry("12h", decided_at=MONDAY - MINUTE))
    await say(store, session=store.fresh_session(), entry=entry("emergency", is_open=False))
    assert (await store.open("test", "42")).open_entry == OpenEntry("12h", MONDAY - MINUTE)
    assert (await store.open("test", "43")).open_entry is None


async def test_the_advice_that_stands_counts_from_the_answer_that_decided_it(clinic):
    patient = clinic.patient()
    await patient.says("/start")
    for code in ("en", "yes", "patient", "no", "yes"):
        pending = (await patient.session()).pending
        await patient.sends(choice=f"{pending.token}:{pending.question}:{code}")
    await patient.waits(minutes=30)
    log = await clinic.store.open("test", "42")
    assert log.open_entry == OpenEntry("12h", MONDAY)
    assert (await clinic.worklist())[0].entry.opened_at > MONDAY


async def test_an_entry_without_advice_is_nothing_that_stands(store):
    await say(store, entry=entry(None))
    assert (await store.open("test", "42")).open_entry is None


# --- small things


async def test_a_protocol_is_kept_by_its_version_and_never_with_other_content(store):
    await store.keep_protocol("2026.1", "abc", "content")
    await store.keep_protocol("2026.1", "abc", "content")
    with pytest.raises(ValueError, match=r"2026\.1.*new version"):
        await store.keep_protocol("2026.1", "def", "other")
    assert await store.protocols() == {"2026.1": "content"}


async def test_a_setting_is_the_latest_that_was_put(store):
    assert await store.get_setting("picture") is None
    await store.put_setting("picture", "1")
    await store.put_setting("picture", "2")
    assert await store.get_setting("picture") == "2"


def test_ids_are_unique_and_later_ones_are_greater_from_one_millisecond_to_the_next():
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert [one[:10] for one in ids] == sorted(one[:10] for one in ids)


# --- what SQLite must keep


def rows(path: Path, table: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(f"select * from {table}").fetchall()


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A second connection, as an administrator with a shell would have it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


@pytest.mark.parametrize("statement", ["update events set kind = 'x'", "delete from events"])
async def test_events_cannot_be_changed_or_deleted(store, path, statement):
    await say(store)
    with opened(path) as db, pytest.raises(sqlite3.IntegrityError, match="only added"):
        db.execute(statement)


async def test_what_a_person_reads_in_the_database_is_plain(store, path):
    session = await say(store, external_id="test:1", disposition="12h", wake_at=MONDAY)
    (event,) = rows(path, "events")
    assert tuple(event)[:4] == (session, 0, "2026-11-23T09:00:00.000000+00:00", "Started")
    assert event["external_id"] == "test:1"
    (row,) = rows(path, "sessions")
    assert (row["id"], row["state"], row["disposition"], row["length"]) == (session, "asking", "12h", 1)
    (patient,) = rows(path, "patients")
    assert (patient["id"], patient["verified"], patient["consented"]) == (row["patient"], 0, 0)


async def test_the_database_is_set_up_to_lose_nothing(store, path):
    with opened(path) as db:
        assert db.execute("pragma journal_mode").fetchone() == ("wal",)
        tables = db.execute("select name, strict from pragma_table_list where schema = 'main' and type = 'table'")
        assert {name for name, strict in tables if not strict} == {
            "_sqlite_migrations",
            "sqlite_schema",
            "sqlite_sequence",
        }
    assert path.stat().st_mode & 0o077 == 0


# Written by a turn, in this order; each may fail.
WRITE_POINTS = [
    ("update", "patients"),
    ("update", "sessions"),
    ("insert", "events"),
    ("update", "outbox"),
    ("delete", "chats"),
    ("insert", "outbox"),
    ("insert", "chats"),
    ("insert", "worklist"),
    ("insert", "baselines"),
]


def everything(path: Path) -> dict[str, list[tuple[object, ...]]]:
    tables = ("patients", "sessions", "events", "outbox", "chats", "worklist", "baselines")
    return {table: [tuple(row) for row in rows(path, table)] for table in tables}


async def a_turn_that_writes_everywhere(store: Store) -> str:
    return await say(
        store, ROUTINE, URGENT, entry=entry("12h"), confirmed=("weakness",), answers={"weakness": "yes"},
        events=(Answered("weakness", "yes"), Advised("12h", ("weakness",), "12h", MONDAY)),
    )  # fmt: skip


@pytest.mark.parametrize(("verb", "table"), WRITE_POINTS)
@pytest.mark.parametrize("how", ["abort", "rollback"])
async def test_a_turn_that_fails_on_the_way_leaves_nothing_half_done(store, path, verb, table, how):
    await say(store, Outgoing("old"))
    before = everything(path)
    with opened(path) as db:
        db.execute(f"create trigger fire before {verb} on {table} begin select raise({how}, 'disk on fire'); end")
        with pytest.raises(sqlite3.IntegrityError, match="disk on fire"):
            await a_turn_that_writes_everywhere(store)
        assert everything(path) == before
        db.execute("drop trigger fire")
    await a_turn_that_writes_everywhere(store)
    assert len(await claimed_texts(store)) == 1


@contextmanager
def full_disk(wal: Path, pages: int) -> Iterator[None]:
    """No file of this process may grow beyond the log of the database and so many pages."""
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + pages * 4096, allowed[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)


@pytest.mark.parametrize("pages", [0, 1, 3, 8])
async def test_when_the_disk_is_full_at_the_commit_everybody_is_told_and_nothing_is_half_done(store, path, pages):
    await say(store, Outgoing("old"))
    before = everything(path)
    log, other = await store.open("test", "42"), await store.open("test", "43")
    twice = turn(other, external_id="test:twice")
    together = [
        store.append(turn(log, URGENT, entry=entry("12h"))),
        store.append(twice),
        store.append(twice),
        store.put_setting("large", "x" * 100_000),
    ]
    with full_disk(path.with_name(path.name + "-wal"), pages):
        async with sharing_a_commit(store, path):
            jobs = [asyncio.create_task(job) for job in together]
        outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    # of the third nobody may say "already there": what it doubles is not there
    assert [type(one) for one in outcomes] == [sqlite3.OperationalError] * 4
    assert everything(path) == before
    await a_turn_that_writes_everywhere(store)


@asynccontextmanager
async def sharing_a_commit(store: Store, path: Path) -> AsyncIterator[None]:
    """Jobs begun inside wait for one another, behind a first one that waits for somebody else's lock."""
    with opened(path) as db:
        db.execute("begin immediate")
        first = asyncio.create_task(store.put_setting("first", "one"))
        await asyncio.sleep(0)
        yield
        await asyncio.sleep(0)
        db.execute("rollback")
    with suppress(sqlite3.OperationalError):
        await first


async def test_of_jobs_that_share_a_commit_one_that_fails_harms_no_other(store, path):
    await say(store, external_id="test:1")
    logs = [await store.open("test", str(number)) for number in range(20)]
    turns = [turn(log, ROUTINE, external_id="test:1" if log.patient.address == "7" else None) for log in logs]
    async with sharing_a_commit(store, path):
        jobs = [asyncio.create_task(store.append(one)) for one in turns]
        before = commits(path)
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(one) for one in outcomes].count(DuplicateMessage) == 1
    assert len(await claim(store, limit=100)) == 19
    assert commits(path) - before <= 2


def commits(path: Path) -> int:
    """Frames of the write-ahead log that end a transaction."""
    wal = path.with_name(path.name + "-wal").read_bytes()
    frames = range(32, len(wal), 24 + 4096)
    return sum(struct.unpack(">I", wal[at + 4 : at + 8]) != (0,) for at in frames)


async def test_closing_finishes_what_is_queued(path):
    store = SqliteStore(path)
    logs = [await store.open("test", str(number)) for number in range(50)]
    jobs = [asyncio.create_task(store.append(turn(log))) for log in logs]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*jobs)
    assert len(rows(path, "events")) == 50


async def test_a_closed_store_refuses_to_write(path):
    store = SqliteStore(path)
    await store.close()
    with pytest.raises(RuntimeError, match="closed"):
        await store.put_setting("a", "b")


async def test_a_write_whose_caller_has_gone_is_still_made(store, path):
    log = await store.open("test", "42")
    job = asyncio.create_task(store.append(turn(log)))
    await asyncio.sleep(0)
    job.cancel()
    await store.put_setting("a", "b")
    assert job.cancelled()
    assert len(rows(path, "events")) == 1


# --- one service on one database


async def test_a_second_service_on_one_database_is_refused_with_the_path_and_what_to_do(store, path):
    with pytest.raises(StoreLocked, match=rf"{re.escape(str(path))}.*{os.getpid()}.*stop it"):
        SqliteStore(path)


async def test_a_database_that_was_closed_can_be_opened_again(path):
    await SqliteStore(path).close()
    await SqliteStore(path).close()


async def test_a_reader_reads_beside_the_service_and_writes_nothing(store, path):
    session = await say(store)
    reader = SqliteStore(path, is_reader=True)
    await say(store)
    assert (await reader.load(session)).length == 2
    with pytest.raises(RuntimeError, match="reading only"):
        await reader.put_setting("a", "b")
    await reader.close()


async def test_a_reader_needs_no_service(path):
    await SqliteStore(path).close()
    reader = SqliteStore(path, is_reader=True)
    assert list(await reader.worklist()) == []
    await reader.close()


def test_a_reader_makes_no_database(path):
    with pytest.raises(UnfitStore, match=f"{re.escape(str(path))}.*cordwatch run"):
        SqliteStore(path, is_reader=True)
    assert not path.exists()


@pytest.mark.parametrize("is_reader", [True, False])
async def test_a_file_that_is_no_database_is_refused_and_left_alone(path, is_reader):
    path.write_bytes(b"my shopping list" * 100)
    for _ in range(2):  # the lock of the first try is given back
        with pytest.raises(UnfitStore, match="backup"):
            SqliteStore(path, is_reader=is_reader)
    assert path.read_bytes() == b"my shopping list" * 100


@pytest.mark.parametrize("is_reader", [True, False])
async def test_the_database_of_a_newer_program_is_refused(path, is_reader):
    await SqliteStore(path).close()
    with opened(path) as db:
        db.execute("update _sqlite_migrations set name = 'm999_from_the_future' where name = ?", NAMES[-1:])
    with pytest.raises(UnfitStore, match=r"newer.*m999_from_the_future"):
        SqliteStore(path, is_reader=is_reader)


async def test_a_reader_asks_for_the_service_to_bring_an_older_database_up_to_date(path):
    await SqliteStore(path).close()
    with opened(path) as db:
        db.execute("delete from _sqlite_migrations where name = ?", NAMES[-1:])
    with pytest.raises(UnfitStore, match=r"older.*cordwatch run"):
        SqliteStore(path, is_reader=True)


WRITER = """
import asyncio, sys
from pathlib import Path
from bot.channels import Outgoing
from bot.store.sqlite.store import SqliteStore
from tests.kit.builders import turn

async def talk(store, address):
    for number in range(100_000):
        log = await store.open("test", address)
        await store.append(turn(log, Outgoing(str(number)), external_id=f"{log.patient.id}:{log.length}"))
        sys.stdout.write(f"{log.session} {log.length + 1}\\n")
        sys.stdout.flush()

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await asyncio.gather(*(talk(store, str(number)) for number in range(8)))

asyncio.run(main())
"""


async def test_what_was_acknowledged_before_kill_9_is_there_and_whole(path):
    for lines in (3, 40, 150):
        acknowledged = talk_and_kill(path, lines)
        store = SqliteStore(path)  # the lock died with its owner
        for session, length in acknowledged.items():
            assert (await store.load(session)).length >= length
        await store.close()
    by_session = {row["id"]: row["length"] for row in rows(path, "sessions")}
    with opened(path) as db:
        counts = "select session, count(*), max(seq) + 1 from {} group by session"
        assert {session: (length, length) for session, length in by_session.items()} == {
            session: (count, last) for session, count, last in db.execute(counts.format("events"))
        }
        assert by_session == {session: count for session, count, _ in db.execute(counts.format("outbox"))}
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)


def talk_and_kill(path: Path, lines: int) -> dict[str, int]:
    """The length of each session as the killed service last acknowledged it."""
    acknowledged: dict[str, int] = {}
    arguments = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as service:
        assert service.stdout is not None
        for _, line in zip(range(lines), service.stdout, strict=False):
            session, length = line.split()
            acknowledged[session] = int(length)
        service.send_signal(signal.SIGKILL)
        for line in service.stdout:
            if line.endswith("\n"):
                session, length = line.split()
                acknowledged[session] = int(length)
    assert len(acknowledged) > 0
    return acknowledged


# --- nothing grows with history

STATEMENTS = {
    f"{name} {place}": statement
    for module in (sqlite_turns, sqlite_outbox, sqlite)
    for name, value in vars(module).items()
    if name.isupper()
    for place, statement in enumerate(value if isinstance(value, tuple) else (value,))
    if isinstance(statement, str) and re.match(r"\s*(select|insert|update|delete)\s", statement)
}
READ_WHOLE = {
    "ROW 0": "only the beginning of others",
    "WAITING 0": "chats that wait, counted page by page and not row by row, for /health",
    "ALL_PROTOCOLS 0": "the few versions there are, at start",
}


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - READ_WHOLE.keys()))
async def test_no_statement_reads_more_rows_than_it_needs(store, path, name):
    statement = STATEMENTS[name]
    named = re.findall(r":(\w+)", statement)
    values = dict.fromkeys(named) if named else [None] * statement.count("?")
    with opened(path) as db:
        plan = [step[3] for step in db.execute(f"explain query plan {statement}", values)]
    assert not [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step], plan
