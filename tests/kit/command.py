"""The command `cordwatch`, run inside of the test's own process."""

from __future__ import annotations

from click.testing import CliRunner, Result

from bot.cli import main as cli


def cordwatch(*arguments: str, stdin: str = "", **environ: str) -> Result:
    return CliRunner().invoke(cli.main, arguments, input=stdin, env=environ, prog_name="cordwatch")
