"""Whether anybody waited too long: how soon entries were read and closed, when they came, and how they ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.clinic.settings import Clinic
from bot.console import labels as words
from bot.console import plots
from bot.console.export import export
from bot.console.request import NurseRequest
from bot.language.console import console_words
from bot.store.reports import Group, Slice
from bot.web.csv_file import Cell
from dialogs.protocol import Disposition

WEEKS = (4, 12, 26)
DISPOSITIONS = words.LISTED
UNJUDGED = ("could_not_reach", "duplicate")
"""Outcomes that say nothing of whether the advice was right."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What nurses made of the entries of a tier. `closed`: with an outcome that says whether the advice was right."""

    by_outcome: Mapping[str, int]
    closed: int
    judged: int
    false_alarms: int

    @property
    def over_triage(self) -> float | None:
        return self.false_alarms / self.judged if self.judged else None

    def share(self, outcome: str) -> float | None:
        return self.by_outcome.get(outcome, 0) / self.closed if self.closed else None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that the page shows. `weeks`: when each began; `hours`: entries by day of the week and hour."""

    wanted: Slice
    weeks: tuple[datetime, ...]
    dispositions: tuple[Group, ...]
    by_week: tuple[Group, ...]
    by_language: tuple[Group, ...]
    hours: tuple[tuple[int, ...], ...]
    outcomes: Mapping[str, Judged]

    @property
    def is_empty(self) -> bool:
        return not self.dispositions

    @property
    def shown_dispositions(self) -> tuple[str, ...]:
        present = {group.disposition for group in self.dispositions}
        return tuple(disposition for disposition in DISPOSITIONS if disposition in present)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(group.part for group in self.by_language))

    def week(self, number: int, disposition: str) -> Group | None:
        return _find(self.by_week, str(number), disposition)

    def language(self, language: str, disposition: str) -> Group | None:
        return _find(self.by_language, language, disposition)

    def bars(self, disposition: str, what: str) -> Sequence[plots.Bar]:
        """A bar for each week: the share of those `acknowledged` or `closed` in time."""
        groups = [self.week(number, disposition) for number in range(len(self.weeks))]
        times = [getattr(group, what) if group is not None else None for group in groups]
        return plots.bars([(one.share, one.due) if one is not None else (None, 0) for one in times])


async def page(request: NurseRequest) -> Response:
    chosen = _chosen(request)
    found = await _figures(request, chosen)
    clinic = request.clinic
    mine = console_words(request.language)
    query = "&".join(f"{name}={value}" for name, value in chosen.items() if value)
    return request.page(
        "timeliness.html",
        figures=found,
        chosen=chosen,
        choices=WEEKS,
        dispositions=DISPOSITIONS,
        languages=request.texts.offered,
        words=words,
        plots=plots,
        ranges=plots.ranges(_read(found.dispositions), _limits(clinic), DISPOSITIONS),
        span=mine.span,
        weekdays=mine.weekdays(),
        language_rows=[(one, mine.language_name(one)) for one in found.languages],
        language_share=lambda one, disposition: (
            group.acknowledged.share if (group := found.language(one, disposition)) else None
        ),
        outcome_rows=[(code, mine.gettext(name)) for code, name in words.OUTCOMES.items()],
        outcome_share=lambda outcome, disposition: found.outcomes[disposition].share(outcome),
        query=query,
    )


async def file(request: NurseRequest) -> Response:
    """One of the page's tables. Raises 404."""
    make = FILES.get(request.http.path_params["table"])
    if make is None:
        raise HTTPException(404)
    found = await _figures(request, _chosen(request))
    header, *rows = make(found, request.clinic.time_zone)
    return await export(request, request.http.path_params["table"], [str(one) for one in header], rows)


async def _figures(request: NurseRequest, chosen: Mapping[str, str]) -> Figures:
    zone, at = request.clinic.time_zone, request.at
    weeks = week_starts(at, int(chosen["weeks"]), zone)
    wanted = Slice(weeks[0], _weeks_later(weeks[-1], 1, zone), chosen["tier"] or None, chosen["language"] or None)
    return Figures(
        wanted,
        weeks,
        tuple(_in_order(await request.reports.by_disposition(wanted, at))),
        tuple(_in_order(await request.reports.by_week(wanted, weeks, at))),
        tuple(_in_order(await request.reports.by_language(wanted, at))),
        by_hour(await request.reports.arrivals(wanted), zone),
        _judged(await request.reports.outcomes(wanted)),
    )


def week_starts(at: datetime, count: int, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Monday's first moment by the clinic's clock, of this week and those before; the earliest first."""
    today = at.astimezone(zone).date()
    monday = datetime.combine(today - timedelta(days=today.weekday()), time(), zone)
    return tuple(_weeks_later(monday, -weeks, zone) for weeks in reversed(range(count)))


def by_hour(arrivals: Sequence[tuple[datetime, int]], zone: ZoneInfo) -> tuple[tuple[int, ...], ...]:
    """How many came on each day of the week in each hour, by the clinic's clock."""
    counts = [[0] * 24 for _ in range(7)]
    for moment, count in arrivals:
        here = moment.astimezone(zone)
        counts[here.weekday()][here.hour] += count
    return tuple(map(tuple, counts))


def _weeks_later(moment: datetime, weeks: int, zone: ZoneInfo) -> datetime:
    """The same clock time, also when the clocks change in between."""
    here = moment.astimezone(zone)
    return datetime.combine(here.date() + timedelta(weeks=weeks), here.time(), zone)


def _chosen(request: NurseRequest) -> dict[str, str]:
    query = request.query
    weeks, disposition, language = (query.get(name, "") for name in ("weeks", "tier", "language"))
    return {
        "weeks": weeks if weeks in map(str, WEEKS) else str(WEEKS[1]),
        "tier": disposition if disposition in DISPOSITIONS else "",
        "language": language if language in request.texts.offered else "",
    }


def _in_order(groups: Sequence[Group]) -> Sequence[Group]:
    known = [group for group in groups if group.disposition in DISPOSITIONS]
    return sorted(
        known, key=lambda one: (not one.part.isdecimal(), one.part.zfill(4), DISPOSITIONS.index(one.disposition))
    )


def _find(groups: Sequence[Group], part: str, disposition: str) -> Group | None:
    return next((group for group in groups if (group.part, group.disposition) == (part, disposition)), None)


def _read(groups: Sequence[Group]) -> dict[str, tuple[timedelta, timedelta]]:
    return {
        group.disposition: (group.acknowledged.median, group.acknowledged.p95)
        for group in groups
        if group.acknowledged.median is not None and group.acknowledged.p95 is not None
    }


def _limits(clinic: Clinic) -> dict[str, timedelta]:
    """Times that are the same round the clock; the others depend on opening hours."""
    return {
        Disposition.EMERGENCY: clinic.acknowledge_emergency,
        Disposition.WITHIN_12_HOURS: clinic.acknowledge_12h,
    }


def _judged(outcomes: Mapping[tuple[str, str], int]) -> dict[str, Judged]:
    found = {}
    for disposition in DISPOSITIONS:
        own = {outcome: count for (of, outcome), count in outcomes.items() if of == disposition}
        closed = sum(own.values())
        judged = closed - sum(own.get(outcome, 0) for outcome in UNJUDGED)
        found[disposition] = Judged(own, closed, judged, own.get("false_alarm", 0))
    return {disposition: one for disposition, one in found.items() if one.closed}


# --- files

Table = Iterator[Sequence[Cell]]


def _waited(found: Figures, zone: ZoneInfo) -> Table:
    yield (
        *("by", "part", "tier", "entries", "acknowledge_due", "acknowledged_in_time", "acknowledged_share"),
        *("acknowledged_median_min", "acknowledged_p95_min"),
        *("close_due", "closed_in_time", "closed_share", "closed_median_min", "closed_p95_min"),
    )
    begun = {str(number): f"{week.astimezone(zone):%Y-%m-%d}" for number, week in enumerate(found.weeks)}
    for by, groups in (("tier", found.dispositions), ("week", found.by_week), ("language", found.by_language)):
        for one in groups:
            times = [
                cell
                for part in (one.acknowledged, one.closed)
                for cell in (part.due, part.in_time, _rounded(part.share), _minutes(part.median), _minutes(part.p95))
            ]
            due, in_time, share, median, p95, *closed = times
            part = begun.get(one.part, one.part) if by == "week" else one.part
            yield by, part, one.disposition, one.entries, due, in_time, share, median, p95, *closed


def _arrived(found: Figures, _: ZoneInfo) -> Table:
    yield "weekday", "hour", "entries"
    for day, hours in enumerate(found.hours):
        for hour, count in enumerate(hours):
            yield day + 1, hour, count


def _ended(found: Figures, _: ZoneInfo) -> Table:
    yield "tier", "outcome", "entries", "share"
    for disposition, judged in found.outcomes.items():
        for outcome in words.OUTCOMES:
            yield disposition, outcome, judged.by_outcome.get(outcome, 0), _rounded(judged.share(outcome))


FILES: dict[str, Callable[[Figures, ZoneInfo], Table]] = {"waits": _waited, "hours": _arrived, "outcomes": _ended}


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _minutes(duration: timedelta | None) -> float | None:
    return None if duration is None else round(duration / timedelta(minutes=1), 1)
