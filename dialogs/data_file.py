"""Files of clinical content: where they lie, and what is wrong with one, in the words of whoever has to mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialogs.toml_file import shown


def file_of(path: Path, name: str) -> Path:
    """The file called `name` of a guideline's folder; the path itself if it is none."""
    return path / name if path.is_dir() else path


def first_complaint(error: ValidationError, table: dict[str, Any]) -> str:
    """The first complaint of pydantic in an administrator's words."""
    detail = error.errors()[0]
    location = list(detail["loc"])
    item: Any = table
    path: list[str] = []
    for step in location:
        path.append(f"[{step}]" if isinstance(step, int) else f".{step}")
        item = _within(item, step)
        if isinstance(item, dict) and "id" in item:
            path = [f".{location[0]} {item['id']!r} "]
    where = "".join(path).lstrip(".")
    remedy = {
        "extra_forbidden": "is not a known key; remove it or correct its spelling",
        "missing": "is missing; add it",
    }.get(detail["type"], f"is {shown(detail.get('input'))}: {detail['msg']}")
    return f"{where} {remedy}"


def _within(item: Any, step: str | int) -> Any:
    if isinstance(item, dict):
        return item.get(step)
    return item[step] if isinstance(item, list) and isinstance(step, int) and step < len(item) else None
