"""The clinic's working time: when nurses read, and the working days that deadlines are counted in. Pure.

Moments go in and come out as aware datetimes, always UTC on the way out. Clock times are those of the clinic's zone:
an opening at 09:00 stays at 09:00 by the clock on the wall when the clocks change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MIDNIGHT = time(0)
NOON = time(12)

Span = tuple[time, time]
"""Opening and closing by the clock; a closing of 00:00 is midnight at the end of the day."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Opening hours by weekday (0 is Monday; a weekday left out is closed) and the dates the clinic is closed.

    Raises ValueError when the clinic is open on no weekday: there would be no next working day.
    """

    zone: ZoneInfo
    hours: Mapping[int, tuple[Span, ...]]
    holidays: frozenset[date] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if not any(self.hours.get(weekday) for weekday in range(7)):
            raise ValueError("the clinic is open on no weekday; give opening hours for at least one")

    def local(self, at: datetime) -> datetime:
        """The moment by the clinic's clock. Raises ValueError if `at` has no time zone."""
        if at.tzinfo is None:
            raise ValueError(f"{at.isoformat()} has no time zone; pass an aware datetime")
        return at.astimezone(self.zone)

    def is_working_day(self, day: date) -> bool:
        return day not in self.holidays and bool(self.hours.get(day.weekday()))

    def is_open(self, at: datetime) -> bool:
        """Whether nurses read at this moment; the closing time itself is closed."""
        return any(start <= at < end for start, end in self._openings(self.local(at).date()))

    def next_opening(self, at: datetime) -> datetime:
        """When nurses read next: `at` itself if they do now."""
        for day in self._days(at):
            for start, end in self._openings(day):
                if at < end:
                    return max(start, at).astimezone(UTC)
        raise AssertionError("days do not end")

    def next_working_day(self, at: datetime) -> date:
        """The first working day after the day of `at`."""
        return self._working_day(at, 1)

    def next_working_half_day(self, at: datetime) -> datetime:
        """The end of the first half-day that begins at `at` or later. Opening hours are halved at noon."""
        for day in self._days(at):
            for start, end in self._openings(day):
                for begins, ends in _halves(start, end, self._at(day, NOON)):
                    if begins >= at:
                        return ends
        raise AssertionError("days do not end")

    def end_of_next_working_day(self, at: datetime) -> datetime:
        """Closing time on the next working day."""
        return self._openings(self.next_working_day(at))[-1][1]

    def working_days_later(self, at: datetime, days: int) -> datetime:
        """The same clock time so many working days later, moved into that day's opening hours."""
        if days < 1:
            raise ValueError(f"{days} working days later is not later; pass 1 or more")
        day = self._working_day(at, days)
        same_time = self._at(day, self.local(at).time())
        openings = self._openings(day)
        for start, end in openings:
            if same_time <= end:
                return max(start, same_time)
        return openings[-1][1]

    def week(self) -> tuple[tuple[tuple[int, ...], tuple[Span, ...]], ...]:
        """The open weekdays, neighbours with the same hours together: ((0, 1, 2, 3), hours), ((4,), hours)."""
        groups: list[tuple[tuple[int, ...], tuple[Span, ...]]] = []
        for weekday in range(7):
            spans = self.hours.get(weekday, ())
            if not spans:
                continue
            if groups and groups[-1][1] == spans and groups[-1][0][-1] == weekday - 1:
                groups[-1] = ((*groups[-1][0], weekday), spans)
            else:
                groups.append(((weekday,), spans))
        return tuple(groups)

    def _days(self, at: datetime) -> Iterator[date]:
        day = self.local(at).date()
        while True:
            yield day
            day += timedelta(days=1)

    def _working_day(self, at: datetime, count: int) -> date:
        today = self.local(at).date()
        for day in self._days(at):
            count -= day > today and self.is_working_day(day)
            if count == 0:
                return day
        raise AssertionError("days do not end")

    def _openings(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """In UTC, so that comparing and subtracting is right when the clocks change in between."""
        if not self.is_working_day(day):
            return ()
        return tuple(
            (self._at(day, start), self._at(day + timedelta(days=1) if end == MIDNIGHT else day, end))
            for start, end in self.hours[day.weekday()]
        )

    def _at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock.replace(tzinfo=None, fold=0), self.zone).astimezone(UTC)


def _halves(start: datetime, end: datetime, noon: datetime) -> tuple[tuple[datetime, datetime], ...]:
    return ((start, noon), (noon, end)) if start < noon < end else ((start, end),)
