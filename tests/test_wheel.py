"""The wheel, built and installed as a clinic would have it: outside the checkout it is all there is of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bot.clinic.settings import load
from bot.language.catalogue import catalogue_path, read
from tests.kit.serving import serving as served
from tests.kit.wire import unused_port

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("bot", "dialogs", "locales", "pyproject.toml", "README.md", "LICENSE")
LANGUAGES = load(None, {}).clinic.languages


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel of this very tree; its dependencies are those of the tests, the project is not."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel, environment = _built(folder), folder / "environment"
    _run(folder, sys.executable, "-m", "venv", "--without-pip", str(environment))
    python = str(environment / "bin" / "python")
    _run(folder, *_pip(), "--python", python, "install", "--no-deps", "--no-index", str(wheel))
    # A .pth file adds a folder, and not what the .pth files within that folder add: no editable install comes along.
    place = _run(folder, python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    (Path(place) / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return environment


def _built(folder: Path) -> Path:
    """Built from a copy, so that nothing left over in the checkout gets in."""
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder))
    _run(folder, *_pip(), "wheel", *options, str(source))
    shutil.rmtree(source)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _pip() -> tuple[str, ...]:
    return sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"


def _environ(**more: str) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("BOT_", "PYTHON"))} | more


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, env=_environ(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def serving(installed: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """`cordwatch run --demo` in an empty folder: its address, and what it says when it is ready."""
    address = f"127.0.0.1:{unused_port()}"
    command = (str(installed / "bin" / "cordwatch"), "run", "--demo")
    environ = _environ(BOT_LISTEN=address, PYTHONUNBUFFERED="1")
    with served(command, environ, folder, until="  Languages ") as said:
        yield f"http://{address}", said


def test_the_code_that_runs_is_the_wheels(installed: Path, tmp_path: Path) -> None:
    python = str(installed / "bin" / "python")
    places = _run(tmp_path, python, "-c", "import bot, dialogs; print(bot.__file__); print(dialogs.__file__)")
    assert all(Path(place).is_relative_to(installed) for place in places.splitlines()), places


def test_every_file_that_is_read_at_run_time_is_in_it(installed: Path) -> None:
    (place,) = installed.glob("lib/python*/site-packages")
    for package in ("bot", "dialogs", "locales"):
        ours = {path.relative_to(ROOT) for path in (ROOT / package).rglob("*.*") if path.suffix not in (".pyc", ".md")}
        assert not {path for path in ours if not (place / path).exists()}


def test_a_dutch_browser_is_asked_in_dutch(installed: Path, tmp_path: Path) -> None:
    dutch = read(catalogue_path(ROOT / "locales", "nl"), "nl").texts
    with serving(installed, tmp_path) as (url, said):
        assert f"  Languages  {', '.join(LANGUAGES)}\n" in said
        assert "Withheld" not in said
        with httpx.Client(base_url=url, headers={"accept-language": "nl-NL,nl;q=0.9"}, timeout=30) as browser:
            hidden = dict(re.findall(r'name="(token|id)" value="([^"]*)"', browser.get("/chat").text))
            browser.post("/chat", data={**hidden, "text": "/start"})
            page = browser.get("/chat").text
    assert '<html lang="nl"' in page
    assert dutch["question.language.text"] in page


def test_every_language_is_there_for_translators_too(installed: Path, tmp_path: Path) -> None:
    shown = _run(tmp_path, str(installed / "bin" / "cordwatch"), "locale", "status")
    assert {line.split()[0] for line in shown.splitlines()[1:] if re.match(r"[a-z]{2}  ", line)} == {*LANGUAGES}
    checked = _run(tmp_path, str(installed / "bin" / "cordwatch"), "locale", "check")
    assert {line.split()[1].strip(",") for line in checked.splitlines()} == {*LANGUAGES}


def test_a_clinic_with_two_languages_is_fit(installed: Path, tmp_path: Path) -> None:
    demo = (ROOT / "bot" / "clinic" / "demo.toml").read_text(encoding="utf-8")
    (tmp_path / "clinic.toml").write_text(re.sub("^# (?=.*languages = )", "", demo, flags=re.M), encoding="utf-8")
    checked = _run(tmp_path, str(installed / "bin" / "cordwatch"), "check").splitlines()
    assert {line for line in checked if " language " in line} == {"ok       language en", "ok       language nl"}
