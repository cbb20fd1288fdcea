"""Alerts on nurses' own Telegram, over the wire: linking, what they say and do not say, taking, unlinking."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.channels import Incoming, Pace
from bot.console.accounts import Accounts
from bot.service.alerts import Alerts
from bot.service.outbox import Outbox
from bot.store.console import Nurse, Role
from bot.store.sqlite.console import SqliteDesk
from bot.store.sqlite.migrations import MIGRATIONS
from bot.store.sqlite.nurse_chats import SqliteNurseChats
from dialogs.events import Acknowledged, Claimed, Closed, DeliveryFailed
from tests.kit.botapi.server import BotApi
from tests.kit.botapi.users import User
from tests.kit.clinic import Patient, TestClinic
from tests.kit.telegram import Settings, channel_to

BASE = "https://check.example.org"
FAST = Pace(messages_per_second=1e6, messages_per_second_per_chat=1e6, burst_per_chat=1_000_000)
BACK = {"back_or_neck_pain": "yes", "pain_course": "same"}
WEAK = {"weakness": "yes", "weakness_change": "new_or_worse"}
NUMBERS_OF_DEMO = ("+31 20 555 0100", "112")


@dataclass
class Ward:
    """A clinic whose patients talk by a scripted channel, and whose nurses have Telegram."""

    clinic: TestClinic
    telegram: BotApi
    alerts: Alerts
    desk: SqliteDesk
    accounts: Accounts

    async def nurse(self, name: str = "Anna Smit", language: str = "en") -> Nurse:
        email = f"{name.split()[0].lower()}@clinic.example"
        return await self.accounts.add(name, email, Role.NURSE, (language,))

    async def code(self, nurse: Nurse) -> str:
        return await self.alerts.new_code(nurse, self.clinic.clock())

    async def linked(self, nurse: Nurse, user_id: int = 7) -> User:
        user = self.telegram.user(user_id)
        await user.says(f"/link {await self.code(nurse)}")
        await user.sees("this chat now gets alerts")
        return user

    async def patient(self, address: str = "42", **findings: str) -> Patient:
        patient = self.clinic.patient(address)
        await patient.says("/start")
        return await patient.answers(**{"more": "no", **findings})

    async def events(self, patient: Patient, kind: type) -> list[object]:
        log = await self.clinic.store.load((await patient.session()).id)
        return [one.event for one in log.events if isinstance(one.event, kind)]

    async def sessions(self, channel: str = "telegram") -> int:
        query = "select count(*) from sessions where channel = ?"
        with self.clinic.store.snapshot() as db:
            return int(db.execute(query, (channel,)).fetchone()[0])


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Ward]:
    async with TestClinic.opened(path) as clinic, BotApi() as server:
        channel, desk = channel_to(server, Settings(), pace=FAST), SqliteDesk(clinic.store)
        signals = clinic.service.signals
        by_name = {channel.name: channel}
        alerts = Alerts(clinic.store, SqliteNurseChats(clinic.store), clinic.clinic, clinic.clock, signals, BASE)
        clinic.restarts(alerts)
        outbox = Outbox(clinic.store, by_name, clinic.clock, clinic.service.delivery_failed, signals)
        listening = channel.listen(clinic.service.receive)
        tasks = [asyncio.create_task(one) for one in (listening, outbox.run(), clinic.service.run_alarms())]
        try:
            yield Ward(clinic, server, alerts, desk, Accounts(desk, clinic.clock))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await channel.close()


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    async with opened(tmp_path / "clinic.db") as found:
        yield found


# --- what an alert says


async def test_an_urgent_entry_is_told_with_a_link_and_nothing_about_the_patient(ward):
    anna = await ward.linked(await ward.nurse())
    patient = await ward.patient(**WEAK)
    alert = await anna.sees("An urgent entry is waiting")
    session = (await patient.session()).id
    link = f"{BASE}/console/entries/{session}"
    assert alert.text == f"An urgent entry is waiting\nA nurse must read it by 10:30.\n{link}"
    assert list(alert.buttons) == ["Take it"]


async def test_an_alert_is_in_her_own_language(ward):
    nurse = await ward.nurse("Sam de Vries", "nl")
    user = ward.telegram.user(7)
    await user.says(f"/link {await ward.code(nurse)}")
    await user.sees("Sam de Vries")
    await ward.patient(emergency_signs="yes")
    assert "10:10" in (await user.sees(lambda shown: "Neem" in "".join(shown.buttons))).text


@pytest.mark.parametrize("findings", [{}, BACK, {**BACK, "radiating_pain": "one_side"}])
async def test_what_can_wait_for_the_next_look_at_the_list_is_not_told(ward, findings):
    anna = await ward.linked(await ward.nurse())
    await ward.patient(**findings)
    await ward.patient("43", **WEAK)
    await anna.sees("An urgent entry is waiting")
    assert len([one for one in anna.chat if one.is_bots]) == 2


async def test_an_emergency_goes_out_before_an_alert_of_12_hours(ward):
    await ward.linked(await ward.nurse())
    await ward.patient(**WEAK)
    await ward.patient("43", emergency_signs="yes")
    with ward.clinic.store.snapshot() as db:
        rows = db.execute("select urgency, session from outbox where kind = 'alert' and token is not null order by id")
        assert rows.fetchall() == [(2, None), (3, None)]


async def test_each_nurse_is_told_once_and_again_when_it_gets_graver(ward):
    anna = await ward.linked(await ward.nurse())
    bert = await ward.linked(await ward.nurse("Bert Bos"), 8)
    patient = ward.clinic.patient()
    await patient.says("/start")
    await patient.answers(**WEAK, **BACK, more="yes")
    ward.clinic.telephones.blocked.add("42")
    await patient.says("/help")
    for user in (anna, bert):
        await ward.telegram.until(lambda user=user: [one.text[:9] for one in user.chat].count("An urgent") == 1)
    await patient.says("/emergency")
    for user in (anna, bert):
        await ward.telegram.until(lambda user=user: [one.text[:9] for one in user.chat].count("An urgent") >= 2)


async def test_an_alert_is_not_part_of_what_the_patient_was_told(ward):
    await ward.linked(await ward.nurse())
    patient = await ward.patient(**WEAK)
    said = await ward.clinic.store.transcript((await patient.session()).id)
    assert [one for one in said if one.outgoing.kind == "alert"] == []


# --- taking


async def test_she_takes_the_entry_from_telegram(ward):
    anna = await ward.linked(await ward.nurse())
    patient = await ward.patient(**WEAK)
    await anna.taps("Take it")
    await anna.sees("say that you have read it")
    assert await ward.events(patient, Claimed) == [Claimed("Anna Smit")]
    assert await ward.events(patient, Acknowledged) == []
    assert [row.entry.owner for row in await ward.clinic.worklist()] == ["Anna Smit"]
    await ward.telegram.until(lambda: anna.toasts == ["It is yours."])
    await ward.telegram.until(lambda: not any(one.buttons for one in anna.chat))


async def test_of_two_who_take_it_one_has_it_and_the_other_is_told_who(ward):
    anna = await ward.linked(await ward.nurse())
    bert = await ward.linked(await ward.nurse("Bert Bos"), 8)
    patient = await ward.patient(**WEAK)
    await anna.taps("Take it")
    await anna.sees("It is yours")
    await bert.taps("Take it")
    await bert.sees("Anna Smit has it already.")
    assert await ward.events(patient, Claimed) == [Claimed("Anna Smit")]


async def test_taking_a_closed_entry_changes_nothing(ward):
    anna = await ward.linked(await ward.nurse())
    patient = await ward.patient(**WEAK)
    alert = await anna.sees("An urgent entry")
    await ward.clinic.service.review((await patient.session()).id, Closed("Bert Bos", "sent_mri"), "form:1")
    await anna.taps("Take it", alert)
    await anna.sees("It is closed already.")
    assert await ward.clinic.worklist() == []


async def test_a_tap_that_telegram_brings_twice_takes_once(ward):
    anna = await ward.linked(await ward.nurse())
    patient = await ward.patient(**WEAK)
    data = next(iter((await anna.sees("An urgent entry")).buttons.values()))
    for _ in range(2):
        incoming = Incoming("telegram", "7", "telegram:1:5000:cb77", choice=data)
        assert await ward.clinic.service.receive(incoming) == "It is yours."
    assert await ward.events(patient, Claimed) == [Claimed("Anna Smit")]


async def test_an_entry_that_she_has_calls_her_alone_when_it_gets_graver(ward):
    anna = await ward.linked(await ward.nurse())
    bert = await ward.linked(await ward.nurse("Bert Bos"), 8)
    patient = await ward.patient(**WEAK)
    session = (await patient.session()).id
    for act in (Claimed("Anna Smit"), Acknowledged("Anna Smit")):
        await ward.clinic.service.review(session, act, f"form:{act}")
    await patient.says("/emergency")
    again = await anna.sees("An urgent entry of yours needs you again")
    assert again.buttons == {}
    await bert.says("/unlink")
    await bert.sees("no alerts any more")
    assert [one.text for one in bert.chat if "needs you again" in one.text] == []


# --- a nurse's chat is no patient's


async def test_nothing_that_a_linked_nurse_writes_becomes_a_patients_session(ward):
    anna = await ward.linked(await ward.nurse())
    for text in ("/start", "my legs are numb", "/stop", "/emergency"):
        await anna.says(text)
        shown = await anna.sees("it is no check of symptoms")
        assert all(number in shown.text for number in NUMBERS_OF_DEMO)
    await anna.sends_sticker()
    await anna.sees("it is no check of symptoms")
    assert await ward.sessions() == 0


async def test_after_unlinking_the_chat_is_like_anybodys_again(ward):
    anna = await ward.linked(await ward.nurse())
    await anna.says("/unlink")
    await anna.sees("This chat gets no alerts any more.")
    await ward.patient(**WEAK)
    await anna.says("/start")
    await anna.sees(lambda shown: bool(shown.buttons))
    assert await ward.sessions() == 1
    assert [one.text for one in anna.chat if "An urgent entry" in one.text] == []


async def test_a_chat_with_a_check_of_her_own_cannot_be_linked_until_it_is_settled(ward):
    nurse, user = await ward.nurse(), ward.telegram.user(7)
    await user.says("/start")
    await user.sees(lambda shown: bool(shown.buttons))
    await user.says(f"/link {await ward.code(nurse)}")
    await user.sees("a check of your own symptoms is still open")
    assert await ward.alerts.chat_of(nurse) is None
    await user.says("/stop")
    await user.sees()
    for row in await ward.clinic.worklist():
        await ward.clinic.service.review(row.session, Closed("Bert Bos", "false_alarm"), f"form:{row.session}")
    await user.says(f"/link {await ward.code(nurse)}")
    await user.sees("this chat now gets alerts")


async def test_the_button_of_an_old_alert_begins_no_check_after_unlinking(ward):
    anna = await ward.linked(await ward.nurse())
    patient = await ward.patient(**WEAK)
    alert = await anna.sees("An urgent entry")
    await anna.says("/unlink")
    await anna.sees("no alerts any more")
    await anna.taps("Take it", alert)
    await anna.sees("not linked to a nurse's account")
    assert await ward.events(patient, Claimed) == []
    assert await ward.sessions() == 0


@pytest.mark.parametrize("words", ["/link my arm to my shoulder", "link ABCD-EFGH", "/linked", "/link"])
async def test_other_words_of_a_patient_stay_the_patients(ward, words):
    user = ward.telegram.user(7)
    await user.says(words)
    await user.sees(lambda shown: bool(shown.buttons))
    assert await ward.sessions() == 1


# --- codes


async def test_a_code_works_once_and_only_for_a_quarter_of_an_hour(ward):
    nurse = await ward.nurse()
    code, user, other = await ward.code(nurse), ward.telegram.user(7), ward.telegram.user(8)
    ward.clinic.clock.move(timedelta(minutes=15))
    await user.says(f"/link {code}")
    await user.sees("This code does not fit")
    fresh = await ward.code(nurse)
    await user.says(f"/link {fresh.lower().replace('-', '')}")
    await user.sees("this chat now gets alerts")
    await other.says(f"/link {fresh}")
    await other.sees("This code does not fit")
    assert await ward.sessions() == 0


async def test_a_new_code_takes_the_place_of_the_one_before(ward):
    nurse, user = await ward.nurse(), ward.telegram.user(7)
    old = await ward.code(nurse)
    await ward.code(nurse)
    await user.says(f"/link {old}")
    await user.sees("This code does not fit")


async def test_no_code_stands_in_the_database(ward):
    code = await ward.code(await ward.nurse())
    with ward.clinic.store.snapshot() as db:
        kept = db.execute("select * from nurse_codes").fetchall()
    assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}", code)
    assert code.replace("-", "").lower() not in str(kept).lower()


async def test_linking_a_second_telephone_leaves_the_first_alone_from_then_on(ward):
    nurse = await ward.nurse()
    first = await ward.linked(nurse, 7)
    second = await ward.linked(nurse, 8)
    await ward.patient(**WEAK)
    await second.sees("An urgent entry is waiting")
    assert len([one for one in first.chat if one.is_bots]) == 1


async def test_the_chat_of_a_disabled_account_gets_nothing_and_may_take_nothing(ward):
    nurse = await ward.nurse()
    anna = await ward.linked(nurse)
    patient = await ward.patient(**WEAK)
    alert = await anna.sees("An urgent entry")
    await ward.accounts.disable(nurse)
    await anna.taps("Take it", alert)
    await anna.sees("not linked to a nurse's account")
    assert await ward.events(patient, Claimed) == []


# --- trouble


async def test_a_nurse_who_blocks_the_bot_sees_it_in_the_console_and_is_no_patient(ward):
    nurse = await ward.nurse()
    anna = await ward.linked(nurse)
    await anna.blocks()
    async with asyncio.timeout(5):
        while (chat := await ward.alerts.chat_of(nurse)) is None or chat.failed_at is None:
            await ward.telegram.changed()
    assert await ward.sessions() == 0


async def test_an_alert_that_does_not_arrive_is_no_trouble_of_the_patient(ward):
    nurse = await ward.nurse()
    anna = await ward.linked(nurse)
    anna.has_blocked = True
    patient = await ward.patient(**WEAK)
    async with asyncio.timeout(5):
        while (chat := await ward.alerts.chat_of(nurse)) is None or chat.failed_at is None:
            await ward.telegram.changed()
    assert await ward.events(patient, DeliveryFailed) == []
    assert [row.entry.trouble for row in await ward.clinic.worklist()] == [None]


async def test_who_linked_and_unlinked_stands_in_the_audit(ward):
    anna = await ward.linked(await ward.nurse())
    await anna.says("/unlink")
    await anna.sees("no alerts any more")
    assert [(one.who, one.what) for one in await ward.desk.audited("")] == [
        ("Anna Smit", "unlinked"),
        ("Anna Smit", "linked"),
    ]


# --- the tables


async def test_messages_of_before_stay_when_the_outbox_is_made_anew_for_alerts(tmp_path):
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        MIGRATIONS.apply(Database(db), stop_before="m003_reports_and_alerts")
        db.execute("insert into patients (id, channel, address, created_at) values ('p', 'test', '42', '')")
        db.execute(
            "insert into sessions (id, patient, channel, address, language, state, protocol_version, started_at,"
            " updated_at, length) values ('s', 'p', 'test', '42', 'en', 'closed', '1', '', '', 0)"
        )
        for number in range(3):
            db.execute(
                "insert into outbox (session, seq, channel, address, urgency, kind, body, created_at)"
                " values ('s', ?, 'test', '42', 0, 'notice', '{}', '')",
                (number,),
            )
        db.execute("delete from outbox where id = 3")
        indices = set(db.execute("select name from sqlite_master where tbl_name = 'outbox' and type = 'index'"))
        MIGRATIONS.apply(Database(db))
        assert db.execute("select id, session, seq from outbox").fetchall() == [(1, "s", 0), (2, "s", 1)]
        assert set(db.execute("select name from sqlite_master where tbl_name = 'outbox' and type = 'index'")) == indices
        fresh = db.execute(
            "insert into outbox (seq, channel, address, urgency, kind, text, created_at)"
            " values (0, 'telegram', '7', 3, 'alert', 1, '') returning id"
        )
        assert fresh.fetchone() == (4,)  # a number is never given twice
