"""What every make of a store promises of turns, sessions and small things."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest

from bot.channels import Outgoing
from bot.store.sessions import DuplicateMessage, StaleSession
from dialogs.events import Answered, Asked, NotUnderstood, Recorded, Started
from tests.kit.builders import turn
from tests.kit.clinic import MONDAY
from tests.store.makes import STORES
from tests.store.steps import HOUR, MINUTE, ROUTINE, URGENT, entry, say


async def test_an_address_never_seen_has_an_empty_log_and_nothing_is_written(store):
    log = await store.open("test", "42")
    assert log.events == ()
    assert log.session != (await store.open("test", "42")).session
    with pytest.raises(KeyError):
        await store.load(log.session)


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


async def test_a_message_is_known_once_it_has_taken_effect(store):
    assert not await store.is_known("test:1")
    await say(store, external_id="test:1")
    assert await store.is_known("test:1")


async def test_a_patients_open_entries_are_those_no_nurse_has_closed_the_latest_first(store):
    first = await say(store, entry=entry("2w"))
    second = await say(store, session=store.fresh_session(), entry=entry("12h"))
    await say(store, session=store.fresh_session(), entry=entry("1w", is_open=False))
    await say(store, to="43", entry=entry("1w"))
    assert list(await store.open_entries((await store.open("test", "42")).patient.id)) == [second, first]


async def test_whoever_asks_whether_it_can_be_written_writes_nothing_of_a_patient(store):
    await store.prove_writable(MONDAY)
    assert (await store.open("test", "42")).events == ()
    assert list(await store.worklist(MONDAY)) == []


async def test_a_fault_of_ours_is_none_of_the_stores(store):
    assert not store.takes_nothing(LookupError("a fault of our own"))


async def test_a_session_begun_anew_is_a_fresh_one_of_the_same_patient(store):
    earlier = await say(store, entry=entry("12h"))
    known = (await store.open("test", "42")).patient
    log = await store.anew("test", "42")
    assert (log.patient, log.events, log.session == earlier) == (known, (), False)
    await store.append(turn(log))
    assert (await store.open("test", "42")).session == log.session
    assert (await store.anew("test", "43")).patient.id not in ("", known.id)


# --- closing


async def test_a_store_that_takes_writes_has_not_died_nor_has_one_that_was_closed(make, path):
    store = STORES[make](path)
    await say(store)
    assert not store.has_died
    await store.close()
    assert not store.has_died


async def test_closing_finishes_what_is_queued(make, path):
    store = STORES[make](path)
    logs = [await store.open("test", str(number)) for number in range(50)]
    jobs = [asyncio.create_task(store.append(turn(log))) for log in logs]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*jobs)
    again = STORES[make](path)
    assert [(await again.load(log.session)).length for log in logs] == [1] * 50
    await again.close()


async def test_a_closed_store_refuses_to_write(make, path):
    store = STORES[make](path)
    await store.close()
    with pytest.raises(RuntimeError, match="closed"):
        await store.put_setting("a", "b")
