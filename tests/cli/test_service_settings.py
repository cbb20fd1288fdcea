"""Commands mean the clinic whose service runs here, say which it is, and let somebody in who follows the documents.

The layout is that of docs/setup.md: settings in a folder that systemd calls the service's, the database in another that
belongs to the service's user, and an administrator who types commands somewhere else.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.cli.test_demo_database import INIT
from tests.kit.serving import serving as served
from tests.kit.wire import CLINIC, unused_port

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "bot.cli.main")
NOBODY = 65534
ADD = ("nurse", "add", "Kim Bos", "kim@clinic.example", "--role", "administrator")
PASSWORD = "correct horse battery"
READS = [("worklist",), ("worklist", "--json"), ("transcript", "none"), ("nurse", "list"), ("audit", "verify")]
WRITES = [ADD, ("nurse", "disable", "Kim Bos"), ("nurse", "reset", "Kim Bos")]


@dataclass
class Machine:
    """`etc`: where the settings are; `var`: where the database is; `home`: where commands are typed."""

    etc: Path
    var: Path
    home: Path
    port: int

    @property
    def toml(self) -> Path:
        return self.etc / "clinic.toml"

    @property
    def database(self) -> Path:
        return self.var / "cordwatch.db"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
        ours = {"CONFIGURATION_DIRECTORY": str(self.etc), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        return kept | ours | more

    def cordwatch(self, *arguments: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        told = {"cwd": self.home, "env": self.environment(**more), "input": typed}
        return subprocess.run([*COMMAND, *arguments], **told, capture_output=True, text=True, timeout=120)  # type: ignore[call-overload]

    @contextmanager
    def serving(self, *options: str, **more: str) -> Iterator[str]:
        """The service, once it is ready: what it says then."""
        with served([*COMMAND, "run", *options], self.environment(**more), self.var) as said:
            yield said

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as db:
            return db.execute(query).fetchall()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that is set up, on which the service has not run yet."""
    folders = [tmp_path / name for name in ("etc", "var", "home")]
    for folder in folders:
        folder.mkdir()
    machine = Machine(*folders, unused_port())
    own = f'\n[store]\ndatabase = "{machine.database}"\n\n[web]\nlisten = "127.0.0.1:{machine.port}"\n'
    settings = CLINIC.replace("{languages}", '["en"]').replace("{unreviewed}", "[]").replace("{mode}", "polling")
    machine.toml.write_text(settings + own, encoding="utf-8")
    return machine


@pytest.fixture
def used(machine: Machine) -> Machine:
    """The same, once the service has run."""
    with machine.serving("--new-database"):
        pass
    return machine


def signs_in(machine: Machine, link: str) -> int:
    """By the link that was printed, as docs/setup.md says."""
    with httpx.Client(base_url=machine.url) as browser:
        browser.post(link, data={"password": PASSWORD, "again": PASSWORD})
        return browser.post("/console/sign-in", data={"email": "kim@clinic.example", "password": PASSWORD}).status_code


# --- which clinic


@pytest.mark.parametrize("command", [*READS, *WRITES, ("status",)], ids=" ".join)
def test_a_command_finds_the_services_own_settings_and_says_which_clinic_and_database(command, used):
    done = used.cordwatch(*command)
    assert done.stderr.splitlines()[0] == f"Test Clinic ({used.toml}), database {used.database}"
    assert list(used.home.iterdir()) == []


@pytest.mark.parametrize("command", [("worklist",), ("nurse", "list"), ("status",)], ids=" ".join)
def test_settings_that_were_named_need_not_be_said(command, used):
    done = used.cordwatch(*command, "--config", str(used.toml))
    assert "Test Clinic (" not in done.stderr
    elsewhere = used.cordwatch(*command, "--config", str(used.toml), BOT_DATABASE=str(used.var / "other.db"))
    assert f"database {used.var / 'other.db'}" in elsewhere.stderr.splitlines()[0]


def test_settings_nearer_at_hand_come_first(used):
    named = used.home / "named.toml"
    named.write_text(used.toml.read_text().replace("Test Clinic", "Named Clinic"))
    assert used.cordwatch("worklist", BOT_CONFIG=str(named)).stderr.startswith(f"Named Clinic ({named})")
    (used.home / "clinic.toml").write_text(used.toml.read_text().replace("Test Clinic", "Nearer Clinic"))
    assert used.cordwatch("worklist").stderr.startswith("Nearer Clinic (clinic.toml)")


def test_without_any_settings_it_is_the_demo_clinic_and_says_so(machine):
    machine.toml.unlink()
    assert machine.cordwatch("worklist").stderr.startswith(
        "Demo Cancer Centre (the demo clinic), database data/demo.db\n"
    )


def test_the_demo_clinic_is_there_beside_the_service(used):
    made = used.cordwatch("nurse", "add", "Robin", "robin@clinic.example", "--demo")
    assert made.stderr == "Demo Cancer Centre (the demo clinic), database data/demo.db\n"
    assert "Robin" in used.cordwatch("nurse", "list", "--demo").stdout
    assert "Robin" not in used.cordwatch("nurse", "list").stdout
    for command in (("worklist",), ("audit", "verify")):
        assert used.cordwatch(*command, "--demo").returncode == 0
    refused = used.cordwatch("worklist", "--demo", "--config", str(used.toml))
    assert (refused.returncode, "not the demo clinic" in refused.stderr) == (1, True)


# --- who can sign in


def test_who_follows_the_documents_signs_in(machine):
    with machine.serving("--new-database") as said:
        assert "nobody can sign in yet" in said
        assert "nurse add NAME EMAIL --role administrator" in said
        added = machine.cordwatch(*ADD)
        assert added.returncode == 0, added.stderr
        link = added.stdout.split()[-1]
        assert link.startswith(f"{machine.url}/console/password/")
        assert signs_in(machine, link) == 303
    with machine.serving() as said:
        assert "nobody can sign in yet" not in said


def test_an_account_made_while_no_service_runs_is_there_once_it_does(used):
    link = used.cordwatch(*ADD).stdout.split()[-1]
    with used.serving() as said:
        assert signs_in(used, link) == 303
        assert "nobody can sign in yet" in said


def test_init_makes_the_account_that_makes_the_others_and_its_link_works_once_the_service_runs(machine):
    machine.toml.unlink()
    listen = {"BOT_LISTEN": f"127.0.0.1:{machine.port}"}
    begun = (*INIT, str(machine.toml), "--database", str(machine.database))
    asked = machine.cordwatch(*begun, "--administrator", "Kim Bos <kim@clinic.example>", **listen)
    assert asked.returncode == 0, asked.stderr
    (link,) = re.findall(r"http\S+", asked.stdout)
    with machine.serving(**listen) as said:
        assert signs_in(machine, link) == 303
        assert link.rpartition("/")[2] not in said
    assert machine.cordwatch("nurse", "list").stdout.startswith(
        "Kim Bos\tkim@clinic.example\tadministrator\ten\tactive"
    )


def test_init_asks_who_keeps_the_accounts_and_takes_nobody_yet_for_an_answer(machine):
    machine.toml.unlink()
    begun = (*INIT, str(machine.toml), "--database", str(machine.database))
    asked = machine.cordwatch(*begun, typed="Kim\nKim Bos kim@clinic.example\n")
    assert "must be a name and an e-mail address, such as: Kim Bos kim@clinic.nl, not 'Kim'" in asked.stderr
    assert asked.stdout.count("/console/password/") == 1
    for nobody in ({"typed": "\n"}, {"typed": ""}):
        later = machine.cordwatch(*begun, "--force", **nobody)
        assert (later.returncode, "/console/password/" in later.stdout) == (0, False)
        assert "cordwatch nurse add" in later.stdout


# --- what is left behind


def test_what_is_done_to_accounts_at_the_command_line_stands_in_the_audit(used):
    for command in WRITES:
        assert used.cordwatch(*command).returncode == 0
    with used.serving():
        assert used.cordwatch("nurse", "reset", "Kim Bos").returncode == 0
    query = "select who, what, about from audit order by seq"
    acts = ("added_nurse", "disabled_nurse", "reset_nurse", "reset_nurse")
    assert used.rows(query) == [("command line", act, "Kim Bos") for act in acts]


def test_root_leaves_every_file_to_whom_the_database_belongs(used):
    """Elsewhere than as root it is the same user all along."""
    owner = NOBODY if os.geteuid() == 0 else os.geteuid()
    for path in (used.var, *used.var.iterdir()):
        os.chown(path, owner, -1)
    (used.var / "cordwatch.db.lock").unlink(missing_ok=True)
    for command in (*READS, *WRITES):
        used.cordwatch(*command)
        assert {path.stat().st_uid for path in used.var.iterdir()} == {owner}, command


def test_root_begins_the_database_for_whom_the_folder_belongs_to(machine):
    owner = NOBODY if os.geteuid() == 0 else os.geteuid()
    os.chown(machine.var, owner, -1)
    machine.toml.unlink()
    begun = (*INIT, str(machine.toml), "--database", str(machine.database), "--administrator", "Kim kim@x.nl")
    assert machine.cordwatch(*begun).returncode == 0
    assert {path.stat().st_uid for path in machine.var.iterdir()} == {owner}


@pytest.mark.parametrize("command", [*READS, *WRITES, ("status",)], ids=" ".join)
def test_a_database_that_is_not_there_is_an_error_with_the_remedy_and_none_is_made(command, machine):
    done = machine.cordwatch(*command)
    assert (done.returncode, done.stdout) == (1, "")
    assert str(machine.database) in done.stderr.splitlines()[-1]
    assert "cordwatch run" in done.stderr.splitlines()[-1]
    assert [list(folder.iterdir()) for folder in (machine.var, machine.home)] == [[], []]
