"""Every command in README.md and docs/ is run; every link leads somewhere."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.kit.checkout import copied
from tests.rooms import PICTURE, drawing

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "tests" / "README.md"]
FENCE = re.compile(r"^[ ]*```sh\n(.*?)^[ ]*```", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")

SERVES = ("make run", "cordwatch run")
"""Commands that run until they are stopped: started, asked for /health, stopped by SIGINT."""

IN_ITS_PLACE = "/opt/cordwatch/.venv/bin/cordwatch"
"""The command where docs/setup.md puts it; folders of the machine are folders of the checkout here."""

ON_THE_MACHINE = ("useradd", "install -", "systemctl")
"""Commands of an administrator's that change the machine: their arguments are tried in a root of their own."""


ANSWERS = (
    "Test Clinic\nEurope/Amsterdam\n\n112\n113\n+31 10 123 4567\n+31 10 123 4568\nmo-fr 09:00-17:00\n\nen\n"
    "Lea Vos lea@clinic.example\n"
)
"""To what `cordwatch init` asks."""


def commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        if page.name in ("tutorial.md", "backup.md"):
            continue  # tests/test_tutorial.py and tests/cli/test_backup_page.py follow them
        for block in FENCE.findall(page.read_text(encoding="utf-8")):
            lines = (line.strip().partition("  #")[0].rstrip() for line in block.splitlines())
            found += [(page.name, line) for line in lines if line]
    return found


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in a new directory, with the programs of the virtual environment that is already there."""
    return copied(tmp_path_factory.mktemp("docs") / "cordwatch")


@pytest.fixture(scope="module")
def environ(checkout: Path) -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BOT_", "MAKE", "MFLAGS"))}
    return kept | {"BOT_LISTEN": f"127.0.0.1:{port}", "PYTHONPATH": str(checkout)}


@pytest.fixture(scope="module")
def clinic(checkout: Path, environ: dict[str, str]) -> Path:
    """What `cordwatch init` leaves when its questions are answered."""
    made = run(".venv/bin/cordwatch init", checkout, environ, ANSWERS)
    assert made.returncode == 0, made.stderr
    return checkout / "clinic.toml"


def run(command: str, checkout: Path, environ: dict[str, str], typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, shell=True, cwd=checkout, env=environ, input=typed, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(("page", "command"), commands(), ids=lambda value: value[:60])
def test_a_command_of_the_documents_works(page: str, command: str, checkout: Path, environ: dict[str, str]) -> None:
    if command.endswith("cordwatch init"):
        return  # the fixture `clinic` answers its questions; see test_a_new_clinic
    if command.endswith(SERVES):
        serve(command, checkout, environ)
    elif command == "make test":
        assert run("make --dry-run test", checkout, environ).returncode == 0
    elif command.startswith(ON_THE_MACHINE):
        administer(command, checkout)
    elif command.startswith(IN_ITS_PLACE):
        in_its_place(command, checkout, environ)
    elif command.startswith("curl"):
        serve("make run", checkout, environ, command.replace("127.0.0.1:8080", environ["BOT_LISTEN"]))
    else:
        done = run(command, checkout, environ, "/help\n")
        assert done.returncode == 0, f"{page}: {command}\n{done.stdout}{done.stderr}"


def serve(command: str, checkout: Path, environ: dict[str, str], meanwhile: str | None = None) -> None:
    """Runs a command that serves until it is healthy, and stops it as Ctrl-C would."""
    with socket.socket() as telegram:
        telegram.bind(("127.0.0.1", 0))
        settings = environ | {"BOT_TELEGRAM_API_URL": f"http://127.0.0.1:{telegram.getsockname()[1]}"}
        assignment, _, rest = command.partition(" ")
        if "=" in assignment:
            name, _, value = assignment.partition("=")
            settings[name], command = value, rest
        process = subprocess.Popen(
            command, shell=True, cwd=checkout, env=settings, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            wait_for(f"http://{environ['BOT_LISTEN']}/health", process)
            if meanwhile is not None:
                assert run(meanwhile, checkout, environ).returncode == 0
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=10)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Returns once somebody answers, green or red."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "it stopped by itself"
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nobody answers at {url}")


def administer(command: str, checkout: Path) -> None:
    """The files a command takes are there, and a unit it installs is one that systemd understands."""
    words = command.split()
    if words[0] == "install" and "-d" not in words:
        source = words[-2]
        assert source == "/dev/null" or (checkout / source).is_file(), command
    if words[0] == "systemctl":
        unit = (checkout / "docs/cordwatch.service").read_text()
        unit = unit.replace("/opt/cordwatch", str(checkout)).replace("User=cordwatch\nGroup=cordwatch\n", "")
        path = checkout / "cordwatch.service"
        path.write_text(unit)
        verified = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
        assert verified.returncode == 0, verified.stderr


def in_its_place(command: str, checkout: Path, environ: dict[str, str]) -> None:
    """The command as somebody types it anywhere on a machine that is set up."""
    etc, var = checkout.parent / "etc", checkout.parent / "var"
    for folder in (etc, var):
        folder.mkdir(exist_ok=True)
    here = command.replace("/opt/cordwatch", str(checkout))
    here = here.replace("/etc/cordwatch", str(etc)).replace("/var/lib/cordwatch", str(var))
    done = run(here, checkout.parent, environ | {"CONFIGURATION_DIRECTORY": str(etc)}, ANSWERS)
    assert done.returncode == 0, f"{here}\n{done.stdout}{done.stderr}"


def test_a_new_clinic(clinic: Path, checkout: Path, environ: dict[str, str]) -> None:
    checked = run(".venv/bin/cordwatch check", checkout, environ)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert stat.S_ISREG(clinic.stat().st_mode)
    clinic.unlink()


def test_every_link_leads_to_a_file() -> None:
    dead = [
        f"{page.name}: {link}"
        for page in PAGES
        for link in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert not dead


def test_every_promise_names_a_test_that_runs() -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    tests = set(re.findall(r"^(?:async )?def (test_\w+)", written, re.M))
    lines = [line for line in (ROOT / "docs/promises.md").read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    promises = [line for line in lines if not line.startswith(("| promise", "| ---"))]
    assert len(promises) >= 20
    held = [re.findall(r"`(test_\w+)`", line) for line in promises]
    assert [line for line, names in zip(promises, held, strict=True) if not names or not tests.issuperset(names)] == []


def test_every_decision_stands_in_its_list_with_its_number_date_and_what_was_rejected() -> None:
    pages = sorted(path for path in (ROOT / "docs/decisions").glob("*.md") if path.name != "README.md")
    listed = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    assert len({page.name[:5] for page in pages}) == len(pages)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.match(r"\d{4}-", page.name), page.name
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        assert re.search(r"^20\d\d-\d\d-\d\d$", text, re.M), page.name
        assert all(f"**{part}.** " in text for part in ("Decision", "Why", "Rejected")), page.name
        assert f"]({page.name})" in listed, page.name


def test_the_picture_of_the_rooms_is_that_of_the_code() -> None:
    assert PICTURE.read_text(encoding="utf-8") == drawing(), "run `python -m tests.rooms`"


def test_every_place_on_the_path_of_a_message_is_where_the_documents_say() -> None:
    place = re.compile(r"^\|[^`]*`((?:bot|dialogs)/[\w./]+)`[ |]*((?:`[\w.]+`(?:, )?)*)", re.M)
    lost = []
    for page in (ROOT / "README.md", ROOT / "docs/architecture.md"):
        found = place.findall(page.read_text(encoding="utf-8"))
        assert len(found) >= 5, page.name
        for path, names in found:
            text = (ROOT / path).read_text(encoding="utf-8") if path.endswith(".py") else ""
            wanted = [name.rpartition(".")[2] for name in re.findall(r"`([\w.]+)`", names)]
            lost += [f"{page.name}: {path} {name}" for name in wanted if not re.search(rf"\b{name}\b", text)]
            lost += [f"{page.name}: {path}"] * (not (ROOT / path).exists())
    assert not lost
