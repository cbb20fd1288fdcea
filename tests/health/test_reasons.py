"""Each reason of the table: when it holds, how it reads, whether a new start may mend it, where it is documented."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.channels import ChannelStatus
from bot.health.backup import Backup, read
from bot.health.reasons import REASONS, Restart
from bot.health.status import AS_IT_SHOULD_BE, DISK_FULL_BYTES, DISK_LOW_BYTES, Status, TaskState
from bot.store.vitals import Commits, OpenEntries

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WELL = Status(
    at=NOON,
    started_at=NOON - DAY,
    channels={"telegram": ChannelStatus(polled_at=NOON, is_polled=True), "web": ChannelStatus()},
    tasks=(TaskState("outbox", timedelta(0)), TaskState("probe", timedelta(0))),
    accounts=2,
    backup=Backup(NOON - HOUR, "/backup/1.db", 100),
)


def with_task(name: str = "outbox", **state: object) -> Status:
    return replace(WELL, tasks=(TaskState(name, timedelta(seconds=95), **state),))  # type: ignore[arg-type]


def with_channel(**state: object) -> Status:
    return replace(WELL, channels={"telegram": ChannelStatus(**state)})  # type: ignore[arg-type]


def with_entries(tier: str | None, accounts: int = 2, overdue: int = 0) -> Status:
    return replace(WELL, accounts=accounts, entries=(OpenEntries(tier, 3, overdue, NOON),))


CASES = {
    "unanswered": (replace(WELL, unanswered=61 * MINUTE / 60), replace(WELL, unanswered=59 * MINUTE / 60)),
    "parked": (replace(WELL, parked=1), WELL),
    "probe": (with_task("probe", is_failing=True, error="OSError"), with_task("probe", failures=1, error="OSError")),
    "channel": (with_channel(trouble="wrong token"), with_channel()),
    "poll": (
        with_channel(is_polled=True, polled_at=NOON - 2 * MINUTE),
        with_channel(is_polled=True, polled_at=NOON - MINUTE),
    ),
    "undelivered": (replace(WELL, oldest_waiting=2 * MINUTE), replace(WELL, oldest_waiting=MINUTE)),
    "wake": (replace(WELL, wake_lag=2 * MINUTE), replace(WELL, wake_lag=MINUTE)),
    "unread": (with_entries("emergency", accounts=0), with_entries("emergency")),
    "task_ends": (with_task(vain_ends=2, error="returned"), with_task(vain_ends=1)),
    "task_fails": (with_task(is_failing=True, error="OSError"), with_task()),
    "task_hangs": (with_task(is_silent=True), with_task()),
    "dead_writer": (replace(WELL, has_writer_died=True), WELL),
    "database": (replace(WELL, commits=Commits(5, 1, "OperationalError")), replace(WELL, commits=Commits(5, 1))),
    "unreadable": (replace(WELL, unreadable="DatabaseError"), WELL),
    "broken": (replace(WELL, faults=("Tree 5 page 9: never used",)), WELL),
    "file_gone": (replace(WELL, place=replace(AS_IT_SHOULD_BE, is_there=False, is_same=False)), WELL),
    "file_replaced": (replace(WELL, place=replace(AS_IT_SHOULD_BE, is_same=False)), WELL),
    "disk_full": (
        replace(WELL, place=replace(AS_IT_SHOULD_BE, free_bytes=DISK_FULL_BYTES - 1)),
        replace(WELL, place=replace(AS_IT_SHOULD_BE, free_bytes=DISK_FULL_BYTES)),
    ),
    "clock": (replace(WELL, clock_off=-2 * HOUR), replace(WELL, clock_off=-MINUTE / 2)),
    "backup_lost": (replace(WELL, backup=Backup(NOON - 8 * DAY, "", 0)), replace(WELL, backup=None)),
    "task_ended": (with_task(failures=1, has_failed_lately=True), with_task(failures=1)),
    "overdue": (with_entries("2w", overdue=1), with_entries("2w")),
    "no_account": (replace(WELL, accounts=0), WELL),
    "backup_none": (replace(WELL, backup=None), WELL),
    "backup_old": (replace(WELL, backup=Backup(NOON - 2 * DAY, "", 0)), WELL),
    "disk": (
        replace(WELL, place=replace(AS_IT_SHOULD_BE, free_bytes=DISK_LOW_BYTES - 1)),
        replace(WELL, place=replace(AS_IT_SHOULD_BE, free_bytes=DISK_LOW_BYTES)),
    ),
}
"""By name of the reason: where it holds, and its nearest miss."""


def names(status: Status) -> list[str]:
    return [one.reason.name for one in status.troubles]


def test_where_all_is_well_there_is_no_reason():
    assert names(WELL) == []


def test_every_reason_has_a_case():
    assert CASES.keys() == REASONS.keys()


@pytest.mark.parametrize("name", REASONS)
def test_a_reason_holds_and_its_nearest_miss_does_not(name):
    holds, misses = CASES[name]
    assert names(holds) == [name]
    assert name not in names(misses)
    (words,) = holds.reasons if REASONS[name].is_red else holds.warnings
    assert REASONS[name].remedy in words
    assert "{" not in words


def test_a_reason_is_a_sentence_and_a_remedy_in_plain_words():
    for one in REASONS.values():
        assert len(one.sentence) >= 20, one.name
        assert len(one.remedy) >= 15, one.name
        assert not one.remedy.endswith("."), one.name


# --- what a new start of the process mends


@pytest.mark.parametrize("name", REASONS)
def test_only_what_a_new_start_may_mend_asks_for_one(name):
    status, restart = CASES[name][0], REASONS[name].restart
    is_mended_at_once = restart is Restart.MAY_MEND
    is_mended_later = is_mended_at_once or restart is Restart.MAY_MEND_LATER
    assert status.is_better_left_alone(MINUTE, 10 * MINUTE) is not is_mended_at_once
    assert status.is_better_left_alone(10 * MINUTE, 10 * MINUTE) is not is_mended_later


@pytest.mark.parametrize("name", [one.name for one in REASONS.values() if one.restart is Restart.DOES_HARM])
def test_no_new_start_is_asked_for_where_it_does_harm(name):
    hangs = CASES["task_hangs"][0].tasks
    assert replace(CASES[name][0], tasks=hangs).is_better_left_alone(HOUR, 10 * MINUTE)


# --- the proof of a backup


def test_the_proof_of_a_backup_is_read():
    proof = '{"at": "2026-11-23T11:00:00+00:00", "file": "/b/1.db", "events": 7, "audit_head": "1:ab"}'
    assert read(proof) == Backup(NOON - HOUR, "/b/1.db", 7)


@pytest.mark.parametrize("proof", [None, "", "null", "[]", "{}", '{"at": 1}', '{"at": "2026-11-23T11:00:00"}', "{"])
def test_what_is_no_proof_is_none(proof):
    assert read(proof) is None


# --- the documents


def test_every_reason_and_remedy_is_documented_as_it_stands_in_the_code():
    page = (Path(__file__).parents[2] / "docs/health.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (red|warning) \| `(\w+)` \| (.+?) \| (.+?) \|$", page, re.M)
    plain = {one: re.sub(r"\{(\w+)(?:!r)?\}", r"*\1*", one) for row in REASONS.values() for one in (row.sentence,)}
    assert rows == [
        ("red" if one.is_red else "warning", one.name, plain[one.sentence], one.remedy) for one in REASONS.values()
    ]
