"""The probe goes the way of a patient's message and leaves no trace of itself but rows of its own table."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.language.texts import PatientTexts
from bot.service.probe import EVERY_S, ProbeFailed, Prober
from bot.service.service import Service
from bot.store.sessions import Sessions
from bot.store.signals import ChangeFeed
from bot.store.vitals import KEPT_PROBES
from tests.kit.clinic import TestClinic

LONG = 90
"""Steps: more than two whole checks."""


def prober(clinic: TestClinic, words: PatientTexts | None = None) -> Prober:
    def serve(store: Sessions) -> Service:
        texts = words or PatientTexts(clinic.clinic, clinic.service.current)
        return Service(store, texts, clinic.clinic, {}, clinic.service.current, clinic.clock, ChangeFeed())

    return Prober(clinic.store, serve, "en", clinic.clock)


async def takes_steps(clinic: TestClinic, probing: Prober, times: int) -> list[str]:
    """What was asked at each."""
    steps = []
    for _ in range(times):
        await probing.step()
        steps.append((await clinic.store.probes())[0].step)
        clinic.clock.move(timedelta(seconds=EVERY_S))
    return steps


async def test_every_question_that_a_healthy_patient_is_asked_is_asked_again_and_again(clinic):
    steps = await takes_steps(clinic, prober(clinic), LONG)
    always = {one.id for one in clinic.service.current.questions if not one.ask_if}
    assert always | {"consent", "respondent", "summary"} <= set(steps)
    assert steps.count("emergency_signs") >= 2


async def test_only_the_last_sixty_are_kept(clinic):
    await takes_steps(clinic, prober(clinic), LONG)
    kept = await clinic.store.probes()
    assert len(kept) == KEPT_PROBES
    assert kept[0].at == clinic.clock() - timedelta(seconds=EVERY_S)
    assert all(one.prepared_ms > 0 for one in kept)


def content(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [line for line in db.iterdump() if "probes" not in line]


async def test_no_other_table_knows_of_it_and_nobody_hears_of_it(clinic, tmp_path):
    await clinic.patient().says("/start")
    news = clinic.service.signals.subscribe("worklist"), clinic.service.signals.subscribe("outbox")
    before = content(tmp_path / "clinic.db")
    await takes_steps(clinic, prober(clinic), LONG)
    assert content(tmp_path / "clinic.db") == before
    assert not any(one.has_news for one in news)
    assert await clinic.worklist() == []


async def test_what_patients_would_be_answered_in_vain_fails(clinic):
    class Speechless(PatientTexts):
        def render(self, *asked: object, **wanted: object) -> Sequence[object]:  # type: ignore[override]
            raise LookupError("her legs are numb")

    probing = prober(clinic, Speechless(clinic.clinic, clinic.service.current))
    with pytest.raises(ProbeFailed):
        await probing.step()


async def test_a_database_that_takes_nothing_fails(clinic, tmp_path):
    probing = prober(clinic)
    with closing(sqlite3.connect(tmp_path / "clinic.db")) as other:
        other.execute("create trigger full before insert on probes begin select raise(abort, 'full'); end")
    with pytest.raises(sqlite3.IntegrityError):
        await probing.step()


async def test_it_begins_again_after_a_fault_and_after_a_jump_of_the_clock(clinic, tmp_path):
    probing = prober(clinic)
    first = await takes_steps(clinic, probing, 4)
    for jump in (timedelta(days=1), timedelta(hours=-2)):
        clinic.clock.move(jump)
        assert await takes_steps(clinic, probing, 4) == first
    with closing(sqlite3.connect(tmp_path / "clinic.db", isolation_level=None)) as other:
        other.execute("create trigger full before insert on probes begin select raise(abort, 'full'); end")
        with pytest.raises(sqlite3.IntegrityError):
            await probing.step()
        other.execute("drop trigger full")
    assert await takes_steps(clinic, probing, 4) == first
