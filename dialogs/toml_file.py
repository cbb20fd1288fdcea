"""TOML files as people save them, whatever editor they use; and what is wrong with one, with its remedy."""

from __future__ import annotations

import codecs
import re
import reprlib
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

AS_UTF8 = "save it again as UTF-8 (most editors offer it under Save as, as Encoding)"
MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
LONGEST_NUMBER = 100
"""Digits: nothing that is set needs more, and beyond some thousands Python refuses to read them."""
HOW_TO_WRITE = "mend that line: words and times stand in straight quotes, numbers and dates in none"


class NotToml(ValueError):
    """What is wrong with a file's text and the remedy, to go on behind the file's name."""


def text_of(path: Path) -> str:
    """The file's text, without a byte order mark and with lines that end in one sign. Raises NotToml or OSError."""
    raw = path.read_bytes()
    if (encoding := _wide_encoding(raw)) is not None:
        raise NotToml(f"is saved as {encoding}; {AS_UTF8}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        letter, line = raw[error.start : error.start + 1].decode("cp1252", "replace"), _line(raw[: error.start])
        raise NotToml(f"is not saved as UTF-8 (line {line} has {letter!r} of an older encoding); {AS_UTF8}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def table_of(text: str) -> dict[str, Any]:
    """What a text says. Raises NotToml."""
    for line in _lines_with(rf"\d[\d_]{{{LONGEST_NUMBER},}}|0[xob][\da-fA-F_]{{{LONGEST_NUMBER},}}", text):
        raise NotToml(f"has a number of more than {LONGEST_NUMBER} digits in line {line}; write the one that is meant")
    for line in _lines_with("\0", text):
        raise NotToml(f"has a zero byte in line {line}, as broken copies do; write that line anew, or the whole file")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotToml(_complaint(str(error), text)) from error
    except RecursionError as error:
        line = max(enumerate(text.split("\n"), 1), key=lambda one: sum(map(one[1].count, "[{")))[0]
        raise NotToml(f"has too many brackets within brackets in line {line}; remove them") from error


def shown(value: object) -> str:
    """A value as an error shows it: short, however long or deep it is."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 80
    return short.repr(value)


def _wide_encoding(raw: bytes) -> str | None:
    """UTF-16 or UTF-32, if the bytes are so wide; text in letters alone shows it even without the mark."""
    for mark, encoding in MARKS:
        if raw.startswith(mark):
            return encoding
    return "UTF-16" if raw.count(0) > len(raw) // 3 and raw.strip(b"\0") else None


def _complaint(complaint: str, text: str) -> str:
    found = re.search(r"at line (\d+)", complaint)
    line = text.split("\n")[int(found[1]) - 1] if found else ""
    for day in re.findall(r"\b\d{4}-\d\d-\d\d\b", line.partition("#")[0]):
        try:
            date.fromisoformat(day)
        except ValueError:
            where = f"in line {found[1]}" if found else "in it"
            return f"is not TOML: {day} {where} is no day of the calendar; write it as year-month-day"
    return f"is not TOML: {complaint}; {HOW_TO_WRITE}"


def _lines_with(pattern: str, text: str) -> Iterator[int]:
    return (text.count("\n", 0, found.start()) + 1 for found in re.finditer(pattern, text))


def _line(before: bytes) -> int:
    return before.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
