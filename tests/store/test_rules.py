"""The rules that every make of a store keeps."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from bot.channels import Outgoing, Priority
from bot.store.audit_chain import AuditRow, digest_of, head_of, number_of
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


# --- the chain of the audit

KEY = b"a key"
ROW = AuditRow(2, "2026-11-23T09:00:00.000000+00:00", "Anna", "viewed", "session 1", "ab")


def test_a_link_is_the_same_for_ever():
    """Chains that clinics have begun go on: neither the digest nor the order of its parts may change."""
    assert ROW.link(KEY, "ef") == "1f09d3aa169091ea1216a2f1a68d1f020b0f72eb41086a94e34cb2cc8b6f0f54"


@pytest.mark.parametrize("field", [field.name for field in fields(AuditRow)])
def test_a_link_holds_each_field_of_its_row(field):
    other = replace(ROW, **{field: 3 if field == "seq" else "other"})
    assert ROW.is_link(KEY, "ef", ROW.link(KEY, "ef"))
    assert not other.is_link(KEY, "ef", ROW.link(KEY, "ef"))


def test_a_link_holds_the_one_before_and_the_key():
    link = ROW.link(KEY, "ef")
    assert not ROW.is_link(KEY, "", link)
    assert not ROW.is_link(b"another", "ef", link)


def test_fields_do_not_run_into_each_other():
    moved = replace(ROW, who="Annav", what="iewed")
    assert moved.link(KEY, "ef") != ROW.link(KEY, "ef")


def test_only_words_have_a_digest():
    assert digest_of(KEY, "") == ""
    assert digest_of(KEY, "her words") != digest_of(b"another", "her words")


def test_a_head_tells_how_long_its_chain_is():
    assert number_of(head_of(12, "ef")) == 12
    assert number_of("no head") == number_of("") == 0
