"""What every make of a store promises of the nurses' pages: views, counts, search, earlier checks, demonstration."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from bot.store.console import Filter
from dialogs.events import Recorded
from tests.kit.builders import turn
from tests.kit.clinic import MONDAY
from tests.store.steps import HOUR, MINUTE, ROUTINE, URGENT, entry, say, send_all

LIST = {
    "1": entry("emergency", 10),
    "2": entry("12h", 30, owner="Anna", acknowledged_at=MONDAY),
    "3": entry("1w", 60, trouble="delivery_failed", owner="Bo"),
    "4": entry("2w", 90, call_back_at=MONDAY - MINUTE),
    "5": entry("2w", 90, snoozed_until=MONDAY + HOUR),
    "6": entry(None, 120),
    "7": entry("1w", is_open=False, closed_at=MONDAY - HOUR),
    "8": entry("2w", is_open=False, closed_at=MONDAY),
}
AFTERWARDS = MONDAY + HOUR
"""Nobody is snoozed any more."""
VIEWS = {
    "open": "12346",
    "mine": "2",
    "unclaimed": "146",
    "undelivered": "3",
    "call_back": "4",
    "snoozed": "5",
    "closed": "87",
}


@pytest.fixture
async def patients(store):
    """Id by address, each with one entry of the list."""
    for address, written in LIST.items():
        await say(store, URGENT, to=address, entry=written)
    return {address: (await store.open("test", address)).patient.id for address in LIST}


async def shown(desk, patients, wanted: Filter, skip: int = 0, limit: int = 100, at: datetime = MONDAY) -> str:
    found = (await desk.page(wanted, "Anna", at, skip, limit)).patients
    return "".join(address for row in found for address, one in patients.items() if one == row[0].patient)


async def test_each_view_shows_its_own_the_most_pressing_first(desk, patients):
    assert {view: await shown(desk, patients, Filter(view)) for view in VIEWS} == VIEWS


async def test_a_filter_keeps_a_disposition_or_what_was_never_finished(desk, patients):
    assert await shown(desk, patients, Filter(disposition="12h")) == "2"
    assert await shown(desk, patients, Filter(disposition="unfinished")) == "6"
    assert await shown(desk, patients, Filter("closed", disposition="2w")) == "8"
    assert await shown(desk, patients, Filter(language="en")) == await shown(desk, patients, Filter())
    assert await shown(desk, patients, Filter(language="nl")) == ""


async def test_a_page_says_whether_there_is_more(desk, patients):
    everybody = await shown(desk, patients, Filter())
    assert await shown(desk, patients, Filter(), 1, 2) == everybody[1:3]
    assert (await desk.page(Filter(), "Anna", MONDAY, 0, len(everybody) - 1)).has_more
    assert not (await desk.page(Filter(), "Anna", MONDAY, 0, len(everybody))).has_more


async def test_a_patient_stands_once_with_all_her_open_entries(store, desk):
    await say(store, entry=entry("2w", 90))
    await say(store, session=store.fresh_session(), entry=entry("12h", 30))
    await say(store, session=store.fresh_session(), entry=entry("emergency", is_open=False, closed_at=MONDAY))
    (row,) = (await desk.page(Filter(), "Anna", MONDAY, 0, 10)).patients
    assert [one.entry.disposition for one in row] == ["12h", "2w"]
    (closed,) = (await desk.page(Filter("closed"), "Anna", MONDAY, 0, 10)).patients
    assert [one.entry.disposition for one in closed] == ["emergency"]


@pytest.mark.parametrize("at", [MONDAY, AFTERWARDS], ids=["one snoozed", "none any more"])
async def test_the_counts_are_those_of_the_views_and_of_what_is_urgent_and_unread(desk, patients, at):
    counts = await desk.counts("Anna", at)
    views = [view for view in VIEWS if view != "closed"]
    assert counts.by_view == {view: len(await shown(desk, patients, Filter(view), at=at)) for view in views}
    assert (counts.urgent, counts.most) == (1, 100)
    assert (await desk.counts("Anna", at, most=2)).by_view["open"] == 2


async def test_a_patient_is_found_by_short_id_session_or_telephone_open_or_closed(store, desk):
    log = await store.open("test", "42")
    known = replace(log.patient, call_back_number="+31205550177")
    closed = entry("1w", is_open=False, closed_at=MONDAY)
    await store.append(replace(turn(log, entry=closed), patient=known))
    await say(store, to="43", entry=entry("2w"))
    short = log.patient.id[-6:]
    for words in (short, f"#{short.upper()}", log.session, "020 555 0177", "55 01 77"):
        (row,) = (await desk.find(words)).patients
        assert row[0].session == log.session, words
    for words in ("", "0177", "nobody", "'; drop table patients; --"):
        assert (await desk.find(words)).patients == (), words


async def test_earlier_checks_come_the_latest_first_with_answers_and_entry(store, desk):
    first = await say(store, disposition="2w", answers={"weakness": "no"}, entry=entry("2w"))
    second = await say(store, session=store.fresh_session(), at=MONDAY + HOUR)
    patient = (await store.open("test", "42")).patient.id
    latest, earlier = await desk.checks(patient)
    assert (latest.session, latest.started_at, latest.disposition, latest.row) == (second, MONDAY + HOUR, None, None)
    assert (earlier.session, earlier.state, earlier.disposition) == (first, "asking", "2w")
    assert (earlier.answers, earlier.row.entry) == ({"weakness": "no"}, entry("2w"))
    assert [one.session for one in await desk.checks(patient, limit=1)] == [second]


async def test_the_desk_reads_what_the_store_reads(store, desk):
    session = await say(store, ROUTINE, URGENT, entry=entry("12h"))
    assert await desk.open("test", "42") == await store.open("test", "42")
    assert await desk.load(session) == await store.load(session)
    assert await desk.transcript(session) == await store.transcript(session)
    assert len(await desk.transcript(session, after=(await desk.transcript(session))[0].id)) == 1
    assert await desk.worklist(MONDAY) == await store.worklist(MONDAY)
    assert [isinstance(line, Recorded) for line in await desk.conversation(session)] == [True, False, False]


async def test_a_demonstration_is_forgotten_and_nobody_else(store, desk):
    for address in ("1", "2"):
        await say(store, URGENT, channel="demo", to=address, entry=entry("12h"), confirmed=("lhermitte",))
    kept = await say(store, URGENT, entry=entry("12h"))
    assert await desk.forget_channel("demo") == 2
    assert [row.session for row in await store.worklist(MONDAY)] == [kept]
    assert (await store.open("demo", "1")).events == ()
    assert await send_all(store) == ["Call now"]
    assert await desk.forget_channel("demo") == 0
    assert (await store.load(kept)).length == 1
