"""Hand-over, timeliness, referral and their files: that the numbers are right and the queries stay fast."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from bot.console import plots
from bot.console.timeliness import by_hour, week_starts
from bot.language.console import console_words
from bot.store.reports import Slice
from dialogs.events import Called, Closed
from tests.kit.clinic import MONDAY, TestClinic, acts
from tests.kit.console_client import BACK, ONE_SIDE, WEAK, Ward, opened, text_of

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EVER = Slice(MONDAY - timedelta(days=100), MONDAY + timedelta(days=100))
MINUTES = timedelta(minutes=1)


@pytest_asyncio.fixture
async def ward(clinic: TestClinic) -> AsyncIterator[Ward]:
    async with opened(clinic) as ready:
        yield ready


# --- weeks and hours


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
