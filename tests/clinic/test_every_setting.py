"""Every setting is described with the default it has, and every setting is read by somebody."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo

from bot.clinic.clinic_toml import File, HoursSection, OutboxSection, keys
from bot.clinic.settings import Clinic, Config, Telegram, Web

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = [(section, key) for section in File.model_fields for key in keys(section)]
IN_PROSE = [("hours", key) for key in HoursSection.model_fields]
"""Described in sentences instead of a table."""


def described() -> dict[tuple[str, str], str]:
    """The second column of the tables in settings.md, by section and key."""
    found = {}
    for part in (ROOT / "docs/settings.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        section = part.splitlines()[0].strip("[]")
        for key, default in re.findall(r"^\| `(\w+)` \| ([^|]*?) \|", part, re.M):
            found[section, key] = default.strip("`")
    return {at: default for at, default in found.items() if at[0] in File.model_fields}


def as_written(field: FieldInfo) -> str:
    """A default as it would stand in the file."""
    if field.is_required():
        return "required"
    return toml(field.default)


def toml(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case timedelta():
            return str(value // timedelta(minutes=1))
        case (str(host), int(port)):
            return f'"{host}:{port}"'
        case tuple():
            return f"[{', '.join(toml(one) for one in value)}]"
    return str(value)


def test_every_setting_is_described_and_nothing_else():
    assert sorted(described()) == sorted(set(SETTINGS) - set(IN_PROSE))


@pytest.mark.parametrize(("section", "key"), sorted(set(SETTINGS) - set(IN_PROSE)))
def test_the_default_that_is_described_is_the_one_in_force(section, key):
    assert described()[section, key] == as_written(keys(section)[key])


def test_hours_are_described_in_sentences():
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert not [key for _, key in IN_PROSE if not re.search(rf"`[^`]*\b{key}\b[^`]*`", page)]


def test_every_setting_has_a_reader():
    """Somebody outside the room of the settings asks for each of them by its name."""
    files = [path for path in (ROOT / "bot").rglob("*.py") if path.stem not in ("settings", "clinic_toml", "values")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
    read = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    settings = {name for model in (Clinic, Telegram, OutboxSection, Web, Config) for name in model.model_fields}
    assert "base_url" in read  # which reads public_url
    assert not sorted(settings - read - {"public_url"}), "read by nobody: make it hold, or take it out"
