"""Whoever writes a CSV file, a spreadsheet only shows what stands in it, and the text can be had back."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import StringIO

import pytest

from bot.console.export import table
from bot.translation.sheet import ReviewLine, ReviewSheet, spreadsheet
from bot.web.csv_file import harmless

UNSEEN = ("", " ", "  ", "\t", "\r", "\n", "\u00a0", "\u3000", " \t", "\u200b", "\ufeff", "\u200f ")
FORMULAS = ("=1+1", "+1", "-1", "@sum(a1)", "|cmd", "%0a", "＝1+1", "＋1", "－1", "＠sum", "｜cmd", "％0a")
BLANKS = ("\ttext", "\rtext", "\ntext", " \ttext", "\u00a0\ntext")


def rows_of(file: str) -> list[list[str]]:
    assert file.startswith("\ufeff")
    return list(csv.reader(StringIO(file.removeprefix("\ufeff"), newline="")))


def as_a_heading_for_nurses(text: str) -> str:
    return rows_of(table([text], []))[0][0]


def as_a_cell_for_nurses(text: str) -> str:
    return rows_of(table(["heading"], [[1, text]]))[1][1]


def as_english_for_review(text: str) -> str:
    line = ReviewLine("wording.x", "message", "", text, "", is_fuzzy=False)
    return rows_of(spreadsheet([ReviewSheet("nl", "patient", "1", "0", (line,))]))[2][3]


def as_a_translation_for_review(text: str) -> str:
    line = ReviewLine("wording.x", "message", "", "", text, is_fuzzy=False)
    return rows_of(spreadsheet([ReviewSheet("nl", "patient", "1", "0", (line,))]))[2][4]


every_writer = pytest.mark.parametrize(
    "read_back",
    [as_a_heading_for_nurses, as_a_cell_for_nurses, as_english_for_review, as_a_translation_for_review],
)


@every_writer
@pytest.mark.parametrize("text", [unseen + formula for unseen in UNSEEN for formula in FORMULAS] + [*BLANKS])
def test_a_formula_in_a_file_is_only_text(read_back: Callable[[str], str], text: str) -> None:
    assert read_back(text) == f"'{text}"


@every_writer
@pytest.mark.parametrize("text", ["", "weakness", "2026-11-23", 'quote " and, comma', "a = b", " two\nlines", "(-1)"])
def test_other_texts_stay_as_they_are(read_back: Callable[[str], str], text: str) -> None:
    assert read_back(text) == text


@pytest.mark.parametrize("cell", [-1, 0.5, None])
def test_numbers_stay_numbers(cell: float | None) -> None:
    assert harmless(cell) == cell


def test_a_semicolon_begins_no_cell() -> None:
    assert '"weak;=1+1"' in table(["heading"], [["weak;=1+1"]])
