"""The audit for leads: who looked, acted and exported, when, and whether the rows are still as they were written."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from bot.console import labels as words
from bot.console.export import export
from bot.console.request import NurseRequest
from bot.store.console import AuditBroken
from bot.store.reports import AuditFilter

PER_PAGE = 100
MOST_IN_FILE = 100_000
LAST_ROW = 10**15


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken_at`: the first row that does not fit, None when all do. `head`: for a lead to note down."""

    rows: int
    head: str = ""
    broken_at: int | None = None


async def page(request: NurseRequest) -> Response:
    return await _draw(request)


async def verify(request: NurseRequest) -> Response:
    """Reads the whole chain; that somebody did is written into it."""
    try:
        verdict = Verdict(*await request.reports.verify_audit())
    except AuditBroken as broken:
        verdict = Verdict(broken.seq - 1, broken_at=broken.seq)
    await request.write_down("verified")
    return await _draw(request, verdict)


async def file(request: NurseRequest) -> Response:
    rows = await request.reports.audit(_wanted(request), None, MOST_IN_FILE)
    return await export(
        request,
        "audit",
        ("row", "at_utc", "who", "what", "about"),
        [(one.seq, one.at.isoformat(), one.who, one.what, one.about) for one in rows],
    )


async def _draw(request: NurseRequest, verdict: Verdict | None = None) -> Response:
    wanted, text = _wanted(request), request.query.get("before", "")
    before = min(int(text), LAST_ROW) if text.isdecimal() and text.isascii() and len(text) < 16 else None
    rows = await request.reports.audit(wanted, before, PER_PAGE + 1)
    chosen = {"who": wanted.who, "what": wanted.what, "about": wanted.about}
    query = {name: value for name, value in chosen.items() if value}
    return request.page(
        "audit.html",
        rows=rows[:PER_PAGE],
        older=urlencode({**query, "before": str(rows[PER_PAGE - 1].seq)}) if len(rows) > PER_PAGE else None,
        is_first=before is None,
        wanted=wanted,
        query=urlencode(query),
        nurses=[one.name for one in await request.desk.nurses()],
        words=words,
        verdict=verdict,
    )


def _wanted(request: NurseRequest) -> AuditFilter:
    query = request.query
    what = query.get("what", "")
    return AuditFilter(
        query.get("who", "").strip()[:200] or None,
        what if what in words.ACTS else None,
        query.get("about", "").strip()[:100] or None,
    )
