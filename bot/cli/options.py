"""Options that several commands take."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bot.clinic.settings import Config, load, load_demo

CONFIG = click.option(
    "--config",
    "-c",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The clinic's settings. [default: BOT_CONFIG, else ./clinic.toml, else the service's "
    "/etc/cordwatch/clinic.toml, else the demo clinic]",
)
DEMO = click.option("--demo", "is_demo", is_flag=True, help="The demo clinic, also beside a clinic.toml.")
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


def config_of(path: Path | None, is_demo: bool = False) -> Config:
    """The settings meant. Says on standard error whose they are and which database is used, unless named.

    Raises ConfigError.
    """
    config = (load_demo if is_demo else load)(path, os.environ)
    if path is None or os.environ.get("BOT_DATABASE"):
        source = config.source or "the demo clinic"
        click.echo(f"{config.clinic.name} ({source}), database {config.database}", err=True)
    return config


def guideline(path: Path | None, protocol_path: Path | None) -> Path | None:
    """The guideline meant: the one named, else that of the clinic's settings; None for the one of Cordwatch's own."""
    return protocol_path or load(path, os.environ).protocol
