"""The project in a new directory, with the programs of the virtual environment that is already there."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def copied(checkout: Path) -> Path:
    """A copy of the working tree, as a newcomer's clone would be after `make install`."""
    kept = shutil.ignore_patterns(".venv", ".git", "data", "*cache*", "clinic.toml", ".bench")
    shutil.copytree(ROOT, checkout, ignore=kept)
    installed = checkout / ".venv"
    installed.mkdir()
    (installed / "bin").symlink_to(ROOT / ".venv/bin")
    for stamp in (".locked", ".installed"):
        (installed / stamp).touch()
    return checkout
