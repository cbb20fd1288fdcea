"""Which advice stands for a check that begins in the turn in which the one before is left."""

from __future__ import annotations

from datetime import timedelta

from dialogs.events import Advised, Closed
from tests.kit.clinic import MONDAY, Patient, TestClinic
from tests.kit.console_client import BACK
from tests.service.test_service import begun

LATER = timedelta(minutes=30)


async def advice(patient: Patient) -> Advised:
    """What the patient's latest check has told."""
    told = (await patient.session()).advice
    assert told is not None
    return told


async def closes(clinic: TestClinic, patient: Patient) -> None:
    """A nurse does, with the patient's latest check."""
    await clinic.service.review((await patient.session()).id, Closed("Anna", "reached_advised"), "form:1")


async def test_what_a_check_was_left_with_is_told_before_the_next_one_asks(clinic: TestClinic) -> None:
    patient = await begun(clinic)
    left = (await patient.session()).id
    said = len(patient.messages)
    await patient.says("/restart")
    kinds = [message.kind for message in patient.messages[said:]]
    assert (kinds[0], kinds[-1]) == ("advice", "question")
    session = await patient.session()
    assert (session.id != left, session.advice, session.pending is not None) == (True, None, True)


async def test_what_a_check_was_left_with_stands_for_the_next_one(clinic: TestClinic) -> None:
    patient = await begun(clinic)
    await patient.says("/restart")
    clinic.clock.move(LATER)
    await patient.answers(**BACK)
    told = await advice(patient)
    assert (told.disposition, told.is_standing, told.decided_at) == ("1w", True, MONDAY)


async def test_what_a_nurse_closed_does_not_stand_for_the_check_that_follows(clinic: TestClinic) -> None:
    patient = await begun(clinic)
    await patient.says("/stop")
    await closes(clinic, patient)
    await patient.says("/start")
    await patient.answers()
    told = (await patient.session()).advice
    assert told is None or told.disposition != "1w"


async def test_an_emergency_that_opens_a_check_counts_from_the_one_that_stands(clinic: TestClinic) -> None:
    patient = await begun(clinic)
    await patient.says("/emergency", "/stop")
    clinic.clock.move(LATER)
    await patient.says("/emergency")
    assert (await advice(patient)).decided_at == MONDAY


async def test_an_emergency_that_opens_a_check_counts_anew_once_a_nurse_has_closed_the_one_before(
    clinic: TestClinic,
) -> None:
    patient = await begun(clinic)
    await patient.says("/emergency", "/stop")
    await closes(clinic, patient)
    clinic.clock.move(LATER)
    await patient.says("/emergency")
    assert (await advice(patient)).decided_at == MONDAY + LATER
