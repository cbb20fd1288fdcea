"""A message that was set aside because the patient's log is damaged: what a nurse reads of it, and how she ends it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bot.channels import Incoming
from bot.service.conversations import StoredConversations
from tests.kit.clinic import TestClinic
from tests.kit.console_client import opened, text_of
from tests.kit.pages import leaves, overwrite, unreadable

WORDS = "I cannot feel my legs since this morning"


async def a_damaged_log(path: Path) -> str:
    """The address of a patient whose log can no longer be read."""
    async with TestClinic.opened(path) as clinic:
        for number in range(20):
            patient = clinic.patient(str(number))
            await patient.says("/start")
            await patient.taps("English", "Yes, I agree", "I am the patient", "No")
    overwrite(path, leaves(path, "events")[1])
    return sorted(unreadable(path))[0]


async def test_a_nurse_reads_the_words_of_a_patient_whose_log_is_damaged_and_closes_the_entry(tmp_path: Path):
    path = tmp_path / "clinic.db"
    address = await a_damaged_log(path)
    async with TestClinic.opened(path) as clinic, opened(clinic) as ward:
        message = Incoming("test", address, "test:parked", WORDS)
        for _ in range(2):
            with pytest.raises(sqlite3.DatabaseError):
                await clinic.service.receive(message)
        await clinic.service.receive(message)
        (row,) = await clinic.worklist()
        nurse = await ward.nurse("Anna")
        assert "a message could not be handled" in text_of(await nurse.sees())
        assert WORDS in text_of(await nurse.sees(f"/console/entries/{row.session}"))
        assert await clinic.service.parked() == 1
        await nurse.does(row.session, "claim")
        await nurse.does(row.session, "close", outcome="reached_advised")
        assert await clinic.service.parked() == 0
        chat = StoredConversations(clinic.store, clinic.service.words, clinic.service.protocol_of, clinic.clock, "test")
        said = [one.outgoing for one in (await chat.read(address)).lines if one.outgoing is not None]
        assert any("Something went wrong here" in f"{one.heading} {one.text}" for one in said)
