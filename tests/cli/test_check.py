"""`cordwatch check`: what it passes starts, and what it refuses would not have started."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.store.sqlite.lock import Lock
from tests.cli.test_init import flags
from tests.kit.command import cordwatch

KOLKATA = ZoneInfo("Asia/Kolkata")


def test_check_says_what_time_it_is_at_the_clinic():
    assert cordwatch("init", *flags(time_zone="Asia/Kolkata")).exit_code == 0
    before = datetime.now(UTC)
    shown = cordwatch("check").stdout
    now = [before + timedelta(minutes=minutes) for minutes in range(2)]
    assert any(f"time {at.astimezone(KOLKATA):%A %H:%M} at the clinic (Asia/Kolkata)" in shown for at in now)


def test_check_refuses_a_time_zone_that_is_no_place():
    assert cordwatch("init", *flags()).exit_code == 0
    path = Path("clinic.toml")
    path.write_text(path.read_text(encoding="utf-8").replace("Europe/Amsterdam", "Etc/GMT+1"), encoding="utf-8")
    result = cordwatch("check")
    assert result.exit_code == 1
    assert "time_zone must be a time zone with a place such as 'Europe/Amsterdam'" in result.stderr


# --- what it passes starts


Change = Callable[[dict[str, str]], object]


def setting(old: str, new: str, environ: dict[str, str]) -> None:
    """Changes clinic.toml. `environ` stays as it is."""
    path = Path("clinic.toml")
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def variable(name: str, value: str, environ: dict[str, str]) -> None:
    environ[name] = value


def foreign_database(environ: dict[str, str]) -> None:
    with closing(sqlite3.connect(environ.setdefault("BOT_DATABASE", "theirs.db"))) as db:
        db.execute("create table invoices (id integer)")


def half_database(environ: dict[str, str]) -> None:
    whole = Path("data/cordwatch.db").read_bytes()
    Path("half.db").write_bytes(whole[: len(whole) // 2])
    environ["BOT_DATABASE"] = "half.db"


def newer_database(environ: dict[str, str]) -> None:
    with closing(sqlite3.connect("data/cordwatch.db")) as db:
        columns = [name for _, name, *_ in db.execute("pragma table_info('_sqlite_migrations')")]
        newest = dict(zip(columns, db.execute("select * from _sqlite_migrations").fetchone(), strict=True))
        newest |= {"name": "m999_of_a_later_version"} | ({"id": 999} if "id" in newest else {})
        marks = ", ".join("?" * len(newest))
        db.execute(f"insert into _sqlite_migrations ({', '.join(newest)}) values ({marks})", list(newest.values()))
        db.commit()


def gone_database(environ: dict[str, str]) -> None:
    Path("data/cordwatch.db").unlink()


def changed_protocol(environ: dict[str, str]) -> None:
    with closing(sqlite3.connect("data/cordwatch.db")) as db:
        version = cordwatch("protocol").stdout.split()
        version = next(word for word in version if word.strip(",:").count(".") and word[0].isdigit()).strip(",:")
        db.execute("insert into protocols (version, sha256, content) values (?, 'other', 'other')", (version,))
        db.commit()


REFUSED: dict[str, Change] = {
    "no such place": partial(variable, "BOT_DATABASE", "/proc/x/y.db"),
    "a file for a folder": partial(variable, "BOT_DATABASE", "clinic.toml/y.db"),
    "another program's database": foreign_database,
    "half a database": half_database,
    "a newer database": newer_database,
    "no database": gone_database,
    "a protocol that changed": changed_protocol,
    "an address that is none": partial(variable, "BOT_LISTEN", "256.1.1.1:8080"),
    "an address of another machine": partial(variable, "BOT_LISTEN", "192.0.2.1:8080"),
    "port 0": partial(variable, "BOT_LISTEN", "127.0.0.1:0"),
    "a misspelt variable": partial(variable, "BOT_TELEGRAM_TOKN", "123:abc"),
    "a public address with a path": partial(
        setting, '# public_url = "https://check.example.org"', 'public_url = "https://check.example.org/spine"'
    ),
    "a time zone that is no place": partial(setting, "Europe/Amsterdam", "Factory"),
}
PASSED: dict[str, Change] = {
    "braces in the name": partial(setting, '"St. Anna"', '"Kliniek {afdeling} {0} %s"'),
    "an unknown variable": partial(variable, "BOT_PUBLIC_URL", "https://x.org"),
}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of a new clinic in this directory, at an address of its own."""
    assert cordwatch("init", *flags()).exit_code == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return {"BOT_LISTEN": f"127.0.0.1:{free.getsockname()[1]}"}


@contextmanager
def service(environ: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [str(Path(sys.executable).with_name("cordwatch")), "run"]
    whole = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")} | environ
    with subprocess.Popen(
        command, env=whole, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process
        process.terminate()


def first_line(environ: dict[str, str]) -> str:
    with service(environ) as process:
        assert process.stdout is not None
        return process.stdout.readline()


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_what_would_not_start_is_refused_in_one_line(environ, change):
    change(environ)
    checked = cordwatch("check", **environ)
    assert (checked.exit_code, "Traceback" in checked.output) == (1, False), checked.output
    problems = [line.removeprefix("problem  ") for line in checked.stderr.splitlines() if line.startswith("problem")]
    assert len(problems) == 1
    assert first_line(environ).startswith("Error: ")


@pytest.mark.parametrize("change", PASSED.values(), ids=PASSED)
def test_what_check_passes_starts(environ, change):
    change(environ)
    assert cordwatch("check", **environ).exit_code == 0
    assert " serves " in first_line(environ)


def test_a_port_in_use_is_said(environ):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        checked = cordwatch("check", BOT_LISTEN=address)
        assert checked.exit_code == 1
        assert f"the address {address} cannot be listened on" in checked.stderr
        assert first_line({"BOT_LISTEN": address}).startswith("Error: the address")


def test_a_database_that_another_process_works_on_is_said(environ):
    holder = "from bot.store.sqlite.lock import Lock; from pathlib import Path; "
    holder += "Lock(Path('data/cordwatch.db')); print('held', flush=True); input()"
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r}); {holder}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        checked = cordwatch("check", **environ)
        assert f"process {other.pid} already works on this database" in checked.stderr
        assert first_line(environ).startswith("Error: ")
        other.communicate("\n")
    assert cordwatch("check", **environ).exit_code == 0


def test_check_beside_the_running_service_finds_nothing_wrong(environ):
    with service(environ) as process:
        assert process.stdout is not None
        assert " serves " in process.stdout.readline()
        checked = cordwatch("check", **environ)
    assert checked.exit_code == 0, checked.output
    assert "the service runs on it" in checked.stdout


def test_check_changes_nothing(environ):
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*.db")}
    assert cordwatch("check", **environ).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*.db")} == before
    Lock(Path("data/cordwatch.db")).close()


# --- Telegram


@contextmanager
def telegram(status: int, answer: object) -> Iterator[str]:
    """The address of a server that answers every request so."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "answer", "code", "says"),
    [
        (200, {"ok": True, "result": {"username": "spine_bot"}}, 0, "ok       Telegram: @spine_bot"),
        (401, {"ok": False}, 1, "Telegram does not know the token"),
        (404, {"ok": False}, 1, "Telegram does not know the token"),
        (502, {}, 0, "answers 502; Telegram could not be asked"),
        (200, [], 0, "does not answer as Telegram does"),
    ],
)
def test_the_token_is_shown_to_telegram(environ, status, answer, code, says):
    with telegram(status, answer) as url:
        checked = cordwatch("check", **environ, BOT_TELEGRAM_TOKEN="123456789:AAF-secret", BOT_TELEGRAM_API_URL=url)
    assert (checked.exit_code, says in checked.output) == (code, True), checked.output
    assert "AAF-secret" not in checked.output


def test_the_token_of_the_guide_is_no_token(environ):
    checked = cordwatch("check", **environ, BOT_TELEGRAM_TOKEN="123456789:replace-this-with-your-token")
    assert checked.exit_code == 1
    assert "BOT_TELEGRAM_TOKEN is what the guide has in its place" in checked.stderr


def test_a_telegram_that_cannot_be_reached_is_no_reason_not_to_start(environ):
    url = "http://127.0.0.1:9"
    checked = cordwatch("check", **environ, BOT_TELEGRAM_TOKEN="123456789:AAF-secret", BOT_TELEGRAM_API_URL=url)
    assert checked.exit_code == 0
    assert "http://127.0.0.1:9 cannot be reached" in checked.stdout


# --- what is only said


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("+31 20 123 4567", "+31 20 123 4568", "[numbers] day and always are the same number"),
        (
            '# public_url = "https://check.example.org"',
            'public_url = "https://check.example.org"',
            "public_url without trusted_proxies",
        ),
        (
            'crisis_line = "113"',
            'crisis_line = "0800 111"',
            "'0800 111' is not in the numbering plan of NL",
        ),
        ('emergency = "112"', 'emergency = "15"', "emergency '15' is no emergency number of NL"),
    ],
)
def test_what_is_unusual_is_said_and_starts_all_the_same(environ, old, new, says):
    setting(old, new, environ)
    checked = cordwatch("check", **environ)
    assert checked.exit_code == 0
    assert says in checked.stdout


def test_check_says_that_nobody_can_read_until_somebody_can(environ):
    assert "no account is active" in cordwatch("check", **environ).stdout
    assert cordwatch("nurse", "add", "Kim Bos", "kim@clinic.example", **environ).exit_code == 0
    assert "no account is active" not in cordwatch("check", **environ).stdout
