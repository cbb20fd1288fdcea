"""A clinic's own guideline is served: stricter, never laxer, and never to a check that began under another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dialogs.protocol import SPINAL_METASTASES

BUILT_IN = (SPINAL_METASTASES / "protocol.toml").read_text(encoding="utf-8")
VERSION = next(line for line in BUILT_IN.splitlines() if line.startswith("version = "))
QUESTION = "Is walking hard for you, or are you unsteady?"
BEGINS = "/start\nEnglish\nYes, I agree\nI am the patient\nNo\n"


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def guideline(version: str, old: str = QUESTION, new: str = QUESTION) -> Path:
    """A folder with the built-in protocol, changed in one place and named anew."""
    folder = Path(version)
    folder.mkdir(exist_ok=True)
    assert old in BUILT_IN
    changed = BUILT_IN.replace(VERSION, f'version = "{version}"', 1).replace(old, new, 1)
    (folder / "protocol.toml").write_text(changed, encoding="utf-8")
    return folder


def cordwatch(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
    command = [sys.executable, "-m", "bot.cli.main", *arguments]
    environ = kept | {"PYTHONPATH": str(SPINAL_METASTASES.parents[2]), "BOT_DATABASE": "chat.db"}
    return subprocess.run(command, input=typed, env=environ, capture_output=True, text=True, timeout=60)


def test_another_protocol_is_served_and_a_check_finishes_under_the_one_it_began_with():
    first = guideline("2026.91", new="Is walking hard today?")
    second = guideline("2026.92", new="Is walking hard this week?")
    begun = cordwatch("chat", "--protocol", str(first), typed=BEGINS)
    assert "Is walking hard today?" in begun.stdout, begun.stderr
    goes_on = cordwatch("chat", "--protocol", str(second), typed="Why?\n")
    assert "Is walking hard today?" in goes_on.stdout, goes_on.stderr
    assert "this week" not in goes_on.stdout
    anew = cordwatch("chat", "--protocol", str(second), typed="/stop\n/start\nI am the patient\nNo\n")
    assert "Is walking hard this week?" in anew.stdout, anew.stderr


def test_a_protocol_changed_without_a_new_version_is_refused():
    cordwatch("chat", "--protocol", str(guideline("2026.91")))
    changed = cordwatch("chat", "--protocol", str(guideline("2026.91", new="Is walking hard today?")))
    assert changed.returncode == 1
    assert "the protocol file changed without a new version" in changed.stderr


@pytest.mark.parametrize("command", ["chat", "run", "check"])
def test_a_laxer_protocol_is_refused_with_file_and_remedy(command):
    laxer = guideline("2026.93", 'disposition = "12h"', 'disposition = "1w"')
    refused = cordwatch(command, "--protocol", str(laxer))
    assert refused.returncode == 1
    assert "2026.93/protocol.toml: " in refused.stderr
    assert "A clinic may be stricter than the guideline, never laxer" in refused.stderr


def test_the_protocol_of_the_settings_is_found_beside_them_and_checked():
    guideline("2026.91")
    init = ["init", "etc.toml", "--name", "St. Anna", "--time-zone", "Europe/Amsterdam", "--emergency", "112"]
    numbers = ["--crisis-line", "113", "--day", "+31 20 123 4567", "--always", "+31 20 123 4568"]
    assert cordwatch(*init, *numbers, "--hours", "mo-fr 09:00-17:00", "--holidays", "", "--languages", "en").stdout
    with Path("etc.toml").open("a", encoding="utf-8") as file:
        file.write('\n[protocol]\npath = "2026.91"\n')
    checked = cordwatch("check", "--config", "etc.toml")
    assert "protocol 2026.91: " in checked.stdout, checked.stderr
