"""The clinic's working time, over nights, weekends, holidays, half days, zones and the two clock changes of a year."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clinic.calendar import Calendar

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
OFFICE = ((time(9), time(17)),)
MORNING = ((time(9), time(12)),)
CLINIC = Calendar(
    AMSTERDAM,
    {0: OFFICE, 1: OFFICE, 2: ((time(8, 30), time(12, 30)), (time(13), time(17))), 3: OFFICE, 4: MORNING},
    frozenset({date(2026, 12, 25), date(2027, 1, 1)}),
)
ALWAYS = Calendar(AMSTERDAM, {weekday: ((time(0), time(0)),) for weekday in range(7)})


def local(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    """A moment by the clock on the wall, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 09:00", True),
        ("2026-11-23 16:59:59", True),
        ("2026-11-23 17:00", False),
        ("2026-11-25 12:30", False),  # the lunch break of a Wednesday
        ("2026-11-25 13:00", True),
        ("2026-11-27 12:00", False),  # a Friday is half a day
        ("2026-11-28 10:00", False),  # Saturday
        ("2026-12-25 10:00", False),  # a holiday
        ("2026-12-24 10:00", True),
    ],
)
def test_nurses_read_in_opening_hours_only(at, is_open):
    assert CLINIC.is_open(local(at)) is is_open


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-11-23 10:15", "2026-11-23 10:15"),
        ("2026-11-23 03:00", "2026-11-23 09:00"),
        ("2026-11-23 17:00", "2026-11-24 09:00"),
        ("2026-11-25 12:45", "2026-11-25 13:00"),
        ("2026-11-27 12:00", "2026-11-30 09:00"),  # Friday noon to Monday
        ("2026-12-24 18:00", "2026-12-28 09:00"),  # Christmas Day is a Friday
    ],
)
def test_the_next_opening_is_now_or_the_next_time_the_doors_open(at, opens):
    assert CLINIC.next_opening(local(at)) == local(opens)


@pytest.mark.parametrize(
    ("at", "day", "closes"),
    [
        ("2026-11-23 10:00", date(2026, 11, 24), "2026-11-24 17:00"),
        ("2026-11-23 03:00", date(2026, 11, 24), "2026-11-24 17:00"),
        ("2026-11-26 23:59", date(2026, 11, 27), "2026-11-27 12:00"),
        ("2026-11-27 10:00", date(2026, 11, 30), "2026-11-30 17:00"),
        ("2026-11-28 10:00", date(2026, 11, 30), "2026-11-30 17:00"),
        ("2026-12-24 10:00", date(2026, 12, 28), "2026-12-28 17:00"),
        ("2026-12-31 10:00", date(2027, 1, 4), "2027-01-04 17:00"),
    ],
)
def test_the_next_working_day_leaves_out_weekends_and_holidays(at, day, closes):
    assert CLINIC.next_working_day(local(at)) == day
    assert CLINIC.end_of_next_working_day(local(at)) == local(closes)


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-11-23 08:00", "2026-11-23 12:00"),  # before the doors open: this morning
        ("2026-11-23 09:00", "2026-11-23 12:00"),
        ("2026-11-23 09:01", "2026-11-23 17:00"),  # the morning has begun: this afternoon
        ("2026-11-23 12:00", "2026-11-23 17:00"),
        ("2026-11-23 12:01", "2026-11-24 12:00"),
        ("2026-11-25 12:45", "2026-11-25 17:00"),
        ("2026-11-26 14:00", "2026-11-27 12:00"),
        ("2026-11-27 10:00", "2026-11-30 12:00"),  # there is no Friday afternoon
        ("2026-12-24 13:00", "2026-12-28 12:00"),
    ],
)
def test_the_next_working_half_day_is_the_first_that_has_not_begun(at, ends):
    assert CLINIC.next_working_half_day(local(at)) == local(ends)


@pytest.mark.parametrize(
    ("at", "days", "later"),
    [
        ("2026-11-23 10:20", 1, "2026-11-24 10:20"),
        ("2026-11-23 10:20", 2, "2026-11-25 10:20"),
        ("2026-11-26 10:20", 2, "2026-11-30 10:20"),
        ("2026-11-26 15:00", 1, "2026-11-27 12:00"),  # half a day: at its end
        ("2026-11-23 03:00", 1, "2026-11-24 09:00"),  # nobody is asked at three in the morning
        ("2026-11-23 23:00", 1, "2026-11-24 17:00"),
        ("2026-11-24 12:45", 1, "2026-11-25 13:00"),
    ],
)
def test_working_days_later_keeps_the_clock_time_within_opening_hours(at, days, later):
    assert CLINIC.working_days_later(local(at), days) == local(later)


def test_working_days_later_must_be_later():
    with pytest.raises(ValueError, match="pass 1 or more"):
        CLINIC.working_days_later(local("2026-11-23 10:00"), 0)


@pytest.mark.parametrize(
    ("sunday", "saturday_to_sunday"),
    [(date(2027, 3, 28), timedelta(hours=23)), (date(2026, 10, 25), timedelta(hours=25))],
)
def test_clock_times_stand_still_on_the_wall_when_the_clocks_change(sunday, saturday_to_sunday):
    every_day = Calendar(AMSTERDAM, dict.fromkeys(range(7), OFFICE))
    saturday_noon = datetime.combine(sunday - timedelta(days=1), time(12), AMSTERDAM).astimezone(UTC)
    assert every_day.working_days_later(saturday_noon, 1) - saturday_noon == saturday_to_sunday
    assert every_day.local(every_day.end_of_next_working_day(saturday_noon)).time() == time(17)


def test_on_the_long_day_just_after_midnight_the_next_working_day_is_still_tomorrow():
    assert ALWAYS.next_working_day(local("2026-10-25 00:30")) == date(2026, 10, 26)
    assert ALWAYS.next_working_day(local("2027-03-28 23:30")) == date(2027, 3, 29)


def test_both_of_the_repeated_hours_are_open_and_the_skipped_hour_costs_nothing():
    night = Calendar(AMSTERDAM, {6: ((time(0), time(6)),)})
    repeated = datetime(2026, 10, 25, 2, 30, tzinfo=AMSTERDAM)
    assert night.is_open(repeated.replace(fold=0))
    assert night.is_open(repeated.replace(fold=1))
    assert night.next_opening(local("2027-03-27 12:00")) == datetime(2027, 3, 27, 23, 0, tzinfo=UTC)
    assert not night.is_open(local("2027-03-28 06:00"))


def test_an_opening_in_the_hour_that_is_skipped_opens_when_the_clocks_have_moved():
    early = Calendar(AMSTERDAM, {6: ((time(2, 30), time(5)),)})
    assert early.next_opening(local("2027-03-27 12:00")) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "opens"),
    [
        ("Pacific/Auckland", datetime(2026, 11, 22, 20, 0, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 11, 23, 17, 0, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 11, 23, 3, 15, tzinfo=UTC)),
        ("UTC", datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
    ],
)
def test_monday_morning_is_that_of_the_clinics_zone(zone, opens):
    clinic = Calendar(ZoneInfo(zone), {0: OFFICE})
    assert clinic.next_opening(datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) == opens


def test_a_clinic_that_never_closes_is_open_at_midnight_and_its_day_ends_at_midnight():
    assert ALWAYS.is_open(local("2026-11-23 00:00"))
    assert ALWAYS.is_open(local("2026-11-23 23:59:59"))
    assert ALWAYS.end_of_next_working_day(local("2026-11-23 10:00")) == local("2026-11-25 00:00")


def test_the_week_shows_neighbouring_days_with_the_same_hours_together():
    assert [days for days, _ in CLINIC.week()] == [(0, 1), (2,), (3,), (4,)]
    assert [days for days, _ in Calendar(AMSTERDAM, {0: OFFICE, 1: (), 2: OFFICE}).week()] == [(0,), (2,)]


def test_a_clinic_that_is_never_open_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Calendar(AMSTERDAM, {0: ()})


@pytest.mark.parametrize(
    "ask", [CLINIC.is_open, CLINIC.next_opening, CLINIC.next_working_day, CLINIC.next_working_half_day]
)
def test_a_moment_without_a_zone_is_refused(ask):
    with pytest.raises(ValueError, match="no time zone"):
        ask(datetime(2026, 11, 23, 9, 0))  # noqa: DTZ001


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS)
def test_deadlines_lie_ahead_and_at_closing_times(at):
    assert CLINIC.next_opening(at) >= at
    assert CLINIC.is_open(CLINIC.next_opening(at))
    for deadline in (CLINIC.next_working_half_day(at), CLINIC.end_of_next_working_day(at)):
        assert deadline > at
        assert CLINIC.is_open(deadline - timedelta(seconds=1))
    assert CLINIC.next_working_half_day(at) <= CLINIC.end_of_next_working_day(at)


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=10)))
def test_a_later_moment_never_has_an_earlier_deadline(at, wait):
    for deadline in (
        CLINIC.next_opening,
        CLINIC.next_working_half_day,
        CLINIC.end_of_next_working_day,
    ):
        assert deadline(at) <= deadline(at + wait)


@given(MOMENTS)
def test_each_further_working_day_is_later(at):
    assert all(one < two for one, two in pairwise(CLINIC.working_days_later(at, days) for days in range(1, 8)))
