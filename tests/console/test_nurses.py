"""Administrators keep the accounts in the console, over real HTTP; who has no right is refused and told nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from click.testing import CliRunner

from bot import app
from bot.cli.main import main
from bot.clinic.settings import DEMO, load
from bot.store.console import Role
from bot.store.reports import AuditFilter
from tests.kit.clinic import TestClinic
from tests.kit.console_client import WEAK, Sister, Ward, hidden, opened, text_of

NEW = {"name": "Kim Bos", "email": "kim@clinic.example", "role": "nurse", "own": "nl", "reads_en": "yes"}


@pytest_asyncio.fixture
async def ward(clinic: TestClinic) -> AsyncIterator[Ward]:
    async with opened(clinic) as ready:
        yield ready


@pytest_asyncio.fixture
async def admin(ward: Ward) -> Sister:
    return await ward.nurse("Ada", role=Role.ADMINISTRATOR)


async def keeps(admin: Sister, act: str, **fields: str) -> httpx.Response:
    token = hidden(await admin.sees("/console/nurses"), "token")
    return await admin.client.post(f"/console/nurses/{act}", data={"token": token, **fields})


async def id_of(ward: Ward, name: str) -> str:
    return (await ward.account(name)).id


async def chooses(ward: Ward, page: str, password: str) -> int:
    """Follows the link that the page gives, in a browser of her own."""
    link = re.search(r'<code class="key">([^<]+)', page)
    assert link, text_of(page)
    response = await (await ward.browser()).post(link[1], data={"password": password, "again": password})
    return response.status_code


async def signs_in(ward: Ward, email: str, password: str) -> int:
    client = await ward.browser()
    return (await client.post("/console/sign-in", data={"email": email, "password": password})).status_code


async def deeds(ward: Ward) -> list[tuple[str, str, str]]:
    rows = await ward.clinic.store.reports.audit(AuditFilter(), None, 50)
    return [(one.who, one.what, one.about) for one in rows if one.what.endswith("_nurse")][::-1]


async def test_somebody_new_gets_a_link_chooses_a_password_and_signs_in(ward, admin):
    page = (await keeps(admin, "add", **NEW)).text
    assert "Give this link to Kim Bos" in text_of(page)
    assert await chooses(ward, page, "correct horse battery") == 303
    assert await chooses(ward, page, "another one entirely") == 403
    assert await signs_in(ward, "kim@clinic.example", "correct horse battery") == 303
    kim = await ward.desk.nurse("Kim Bos")
    assert kim
    assert (kim.role, kim.languages) == (Role.NURSE, ("nl", "en"))
    assert await deeds(ward) == [("Ada", "added_nurse", "Kim Bos")]


async def test_a_form_is_read_without_what_no_store_takes(ward, admin):
    assert (await keeps(admin, "add", **{**NEW, "name": "Kim\0 Bos\0"})).status_code < 400
    assert [one.name for one in await ward.desk.nurses() if one.email == NEW["email"]] == ["Kim Bos"]


async def test_who_is_disabled_is_out_at_once_and_a_reset_lets_her_in_again(ward, admin):
    anna = await ward.nurse("Anna")
    account = await id_of(ward, "Anna")
    gone = await keeps(admin, "disable", nurse=account)
    assert "Anna is signed out everywhere" in text_of(gone.text)
    assert (await anna.client.get("/console")).status_code == 401
    page = (await keeps(admin, "reset", nurse=account)).text
    assert await chooses(ward, page, "correct horse battery") == 303
    assert await signs_in(ward, "anna@clinic.example", "correct horse battery") == 303
    assert await deeds(ward) == [("Ada", "disabled_nurse", "Anna"), ("Ada", "reset_nurse", "Anna")]
    assert (await ward.clinic.store.reports.verify_audit())[0] > 3


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": "Ada"}, "Another account has this name"),
        ({"email": "ADA@clinic.example"}, "Another account has this e-mail address"),
        ({"name": " "}, "Fill in a name"),
        ({"name": "x" * 101}, "Fill in a name"),
        ({"name": "Kim\u202eBos"}, "Fill in a name"),
        ({"email": "kim"}, "Fill in a name"),
        ({"role": "god"}, "Fill in a name"),
        ({"own": "xx", "reads_en": ""}, "Fill in a name"),
    ],
)
async def test_an_account_that_cannot_be_made_says_why_and_keeps_what_was_written(ward, admin, change, problem):
    response = await keeps(admin, "add", **{**NEW, **change})
    assert response.status_code == 422
    assert problem in text_of(response.text)
    assert await deeds(ward) == []
    if "email" not in change:
        assert 'value="kim@clinic.example"' in response.text


@pytest.mark.parametrize("act", ["disable", "reset"])
async def test_nobody_locks_herself_out(ward, admin, act):
    assert (await keeps(admin, act, nurse=await id_of(ward, "Ada"))).status_code == 422
    assert (await keeps(admin, act, nurse="nobody")).status_code == 404
    assert await deeds(ward) == []


@pytest.mark.parametrize("role", [Role.NURSE, Role.LEAD])
async def test_only_administrators_see_or_change_accounts(ward, role):
    someone = await ward.nurse("Lea", role=role)
    page = await someone.sees()
    assert "/console/nurses" not in page
    assert (await someone.client.get("/console/nurses")).status_code == 403
    for act in ("add", "disable", "reset"):
        fields = {**NEW, "token": hidden(page, "token"), "nurse": await id_of(ward, "Lea")}
        response = await someone.client.post(f"/console/nurses/{act}", data=fields)
        assert response.status_code == 403
        assert "This is not for your role" in text_of(response.text)
    assert [one.name for one in await ward.desk.nurses()] == ["Lea"]


@pytest.mark.parametrize("path", ["/console/audit", "/console/audit.csv", "/console/nurses"])
async def test_a_nurse_without_the_right_is_refused_and_told_nothing(ward, path):
    session = await ward.session_of(await ward.patient(**WEAK))
    await ward.account("Ada", role=Role.ADMINISTRATOR)
    response = await (await ward.nurse("Anna")).client.get(path)
    assert response.status_code == 403
    assert "This is not for your role" in text_of(response.text)
    assert session not in response.text
    assert "Ada" not in response.text


async def test_a_patient_whose_session_is_gone_is_answered_like_one_who_never_was(ward):
    """As after an erasure while the page was open: its parts and its forms find nothing, and name nobody."""
    session = await ward.session_of(await ward.patient(**WEAK))
    anna = await ward.nurse("Anna")
    page = await anna.sees(f"/console/entries/{session}")
    for missing in ("0" * 16, "..%2f..", "%00", "x" * 2000):
        for part in ("", "/live", "/referral"):
            response = await anna.client.get(f"/console/entries/{missing}{part}")
            assert response.status_code == 404
            assert session not in response.text
    for act in ("claim", "note", "reply", "close", "baseline", "reopen"):
        fields = {"token": hidden(page, "token"), "text": "x", "outcome": "duplicate", "question": "weakness"}
        response = await anna.client.post(f"/console/entries/{'0' * 16}/{act}", data=fields)
        assert response.status_code == 404
        assert session not in response.text


# --- settings and commands


@pytest.mark.parametrize(("said", "goes_to"), [("true", "/console/account#code"), ("false", None)])
async def test_the_clinic_decides_whether_leads_need_one_time_codes(tmp_path: Path, said, goes_to):
    text = DEMO.read_text(encoding="utf-8")
    path = tmp_path / "clinic.toml"
    path.write_text(text.replace("leads_need_codes = false", f"leads_need_codes = {said}"), encoding="utf-8")
    async with app.opened(load(path, {})) as running:
        accounts = running.console.accounts
        lead = await accounts.add("Lea", "lea@clinic.example", Role.LEAD, ("en",))
        link = await accounts.new_link(lead, "sign_in", timedelta(hours=1))
        transport = httpx.ASGITransport(running.web)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            await client.get(f"/console/sign-in/{link}")
            response = await client.get("/console")
            assert response.headers.get("location") == goes_to
            assert response.status_code == (303 if goes_to else 200)


async def test_the_command_names_the_page_while_the_service_runs(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("BOT_DATABASE", str(tmp_path / "clinic.db"))
    monkeypatch.setenv("BOT_LISTEN", "127.0.0.1:8099")
    async with app.opened(load(None, {"BOT_DATABASE": str(tmp_path / "clinic.db")})):
        arguments = ["nurse", "add", "Kim", "kim@clinic.example"]
        result = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    assert result.exit_code == 1
    assert "http://127.0.0.1:8099/console/nurses" in result.output
