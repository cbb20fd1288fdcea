"""The command `cordwatch`. Exit codes: 0 done, 1 something is wrong or was found, 2 wrong usage or malformed input."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from bot.cli import check as checking
from bot.cli import copies as cli_copies
from bot.cli import init as cli_init
from bot.cli import locale as cli_locale
from bot.cli import nurses as cli_nurses
from bot.cli import serve as cli_serve
from bot.cli import text as reports
from bot.cli.options import CONFIG, DEMO, PROTOCOL, config_of, guideline
from bot.clinic.settings import Config, ConfigError, topics_of
from bot.health.tasks import Ended
from bot.language.catalogue import CatalogueError
from bot.language.texts import PatientTexts
from bot.makes import open_store
from bot.signoff import evaluation
from bot.signoff.drawings import drawings
from bot.signoff.pages import page, summary, topics_page
from bot.store.store import Store, StoreDied, StoreLocked, UnfitStore
from bot.store.transcripts import SentMessage
from bot.store.worklist import WorklistRow
from bot.web.server import AddressTaken
from dialogs import protocol as protocols
from dialogs.events import Recorded
from dialogs.machine import STATES, TRANSITIONS
from dialogs.protocol import ProtocolError, TriageProtocol
from dialogs.session import replay
from dialogs.topic import TopicError
from dialogs.topic import load as load_topics

EXPECTED = (
    AddressTaken,
    CatalogueError,
    ConfigError,
    Ended,
    ProtocolError,
    StoreDied,
    StoreLocked,
    TopicError,
    UnfitStore,
)
"""What is wrong with a clinic's files or machine, said in words; anything else is a mistake in the program."""


class Malformed(click.ClickException):
    """One line a problem, as compilers print them, so that editors can jump there."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file, err=file is None)


class Commands(click.Group):
    """Lists commands in the order one meets them, and tells expected trouble without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        with _told():
            return super().invoke(ctx)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except EXPECTED as error:
        raise click.ClickException(str(error)) from error
    except evaluation.MalformedRows as error:
        raise Malformed(str(error)) from error
    except OSError as error:
        if error.filename is None:
            raise
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("cordwatch"), "-V", "--version", prog_name="cordwatch")
def main() -> None:
    """Checks patients for the warning symptoms of spinal metastases, and tells them how soon to call.

    \b
    Try it now:            cordwatch chat
    Set up your clinic:    cordwatch init, then cordwatch check
    Serve patients:        cordwatch run

    Without a clinic.toml there is a demo clinic with numbers that are not real.
    """


# --- setting up and checking ----------------------------------------------------------------------------------------


@main.command()
@CONFIG
@PROTOCOL
def check(path: Path | None, protocol_path: Path | None) -> None:
    """Read protocol, topics, settings and languages, and say what is wrong and how to mend it.

    Exit code 1 when anything is.
    """
    findings = list(checking.check(path, protocol_path, os.environ))
    for finding in findings:
        click.echo(f"{finding.kind:<8} {finding.text}", err=finding.kind == "problem")
    problems = sum(finding.kind == "problem" for finding in findings)
    if problems:
        raise click.ClickException("1 problem" if problems == 1 else f"{problems} problems")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row: id, disposition, rules.")
@CONFIG
@PROTOCOL
def evaluate(file: str, as_json: bool, path: Path | None, protocol_path: Path | None) -> None:
    """Decide vignettes and compare with what clinicians expect. FILE is JSON Lines, - for standard input.

    A row is {"id": …, "findings": {question: answer, …}, "expected": disposition}. A <question>_change that is missing
    counts as not sure, any other conditional question as not found; a question that is always asked may not be missing,
    except after an emergency sign.

    Exit code 1 on any under-triage, 2 when a row is malformed; nothing is guessed.
    """
    protocol = protocols.load(guideline(path, protocol_path))
    with click.open_file(file, "rb") as rows:
        vignettes = evaluation.read(rows, "standard input" if file == "-" else file, protocol)
    outcomes = evaluation.evaluate(vignettes, protocol)
    if as_json:
        for outcome in outcomes:
            click.echo(evaluation.json_line(outcome))
    else:
        click.echo(evaluation.report(outcomes))
    if under := sum(outcome.is_under_triage for outcome in outcomes):
        raise click.ClickException(f"under-triage in {under} of {len(outcomes)} vignettes")


@main.command()
@click.option("--draw", is_flag=True, help="Write questions.mmd and states.mmd: Mermaid diagrams.")
@click.option("--table", is_flag=True, help="A page to print, check and sign: to standard output, or protocol.html.")
@click.option("--topics", is_flag=True, help="The same of what patients can read up on: topics.html.")
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where to write; made if it does not exist. [default: the current directory]",
)
@CONFIG
@PROTOCOL
def protocol(
    draw: bool, table: bool, topics: bool, output: Path | None, path: Path | None, protocol_path: Path | None
) -> None:
    """Show the triage protocol: what it is, drawn, or as a page that a clinician can sign."""
    served = guideline(path, protocol_path)
    chosen, to_read = protocols.load(served), load_topics(topics_of(served))
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
    if draw:
        for name, content in drawings(chosen, STATES, TRANSITIONS):
            _write((output or Path()) / name, content)
    if table:
        _show("protocol.html", page(chosen), output)
    if topics:
        _show("topics.html", topics_page(to_read, chosen), output)
    if not draw and not table and not topics:
        click.echo(summary(chosen, to_read))


def _show(name: str, content: str, output: Path | None) -> None:
    """To a file in the directory, or to standard output."""
    if output is None:
        click.echo(content)
    else:
        _write(output / name, content)


def _write(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    click.echo(str(path), err=True)


# --- looking into the database --------------------------------------------------------------------------------------


@main.command()
@CONFIG
@DEMO
@click.option("--json", "as_json", is_flag=True, help="One JSON object an entry, times in UTC.")
def worklist(path: Path | None, is_demo: bool, as_json: bool) -> None:
    """Print what a nurse has to look at, the most pressing first. Reads only; the service may be running."""
    config = config_of(path, is_demo)
    at = datetime.now(UTC)
    rows = asyncio.run(_open_entries(config, at))
    if as_json:
        lines: Iterator[str] = (reports.worklist_json(row) for row in rows)
    else:
        lines = reports.worklist_lines(rows, protocols.load(config.protocol), config.clinic.time_zone, at)
    for line in lines:
        click.echo(line)


@asynccontextmanager
async def _reader(config: Config) -> AsyncIterator[Store]:
    store = open_store(config, is_reader=True)
    try:
        yield store
    finally:
        await store.close()


async def _open_entries(config: Config, at: datetime) -> Sequence[WorklistRow]:
    async with _reader(config) as store:
        return await store.worklist(at)


@main.command()
@CONFIG
@DEMO
@click.argument("session")
@click.option("--language", metavar="CODE", help="The language of the log. [default: the clinic's usual one]")
def transcript(path: Path | None, is_demo: bool, session: str, language: str | None) -> None:
    """Print the log of SESSION line by line, with the exact text that the patient saw.

    `cordwatch worklist` shows the ids of sessions.
    """
    config = config_of(path, is_demo)
    words = PatientTexts(config.clinic, protocols.load(config.protocol), topics=load_topics(config.topics))
    chosen = language or words.offered[0]
    if chosen not in words.offered:
        raise click.UsageError(f"--language must be one of {', '.join(words.offered)}, not {chosen!r}")
    conversation, used = asyncio.run(_conversation(config, session))
    for line in reports.transcript_lines(conversation, words, used, chosen, config.clinic.time_zone):
        click.echo(line)


async def _conversation(config: Config, session: str) -> tuple[list[Recorded | SentMessage], TriageProtocol]:
    """Both sides of a session, and the protocol that it began under."""
    async with _reader(config) as store:
        try:
            conversation = list(await store.conversation(session))
        except KeyError as error:
            raise click.ClickException(f"there is no session {session!r}; cordwatch worklist shows ids") from error
        events = [part for part in conversation if isinstance(part, Recorded)]
        begun, current = replay(session, events).protocol_version, protocols.load(config.protocol)
        kept = await store.protocols()
    if begun == current.version or begun not in kept:
        return conversation, current
    return conversation, protocols.served_before(begun, kept[begun])


FIRST = (cli_serve.run, cli_serve.chat, cli_init.init)
LAST = (
    cli_nurses.status,
    cli_copies.backup,
    cli_copies.restore,
    cli_copies.db,
    cli_locale.locale,
    cli_nurses.nurse,
    cli_nurses.audit,
    cli_nurses.demo,
)
main.commands = {str(one.name): one for one in (*FIRST, *main.commands.values(), *LAST)}


if __name__ == "__main__":
    sys.exit(main())
