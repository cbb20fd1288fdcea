"""Pages drawn from templates: every value is escaped, and a missing one is an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.web.assets import Assets
from bot.web.paths import page_path

TEMPLATES = Path(__file__).parents[1] / "templates"


def environment(folder: Path = TEMPLATES, extensions: Sequence[str] = ()) -> Environment:
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=extensions,
    )


def addresses(root: str, assets: Assets) -> dict[str, Callable[..., str]]:
    """What a template names paths with, below the prefix of the request it answers: `url` and `asset`."""
    return {"url": partial(_below, root), "asset": lambda name: root + assets.path(name)}


def _below(root: str, name: str, /, **parts: str) -> str:
    return root + page_path(name, **parts)
