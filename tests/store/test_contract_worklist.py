"""What every make of a store promises of the nurse's list."""

from __future__ import annotations

from dataclasses import replace

from bot.channels import Outgoing
from bot.store.sessions import OpenEntry
from tests.kit.builders import turn
from tests.kit.clinic import MONDAY
from tests.store.steps import HOUR, MINUTE, ROUTINE, URGENT, entry, say, send_all


async def test_an_entry_is_read_back_as_it_was_written_with_the_state_of_its_latest_advice(store):
    log = await store.open("test", "42")
    written = entry(
        "12h", trouble="not_seen", is_worse=True, is_carer=True, unread=2, owner="Ann", discounted=("lhermitte",),
        acknowledged_at=MONDAY, decided_at=MONDAY - MINUTE, closed_at=MONDAY, outcome="reached",
        last_owner="Bea", snoozed_until=MONDAY + HOUR, call_back_at=MONDAY + MINUTE, tries=2,
    )  # fmt: skip
    first = turn(log, Outgoing("wait", kind="advice"), URGENT, ROUTINE, entry=written)
    await store.append(replace(first, patient=replace(log.patient, call_back_number="+31205550100")))
    (row,) = await store.worklist(MONDAY)
    assert row.entry == written
    assert (row.session, row.patient, row.language) == (log.session, log.patient.id, "en")
    assert (row.delivery, row.call_back_number) == ("waiting", "+31205550100")
    await send_all(store)
    assert (await store.worklist(MONDAY))[0].delivery == "sent"


async def test_the_most_pressing_entry_stands_first(store):
    pressing = {
        "emergency": entry("emergency", 50),
        "12h in trouble": entry("12h", 40, trouble="not_seen", acknowledged_at=MONDAY, hours=1),
        "12h unacknowledged": entry("12h", 90, hours=20),
        "12h acknowledged": entry("12h", 1, acknowledged_at=MONDAY, hours=1),
        "most overdue": entry("2w", -60),
        "overdue and in trouble": entry("1w", -30, trouble="delivery_failed"),
        "overdue after acknowledgement": entry("1w", -90, acknowledged_at=MONDAY - HOUR, hours=0),
        "in trouble": entry("2w", 600, trouble="delivery_failed"),
        "soon": entry("2w", 100),
        "later": entry(None, 200),
        "acknowledged and never due": replace(entry(None, 5, acknowledged_at=MONDAY), seen_by=None),
    }
    for place, written in reversed(list(enumerate(pressing.values()))):
        await say(store, to=str(place), entry=written)
    await say(store, to="closed", entry=entry("emergency", is_open=False))
    assert [row.entry for row in await store.worklist(MONDAY)] == list(pressing.values())
    assert [row.entry for row in await store.worklist(MONDAY, limit=6)] == list(pressing.values())[:6]


async def test_without_a_moment_nothing_on_the_list_is_overdue(store):
    await say(store, to="1", entry=entry("2w", -60))
    await say(store, to="2", entry=entry("1w", 60, trouble="delivery_failed"))
    assert [row.entry.disposition for row in await store.worklist()] == ["1w", "2w"]


async def test_the_advice_that_stands_is_the_most_urgent_one_no_nurse_has_closed(store):
    await say(store, entry=entry("2w", decided_at=MONDAY - HOUR))
    await say(store, session=store.fresh_session(), entry=entry("12h", decided_at=MONDAY))
    await say(store, session=store.fresh_session(), entry=entry("12h", decided_at=MONDAY - MINUTE))
    await say(store, session=store.fresh_session(), entry=entry("emergency", is_open=False))
    assert (await store.open("test", "42")).open_entry == OpenEntry("12h", MONDAY - MINUTE)
    assert (await store.open("test", "43")).open_entry is None


async def test_the_advice_that_stands_counts_from_the_answer_that_decided_it(clinic):
    patient = clinic.patient()
    await patient.says("/start")
    for code in ("en", "yes", "patient", "no", "yes"):
        pending = (await patient.session()).pending
        await patient.sends(choice=f"{pending.token}:{pending.question}:{code}")
    await patient.waits(minutes=30)
    log = await clinic.store.open("test", "42")
    assert log.open_entry == OpenEntry("12h", MONDAY)
    assert (await clinic.worklist())[0].entry.opened_at > MONDAY


async def test_an_entry_without_advice_is_nothing_that_stands(store):
    await say(store, entry=entry(None))
    assert (await store.open("test", "42")).open_entry is None
