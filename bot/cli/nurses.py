"""The commands for who may use the console, for its audit, and for the made-up patients of the demonstration."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from bot.clinic.config import Config, load
from bot.console.accounts import LINK_HOLDS, Accounts
from bot.demo import demo as demonstration
from bot.service.service import utc_now
from bot.store.console import AuditBroken, Desk, NameTaken, Nurse, Role
from bot.store.records import StoreLocked
from bot.store.sqlite.console import SqliteDesk
from bot.store.sqlite.reports import SqliteReports
from bot.store.sqlite.store import SqliteStore

T = TypeVar("T")
CONFIG = click.option(
    "--config",
    "-c",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The clinic's settings. [default: BOT_CONFIG, else ./clinic.toml, else the demo clinic]",
)


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

    async def make(config: Config, _: Desk, accounts: Accounts) -> None:
        try:
            made = await accounts.add(name.strip(), email.strip(), Role(role), languages)
        except NameTaken as error:
            raise click.ClickException(
                f"another account has this {error}; choose another, or reset that one"
            ) from error
        click.echo(f"{made.name} is a {made.role} now. Within {_hours()} she opens this link once:")
        click.echo(await _password_link(config, accounts, made))

    _run(path, make)


@nurse.command("list")
@CONFIG
def list_(path: Path | None) -> None:
    """Show all accounts: name, e-mail address, role, languages, state."""

    async def show(_: Config, desk: Desk, __: Accounts) -> None:
        for one in await desk.nurses():
            state = "active" if one.password or one.is_demo else "no password yet"
            languages = ",".join(one.languages)
            click.echo(f"{one.name}\t{one.email}\t{one.role}\t{languages}\t{state if one.is_active else 'disabled'}")

    _run(path, show, is_reader=True)


@nurse.command()
@click.argument("name_or_email")
@CONFIG
def disable(name_or_email: str, path: Path | None) -> None:
    """Sign her out everywhere and let her in no more. What she did stays in the log."""

    async def do(_: Config, desk: Desk, accounts: Accounts) -> None:
        found = await _known(desk, name_or_email)
        await accounts.disable(found)
        click.echo(f"{found.name} is signed out and can no longer sign in.")

    _run(path, do)


@nurse.command()
@click.argument("name_or_email")
@CONFIG
def reset(name_or_email: str, path: Path | None) -> None:
    """Take away password and one-time codes, and print a link to choose a new password. Enables her again."""

    async def do(config: Config, desk: Desk, accounts: Accounts) -> None:
        found = await _known(desk, name_or_email)
        click.echo(f"{found.name} is signed out everywhere. Within {_hours()} she opens this link once:")
        secret = await accounts.reset(found)
        click.echo(f"{config.base_url}/console/password/{secret}")

    _run(path, do)


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

    async def do(store: SqliteStore) -> None:
        try:
            rows, reached = await SqliteReports(store).verify_audit(head)
        except AuditBroken as error:
            raise click.ClickException(f"the audit is broken at {error}; compare it with a backup") from error
        click.echo(f"{rows} rows, all as they were written.")
        click.echo(f"Note this down, elsewhere: --head {reached}")

    asyncio.run(_with_store(load(path, os.environ), do, is_reader=True))


@click.command()
@click.option("--clear", is_flag=True, required=True, help="Forget all made-up patients; they do not come back.")
@CONFIG
def demo(clear: bool, path: Path | None) -> None:  # noqa: ARG001
    """Forget the made-up patients that the demo clinic began with."""

    async def do(store: SqliteStore) -> None:
        count = await demonstration.clear(store, SqliteDesk(store))
        click.echo(f"{count} made-up patients are forgotten.")

    asyncio.run(_with_store(load(path, os.environ), do))


# --- within


def _run(path: Path | None, work: Callable[[Config, Desk, Accounts], Awaitable[None]], is_reader: bool = False) -> None:
    config = load(path, os.environ)

    async def do(store: SqliteStore) -> None:
        desk = SqliteDesk(store)
        await work(config, desk, Accounts(desk, utc_now))

    try:
        asyncio.run(_with_store(config, do, is_reader))
    except StoreLocked as error:
        raise click.ClickException(
            "the service runs and keeps the accounts itself; an administrator adds, disables and resets nurses at "
            f"{config.base_url}/console/nurses, or stop the service and try again"
        ) from error


async def _with_store(config: Config, work: Callable[[SqliteStore], Awaitable[None]], is_reader: bool = False) -> None:
    store = SqliteStore(config.database, is_reader=is_reader)
    try:
        await work(store)
    finally:
        await store.close()


async def _known(desk: Desk, name_or_email: str) -> Nurse:
    found = await desk.nurse(name_or_email)
    if found is None:
        raise click.ClickException(f"there is no account {name_or_email!r}; `cordwatch nurse list` shows them all")
    return found


async def _password_link(config: Config, accounts: Accounts, nurse_: Nurse) -> str:
    return f"{config.base_url}/console/password/{await accounts.new_link(nurse_, 'password', LINK_HOLDS)}"


def _hours() -> str:
    return f"{int(LINK_HOLDS.total_seconds()) // 3600} hours"
