"""What the service promises whatever goes wrong in it: nothing found is forgotten, nobody is left without an answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from dialogs.events import Advised, Entered, Event, Unprocessed
from tests.kit.clinic import Patient, TestClinic


async def begun(clinic: TestClinic) -> Patient:
    """A patient with one-sided pain, in the middle of the questions."""
    patient = clinic.patient()
    await patient.says("/start")
    for code in ("en", "yes", "patient", *["no"] * 10, "one_side"):
        session = await patient.session()
        assert session.pending is not None
        await patient.sends(choice=f"{session.pending.token}:{session.pending.question}:{code}")
    return patient


def spoil(directory: Path, kind: str = "Foretold") -> None:
    """Adds an event that this version cannot read, as a newer one may leave behind."""
    with closing(sqlite3.connect(directory / "clinic.db")) as db, db:
        latest = "select session, seq, at from events order by at desc, seq desc limit 1"
        session, seq, at = db.execute(latest).fetchone()
        row = (session, seq + 1, at, kind, "{}")
        db.execute("insert into events (session, seq, at, kind, body) values (?, ?, ?, ?, ?)", row)
        db.execute("update sessions set length = length + 1 where id = ?", (session,))


def only_once_settled(render: Callable[..., object]) -> Callable[..., object]:
    """Words for no question any more, only for the end of the check."""

    def settled(events: Sequence[Event], *more: object) -> object:
        if Entered("stopped") not in events:
            raise LookupError("no words for the question")
        return render(events, *more)

    return settled


async def test_a_check_whose_log_cannot_be_read_whole_is_settled(clinic: TestClinic, tmp_path: Path) -> None:
    patient = await begun(clinic)
    spoil(tmp_path)
    await patient.says("hello?")
    session = await patient.session()
    assert (session.state, session.advised) == ("stopped", "1w")
    assert any(message.kind == "advice" for message in patient.messages)
    (row,) = await clinic.worklist()
    assert (row.entry.disposition, row.entry.trouble) == ("1w", "unprocessed")


async def test_silence_settles_a_check_whose_log_cannot_be_read_whole(clinic: TestClinic, tmp_path: Path) -> None:
    patient = await begun(clinic)
    spoil(tmp_path)
    await patient.waits(minutes=61)
    assert (await patient.session()).advised == "1w"


async def test_after_a_broken_check_a_new_one_begins(clinic: TestClinic, tmp_path: Path) -> None:
    patient = await begun(clinic)
    spoil(tmp_path)
    await patient.says("hello?", "/start")
    session = await patient.session()
    assert (session.state, session.is_broken) == ("greeting", False)


async def test_a_session_on_whose_state_the_code_stumbles_is_settled(
    clinic: TestClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = await begun(clinic)
    understand = clinic.service.words.understand

    def stumble(*arguments: object) -> object:
        raise LookupError("a patient's words")

    monkeypatch.setattr(clinic.service.words, "understand", stumble)
    monkeypatch.setattr(clinic.service.words, "render", only_once_settled(clinic.service.words.render))
    await patient.says("no, but I can't feel my legs")
    monkeypatch.setattr(clinic.service.words, "understand", understand)
    log = await clinic.store.open("test", patient.address)
    kinds = [type(recorded.event) for recorded in log.events]
    assert kinds.index(Unprocessed) < kinds.index(Advised)
    assert Entered("stopped") in [recorded.event for recorded in log.events]


async def test_a_message_that_our_code_cannot_digest_leaves_the_check_as_it_was(
    clinic: TestClinic, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    patient = await begun(clinic)
    before = await patient.session()

    def stumble(*arguments: object) -> object:
        raise LookupError("a patient's words")

    monkeypatch.setattr(clinic.service.words, "understand", stumble)
    await patient.says("odd")
    after = await patient.session()
    assert (after.state, after.pending, after.findings) == (before.state, before.pending, before.findings)
    assert "+31 20 555 0101" in patient.messages[-1].text
    assert "patient's words" not in caplog.text
    assert (await clinic.worklist())[0].entry.trouble == "unprocessed"


async def test_sessions_that_cannot_be_woken_hide_no_others(
    clinic: TestClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, other = await begun(clinic), clinic.patient("43")
    await other.says("/start")
    monkeypatch.setattr("bot.service.waker.WOKEN_AT_ONCE", 1)
    wake = clinic.service._waker.wake

    async def fail_for_the_stuck(found: object, due: object) -> None:
        if found.patient.address == stuck.address:  # type: ignore[attr-defined]
            raise OSError("disk")
        await wake(found, due)  # type: ignore[arg-type]

    monkeypatch.setattr(clinic.service._waker, "wake", fail_for_the_stuck)
    clinic.clock.move(clinic.service.timing.remind_after)
    await clinic.service.wake()
    assert (await other.session()).is_reminded
