"""Tables as CSV files that a spreadsheet opens without running anything that somebody wrote into them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from starlette.responses import Response

from bot.console.request import NurseRequest

Cell = str | int | float | None
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


async def export(request: NurseRequest, name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A file to download; that it was made is written into the audit."""
    await request.write_down("exported", name)
    headers = {"Content-Disposition": f'attachment; filename="cordwatch-{name}-{request.at:%Y-%m-%d}.csv"'}
    # spreadsheets take a file for UTF-8 by its first three bytes
    return Response(f"\ufeff{table(header, rows)}", media_type="text/csv; charset=utf-8", headers=headers)


def table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([harmless(one) for one in header])
    writer.writerows([harmless(one) for one in row] for row in rows)
    return file.getvalue()


def harmless(cell: Cell) -> Cell:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it; numbers stay numbers."""
    if isinstance(cell, str) and cell.lstrip(" \u00a0").startswith(FORMULA):
        return f"'{cell}"
    return cell
