"""Options that several commands take."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bot.clinic.settings import load

CONFIG = click.option(
    "--config",
    "-c",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The clinic's settings. [default: BOT_CONFIG, else ./clinic.toml, else the demo clinic]",
)
PROTOCOL = click.option(
    "--protocol",
    "-p",
    "protocol_path",
    type=click.Path(path_type=Path),
    metavar="FILE_OR_FOLDER",
    help="Another guideline than that of the settings: its folder, or a protocol file.",
)
NEW_DATABASE = click.option(
    "--new-database", "is_new", is_flag=True, help="Begin the clinic's database; refused where there is one."
)


def guideline(path: Path | None, protocol_path: Path | None) -> Path | None:
    """The guideline meant: the one named, else that of the clinic's settings; None for the one of Cordwatch's own."""
    return protocol_path or load(path, os.environ).protocol
