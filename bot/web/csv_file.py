"""Tables as CSV files that a spreadsheet opens without running anything that somebody wrote into them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO

Cell = str | int | float | None

MARK = "\ufeff"
"""By their first three bytes spreadsheets take a file for UTF-8."""

FORMULA = re.compile(r"\s*[\t\r\n]|[\s\u200b-\u200f\u2060\ufeff]*[-=+@|%＝＋－＠｜％]")
"""How a cell begins that a spreadsheet would calculate instead of show, also behind what nobody sees."""


def csv_file(rows: Iterable[Sequence[Cell]]) -> str:
    """The whole file with its mark. Texts stand in quotes: some spreadsheets also part them at a semicolon."""
    file = StringIO()
    csv.writer(file, quoting=csv.QUOTE_NONNUMERIC).writerows([harmless(cell) for cell in row] for row in rows)
    return MARK + file.getvalue()


def harmless(cell: Cell) -> Cell:
    """A text like a formula gets one apostrophe before it, and is the same text without; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell
