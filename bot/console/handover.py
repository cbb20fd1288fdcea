"""The hand-over for the change of shift: what is still open, one line each, on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from starlette.responses import Response

from bot.console import labels as words
from bot.console.request import NurseRequest
from bot.console.worklist import Line, fold
from bot.store.worklist import WorklistRow

MOST = 300
TWICE = 2


@dataclass(frozen=True, slots=True)
class Item:
    """A patient. `tries`: calls in vain since she was last reached."""

    line: Line
    tries: int

    @property
    def call_back_at(self) -> datetime:
        assert self.line.call_back_at is not None
        return self.line.call_back_at


@dataclass(frozen=True, slots=True)
class Sheet:
    """Every patient stands once, in the first part that she belongs to."""

    not_reached: tuple[Item, ...]
    promised: tuple[Item, ...]
    unclosed: tuple[Item, ...]
    has_more: bool

    @property
    def count(self) -> int:
        return len(self.not_reached) + len(self.promised) + len(self.unclosed)


async def page(request: NurseRequest) -> Response:
    service = request.service
    rows = await request.desk.worklist(request.at, MOST + 1)
    phrases = service.words.read_in(request.language).phrases(request.language, service.current, request.at)
    return request.page(
        "handover.html",
        sheet=sheet(rows[:MOST], len(rows) > MOST),
        reason=lambda code: None if code in words.REASONS else phrases.reason(code),
        words=words,
    )


def sheet(rows: Sequence[WorklistRow], has_more: bool = False) -> Sheet:
    """`rows`: the most pressing first, which stays so within each part."""
    order = {patient: index for index, patient in enumerate(dict.fromkeys(row.patient for row in rows))}
    together = groupby(sorted(rows, key=lambda row: order[row.patient]), key=lambda row: row.patient)
    items = [_item(list(entries)) for _, entries in together]
    not_reached = [one for one in items if one.tries >= TWICE]
    promised = [one for one in items if one.tries < TWICE and one.line.call_back_at is not None]
    rest = [one for one in items if one.tries < TWICE and one.line.call_back_at is None]
    promised.sort(key=lambda one: one.call_back_at)
    return Sheet(tuple(not_reached), tuple(promised), tuple(rest), has_more)


def _item(rows: Sequence[WorklistRow]) -> Item:
    return Item(fold(rows), max(row.entry.tries for row in rows))
