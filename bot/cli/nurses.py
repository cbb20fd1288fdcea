"""The commands of an administrator: accounts, how the service does, the audit, the made-up patients."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from bot.cli.door import DoorShut, ask, door_of
from bot.cli.office import AddNurse, DisableNurse, ListNurses, Office, Reply, Request, ResetNurse, ShowStatus
from bot.cli.options import CONFIG
from bot.clinic.settings import Config, load, load_demo
from bot.console.accounts import Accounts
from bot.demo import demo as demonstration
from bot.makes import open_store, refuse_wrong_database
from bot.service.service import utc_now
from bot.store.console import AuditBroken, Role
from bot.store.store import Store, StoreLocked
from bot.web.paths import page_path


@click.group()
def nurse() -> None:
    """Keep the accounts of those who use the nurse's console."""


@nurse.command()
@click.argument("name")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.NURSE.value, show_default=True)
@click.option(
    "--language",
    "-l",
    "languages",
    multiple=True,
    default=("en",),
    show_default=True,
    help="A language she reads, such as nl; her own first. May be given more than once.",
)
@CONFIG
def add(name: str, email: str, role: str, languages: tuple[str, ...], path: Path | None) -> None:
    """Make an account and print a link with which she chooses her password.

    NAME stands in every log entry, so it cannot be changed later.
    """
    if not name.strip() or "@" not in email:
        raise click.UsageError(
            "give a name and an e-mail address, such as: cordwatch nurse add 'Kim Bos' kim@clinic.nl"
        )

    _carry_out(path, AddNurse(name=name.strip(), email=email.strip(), role=Role(role), languages=languages))


@nurse.command("list")
@CONFIG
def list_(path: Path | None) -> None:
    """Show all accounts: name, e-mail address, role, languages, state."""

    _carry_out(path, ListNurses())


@nurse.command()
@click.argument("name_or_email")
@CONFIG
def disable(name_or_email: str, path: Path | None) -> None:
    """Sign her out everywhere and let her in no more. What she did stays in the log."""

    _carry_out(path, DisableNurse(name_or_email=name_or_email))


@nurse.command()
@click.argument("name_or_email")
@CONFIG
def reset(name_or_email: str, path: Path | None) -> None:
    """Take away password and one-time codes, and print a link to choose a new password. Enables her again."""

    _carry_out(path, ResetNurse(name_or_email=name_or_email))


@click.command()
@CONFIG
def status(path: Path | None) -> None:
    """Ask the service that is running how it does: health, channels, messages that wait.

    Exit code 1 when patients may not be reached or heard, or when no service runs.
    """
    _carry_out(path, ShowStatus())


@click.group()
def audit() -> None:
    """Look after the record of who looked at what and did what."""


@audit.command()
@click.option(
    "--head", metavar="ROW:DIGEST", help="As an earlier check printed it: the rows up to there must be the same."
)
@CONFIG
def verify(head: str | None, path: Path | None) -> None:
    """Check that no row of the audit was altered, removed or moved. Exit code 1 when one was."""
    if head is not None and not re.fullmatch(r"\d{1,15}:([0-9a-f]{64})?", head):
        raise click.UsageError(
            f"--head must be a row's number and digest as `cordwatch audit verify` prints it, not {head!r}"
        )

    async def do(store: Store) -> None:
        try:
            rows, reached = await store.reports.verify_audit(head)
        except AuditBroken as error:
            raise click.ClickException(f"the audit is broken at {error}; compare it with a backup") from error
        click.echo(f"{rows} rows, all as they were written.")
        click.echo(f"Note this down, elsewhere: --head {reached}")

    asyncio.run(_with_store(load(path, os.environ), do, is_reader=True))


@click.command()
@click.option("--clear", is_flag=True, required=True, help="Forget all made-up patients; they do not come back.")
@CONFIG
def demo(clear: bool, path: Path | None) -> None:  # noqa: ARG001
    """Forget the made-up patients that the demo clinic began with, even beside a clinic.toml."""

    async def do(store: Store) -> None:
        count = await demonstration.clear(store, store.desk)
        click.echo(f"{count} made-up patients are forgotten.")

    asyncio.run(_with_store(load_demo(path, os.environ), do))


# --- within


def _carry_out(path: Path | None, request: Request) -> None:
    """By the service that runs on the database, else without one. Prints the reply."""
    config = load(path, os.environ)
    reply = spoken(config, request)
    if reply is None:
        reply = _nobody_there(config) if isinstance(request, ShowStatus) else _by_ourselves(config, request)
    for line in reply.lines:
        click.echo(line)
    if reply.wrong is not None:
        raise click.ClickException(reply.wrong)


def spoken(config: Config, request: Request) -> Reply | None:
    """What the service replies; None when none runs on this database. Raises ConfigError."""
    refuse_wrong_database(config)
    try:
        line = ask(door_of(config.database), request.model_dump_json().encode())
    except DoorShut as error:
        raise click.ClickException(str(error)) from error
    return None if line is None else Reply.model_validate_json(line)


def _nobody_there(config: Config) -> Reply:
    return Reply(wrong=f"no service runs on {config.database}; `cordwatch run` starts one")


def _by_ourselves(config: Config, request: Request) -> Reply:
    replies: list[Reply] = []

    async def do(store: Store) -> None:
        replies.append(await Office(store.desk, Accounts(store.desk, utc_now), config.base_url).carry_out(request))

    try:
        asyncio.run(_with_store(config, do, is_reader=isinstance(request, ListNurses)))
    except StoreLocked as error:
        raise click.ClickException(
            f"the service runs and cannot be spoken to at {door_of(config.database)}; an administrator adds, disables "
            f"and resets nurses at {config.base_url}{page_path('nurses')}, or stop the service and try again"
        ) from error
    return replies[0]


async def _with_store(config: Config, work: Callable[[Store], Awaitable[None]], is_reader: bool = False) -> None:
    store = open_store(config, is_reader=is_reader)
    try:
        await work(store)
    finally:
        await store.close()
