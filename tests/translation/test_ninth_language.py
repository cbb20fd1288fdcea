"""A ninth language by files alone, in the steps of docs/translating.md, up to a conversation in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = ("wording.moment", "wording.day")
CLINIC = """
[clinic]
name = "Clinica di prova"
time_zone = "Europe/Rome"
languages = ["it"]

[numbers]
emergency = "112"
crisis_line = "113"
day = "+39 06 123 4567"
always = "+39 06 123 4568"

[hours]
mo = "09:00-17:00"
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as a clinic has it, so that nothing but files of `locales/` can make the difference."""
    checkout = tmp_path_factory.mktemp("ninth") / "cordwatch"
    checkout.mkdir()
    for part in ("bot", "dialogs", "locales"):
        shutil.copytree(ROOT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
    return checkout


def cordwatch(checkout: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
    environ |= {"PYTHONPATH": str(checkout), "BOT_DATABASE": str(checkout / "clinic.db")}
    command = [sys.executable, "-m", "bot.cli.main", *arguments]
    return subprocess.run(
        command, cwd=checkout, env=environ, input=typed, capture_output=True, text=True, timeout=120, check=False
    )


def translate(path: Path) -> None:
    """As a translator would, but into words that only look Italian: all but the {names} and the shortest end in o."""
    catalog = read_po(path.read_bytes().splitlines(keepends=True), locale="it")
    for message in catalog:
        if message.id and message.context and not message.context.startswith(PATTERNS):
            message.string = re.sub(r"(?<![{\w/’'])([^\W\d_]{2,})[^\W\d_](?![\w}’'])", r"\1o", str(message.id))
        elif message.id:
            message.string = message.id
    with path.open("wb") as file:
        write_po(file, catalog, width=80)


def test_a_ninth_language_needs_files_only(checkout: Path) -> None:
    begun = cordwatch(checkout, "locale", "new", "it")
    assert begun.returncode == 0, begun.stderr
    assert cordwatch(checkout, "locale", "check", "it").returncode == 1
    for line in begun.stdout.splitlines():
        translate(Path(line))
    checked = cordwatch(checkout, "locale", "check", "it")
    assert (checked.returncode, checked.stdout) == (0, "ok       it, not clinically reviewed\n"), checked.stderr

    (checkout / "clinic.toml").write_text(CLINIC, encoding="utf-8")
    refused = cordwatch(checkout, "check")
    assert refused.returncode == 1
    assert "no clinician has reviewed this translation; record a review with cordwatch locale approve" in refused.stderr

    signed = cordwatch(checkout, "locale", "approve", "it", "--by", "Dr. Rossi", "--role", "oncologa")
    assert signed.returncode == 0, signed.stderr
    assert cordwatch(checkout, "db", "new").returncode == 0
    assert cordwatch(checkout, "check").returncode == 0

    said = cordwatch(checkout, "chat", typed="1\n1\n1\n1\n")
    assert said.returncode == 0, said.stderr
    assert "Hello. I am a computeo prograo of Clinica di prova." in said.stdout
    assert "Do yoo agreo to staro?" in said.stdout
    assert "Calo 112 noo" in said.stdout
