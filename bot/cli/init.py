"""`cordwatch init`: asks for what a clinic must say before it starts; begins its database and its first account."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from bot.cli.check import unreviewed
from bot.cli.nurses import add_first, name_and_address
from bot.clinic import new_clinic
from bot.clinic.settings import Config, load
from bot.makes import begin_store, is_begun_at

ADMINISTRATOR = "Who keeps the nurses' accounts (name and e-mail address)"


def _setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for setting in reversed(new_clinic.SETTINGS):
        command = click.option(setting.flag, setting.option, metavar="TEXT", help=f"{setting.prompt}.")(command)
    return command


@click.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), default="clinic.toml")
@_setting_options
@click.option(
    "--database",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the database is to be. [default: data/cordwatch.db beside PATH]",
)
@click.option("--administrator", metavar="TEXT", help=f"{ADMINISTRATOR}; '' for nobody yet.")
@click.option("--offer-unreviewed", is_flag=True, help="Offer languages whose translation no clinician has reviewed.")
@click.option("--force", is_flag=True, help="Replace PATH if it exists.")
def init(
    path: Path,
    database: Path | None,
    administrator: str | None,
    offer_unreviewed: bool,
    force: bool,
    **given: str | None,
) -> None:
    """Write the settings of your clinic to PATH [default: clinic.toml], and make the account that makes the others.

    Asks for everything without which Cordwatch does not start; what is given by an option is not asked for.
    """
    if path.exists() and not force:
        raise click.ClickException(f"{path} exists; give another path, or --force to replace it")
    values: dict[tuple[str, str], Any] = {}
    for setting in new_clinic.SETTINGS:
        if (text := given[setting.option]) is not None:
            values |= setting.within(_option_value(setting, text, values))
    for setting in new_clinic.SETTINGS:
        if given[setting.option] is None:
            values |= setting.within(_asked_for(setting, values))
    values["clinic", "unreviewed_languages"] = _unreviewed(values["clinic", "languages"], offer_unreviewed)
    person = _person(administrator)
    new_clinic.write(path, new_clinic.clinic_toml(values, database and database.absolute()), force)
    config = load(path, os.environ)
    click.echo(f"{path} is written. {_begun(config)} Read the settings through, then:")
    click.echo(f"  cordwatch check --config {path}\n  cordwatch run --config {path}")
    if person:
        add_first(config, person)
        click.echo("The link works as soon as the service runs.")
    else:
        click.echo(f"  cordwatch nurse add --config {path} --role administrator NAME EMAIL")


def _begun(config: Config) -> str:
    """Begins the new clinic's database; one that is there stays."""
    if is_begun_at(config):
        return f"The database {config.database} is kept as it is."
    asyncio.run(begin_store(config))
    return f"The database {config.database} is begun, with nobody in it."


def _option_value(setting: new_clinic.Setting, text: str, known: new_clinic.Values) -> dict[str, Any]:
    try:
        return setting.read(text, known)
    except ValueError as error:
        raise click.UsageError(f"{setting.flag} must be {error}, not {text!r}") from error


def _asked_for(setting: new_clinic.Setting, known: new_clinic.Values) -> dict[str, Any]:
    """The setting from the person at the keyboard or the lines piped in, asked again until it makes sense."""

    def read(text: str) -> dict[str, Any]:
        try:
            return setting.read(text, known)
        except ValueError as error:
            raise click.BadParameter(f"must be {error}, not {text!r}") from error

    usual = setting.usual(known)
    try:
        answer: dict[str, Any] = click.prompt(
            setting.prompt, default=usual, show_default=bool(usual), value_proc=read, err=True
        )
    except click.Abort as error:
        raise click.ClickException(
            f"stopped before this was given: {setting.prompt}; answer it or give {setting.flag}. Nothing is written"
        ) from error
    return answer


def _person(given: str | None) -> str:
    """Who keeps the accounts; empty when that is left for later."""

    def read(text: str) -> str:
        try:
            return text.strip() and " ".join(name_and_address(text))
        except ValueError as error:
            raise click.BadParameter(f"must be {error}, not {text!r}", param_hint="--administrator") from error

    if given is not None:
        return read(given)
    with suppress(click.Abort):
        asked: str = click.prompt(ADMINISTRATOR, default="", show_default=False, value_proc=read, err=True)
        return asked
    return ""


def _unreviewed(languages: Sequence[str], is_accepted: bool) -> list[str]:
    """The languages chosen that no clinician has reviewed; each must be wanted knowingly."""
    found = unreviewed(languages)
    for language in found:
        question = f"No clinician has reviewed the translation {language!r}. Offer it all the same?"
        with suppress(click.Abort):
            if is_accepted or click.confirm(question, err=True):
                continue
        raise click.ClickException(
            f"{language!r} is not reviewed; leave it out of --languages, or give --offer-unreviewed. Nothing is written"
        )
    return found
