"""The rules that every make of a store keeps."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from bot.channels import Outgoing, Priority
from bot.store.rules import Wait, begins_to_wait, due_at, part_of_list, read_at, standing, supersedes
from bot.store.sessions import OpenEntry
from bot.store.sqlite.turns import ENTRY
from bot.store.worklist import Entry
from tests.kit.clinic import MONDAY

HOUR = timedelta(hours=1)
WAITS = Entry("1w", ("weakness",), MONDAY, MONDAY + HOUR, MONDAY + 12 * HOUR)
READ = replace(WAITS, acknowledged_at=MONDAY)


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        (replace(WAITS, disposition="emergency", snoozed_until=MONDAY), 0),
        (replace(WAITS, disposition="12h"), 1),
        (replace(READ, disposition="12h", trouble="not_seen"), 1),
        (replace(READ, disposition="12h", snoozed_until=MONDAY), 2),
        (replace(WAITS, trouble="not_seen"), 3),
        (WAITS, 4),
        (replace(WAITS, disposition=None), 4),
        (replace(WAITS, trouble="not_seen", snoozed_until=MONDAY), 5),
    ],
)
def test_an_entry_stands_in_its_part_of_the_list(entry, part):
    assert part_of_list(entry) == part


@pytest.mark.parametrize(
    ("entry", "moment"),
    [
        (WAITS, MONDAY + HOUR),
        (READ, MONDAY + 12 * HOUR),
        (replace(READ, call_back_at=MONDAY + 2 * HOUR), MONDAY + 2 * HOUR),
        (replace(READ, call_back_at=MONDAY + 20 * HOUR), MONDAY + 12 * HOUR),
        (replace(READ, seen_by=None), None),
        (replace(WAITS, snoozed_until=MONDAY + 3 * HOUR), MONDAY + 3 * HOUR),
    ],
)
def test_an_entry_is_due_when_somebody_must_have_acted_next(entry, moment):
    assert due_at(entry) == moment


def test_the_most_urgent_advice_stands_and_of_equals_the_first():
    late, early = OpenEntry("12h", MONDAY), OpenEntry("12h", MONDAY - HOUR)
    assert standing([OpenEntry("2w", MONDAY - 2 * HOUR), late, early]) == early
    assert standing([]) is None


@pytest.mark.parametrize("priority", Priority)
def test_only_what_is_urgent_supersedes_what_waits(priority):
    said = [Outgoing("heading"), Outgoing("advice", priority=priority)]
    assert supersedes(said) == (priority >= Priority.URGENT)


@pytest.mark.parametrize(
    ("entry", "latest", "begins"),
    [
        (WAITS, None, True),
        (WAITS, Wait(is_read=False, is_closed=False), False),
        (WAITS, Wait(is_read=True, is_closed=False), True),
        (WAITS, Wait(is_read=False, is_closed=True), True),
        (READ, Wait(is_read=True, is_closed=False), False),
        (replace(WAITS, is_open=False), Wait(is_read=True, is_closed=True), False),
    ],
)
def test_an_entry_begins_to_wait_when_it_must_be_read_anew(entry, latest, begins):
    assert begins_to_wait(entry, latest) == begins


def test_who_closes_an_entry_has_read_it():
    assert read_at(WAITS) is None
    assert read_at(READ) == MONDAY
    assert read_at(replace(WAITS, closed_at=MONDAY + HOUR)) == MONDAY + HOUR


def test_every_field_of_an_entry_is_stored():
    assert {column.name for column in ENTRY} == {field.name for field in fields(Entry)}
