"""The audit: that every look and act is in it, that it holds no patient's words, and what leads see of it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.store.console import Role
from bot.store.reports import AuditFilter
from dialogs.events import Called, Claimed, NoteAdded
from tests.kit.clinic import MONDAY, TestClinic
from tests.kit.console_client import WEAK, Ward, hidden, opened, text_of

LEAD = Role.LEAD


@pytest_asyncio.fixture
async def ward(clinic: TestClinic) -> AsyncIterator[Ward]:
    async with opened(clinic) as ready:
        yield ready


# --- what is in it


async def test_every_look_and_act_is_written_down_with_who_and_when(ward):
    patient = await ward.patient(**WEAK)
    session = await ward.session_of(patient)
    anna = await ward.nurse("Anna", role=LEAD)
    for act, fields in (
        ("claim", {}),
        ("call", {"reached": "yes", "text": "Spoke to her."}),
        ("release", {}),
        ("close", {"outcome": "sent_mri"}),
        ("reopen", {}),
    ):
        assert (await anna.does(session, act, **fields)).status_code == 303
    await anna.sees(f"/console/entries/{session}/referral")
    found = await ward.clinic.store.reports.audit(AuditFilter(about=session), None, 100)
    acts = [one.what for one in reversed(found) if one.what != "viewed"]
    assert acts == ["Claimed", "Acknowledged", "Called", "Released", "Closed", "Reopened", "exported"]
    assert {one.who for one in found} == {"Anna"}
    assert {one.at for one in found} == {ward.clinic.clock()}
    assert "viewed" in {one.what for one in found}


async def test_no_words_of_patient_or_nurse_stand_in_it(ward):
    patient = await ward.patient(**WEAK)
    await patient.says("xylophone")
    session = await ward.session_of(patient)
    acts = (Claimed("Anna"), NoteAdded("Anna", "zeppelin"), Called("Anna", True, None, "quagmire"))
    await ward.clinic.service.review(session, acts, "form:1")
    with ward.clinic.store.snapshot() as db:
        everything = str(db.execute("select * from audit").fetchall())
    assert not [word for word in ("xylophone", "zeppelin", "quagmire") if word in everything]


async def test_a_patient_forgotten_leaves_the_chain_whole(ward):
    patient = await ward.patient(**WEAK)
    session = await ward.session_of(patient)
    await ward.clinic.service.review(session, Claimed("Anna"), "form:1")
    await ward.desk.forget_channel("test")
    assert (await ward.clinic.store.reports.verify_audit())[0] == 1


# --- the page


async def test_leads_read_it_and_nurses_do_not(ward):
    nurse, lead = await ward.nurse("Anna"), await ward.nurse("Lea", role=LEAD)
    for address in ("/console/audit", "/console/audit.csv"):
        assert (await nurse.client.get(address)).status_code == 403
        assert (await lead.client.get(address)).status_code == 200
    assert "/console/audit" not in await nurse.sees("/console/hand-over")
    token = hidden(await nurse.sees("/console/hand-over"), "token")
    assert (await nurse.client.post("/console/audit/verify", data={"token": token})).status_code == 403


async def test_the_page_finds_by_person_by_act_and_by_session(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna, lead = await ward.nurse("Anna"), await ward.nurse("Lea", role=LEAD)
    await anna.sees(f"/console/entries/{session}")
    everything = await lead.sees("/console/audit")
    assert everything.count("<tr>") - 1 == 3
    for query, rows in (("who=Anna", 2), ("what=viewed", 1), (f"about={session}", 1), ("who=Anna&what=signed_in", 1)):
        assert (await lead.sees(f"/console/audit?{query}")).count("<tr>") - 1 == rows
    assert "No row fits." in text_of(await lead.sees("/console/audit?who=Nobody"))


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", "before=99999999999999999999", "what=%3Cscript%3E", "about=" + "a" * 500]
)
async def test_the_page_bears_any_query(ward, query):
    lead = await ward.nurse("Lea", role=LEAD)
    assert "<script>" not in await lead.sees(f"/console/audit?{query}")


async def test_older_rows_are_a_page_further(ward):
    lead = await ward.nurse("Lea", role=LEAD)
    for number in range(120):
        await ward.desk.audit("Anna", "viewed", f"s{number}", MONDAY)
    first = await lead.sees("/console/audit")
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None
    rest = await lead.sees(older[1].replace("&amp;", "&"))
    assert (first.count("<tr>") - 1, rest.count("<tr>") - 1) == (100, 21)


async def test_the_lead_verifies_it_on_the_page_and_is_told_of_tampering(ward):
    lead = await ward.nurse("Lea", role=LEAD)
    token = hidden(await lead.sees("/console/audit"), "token")
    good = await lead.client.post("/console/audit/verify", data={"token": token})
    assert "as it was written" in text_of(good.text)

    def tampers(db: sqlite3.Connection) -> None:
        db.execute("drop trigger audit_refuse_update")
        db.execute("update audit set who = 'Anna' where seq = 1")

    await ward.clinic.store.write(tampers)
    bad = await lead.client.post("/console/audit/verify", data={"token": token})
    assert "has been tampered with" in text_of(bad.text)
    assert "Row 1 is altered" in text_of(bad.text)


async def test_its_file_is_written_down_and_starts_no_formula(ward):
    lead = await ward.nurse("Lea", role=LEAD)
    await ward.desk.audit("=cmd|'/c calc'!A1", "viewed", "@session", MONDAY)
    text = (await lead.client.get("/console/audit.csv")).text
    assert "'=cmd" in text
    assert ",\"'@session" in text
    assert [one.what for one in await ward.desk.audited("audit")] == ["exported"]
