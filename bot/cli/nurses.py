"""The commands of an administrator: accounts, how the service does, the audit, the made-up patients."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from bot.cli.door import DoorShut, ask, door_of
from bot.cli.office import AddNurse, DisableNurse, ListNurses, Office, Reply, Request, ResetNurse, ShowStatus
from bot.cli.options import CONFIG, DEMO, config_of
from bot.clinic.settings import Config
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
@DEMO
def add(name: str, email: str, role: str, languages: tuple[str, ...], path: Path | None, is_demo: bool) -> None:
    """Make an account and print a link with which she chooses her password.

    NAME stands in every log entry, so it cannot be changed later.
    """
    if not name.strip() or "@" not in email:
        raise click.UsageError(
            "give a name and an e-mail address, such as: cordwatch nurse add 'Kim Bos' kim@clinic.nl"
        )

    _carry_out(
        config_of(path, is_demo), AddNurse(name=name.strip(), email=email.strip(), role=Role(role), languages=languages)
    )


@nurse.command("list")
@CONFIG
@DEMO
def list_(path: Path | None, is_demo: bool) -> None:
    """Show all accounts: name, e-mail address, role, languages, state."""

    _carry_out(config_of(path, is_demo), ListNurses())


@nurse.command()
@click.argument("name_or_email")
@CONFIG
@DEMO
def disable(name_or_email: str, path: Path | None, is_demo: bool) -> None:
    """Sign her out everywhere and let her in no more. What she did stays in the log."""

    _carry_out(config_of(path, is_demo), DisableNurse(name_or_email=name_or_email))


@nurse.command()
@click.argument("name_or_email")
@CONFIG
@DEMO
def reset(name_or_email: str, path: Path | None, is_demo: bool) -> None:
    """Take away password and one-time codes, and print a link to choose a new password. Enables her again."""

    _carry_out(config_of(path, is_demo), ResetNurse(name_or_email=name_or_email))


@click.command()
@CONFIG
@DEMO
def status(path: Path | None, is_demo: bool) -> None:
    """Ask the service that is running how it does: health, channels, messages that wait.

    Exit code 1 when patients may not be reached or heard, or when no service runs.
    """
    _carry_out(config_of(path, is_demo), ShowStatus())


@click.group()
def audit() -> None:
    """Look after the record of who looked at what and did what."""


@audit.command()
@click.option(
    "--head", metavar="ROW:DIGEST", help="As an earlier check printed it: the rows up to there must be the same."
)
@CONFIG
@DEMO
def verify(head: str | None, path: Path | None, is_demo: bool) -> None:
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

    asyncio.run(_with_store(config_of(path, is_demo), do, is_reader=True))


@click.command()
@click.option("--clear", is_flag=True, required=True, help="Forget all made-up patients; they do not come back.")
@CONFIG
def demo(clear: bool, path: Path | None) -> None:  # noqa: ARG001
    """Forget the made-up patients that the demo clinic began with, even beside a clinic.toml."""

    async def do(store: Store) -> None:
        count = await demonstration.clear(store, store.desk)
        click.echo(f"{count} made-up patients are forgotten.")

    asyncio.run(_with_store(config_of(path, is_demo=True), do))


def add_first(config: Config, person: str) -> None:
    """Makes the account of whoever keeps the others. `person`: name and e-mail address. Raises ClickException."""
    name, email = name_and_address(person)
    language = config.clinic.languages[0]
    _carry_out(config, AddNurse(name=name, email=email, role=Role.ADMINISTRATOR, languages=(language,)))


def name_and_address(person: str) -> tuple[str, str]:
    """Raises ValueError saying what it should be."""
    name, _, email = person.strip().rstrip(">").replace("<", " ").rpartition(" ")
    if not name.strip() or "@" not in email:
        raise ValueError("a name and an e-mail address, such as: Kim Bos kim@clinic.nl")
    return name.strip(), email


# --- within


def _carry_out(config: Config, request: Request) -> None:
    """By the service that runs on the database, else without one. Prints the reply."""
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
    return asked(config, request)


def asked(config: Config, request: Request) -> Reply | None:
    """The same without a look at the file: where another stands in its place, opening that harms what is held open."""
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
