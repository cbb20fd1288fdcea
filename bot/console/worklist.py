"""The worklist: one line for each patient with something open, what cannot wait on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from starlette.responses import Response

from bot.console import labels as words
from bot.console.request import NurseRequest
from bot.service.entry import TROUBLES
from bot.store.console import Filter
from bot.store.worklist import WorklistRow
from dialogs.protocol import Disposition

PER_PAGE = 25
DISPOSITIONS = words.LISTED
UNREAD_ADVICE = ("delivery_failed", "not_seen")


@dataclass(frozen=True, slots=True)
class Line:
    """A patient's open entries as one: the highest tier, the earliest deadlines.

    `lead`: the entry that the line opens. `acknowledge_by`: None once somebody has read all of them.
    """

    lead: WorklistRow
    disposition: str
    reasons: tuple[str, ...]
    acknowledge_by: datetime | None
    seen_by: datetime | None
    owner: str | None
    trouble: str | None
    unread: int
    is_worse: bool
    is_carer: bool
    call_back_at: datetime | None
    count: int

    @property
    def is_open(self) -> bool:
        return self.lead.entry.is_open

    @property
    def delivery(self) -> str | None:
        """The state of the latest advice, whatever the log says of it."""
        return self.lead.delivery

    def is_overdue(self, at: datetime) -> bool:
        return any(moment is not None and moment <= at for moment in (self.acknowledge_by, self.seen_by))


def fold(rows: Sequence[WorklistRow]) -> Line:
    """One line of a patient's entries, the most pressing first."""
    entries = [row.entry for row in rows]
    dispositions = [Disposition(one.disposition) for one in entries if one.disposition is not None]
    highest = max(dispositions, key=lambda one: one.urgency, default=None)
    lead = next(row for row in rows if row.entry.disposition == highest or highest is None)
    unread = [one.acknowledge_by for one in entries if one.is_open and one.acknowledged_at is None]
    troubles = [one.trouble for one in entries if one.trouble is not None]
    return Line(
        lead=lead,
        disposition=highest.value if highest else "unfinished",
        reasons=tuple(dict.fromkeys(reason for row in (lead, *rows) for reason in row.entry.reasons)),
        acknowledge_by=min(unread, default=None),
        seen_by=min((one.seen_by for one in entries if one.seen_by is not None), default=None),
        owner=next((one.owner for one in entries if one.owner is not None), None),
        trouble=min(troubles, key=TROUBLES.index, default=None),
        unread=sum(one.unread for one in entries),
        is_worse=any(one.is_worse for one in entries),
        is_carer=any(one.is_carer for one in entries),
        call_back_at=min((one.call_back_at for one in entries if one.call_back_at is not None), default=None),
        count=len(entries),
    )


async def worklist(request: NurseRequest) -> Response:
    """The whole page."""
    return await _page(request, "worklist.html")


async def rows(request: NurseRequest) -> Response:
    """Only what changes while the page is open."""
    return await _page(request, "worklist_rows.html")


async def _page(request: NurseRequest, template: str) -> Response:
    desk, query = request.desk, request.query
    wanted = _wanted(query.get("view"), query.get("tier"), query.get("language"))
    search = query.get("q", "").strip()[:100]
    number = _number(query.get("page"))
    if search:
        found = await desk.find(search)
    else:
        found = await desk.page(wanted, request.nurse.name, request.at, (number - 1) * PER_PAGE, PER_PAGE)
    service = request.service
    phrases = service.words.read_in(request.language).phrases(request.language, service.current, request.at)
    parameters = {"view": wanted.view, "tier": wanted.disposition, "language": wanted.language, "q": search}
    chosen = {name: value for name, value in parameters.items() if value and (name, value) != ("view", "open")}
    return request.page(
        template,
        lines=[fold(one) for one in found.patients],
        has_more=found.has_more,
        number=number,
        wanted=wanted,
        search=search,
        counts=await desk.counts(request.nurse.name, request.at),
        reason=lambda code: None if code in words.REASONS else phrases.reason(code),
        languages=service.words.offered,
        words=words,
        dispositions=DISPOSITIONS,
        here=lambda **changed: _url(request.path("worklist"), {**chosen, **changed}),
        rows_url=_url(request.path("worklist_rows"), {**chosen, "page": str(number)}),
    )


def _wanted(view: str | None, disposition: str | None, language: str | None) -> Filter:
    is_language = language is not None and language.replace("_", "").isalpha() and len(language) < 12
    return Filter(
        view if view in words.VIEWS else "open",
        disposition if disposition in DISPOSITIONS else None,
        language if is_language else None,
    )


def _number(text: str | None) -> int:
    return min(max(int(text), 1), 10_000) if text and text.isdecimal() and len(text) < 6 else 1


def _url(path: str, parameters: dict[str, str | None]) -> str:
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{path}?{query}" if query else path
