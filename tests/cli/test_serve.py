"""What is said at the start: commands that work where one is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot.cli.serve import started_by


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A command in a directory that the shell looks into."""
    command = tmp_path / "bin/cordwatch"
    command.parent.mkdir()
    command.touch(0o755)
    monkeypatch.setenv("PATH", str(command.parent))
    return command


def test_a_command_on_the_path_is_called_by_its_name(installed):
    assert started_by(str(installed)) == "cordwatch"


def test_a_command_of_a_checkout_is_called_as_it_was(installed, tmp_path):
    assert started_by(".venv/bin/cordwatch") == ".venv/bin/cordwatch"
    assert started_by(str(tmp_path / "other/cordwatch")) == str(tmp_path / "other/cordwatch")


def test_a_module_is_called_by_the_interpreter_that_has_it():
    assert started_by("/src/bot/cli/main.py") == f"{sys.executable} -m bot.cli.main"
