"""Nurses are told after the turn and apart from it: whatever happens there costs no patient a moment, and no alert."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.channels import Incoming, Outgoing
from bot.store.alarms import Alarm
from bot.store.nurse_chats import Review, StaffInbox
from bot.store.outbox import Alert, Delivery
from bot.store.signals import OUTBOX
from bot.store.sqlite.store import SqliteStore
from bot.store.worklist import Entry
from dialogs.events import Acknowledged, Advised
from tests.kit.clinic import Patient, TestClinic

WEAK = {"weakness": "yes", "weakness_change": "new_or_worse"}
NURSE = "nurse"


class Switchboard(StaffInbox):
    """One nurse, who is told in the chat NURSE. `wrong`: in which way it fails for which session."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.wrong: dict[str, str] = {}

    async def handles(self, incoming: Incoming) -> bool:
        return False

    async def receive(self, incoming: Incoming, review: Review) -> str | None:
        raise AssertionError(f"{incoming} is no nurse's")

    async def alerts(self, session: str, entry: Entry, at: datetime) -> Sequence[Alert]:
        self.asked.append((session, entry.disposition))
        match self.wrong.get(session):
            case "hangs":
                await asyncio.Event().wait()
            case "raises once":
                del self.wrong[session]
                raise LookupError("a fault of our own")
            case "raises":
                raise LookupError("a fault of our own")
        return (Alert("test", NURSE, Outgoing(session, kind="alert")),)

    async def alert_failed(self, delivery: Delivery, reason: str) -> None:
        raise AssertionError(f"{delivery} did not arrive: {reason}")


@pytest.fixture
def switchboard(clinic: TestClinic, monkeypatch: pytest.MonkeyPatch) -> Switchboard:
    monkeypatch.setattr("bot.service.ringer.TOLD_WITHIN_S", 0.01)
    made = Switchboard()
    clinic.restarts(made)
    return made


async def weak_patient(clinic: TestClinic, address: str = "42", **findings: str) -> Patient:
    patient = clinic.patient(address)
    await patient.says("/start")
    return await patient.answers(**{"more": "no", **WEAK, **findings})


async def told(clinic: TestClinic) -> list[str]:
    """The sessions that the nurse was told of."""
    await clinic.outbox.deliver_due()
    return [one.text for one in clinic.telephones.arrived.get(NURSE, [])]


# --- apart from the turn


async def test_a_patient_has_her_advice_before_anybody_asks_who_is_to_be_told(clinic, switchboard):
    patient = await weak_patient(clinic)
    assert any(one.kind == "advice" for one in patient.messages)
    assert [row.entry.disposition for row in await clinic.worklist()] == ["12h"]
    assert switchboard.asked == []
    assert await clinic.service.ring()
    assert await told(clinic) == [(await patient.session()).id]


@pytest.mark.parametrize("wrong", ["hangs", "raises"])
async def test_one_that_cannot_be_told_holds_up_no_other_and_is_told_later_and_once(clinic, switchboard, wrong):
    first, second = await weak_patient(clinic), await weak_patient(clinic, "43")
    ids = [(await one.session()).id for one in (first, second)]
    switchboard.wrong[ids[0]] = wrong
    assert not await clinic.service.ring()
    assert await told(clinic) == ids[1:]
    assert any(one.kind == "advice" for one in first.messages)
    switchboard.wrong.clear()
    for _ in range(2):
        assert await clinic.service.ring()
    assert await told(clinic) == [ids[1], ids[0]]


async def test_whether_an_entry_calls_nurses_is_looked_at_again_when_our_code_fails(clinic, switchboard):
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("bot.service.turns.calls_anew", lambda *_: {}["nothing"])
        patient = await weak_patient(clinic)
    assert any(one.kind == "advice" for one in patient.messages)
    await clinic.service.ring()
    assert await told(clinic) == [(await patient.session()).id]


async def test_nobody_is_told_of_what_a_nurse_has_read_meanwhile(clinic, switchboard):
    patient = await weak_patient(clinic)
    await clinic.service.review((await patient.session()).id, Acknowledged("Kim"), "form:1")
    assert await clinic.service.ring()
    assert await told(clinic) == []
    assert await clinic.store.alarms() == []


async def test_two_calls_of_an_entry_that_nobody_was_told_of_are_one_of_the_graver(clinic, switchboard):
    patient = await weak_patient(clinic, more="yes")
    await patient.says("/emergency")
    assert await clinic.service.ring()
    assert switchboard.asked == [((await patient.session()).id, "emergency")]
    assert await clinic.store.alarms() == []


async def test_a_patient_who_can_wait_calls_nobody_and_nor_does_a_clinic_without_nurses_chats(clinic, switchboard):
    await weak_patient(clinic, weakness="no", back_or_neck_pain="yes", pain_course="same")
    assert len(await clinic.worklist()) == 1
    assert await clinic.store.alarms() == []
    clinic.restarts()
    await weak_patient(clinic, "43")
    assert await clinic.store.alarms() == []


# --- while the service runs


async def test_what_failed_is_tried_again_by_itself(clinic, switchboard, monkeypatch):
    patient, news = await weak_patient(clinic), clinic.service.signals.subscribe(OUTBOX)
    switchboard.wrong[(await patient.session()).id] = "raises once"
    monkeypatch.setattr("bot.service.ringer.RING_AGAIN_S", 0.01)
    running = asyncio.create_task(clinic.service.run_alarms())
    async with asyncio.timeout(5):
        while await clinic.store.alarms():
            await news.wait(1)
            news.consume()
    running.cancel()
    assert await told(clinic) == [(await patient.session()).id]
    assert len(switchboard.asked) == 2


async def test_what_calls_while_the_service_is_quiet_is_told_at_once(clinic, switchboard):
    running, news = asyncio.create_task(clinic.service.run_alarms()), clinic.service.signals.subscribe(OUTBOX)
    await asyncio.sleep(0)
    patient = await weak_patient(clinic)
    async with asyncio.timeout(5):
        while await clinic.store.alarms():
            await news.wait(1)
            news.consume()
    running.cancel()
    assert await told(clinic) == [(await patient.session()).id]


# --- when the process ends in between


class PowerCut(BaseException):
    """The process is gone."""


class MortalStore(SqliteStore):
    fatal = ""

    async def append(self, turn: Any) -> tuple[int, ...]:
        is_urgent = any(change.is_alarm for change in turn.changes)
        self._die("before the turn", is_urgent)
        added = await super().append(turn)
        self._die("after the turn", is_urgent)
        return added

    async def tell_nurses(self, alarm: Alarm, alerts: Sequence[Alert], at: datetime) -> None:
        self._die("before the alerts")
        await super().tell_nurses(alarm, alerts, at)
        self._die("after the alerts")

    def _die(self, where: str, is_it: bool = True) -> None:
        if is_it and where == self.fatal:
            raise PowerCut(where)


@pytest.mark.parametrize("where", ["before the turn", "after the turn", "before the alerts", "after the alerts"])
async def test_nurses_are_told_once_wherever_the_process_ends(tmp_path: Path, where: str) -> None:
    path = tmp_path / "clinic.db"
    async with TestClinic.opened(path) as clinic:
        patient = clinic.patient()
        await patient.says("/start")
        await patient.taps("English", "Yes, I agree", "I am the patient")
        data = next(one.data for one in patient.keyboard if one.data.endswith(":emergency_signs:yes"))
    last_answer = Incoming("test", patient.address, "test:99:m99", choice=data)
    async with TestClinic.opened(path, make_store=MortalStore) as dying:
        dying.restarts(Switchboard())
        dying.store.fatal = where
        with pytest.raises(PowerCut):
            await answered_and_told(dying, last_answer)
    async with TestClinic.opened(path) as clinic:
        clinic.restarts(Switchboard())
        for _ in range(2):
            await answered_and_told(clinic, last_answer)
        log = await clinic.store.open("test", patient.address)
        assert await told(clinic) == [log.session]
        assert [type(one.event) for one in log.events].count(Advised) == 1


async def answered_and_told(clinic: TestClinic, answer: Incoming) -> None:
    """As a channel offers again what was not acknowledged, and a service begins with what was left."""
    await clinic.service.receive(answer)
    assert await clinic.service.ring()
