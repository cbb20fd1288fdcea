"""Hand-over, timeliness, referral and their files: that the numbers are right and the queries stay fast."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import statistics
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from bot.console import plots
from bot.console.timeliness import by_hour, week_starts
from bot.language.console import console_words
from bot.store.reports import Slice
from bot.store.sqlite.reports import ARRIVALS, COUNTS, DISPOSITIONS, LANGUAGES, OUTCOMES, RANKED, SqliteReports
from dialogs.events import Acknowledged, Called, Closed, Reopened
from tests.kit.clinic import MONDAY, Patient, TestClinic
from tests.kit.console_client import BACK, ONE_SIDE, WEAK, Ward, opened, text_of

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EVER = Slice(MONDAY - timedelta(days=100), MONDAY + timedelta(days=100))
MINUTES = timedelta(minutes=1)


@pytest_asyncio.fixture
async def ward(clinic: TestClinic) -> AsyncIterator[Ward]:
    async with opened(clinic) as ready:
        yield ready


@pytest.fixture
def reports(clinic: TestClinic) -> SqliteReports:
    return SqliteReports(clinic.store)


async def patient(clinic: TestClinic, address: str = "42", **findings: str) -> Patient:
    someone = clinic.patient(address)
    await someone.says("/start")
    return await someone.answers(**{"more": "no", **findings})


async def acts(clinic: TestClinic, someone: Patient, *events: object, after: timedelta = timedelta()) -> None:
    clinic.clock.move(after)
    session = (await someone.session()).id
    await clinic.service.review(session, events, f"form:{session}:{clinic.clock.at}:{events}")


# --- how long entries waited


async def test_an_entry_read_and_closed_in_time_counts_as_such(clinic, reports):
    someone = await patient(clinic, **WEAK)
    await acts(clinic, someone, Acknowledged("Anna"), after=20 * MINUTES)
    await acts(clinic, someone, Closed("Anna", "sent_mri"), after=40 * MINUTES)
    (group,) = await reports.by_disposition(EVER, clinic.clock())
    assert (group.disposition, group.entries) == ("12h", 1)
    assert (group.acknowledged.due, group.acknowledged.in_time, group.acknowledged.median) == (1, 1, 20 * MINUTES)
    assert (group.closed.due, group.closed.in_time, group.closed.p95) == (1, 1, 60 * MINUTES)


async def test_what_is_read_too_late_is_late_for_ever(clinic, reports):
    someone = await patient(clinic, **WEAK)
    await acts(clinic, someone, Acknowledged("Anna"), after=31 * MINUTES)
    (group,) = await reports.by_disposition(EVER, clinic.clock())
    assert (group.acknowledged.due, group.acknowledged.in_time) == (1, 0)


async def test_what_nobody_has_read_counts_as_late_once_its_time_is_over_and_not_before(clinic, reports):
    await patient(clinic, **WEAK)
    (before,) = await reports.by_disposition(EVER, clinic.clock() + 29 * MINUTES)
    (after,) = await reports.by_disposition(EVER, clinic.clock() + 31 * MINUTES)
    assert (before.acknowledged.due, before.acknowledged.share) == (0, None)
    assert (after.acknowledged.due, after.acknowledged.share) == (1, 0.0)
    assert after.acknowledged.median is None


async def test_closing_without_a_word_is_reading(clinic, reports):
    someone = await patient(clinic, **WEAK)
    await acts(clinic, someone, Closed("Anna", "duplicate"), after=10 * MINUTES)
    (group,) = await reports.by_disposition(EVER, clinic.clock())
    assert (group.acknowledged.in_time, group.acknowledged.median) == (1, 10 * MINUTES)


async def test_an_entry_that_is_raised_waits_anew_and_the_first_wait_stays_late(clinic, reports):
    someone = await patient(clinic, **WEAK)
    await acts(clinic, someone, Acknowledged("Anna"), after=45 * MINUTES)
    clinic.clock.move(10 * MINUTES)
    await someone.says("/emergency")
    await acts(clinic, someone, Acknowledged("Anna"), after=5 * MINUTES)
    await acts(clinic, someone, Closed("Anna", "sent_emergency"), after=5 * MINUTES)
    groups = {one.disposition: one for one in await reports.by_disposition(EVER, clinic.clock())}
    assert groups["12h"].acknowledged.in_time == 0
    assert (groups["emergency"].acknowledged.in_time, groups["emergency"].acknowledged.median) == (1, 5 * MINUTES)
    assert (groups["12h"].closed.due, groups["emergency"].closed.due) == (0, 1)


async def test_opened_again_counts_anew_and_the_first_closing_stays(clinic, reports):
    someone = await patient(clinic, **WEAK)
    await acts(clinic, someone, Acknowledged("Anna"), Closed("Anna", "false_alarm"), after=10 * MINUTES)
    await acts(clinic, someone, Reopened("Anna", "Lea"), after=60 * MINUTES)
    await acts(clinic, someone, Acknowledged("Anna"), Closed("Anna", "sent_mri"), after=10 * MINUTES)
    (group,) = await reports.by_disposition(EVER, clinic.clock())
    assert (group.entries, group.closed.due) == (2, 2)
    assert await reports.outcomes(EVER) == {("12h", "false_alarm"): 1, ("12h", "sent_mri"): 1}


async def test_entries_count_in_their_week_by_the_clinics_clock_and_in_their_language(clinic, reports):
    await patient(clinic, "1", **WEAK)
    clinic.clock.at = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)  # Monday already in Amsterdam
    await patient(clinic, "2", **WEAK, language="nl")
    weeks = week_starts(clinic.clock(), 2, AMSTERDAM)
    wanted = Slice(weeks[0], weeks[1] + timedelta(weeks=1))
    assert [(one.part, one.entries) for one in await reports.by_week(wanted, weeks, clinic.clock())] == [
        ("0", 1),
        ("1", 1),
    ]
    languages = {one.part: one.entries for one in await reports.by_language(wanted, clinic.clock())}
    assert languages == {"en": 1, "nl": 1}
    assert len(await reports.by_disposition(Slice(*_span(wanted), language="nl"), clinic.clock())) == 1
    assert await reports.by_disposition(Slice(*_span(wanted), disposition="1w"), clinic.clock()) == []


def _span(wanted: Slice) -> tuple[datetime, datetime]:
    return wanted.since, wanted.until


def test_weeks_begin_on_monday_by_the_clinics_clock_also_when_the_clocks_change():
    starts = week_starts(datetime(2026, 10, 28, 12, tzinfo=UTC), 3, AMSTERDAM)
    assert [one.astimezone(UTC).isoformat() for one in starts] == [
        "2026-10-11T22:00:00+00:00",
        "2026-10-18T22:00:00+00:00",
        "2026-10-25T23:00:00+00:00",
    ]


def test_hours_are_those_of_the_clinics_clock_in_summer_and_winter():
    counts = by_hour([(datetime(2026, 7, 6, 8, 0, tzinfo=UTC), 2), (MONDAY, 3)], AMSTERDAM)
    assert counts[0][10] == 5


async def test_numbers_equal_those_counted_by_hand(clinic, reports):
    """A thousand made-up waits, once by SQL and once in plain Python."""
    rows = list(_made_up(clinic, 1_000))
    await clinic.store.write(lambda db: _fill(db, rows))
    for group in await reports.by_disposition(EVER, MONDAY):
        own = [one for one in rows if (one["tier"] or "unfinished") == group.disposition]
        assert group.entries == len(own)
        waits = sorted(one["acknowledged_at"] - one["since"] for one in own if one["acknowledged_at"])
        due = [one for one in own if one["acknowledged_at"] or one["acknowledge_by"] <= MONDAY]
        in_time = [one for one in due if one["acknowledged_at"] and one["acknowledged_at"] <= one["acknowledge_by"]]
        assert (group.acknowledged.due, group.acknowledged.in_time) == (len(due), len(in_time))
        assert group.acknowledged.median == statistics.median_low(waits)
        assert group.acknowledged.p95 == waits[-(-len(waits) * 95 // 100) - 1]


def _made_up(clinic: TestClinic, count: int):
    chance = Random(5)
    for number in range(count):
        since = MONDAY - timedelta(minutes=chance.randrange(60 * 24 * 80), seconds=number)
        read_at = since + timedelta(seconds=chance.randrange(1, 10_000))
        yield {
            "session": f"s{number}",
            "since": since,
            "language": chance.choice(("en", "nl")),
            "tier": chance.choice(("emergency", "12h", "1w", "2w", None)),
            "acknowledge_by": since + timedelta(hours=1),
            "acknowledged_at": read_at if read_at < MONDAY and chance.random() < 0.9 else None,
        }


def _fill(db: sqlite3.Connection, rows: list[dict]) -> None:
    def stored(at: datetime | None) -> str | None:
        return at and at.isoformat(timespec="microseconds")

    db.execute("insert or ignore into patients (id, channel, address, created_at) values ('p', 'x', 'x', '')")
    for one in rows:
        db.execute(
            "insert into sessions (id, patient, channel, address, language, state, protocol_version, started_at,"
            " updated_at, length) values (?, 'p', 'x', 'x', 'en', 'closed', '1', '', '', 0)",
            (one["session"],),
        )
        times = [stored(one[name]) for name in ("since", "acknowledge_by", "acknowledged_at")]
        db.execute(
            "insert into waits (session, since, acknowledge_by, acknowledged_at, language, tier, opened_at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (one["session"], *times, one["language"], one["tier"], times[0]),
        )


@pytest.mark.parametrize(
    "query",
    [
        *(COUNTS.format(found=found) for found in (DISPOSITIONS, LANGUAGES)),
        *(
            RANKED.format(found=found, seconds=one)
            for found in (DISPOSITIONS, LANGUAGES)
            for one in ("acknowledge_s", "close_s")
        ),
        OUTCOMES,
        ARRIVALS,
    ],
)
async def test_no_report_reads_a_whole_table(clinic, query):
    values = {"since": "2026", "until": "2027", "tier": None, "language": None, "at": "2026"}
    with clinic.store.snapshot() as db:
        plan = [row[3] for row in db.execute(f"explain query plan {query}", values)]
    of_waits = [line for line in plan if "waits" in line]
    assert of_waits, plan
    assert all(
        line.startswith("SEARCH waits USING COVERING INDEX waits_since (since>? AND since<?)") for line in of_waits
    )
    assert not [line for line in plan if "events" in line]


async def test_a_report_of_some_weeks_costs_the_same_however_many_years_lie_before(clinic):
    recent = list(_made_up(clinic, 300))
    await clinic.store.write(lambda db: _fill(db, recent))
    few = _steps(clinic)
    old = [
        {**one, "session": f"{one['session']}-{years}", "since": one["since"] - timedelta(days=400 * years)}
        for years in range(1, 21)
        for one in recent
    ]
    await clinic.store.write(lambda db: _fill(db, old))
    assert _steps(clinic) < 1.2 * few


def _steps(clinic: TestClinic) -> int:
    """How many hundred instructions SQLite takes for the numbers of twelve weeks."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    span = {"since": (MONDAY - timedelta(weeks=12)).isoformat(), "until": MONDAY.isoformat(), "at": MONDAY.isoformat()}
    with clinic.store.snapshot() as db:
        db.set_progress_handler(count, 100)
        for query in (
            COUNTS.format(found=DISPOSITIONS),
            RANKED.format(found=DISPOSITIONS, seconds="close_s"),
            OUTCOMES,
            ARRIVALS,
        ):
            db.execute(query, {**span, "tier": None, "language": None}).fetchall()
        db.set_progress_handler(None, 0)
    return steps


# --- hand-over


async def test_every_patient_stands_once_in_the_first_part_that_fits(ward):
    clinic = ward.clinic
    people = {
        name: await ward.patient(name, **findings)
        for name, findings in (("twice", BACK), ("promised", ONE_SIDE), ("open", WEAK), ("closed", BACK))
    }
    for _ in range(2):
        await acts(clinic, people["twice"], Called("Anna", False, None, ""), after=MINUTES)
    await acts(clinic, people["promised"], Called("Anna", True, clinic.clock() + 60 * MINUTES, ""))
    await acts(clinic, people["closed"], Closed("Anna", "known_problem"))
    page = await (await ward.nurse("Anna")).sees("/console/hand-over")
    parts = dict(re.findall(r'<section aria-labelledby="([\w-]+)">(.*?)</section>', page, re.S))
    session = {name: await ward.session_of(one) for name, one in people.items()}
    assert {name: [who for who, id_ in session.items() if id_ in part] for name, part in parts.items()} == {
        "not-reached": ["twice"],
        "promised": ["promised"],
        "unclosed": ["open"],
    }


async def test_an_empty_hand_over_says_so(ward):
    text = text_of(await (await ward.nurse("Anna")).sees("/console/hand-over"))
    assert "Nothing else is open." in text
    assert "0 patients" in text


# --- referral


async def test_the_referral_holds_what_an_emergency_department_asks_for(ward):
    someone = await ward.patient(language="nl", **WEAK)
    await someone.says("Mijn benen zakken weg <b>nu</b>")
    anna = await ward.nurse("Anna")
    page = await anna.sees(f"/console/entries/{await ward.session_of(someone)}/referral")
    text = text_of(page)
    for part in ("Situation", "Background", "Assessment", "Recommendation", "Patient-reported, not assessed"):
        assert part in text
    assert "Is an arm or a leg weak" in text
    assert "New or worse" in text
    assert "Nieuw of erger" in text
    assert "decreased strength" in text
    assert "Mijn benen zakken weg <b>nu</b>" in text
    assert "<b>nu</b>" not in page
    assert ward.clinic.clinic.always_number in text


async def test_the_referral_of_an_unknown_session_says_nothing(ward):
    anna = await ward.nurse("Anna")
    assert (await anna.client.get("/console/entries/0000000000000000/referral")).status_code == 404


# --- files


@pytest.mark.parametrize("name", ["waits", "hours", "outcomes"])
async def test_each_table_can_be_taken_out_as_a_file_and_that_is_written_down(ward, name):
    someone = await ward.patient(**WEAK)
    await acts(ward.clinic, someone, Closed("Anna", "sent_mri"), after=MINUTES)
    anna = await ward.nurse("Anna")
    answer = await anna.client.get(f"/console/timeliness/{name}.csv?weeks=4")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    header, *rows = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert all(len(row) == len(header) for row in rows)
    assert rows
    assert [one.what for one in await ward.desk.audited(name)] == ["exported"]


async def test_there_is_no_other_file(ward):
    anna = await ward.nurse("Anna")
    assert (await anna.client.get("/console/timeliness/patients.csv")).status_code == 404


@pytest.mark.parametrize(
    "query", ["weeks=0", "weeks=x", "tier=%27%3B--", "language=../..", "weeks=99999999999999999999"]
)
async def test_the_page_bears_any_query(ward, query):
    await ward.patient(**WEAK)
    assert "Within 12 hours" in await (await ward.nurse("Anna")).sees(f"/console/timeliness?{query}")


# --- shapes and words


@pytest.mark.parametrize("count", [1, 4, 12, 26, 60])
def test_labels_never_run_into_each_other_and_the_last_has_one(count):
    shown = plots.labelled(count)
    assert shown[-1] == count - 1
    gaps = [plots.middle(after, count) - plots.middle(before, count) for before, after in pairwise(shown)]
    assert all(gap >= plots.LABEL_WIDE - 1 for gap in gaps)


def test_longer_times_stand_further_right_and_never_outside():
    times = [timedelta(0), MINUTES, timedelta(hours=1), timedelta(days=1), timedelta(days=400)]
    places = [plots.at(one) for one in times]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (plots.LEFT, plots.LEFT + plots.WIDE)


@pytest.mark.parametrize(
    ("duration", "english", "dutch"),
    [
        (timedelta(0), "0 sec", "0 sec"),
        (timedelta(seconds=95), "1 min 35 sec", "1 min 35 sec"),
        (timedelta(minutes=60), "1 hr", "1 uur"),
        (timedelta(hours=3, minutes=18, seconds=9), "3 hr 18 min", "3 uur 18 min"),
        (timedelta(days=2), "2 days", "2 dagen"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(duration, english, dutch):
    assert (console_words("en").span(duration), console_words("nl").span(duration)) == (english, dutch)
