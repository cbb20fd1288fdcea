"""No clinical name stands in the shell: a second guideline is data, and its meaning stands where its author sees it.

Names of the guideline are what its file calls things: clinical questions, their answers, rules, notes, conditions,
groups, and dispositions with a window.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from dialogs.protocol import Disposition, load

ROOT = Path(__file__).parents[2] / "bot"
PROTOCOL = load()
WINDOWS = [one for one in Disposition if PROTOCOL.window(one) is not None]
WINDOW = re.compile(rf"(?<![a-z0-9])({'|'.join(WINDOWS)})(?![a-z0-9])")
WORDS_OF_THE_PROGRAM = {
    "emergency": "a disposition of every guideline, and the command /emergency",
    "none": "the disposition that no rule calls for; a choice of forms",
    "new": "the state before the first message; a command for translators",
}
PRODUCT_ANSWERS = {code for question in PROTOCOL.administrative for code in question.codes}
"""Of questions that every guideline asks: the consent, who answers, the call-back number."""
SETTINGS = {"acknowledge_12h_minutes", "check_back_12h_minutes"}
"""Keys of clinic.toml, which clinics have written into their files."""
MADE_UP_PATIENTS = {ROOT / "demo" / "stories.py"}
"""They answer the questions of this very guideline."""
NAMES = {
    *(question.id for question in PROTOCOL.questions),
    *(code for question in PROTOCOL.questions for code in question.codes),
    *(rule.id for rule in PROTOCOL.rules),
    *(note.id for note in PROTOCOL.notes),
    *PROTOCOL.conditions,
    *(group.id for group in PROTOCOL.groups),
} - {*WORDS_OF_THE_PROGRAM, *PRODUCT_ANSWERS}
CLINICAL = [path for path in sorted(ROOT.rglob("*.py")) if path not in MADE_UP_PATIENTS]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def strings(path: Path) -> Iterator[tuple[str, str]]:
    """Every string of a file that is no docstring, with its place; of a template, every quoted one in its code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        for code in re.finditer(r"\{[{%].*?[}%]\}", text, re.DOTALL):
            yield from ((f"{path}", found[1]) for found in re.finditer(r"[\"']([^\"']*)[\"']", code[0]))
        return
    tree = ast.parse(text)
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield f"{path}:{node.lineno}", node.value


def named(value: str) -> set[str]:
    """Clinical names in a string: it is one, or a key with one in it, such as `question.weakness.text`."""
    return {value, *(value.split(".") if " " not in value else ())} & NAMES


def test_no_name_of_the_guideline_stands_in_the_shell() -> None:
    found = [
        f"{place}: {value!r}" for path in (*CLINICAL, *TEMPLATES) for place, value in strings(path) if named(value)
    ]
    assert found == []


def test_no_window_of_the_guideline_stands_in_the_shell() -> None:
    found = [
        f"{place}: {value!r}"
        for path in (*CLINICAL, *MADE_UP_PATIENTS, *TEMPLATES)
        for place, value in strings(path)
        if " " not in value and WINDOW.search(value) and value not in SETTINGS
    ]
    assert found == []


def test_every_exception_is_still_needed() -> None:
    used = {value for path in (*CLINICAL, *TEMPLATES) for _, value in strings(path)}
    assert {*WORDS_OF_THE_PROGRAM, *SETTINGS} - used == set()
    assert all(any(named(value) for _, value in strings(path)) for path in MADE_UP_PATIENTS)
