"""What every make of a store promises of how it does: what /health and /metrics ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.store.console import Nurse, Role
from bot.store.vitals import KEPT_PROBES, OpenEntries, Probe
from tests.kit.clinic import MONDAY
from tests.store.steps import HOUR, MINUTE, entry, say

NURSE = Nurse("n1", "Anna", "anna@clinic.example", Role.NURSE, ("en",))


async def test_somebody_can_sign_in_with_an_account_that_is_active_and_has_a_password(store, desk):
    await desk.add_nurse(NURSE, MONDAY)
    assert await store.accounts() == 0
    await desk.change_nurse(replace(NURSE, password="hash"))
    assert await store.accounts() == 1
    await desk.change_nurse(replace(NURSE, password="hash", is_active=False))
    assert await store.accounts() == 0


async def test_the_last_probes_are_kept_the_latest_first_and_no_patient_is_made(store):
    probes = [Probe(MONDAY + timedelta(seconds=number), "answered", number / 10) for number in range(KEPT_PROBES + 5)]
    for probe in probes:
        await store.add_probe(probe)
    assert list(await store.probes()) == probes[:4:-1]
    assert list(await store.worklist(MONDAY)) == []
    assert await store.waiting() == (0, None)


async def test_every_commit_is_counted(store):
    before = store.commits.done
    await say(store)
    await say(store)
    assert (store.commits.done - before, store.commits.failed, store.commits.error) == (2, 0, None)


async def test_open_entries_are_counted_by_disposition_with_what_is_overdue_and_the_oldest_unread(store):
    for number, written in enumerate(
        (
            entry("12h", -10),
            replace(entry("12h", 30), opened_at=MONDAY - HOUR),
            entry("12h", 30, acknowledged_at=MONDAY),
            entry("1w", 90, acknowledged_at=MONDAY),
            entry(None, 90),
            entry("emergency", is_open=False, closed_at=MONDAY),
        )
    ):
        await say(store, to=str(number), entry=written)
    found = {one.disposition: one for one in await store.open_entries_by_disposition(MONDAY)}
    assert found.keys() == {"12h", "1w", None}
    assert found["12h"] == OpenEntries("12h", 3, 1, MONDAY - HOUR)
    assert found["1w"] == OpenEntries("1w", 1, 0, None)


async def test_a_store_that_nobody_harmed_is_whole_and_where_it_was(store):
    await say(store, at=MONDAY + MINUTE)
    assert list(await store.quick_check()) == []
    place = store.place()
    assert (place.is_there, place.is_same, place.free_bytes > 0) == (True, True, True)


async def test_what_is_open_is_copied_whole_into_a_file(store, tmp_path):
    await say(store)
    copy = tmp_path / "copy"
    copy.touch()
    await store.copy_open(copy)
    assert copy.stat().st_size > 0
    assert list(await store.quick_check()) == []
