"""What keeps a repository installable: the lock fits the dependencies and comes from nowhere but the package index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_dependency_is_locked():
    wanted = [*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)]
    names = {re.split(r"[<>=~\[ ]", one)[0].lower() for one in wanted}
    assert not names - set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE))


def test_everything_locked_has_its_hashes():
    blocks = re.findall(r"^([a-z0-9-]+==\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", LOCK, re.MULTILINE)
    assert len(blocks) == len(re.findall(r"^[a-z0-9-]+==", LOCK, re.MULTILINE))


def test_the_lock_file_names_no_index_and_no_place_of_somebodys_machine():
    assert not re.findall(r"^(?!\s*#)\s*(?:--(?!hash)|-[a-z] |file:|.*https?:|.*@ )", LOCK, re.MULTILINE)


def test_a_weekly_run_tries_the_newest_dependencies_without_the_lock():
    workflow = (ROOT / ".github" / "workflows" / "newest.yml").read_text(encoding="utf-8")
    assert re.search(r'^  schedule:\n    - cron: "\d+ \d+ \* \* [0-6]"$', workflow, re.MULTILINE)
    steps = re.findall(r"^      - run: (.+)$", workflow, re.MULTILINE)
    installs = [step for step in steps if "install" in step]
    assert installs == ['.venv/bin/python -m pip install --no-input -e ".[dev]"']
    assert steps.index(".ci/programs") < steps.index(installs[0]) < steps.index(".venv/bin/pytest")
    assert not re.search(r"requirements\.lock|--require-hashes|\bmake\b", workflow)
