"""The commands for the database as a whole: back it up, put a copy back, check it, begin one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from bot.cli.nurses import asked
from bot.cli.office import CopyOpenDatabase, NoteBackup
from bot.cli.options import CONFIG, config_of
from bot.clinic.settings import Config
from bot.makes import begin_store, copies_of, refuse_wrong_database
from bot.store.copies import Copies, Missing, Proof, Unproved, as_json
from bot.store.store import StoreLocked, UnfitStore


@click.command()
@click.argument("target", type=click.Path(path_type=Path), metavar="[FILE|FOLDER]", required=False)
@click.option("--keep", type=click.IntRange(1), metavar="N", help="Leave the latest N copies in FOLDER.")
@click.option("--json", "as_json_line", is_flag=True, help="Say what was proved as one JSON object.")
@CONFIG
def backup(target: Path | None, keep: int | None, as_json_line: bool, path: Path | None) -> None:
    """Copy the database while the service runs, and prove the copy. [default: the folder of [backup] directory]

    Every page is read, every check is played again and compared with its summary, the audit is verified. Only then
    does the copy get its name. Exit code 1 when something is wrong: the copy then ends in .unproved.
    """
    config = config_of(path)
    chosen = target or (Path(config.backup.directory) if config.backup.directory else None)
    if chosen is None:
        raise click.UsageError("name a file or a folder, or set [backup] directory in clinic.toml")
    if keep is not None and not chosen.is_dir():
        raise click.UsageError(f"--keep is for a folder, and {chosen} is none")
    copies = copies_of(config)
    with _told():
        proof = copies.back_up(chosen, keep, lambda draft: _saved(config, draft))
    click.echo(as_json(proof) if as_json_line else _proved(proof))
    _note(config, copies, proof)


@click.command()
@click.argument("copy", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@CONFIG
def restore(copy: Path, path: Path | None) -> None:
    """Put a backup in the place of the database, which is kept under a name with the date.

    Stop the service before. The copy is proved first; what has come in since it was made is counted and named.
    """
    config = config_of(path)
    with suppress(UnfitStore):  # what cannot be read any more is what a copy is for; it is put aside
        refuse_wrong_database(config)
    refuse_wrong_database(config.model_copy(update={"database": copy}))
    with _told():
        restored = copies_of(config).restore(copy)
    click.echo(_proved(restored.proof))
    if restored.aside is None:
        click.echo("There was no database before.")
        return
    click.echo(f"The old one is kept: {restored.aside}")
    for line in _missing(restored.missing):
        click.echo(line)


@click.group()
def db() -> None:
    """Look after the database as a whole."""


@db.command()
@CONFIG
def check(path: Path | None) -> None:
    """Read every page, play every check again, verify the audit; the service may be running.

    Exit code 1 if anything is wrong.
    """
    config = config_of(path)
    refuse_wrong_database(config)
    with _told():
        click.echo(_proved(copies_of(config).check()))


@db.command()
@CONFIG
def new(path: Path | None) -> None:
    """Begin the clinic's database, with nobody in it; refused where there is one.

    What root begins belongs to whoever has the folder.
    """
    config = config_of(path)
    asyncio.run(begin_store(config))
    click.echo(f"The database {config.database} is begun, with nobody in it.")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Unproved as error:
        for problem in error.problems:
            click.echo(f"problem  {problem}", err=True)
        raise click.ClickException(str(error)) from error


def _saved(config: Config, draft: Path) -> bool:
    """Whether the service had to copy what it holds, because its file was deleted or replaced under it."""
    reply = asked(config, CopyOpenDatabase(to=str(draft)))
    if reply is not None and reply.wrong is not None:
        raise click.ClickException(f"{reply.wrong}; run this as the service's user, into a folder it may write to")
    if reply is not None and reply.lines:
        return True
    refuse_wrong_database(config)
    return False


def _note(config: Config, copies: Copies, proof: Proof) -> None:
    """For /health. The copy is there in any case."""
    try:
        if asked(config, NoteBackup(proof=as_json(proof))) is None:
            copies.note(proof)
    except (click.ClickException, StoreLocked) as error:
        click.echo(f"the service was not told of it: {error}", err=True)


def _proved(proof: Proof) -> str:
    return (
        f"{proof.file} is whole: {proof.patients} patients, {proof.sessions} checks, {proof.events} events, "
        f"{proof.audit_rows} rows of the audit.\nNote this down, elsewhere: --head {proof.audit_head}"
    )


def _missing(missing: Missing) -> Iterator[str]:
    if not missing.is_known:
        yield "It cannot be read, so what it held beyond the copy is not known."
    elif not missing.events:
        yield "It held nothing that is not in the copy."
    else:
        counts = f"{missing.patients} patients, {missing.sessions} checks, {missing.events} events"
        yield f"Missing since the copy was made: {counts}."
        yield f"Patients who wrote since, by their reference: {', '.join(missing.references)}"
