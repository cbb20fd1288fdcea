"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path

import click

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
    help="Another guideline than the one that comes with Cordwatch: its folder, or a protocol file.",
)
