"""The commands that talk to patients, and what is said where everything is."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.nurses import spoken
from bot.cli.office import FindWebChat
from bot.cli.options import CONFIG, NEW_DATABASE, PROTOCOL, config_of
from bot.clinic.settings import load, load_demo
from bot.makes import begin_store
from bot.web.paths import page_path

if TYPE_CHECKING:
    from bot.app import App


@click.command()
@CONFIG
@click.option("--demo", "is_demo", is_flag=True, help="The demo clinic with made-up patients, also beside clinic.toml.")
@NEW_DATABASE
@PROTOCOL
def run(path: Path | None, is_demo: bool, is_new: bool, protocol_path: Path | None) -> None:
    """Serve patients on Telegram and in the web chat until told to stop.

    Telegram is served when the environment variable BOT_TELEGRAM_TOKEN holds the bot's token. SIGINT (Ctrl-C) and
    SIGTERM stop the service with nothing lost.
    """
    from bot.cli import running  # here, because a command that only prints should not wait for a web server to load

    config = (load_demo if is_demo else load)(path, os.environ).serving(protocol_path)
    if is_new:
        asyncio.run(begin_store(config))
    # Without Telegram a person at the keyboard is most likely trying it out: the conversation begins right here.
    is_trying = config.telegram.token is None and sys.stdin.isatty()

    def say_welcome(ready: App) -> None:
        click.echo(_welcome(ready, is_trying))

    terminal = _here() if is_trying else None
    asyncio.run(running.run(config, terminal, on_ready=say_welcome, has_demo_patients=is_demo))


@click.command()
@CONFIG
@NEW_DATABASE
@PROTOCOL
def chat(path: Path | None, is_new: bool, protocol_path: Path | None) -> None:
    """Hold the same conversation here in the terminal, while no service runs.

    Type the number of an answer or its words, /help for the commands, Ctrl-D to leave.
    """
    from bot.cli import running

    config = config_of(path).serving(protocol_path)
    if (reply := spoken(config, FindWebChat())) is not None:
        raise click.ClickException(
            f"the service runs on {config.database}; its conversation is in the web chat: {' '.join(reply.lines)}"
        )
    if is_new:
        asyncio.run(begin_store(config))
    asyncio.run(running.run(config, _here(), is_chat=True))


def _here() -> str:
    """The address of this terminal's user, so that a conversation carries on."""
    return f"terminal:{os.getuid()}"


def _welcome(ready: App, is_trying: bool) -> str:
    """Where everything is, said once at the start."""
    config, command = ready.config, started_by(sys.argv[0])
    host, port = config.listen
    base = config.base_url
    demo = " (DEMO: numbers are not real)" if config.is_demo else ""
    lines = [
        f"Cordwatch {version('cordwatch')} serves {config.clinic.name}{demo}.",
        f"  Web chat   {base}{page_path('chat')}",
        f"  Console    {ready.sign_in_link or base + page_path('worklist')}",
        f"  Health     http://{host}:{port}/health",
        f"  Database   {config.database}",
        f"  Languages  {', '.join(ready.words.offered)}",
        *(f"  Withheld   {language}: {found[0]}" for language, found in ready.words.withheld.items()),
    ]
    if config.telegram.token is None:
        lines += [
            "  Telegram   not connected. Write /newbot to @BotFather on Telegram; it gives you a token. Then:",
            f"             {command} init, and start again with BOT_TELEGRAM_TOKEN set to it.",
        ]
    else:
        lines.append(f"  Telegram   by {config.telegram.mode}")
    if not ready.has_accounts:
        lines.append(f"  Accounts   nobody can sign in yet: {command} nurse add NAME EMAIL --role administrator")
    if is_trying:
        lines.append("  Terminal   the conversation begins below; Ctrl-C stops the service.")
    else:
        lines.append(f"  Commands   {command} status, {command} nurse add NAME EMAIL, and more: {command} --help")
    return "\n".join(lines)


def started_by(program: str) -> str:
    """How to start this command again from where one is: `program` is what it was started by."""
    path = Path(program)
    if path.suffix == ".py":
        return f"{sys.executable} -m bot.cli.main"
    found = shutil.which(path.name)
    return path.name if found is not None and Path(found).resolve() == path.resolve() else program
