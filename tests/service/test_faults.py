"""A fault of our own, wherever it stands in a turn, costs no patient her answer and hides nothing from the nurse."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.store.sessions import Turn
from bot.store.sqlite.store import SqliteStore
from dialogs.events import DeliveryFailed
from tests.kit.clinic import TestClinic
from tests.service.test_ringer import Switchboard

WEAK = {"weakness": "yes", "weakness_change": "new_or_worse"}
PLACES = [
    ("bot.service.turns.entries",),
    ("bot.service.turns.patient_after",),
    ("bot.service.turns.wake_at",),
    ("bot.service.turns.is_urgently_waiting",),
    ("bot.service.digest.replay",),
    ("bot.service.digest.apply", "bot.service.digest.replay"),
    ("bot.service.digest.wake_at",),
    ("bot.service.digest.advance",),
    ("bot.service.digest.step_of",),
    ("bot.language.texts.PatientTexts.understand",),
    ("bot.language.texts.PatientTexts.render",),
    ("bot.language.texts.PatientTexts.word_for_button",),
    ("bot.language.texts.PatientTexts.render", "bot.language.texts.PatientTexts.fallback_reply"),
    ("bot.language.texts.PatientTexts.understand", "bot.service.turns.entries", "bot.service.turns.wake_at"),
]


def stumble(*_: object, **__: object) -> None:
    raise LookupError("a fault of our own")


@pytest.mark.parametrize("places", PLACES, ids=lambda places: "+".join(one.rpartition(".")[2] for one in places))
async def test_a_message_is_answered_with_a_number_and_listed_wherever_our_code_fails(
    clinic: TestClinic, places: Sequence[str]
) -> None:
    patient, other = clinic.patient(), clinic.patient("43")
    await patient.says("/start")
    await patient.taps("English", "Yes, I agree", "I am the patient")
    told = len(patient.messages)
    with pytest.MonkeyPatch.context() as broken:
        for place in places:
            broken.setattr(place, stumble)
        await patient.says("I cannot feel my legs")
    assert any("112" in f"{one.heading}{one.text}" for one in patient.messages[told:])
    assert [row.session for row in await clinic.worklist()] == [(await patient.session()).id]
    await other.says("/start")
    await other.answers(more="no")
    assert (await other.session()).advised is not None


@pytest.mark.parametrize("places", [*PLACES[:4], *PLACES[6:9]], ids=lambda places: places[0].rpartition(".")[2])
async def test_silence_is_listed_wherever_our_code_fails(clinic: TestClinic, places: Sequence[str]) -> None:
    patient = clinic.patient()
    await patient.says("/start")
    await patient.taps("English", "Yes, I agree", "I am the patient", "No", "Yes")
    clinic.clock.move(clinic.service.timing.urgent_after)
    with pytest.MonkeyPatch.context() as broken:
        for place in places:
            broken.setattr(place, stumble)
        await clinic.service.wake()
    (row,) = await clinic.worklist()
    assert row.entry.trouble == "unprocessed" or (await patient.session()).advised == "12h"


async def test_a_delivery_that_failed_is_listed_though_the_entry_cannot_be_told(clinic: TestClinic) -> None:
    patient = clinic.patient()
    await patient.says("/start")
    await patient.taps("English", "Yes, I agree", "I am the patient")
    patient.has_blocked_us()
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("bot.service.turns.entries", stumble)
        await patient.says("hello")
    (row,) = await clinic.worklist()
    events = (await clinic.store.load(row.session)).events
    assert any(isinstance(one.event, DeliveryFailed) for one in events)


# --- nurses' own messages


async def test_advice_goes_out_and_is_listed_though_nobody_can_tell_who_wrote(
    clinic: TestClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    switchboard = Switchboard()
    monkeypatch.setattr(switchboard, "handles", stumble)
    clinic.restarts(switchboard)
    patient = clinic.patient()
    await patient.says("/start")
    await patient.answers(more="no", **WEAK)
    assert any(one.kind == "advice" for one in patient.messages)
    assert [row.entry.disposition for row in await clinic.worklist()] == ["12h"]


# --- one turn at a time


class YieldingStore(SqliteStore):
    """Lets everything else run before it commits."""

    appended = 0

    async def append(self, turn: Turn) -> tuple[int, ...]:
        self.appended += 1
        for _ in range(20):
            await asyncio.sleep(0)
        return await super().append(turn)


async def test_two_messages_of_a_patient_at_once_are_taken_in_order_and_read_once_each(tmp_path: Path) -> None:
    async with TestClinic.opened(tmp_path / "clinic.db", make_store=YieldingStore) as clinic:
        patient = clinic.patient()
        await patient.says("/start")
        await patient.taps("English", "Yes, I agree", "I am the patient")
        assert isinstance(clinic.store, YieldingStore)
        before = clinic.store.appended
        words = ["first", "second", "third"]
        await asyncio.gather(*(patient.sends(text=text) for text in words))
        events = (await clinic.store.open("test", patient.address)).events
        assert [one.event.text for one in events if getattr(one.event, "text", "") in words] == words  # type: ignore[attr-defined]
        assert clinic.store.appended - before == len(words)
