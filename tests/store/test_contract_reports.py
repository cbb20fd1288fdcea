"""What every make of a store promises of its reports: how long entries waited, what became of them, who did what."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from bot.store.console import AuditBroken
from bot.store.reports import AuditFilter, Slice
from dialogs.events import Acknowledged, Closed, Reopened
from tests.kit.builders import turn
from tests.kit.clinic import MONDAY, Patient, TestClinic, acts
from tests.kit.console_client import WEAK
from tests.store.steps import HOUR, entry, say

EVER = Slice(MONDAY - timedelta(days=100), MONDAY + timedelta(days=100))
MINUTES = timedelta(minutes=1)


async def patient(clinic: TestClinic, address: str = "42", **findings: str) -> Patient:
    someone = clinic.patient(address)
    await someone.says("/start")
    return await someone.answers(**{"more": "no", **findings})


# --- how long entries waited


async def test_an_entry_read_and_closed_in_time_counts_as_such(clinic):
    someone = await patient(clinic, **WEAK)
    await acts(clinic, someone, Acknowledged("Anna"), after=20 * MINUTES)
    await acts(clinic, someone, Closed("Anna", "sent_mri"), after=40 * MINUTES)
    (group,) = await clinic.store.reports.by_disposition(EVER, clinic.clock())
    assert (group.disposition, group.entries) == ("12h", 1)
    assert (group.acknowledged.due, group.acknowledged.in_time, group.acknowledged.median) == (1, 1, 20 * MINUTES)
    assert (group.closed.due, group.closed.in_time, group.closed.p95) == (1, 1, 60 * MINUTES)


async def test_what_is_read_too_late_is_late_for_ever(clinic):
    someone = await patient(clinic, **WEAK)
    await acts(clinic, someone, Acknowledged("Anna"), after=31 * MINUTES)
    (group,) = await clinic.store.reports.by_disposition(EVER, clinic.clock())
    assert (group.acknowledged.due, group.acknowledged.in_time) == (1, 0)


async def test_what_nobody_has_read_counts_as_late_once_its_time_is_over_and_not_before(clinic):
    await patient(clinic, **WEAK)
    (before,) = await clinic.store.reports.by_disposition(EVER, clinic.clock() + 29 * MINUTES)
    (after,) = await clinic.store.reports.by_disposition(EVER, clinic.clock() + 31 * MINUTES)
    assert (before.acknowledged.due, before.acknowledged.share) == (0, None)
    assert (after.acknowledged.due, after.acknowledged.share) == (1, 0.0)
    assert after.acknowledged.median is None


async def test_closing_without_a_word_is_reading(clinic):
    someone = await patient(clinic, **WEAK)
    await acts(clinic, someone, Closed("Anna", "duplicate"), after=10 * MINUTES)
    (group,) = await clinic.store.reports.by_disposition(EVER, clinic.clock())
    assert (group.acknowledged.in_time, group.acknowledged.median) == (1, 10 * MINUTES)


async def test_an_entry_that_is_raised_waits_anew_and_the_first_wait_stays_late(clinic):
    someone = await patient(clinic, **WEAK)
    await acts(clinic, someone, Acknowledged("Anna"), after=45 * MINUTES)
    clinic.clock.move(10 * MINUTES)
    await someone.says("/emergency")
    await acts(clinic, someone, Acknowledged("Anna"), after=5 * MINUTES)
    await acts(clinic, someone, Closed("Anna", "sent_emergency"), after=5 * MINUTES)
    groups = {one.disposition: one for one in await clinic.store.reports.by_disposition(EVER, clinic.clock())}
    assert groups["12h"].acknowledged.in_time == 0
    assert (groups["emergency"].acknowledged.in_time, groups["emergency"].acknowledged.median) == (1, 5 * MINUTES)
    assert (groups["12h"].closed.due, groups["emergency"].closed.due) == (0, 1)


async def test_opened_again_counts_anew_and_the_first_closing_stays(clinic):
    someone = await patient(clinic, **WEAK)
    await acts(clinic, someone, Acknowledged("Anna"), Closed("Anna", "false_alarm"), after=10 * MINUTES)
    await acts(clinic, someone, Reopened("Anna", "Lea"), after=60 * MINUTES)
    await acts(clinic, someone, Acknowledged("Anna"), Closed("Anna", "sent_mri"), after=10 * MINUTES)
    (group,) = await clinic.store.reports.by_disposition(EVER, clinic.clock())
    assert (group.entries, group.closed.due) == (2, 2)
    assert await clinic.store.reports.outcomes(EVER) == {("12h", "false_alarm"): 1, ("12h", "sent_mri"): 1}


async def test_entries_count_in_their_week_by_the_clinics_clock_and_in_their_language(clinic):
    await patient(clinic, "1", **WEAK)
    clinic.clock.at = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)  # Monday already in Amsterdam
    await patient(clinic, "2", **WEAK, language="nl")
    weeks = [datetime(2026, 11, 22, 23, tzinfo=UTC), datetime(2026, 11, 29, 23, tzinfo=UTC)]
    wanted = Slice(weeks[0], weeks[1] + timedelta(weeks=1))
    assert [(one.part, one.entries) for one in await clinic.store.reports.by_week(wanted, weeks, clinic.clock())] == [
        ("0", 1),
        ("1", 1),
    ]
    languages = {one.part: one.entries for one in await clinic.store.reports.by_language(wanted, clinic.clock())}
    assert languages == {"en": 1, "nl": 1}
    assert len(await clinic.store.reports.by_disposition(Slice(*_span(wanted), language="nl"), clinic.clock())) == 1
    assert await clinic.store.reports.by_disposition(Slice(*_span(wanted), disposition="1w"), clinic.clock()) == []


def _span(wanted: Slice) -> tuple[datetime, datetime]:
    return wanted.since, wanted.until


# --- numbers


@dataclass(frozen=True)
class Wait:
    """One that was made up. `read_at`: None while nobody has."""

    tier: str | None
    since: datetime
    by: datetime
    read_at: datetime | None


def made_up(count: int) -> Iterator[Wait]:
    chance = Random(5)
    for number in range(count):
        since = MONDAY - timedelta(minutes=chance.randrange(60 * 24 * 80), seconds=number)
        read_at = since + timedelta(seconds=chance.randrange(1, 10_000))
        is_read = read_at < MONDAY and chance.random() < 0.9
        tier = chance.choice(("emergency", "12h", "1w", "2w", None))
        yield Wait(tier, since, since + HOUR, read_at if is_read else None)


async def test_numbers_equal_those_counted_by_hand(store, reports):
    """Some hundred made-up waits, once by the store and once in plain Python."""
    waits = list(made_up(300))
    for number, one in enumerate(waits):
        written = replace(entry(one.tier), opened_at=one.since, acknowledge_by=one.by)
        await say(store, to=str(number), at=one.since, entry=written)
        if one.read_at is not None:
            log = await store.open("test", str(number))
            await store.append(turn(log, at=one.read_at, entry=replace(written, acknowledged_at=one.read_at)))
    for group in await reports.by_disposition(EVER, MONDAY):
        own = [one for one in waits if (one.tier or "unfinished") == group.disposition]
        assert group.entries == len(own)
        lasted = sorted(one.read_at - one.since for one in own if one.read_at)
        due = [one for one in own if one.read_at or one.by <= MONDAY]
        in_time = [one for one in due if one.read_at and one.read_at <= one.by]
        assert (group.acknowledged.due, group.acknowledged.in_time) == (len(due), len(in_time))
        assert group.acknowledged.median == statistics.median_low(lasted)
        assert group.acknowledged.p95 == lasted[-(-len(lasted) * 95 // 100) - 1]


async def test_entries_arrive_in_steps_of_ten_minutes(store, reports):
    for number, minutes in enumerate((0, 9, 10, 35)):
        at = MONDAY + minutes * MINUTES
        await say(store, to=str(number), at=at, entry=replace(entry("12h"), opened_at=at))
    steps = [(MONDAY, 2), (MONDAY + 10 * MINUTES, 1), (MONDAY + 30 * MINUTES, 1)]
    assert await reports.arrivals(EVER) == steps
    assert await reports.arrivals(Slice(MONDAY, MONDAY + 10 * MINUTES)) == steps[:1]


# --- the audit


@pytest.fixture
async def audited(desk):
    for number, (who, what, about) in enumerate(
        (("Anna", "signed_in", ""), ("Anna", "viewed", "s1"), ("Bo", "viewed", "s1"), ("Bo", "exported", "s2"))
    ):
        await desk.audit(who, what, about, MONDAY + number * MINUTES)


async def test_what_a_nurse_did_is_read_back_the_latest_first(desk, audited):
    assert [(one.who, one.what, one.at) for one in await desk.audited("s1")] == [
        ("Bo", "viewed", MONDAY + 2 * MINUTES),
        ("Anna", "viewed", MONDAY + MINUTES),
    ]
    assert [one.who for one in await desk.audited("s1", limit=1)] == ["Bo"]
    assert await desk.audited("s3") == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AuditFilter(), [4, 3, 2, 1]),
        (AuditFilter(who="Anna"), [2, 1]),
        (AuditFilter(what="viewed"), [3, 2]),
        (AuditFilter(about="s1"), [3, 2]),
        (AuditFilter(who="Bo", what="viewed"), [3]),
        (AuditFilter(who="Anna", what="viewed", about="s1"), [2]),
        (AuditFilter(who="Nobody"), []),
    ],
    ids=str,
)
async def test_the_audit_is_found_by_who_what_and_about_page_by_page(reports, audited, wanted, found):
    assert [one.seq for one in await reports.audit(wanted, None, 10)] == found
    assert [one.seq for one in await reports.audit(wanted, None, 1)] == found[:1]
    assert [one.seq for one in await reports.audit(wanted, 3, 10)] == [seq for seq in found if seq < 3]


async def test_an_audit_that_nobody_touched_is_whole_and_holds_every_head_it_had(desk, reports, audited):
    rows, head = await reports.verify_audit()
    await desk.audit("Anna", "viewed", "s9", MONDAY)
    assert (rows, (await reports.verify_audit(head))[0]) == (4, 5)
    with pytest.raises(AuditBroken):
        await reports.verify_audit(f"4:{'0' * 64}")


async def test_a_nurses_act_in_a_session_is_audited_in_its_own_commit(store, desk, reports):
    session = await say(store, entry=entry("12h"))
    await say(store, events=(Acknowledged("Anna"),), at=MONDAY + HOUR)
    assert [(one.who, one.what, one.at) for one in await desk.audited(session)] == [
        ("Anna", "Acknowledged", MONDAY + HOUR)
    ]
    assert (await reports.verify_audit())[0] == 1
