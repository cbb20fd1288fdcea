"""Tables to download, each written into the audit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from starlette.responses import Response

from bot.console.request import NurseRequest
from bot.web.csv_file import Cell, csv_file


async def export(request: NurseRequest, name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A file to download; that it was made is written into the audit."""
    await request.write_down("exported", name)
    headers = {"Content-Disposition": f'attachment; filename="cordwatch-{name}-{request.at:%Y-%m-%d}.csv"'}
    return Response(table(header, rows), media_type="text/csv; charset=utf-8", headers=headers)


def table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    return csv_file([header, *rows])
