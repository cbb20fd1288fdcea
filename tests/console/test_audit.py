"""The audit: that every look and act is in it, that it holds no patient's words, and that tampering shows."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from click.testing import CliRunner

from bot.cli.main import main
from bot.store.console import AuditBroken, Role
from bot.store.reports import AuditFilter
from bot.store.sqlite import audit as sqlite_audit
from bot.store.sqlite.audit import AT_ONCE
from bot.store.sqlite.console import SqliteDesk
from bot.store.sqlite.reports import AUDIT, SqliteReports
from bot.store.sqlite.store import SqliteStore
from dialogs.events import Called, Claimed, NoteAdded
from tests.kit.clinic import MONDAY, TestClinic
from tests.kit.console_client import WEAK, Ward, hidden, opened, text_of

LEAD = Role.LEAD


@pytest_asyncio.fixture
async def ward(clinic: TestClinic) -> AsyncIterator[Ward]:
    async with opened(clinic) as ready:
        yield ready


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A database whose audit has five rows; nobody has it open."""
    path = tmp_path / "audit.db"
    store = SqliteStore(path)
    desk = SqliteDesk(store)
    for number, what in enumerate(("signed_in", "viewed", "exported", "viewed", "signed_in")):
        await desk.audit(f"Nurse {number}", what, f"session {number}", MONDAY + timedelta(minutes=number))
    await store.close()
    return path


def tamper(path: Path, *statements: str) -> None:
    """As somebody with the file and a SQLite shell would."""
    with sqlite3.connect(path) as db:
        for trigger in ("audit_refuse_update", "audit_refuse_delete"):
            db.execute(f"drop trigger {trigger}")
        for statement in statements:
            db.execute(statement)


async def verified(path: Path, head: str | None = None) -> tuple[int, str]:
    store = SqliteStore(path, is_reader=True)
    try:
        return await SqliteReports(store).verify_audit(head)
    finally:
        await store.close()


# --- the chain


async def test_an_untouched_audit_is_whole(path):
    rows, head = await verified(path)
    assert rows == 5
    assert re.fullmatch(r"5:[0-9a-f]{64}", head)


@pytest.mark.parametrize(
    ("what", "statements", "found_at"),
    [
        ("when", ["update audit set at = '2026-11-23T10:00:00.000000+00:00' where seq = 3"], 3),
        ("who", ["update audit set who = 'Nurse 9' where seq = 3"], 3),
        ("what", ["update audit set what = 'viewed' where seq = 3"], 3),
        ("about whom", ["update audit set about = 'session 9' where seq = 3"], 3),
        ("the digest of what was written", ["update audit set digest = 'ab' where seq = 3"], 3),
        ("the link", ["update audit set link = (select link from audit where seq = 2) where seq = 3"], 3),
        ("the last row", ["update audit set who = 'Nurse 9' where seq = 5"], 5),
        ("the first row", ["update audit set who = 'Nurse 9' where seq = 1"], 1),
    ],
)
async def test_an_altered_row_is_found(path, what, statements, found_at):
    tamper(path, *statements)
    with pytest.raises(AuditBroken, match="not as it was written") as broken:
        await verified(path)
    assert broken.value.seq == found_at


@pytest.mark.parametrize("gone", [1, 3, 5])
async def test_a_missing_row_is_found_also_the_first_and_the_last(path, gone):
    tamper(path, f"delete from audit where seq = {gone}")
    with pytest.raises(AuditBroken, match="is missing") as broken:
        await verified(path)
    assert broken.value.seq == gone


async def test_a_missing_row_is_found_when_the_others_have_moved_up(path):
    tamper(path, "delete from audit where seq = 3", "update audit set seq = seq - 1 where seq > 3")
    with pytest.raises(AuditBroken) as broken:
        await verified(path)
    assert broken.value.seq == 3


async def test_an_audit_with_no_row_left_is_found(path):
    tamper(path, "delete from audit")
    with pytest.raises(AuditBroken, match="row 1: is missing"):
        await verified(path)


async def test_rows_in_another_order_are_found(path):
    tamper(
        path,
        "update audit set seq = 99 where seq = 2",
        "update audit set seq = 2 where seq = 3",
        "update audit set seq = 3 where seq = 99",
    )
    with pytest.raises(AuditBroken, match="not in its place") as broken:
        await verified(path)
    assert broken.value.seq == 2


async def test_a_row_put_in_between_is_found(path):
    tamper(
        path,
        "update audit set seq = seq + 10 where seq > 2",
        "update audit set seq = seq - 9 where seq > 10",
        "insert into audit select 3, at, who, what, about, digest, link from audit where seq = 2",
    )
    with pytest.raises(AuditBroken) as broken:
        await verified(path)
    assert broken.value.seq == 3


async def test_an_end_that_was_cut_off_with_care_is_found_by_the_head_that_was_noted_down(path):
    _, head = await verified(path)
    tamper(
        path,
        "delete from audit where seq > 3",
        "update settings set value = (select seq || ':' || link from audit where seq = 3) where key = 'audit_head'",
    )
    assert (await verified(path))[0] == 3
    with pytest.raises(AuditBroken, match="missing at the end"):
        await verified(path, head)


async def test_a_chain_forged_with_the_key_is_found_by_the_head_that_was_noted_down(path):
    _, head = await verified(path)
    tamper(path, "delete from audit", "update settings set value = '0:' where key = 'audit_head'")
    store = SqliteStore(path)
    for number in range(7):
        await SqliteDesk(store).audit("Nurse 9", "viewed", f"session {number}", MONDAY)
    await store.close()
    assert (await verified(path))[0] == 7
    with pytest.raises(AuditBroken, match="noted down") as broken:
        await verified(path, head)
    assert broken.value.seq == 5


async def test_the_store_itself_refuses_to_change_or_delete_a_row(path):
    with sqlite3.connect(path) as db:
        for statement in ("update audit set who = 'x'", "delete from audit"):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                db.execute(statement)


async def test_a_chain_longer_than_one_reading_is_checked_to_its_end(tmp_path):
    store = SqliteStore(tmp_path / "long.db")
    desk, reports = SqliteDesk(store), SqliteReports(store)

    def fill(db: sqlite3.Connection) -> None:
        for number in range(AT_ONCE * 2 + 1):
            sqlite_audit.add(db, "2026-11-23T09:00:00.000000+00:00", "Anna", "viewed", f"session {number}")

    await store.write(fill)
    await desk.audit("Bert", "viewed", "session", MONDAY)
    assert (await reports.verify_audit())[0] == AT_ONCE * 2 + 2
    await store.close()


def test_the_command_says_whether_it_is_whole(path):
    environment = {"BOT_DATABASE": str(path)}
    good = CliRunner().invoke(main, ["audit", "verify"], env=environment)
    assert good.exit_code == 0
    assert "5 rows, all as they were written." in good.output
    head = good.output.split()[-1]
    assert CliRunner().invoke(main, ["audit", "verify", "--head", head], env=environment).exit_code == 0
    assert CliRunner().invoke(main, ["audit", "verify", "--head", "yesterday"], env=environment).exit_code == 2
    tamper(path, "update audit set who = 'x' where seq = 4")
    bad = CliRunner().invoke(main, ["audit", "verify"], env=environment)
    assert bad.exit_code == 1
    assert "row 4" in bad.output


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
    found = await SqliteReports(ward.clinic.store).audit(AuditFilter(about=session), None, 100)
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
    assert (await SqliteReports(ward.clinic.store).verify_audit())[0] == 1


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


@pytest.mark.parametrize("kind", AUDIT)
async def test_no_query_of_the_audit_reads_the_whole_table(ward, kind):
    values = {"who": "Anna", "what": "viewed", "about": "s", "before": 10, "limit": 5}
    with ward.clinic.store.snapshot() as db:
        plan = [row[3] for row in db.execute(f"explain query plan {AUDIT[kind]}", values)]
    assert all(line.startswith("SEARCH audit USING") for line in plan), plan
