"""/metrics: what an alarm can be built on, in a form that Prometheus reads, and as quick with years of history."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta

import pytest
from httpx import ASGITransport, AsyncClient
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.channels import ChannelStatus
from bot.health.backup import Backup
from bot.health.metrics import as_metrics
from bot.health.status import Figures, Status, TaskState
from bot.store.vitals import Commits, OpenEntries, Place
from bot.web.answers import CountedAnswers
from tests.health.test_reasons import NOON, WELL

BUSY = replace(
    WELL,
    channels={"telegram": ChannelStatus("wrong token", NOON), "web": ChannelStatus()},
    tasks=(TaskState("outbox", timedelta(seconds=3), failures=4), TaskState("web", timedelta(0), has_rounds=False)),
    waiting_chats=2,
    oldest_waiting=timedelta(seconds=1.5),
    unanswered=timedelta(seconds=7),
    parked=1,
    commits=Commits(100, 5, "OperationalError"),
    place=Place(True, True, 4096, 512, 10**9),
    backup=Backup(NOON - timedelta(hours=1), "/backup/1.db", 7),
    accounts=3,
    entries=(
        OpenEntries("emergency", 2, 1, NOON - timedelta(minutes=90)),
        OpenEntries("12h", 4, 0, None),
        OpenEntries(None, 1, 0, NOON),
    ),
    figures=Figures("1.2.3", ("pl", "tr"), turns=50, server_errors=6),
)
EXPECTED = {
    ("cordwatch_healthy", ""): 0,
    ("cordwatch_build_info", "1.2.3"): 1,
    ("cordwatch_language_withheld", "pl"): 1,
    ("cordwatch_language_withheld", "tr"): 1,
    ("cordwatch_turns_total", ""): 50,
    ("cordwatch_http_server_errors_total", ""): 6,
    ("cordwatch_accounts", ""): 3,
    ("cordwatch_channel_up", "telegram"): 0,
    ("cordwatch_channel_up", "web"): 1,
    ("cordwatch_last_poll_timestamp_seconds", "telegram"): NOON.timestamp(),
    ("cordwatch_oldest_unanswered_seconds", ""): 7,
    ("cordwatch_parked_messages", ""): 1,
    ("cordwatch_waiting_chats", ""): 2,
    ("cordwatch_oldest_undelivered_seconds", ""): 1.5,
    ("cordwatch_entries_open", "emergency"): 2,
    ("cordwatch_entries_open", "12h"): 4,
    ("cordwatch_entries_open", "unfinished"): 1,
    ("cordwatch_entries_overdue", "emergency"): 1,
    ("cordwatch_oldest_unread_seconds", "emergency"): 5400,
    ("cordwatch_task_failures_total", "outbox"): 4,
    ("cordwatch_task_success_age_seconds", "outbox"): 3,
    ("cordwatch_commits_total", ""): 100,
    ("cordwatch_commits_failed_total", ""): 5,
    ("cordwatch_database_writable", ""): 0,
    ("cordwatch_database_bytes", ""): 4096,
    ("cordwatch_database_log_bytes", ""): 512,
    ("cordwatch_disk_free_bytes", ""): 10**9,
    ("cordwatch_backup_age_seconds", ""): 3600,
}


def samples(status: Status) -> dict[tuple[str, str], float]:
    """By name and label."""
    families = text_string_to_metric_families(as_metrics(status))
    return {(one.name, next(iter(one.labels.values()), "")): one.value for family in families for one in family.samples}


def test_everything_that_harms_is_a_figure():
    found = samples(BUSY)
    assert {key: found.get(key) for key in EXPECTED} == EXPECTED


def test_what_there_is_none_of_has_no_sample():
    names = {name for name, _ in samples(replace(WELL, backup=None))}
    assert not names & {"cordwatch_backup_age_seconds", "cordwatch_entries_open", "cordwatch_language_withheld"}


@pytest.mark.parametrize("status", [WELL, BUSY], ids=["well", "busy"])
def test_counters_end_in_total_and_every_figure_is_explained(status):
    lines = as_metrics(status).splitlines()
    kinds = {line.split()[2]: line.split()[3] for line in lines if line.startswith("# TYPE")}
    assert {name for name, kind in kinds.items() if kind == "counter"} == {
        name for name in kinds if name.endswith("_total")
    }
    assert len([line for line in lines if line.startswith("# HELP")]) == len(kinds) > 25
    assert all(name.startswith("cordwatch_") for name in kinds)


@pytest.mark.parametrize("status", [WELL, BUSY], ids=["well", "busy"])
def test_prometheus_own_tool_finds_nothing_to_say(status):
    tool = shutil.which("promtool")
    assert tool is not None, "promtool is missing; .ci/programs installs it"
    checked = subprocess.run([tool, "check", "metrics"], input=as_metrics(status), capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


async def test_answers_from_500_on_are_counted_but_not_that_health_is_red():
    async def answers(request: Request) -> PlainTextResponse:
        return PlainTextResponse("", int(request.query_params["code"]))

    counted = CountedAnswers(Starlette(routes=[Route("/chat", answers), Route("/health", answers)]))
    async with AsyncClient(transport=ASGITransport(counted), base_url="http://clinic") as client:
        for path, code in (("/chat", 200), ("/chat", 404), ("/chat", 500), ("/chat", 503), ("/health", 503)):
            await client.get(path, params={"code": code})
    assert counted.server_errors == 2
