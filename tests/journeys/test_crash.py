"""What breaks in the middle: the process at a random moment, a turn at each of its write points, a log.

Of the process see soak.py: `kill -9` in concurrent conversations, nothing lost and nothing decided twice.
"""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.channels import Incoming
from bot.service.entry import entry
from bot.store.sqlite.store import SqliteStore
from tests.journeys.soak import Soak, keep, run
from tests.kit.blows import BLOWS
from tests.kit.clinic import Clock, TestClinic
from tests.kit.wire_audit import in_order

# --- the process ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "conversations", "kills"), [("polling", 50, 3), ("webhook", 12, 1)])
async def test_every_conversation_survives_kill_9(tmp_path: Path, mode: str, conversations: int, kills: int) -> None:
    report = await run(Soak(conversations, kills, conversations, seed=11, calls_between=300, mode=mode), tmp_path)
    assert report.faults == []
    assert report.blows == {"kill": kills}


@pytest.mark.soak
async def test_thousands_of_conversations_survive_every_kind_of_blow(tmp_path: Path) -> None:
    report = await run(Soak(2000, blows=100, at_once=100, calls_between=2000, kinds=tuple(BLOWS)), tmp_path)
    assert report.faults == []
    keep(report)


@pytest.mark.parametrize(
    ("arrived", "is_right"),
    [
        ("abcd", True),
        ("aabcd", True),  # under way at the crash: sent again
        ("abcbcd", True),  # a message of two parts, both again
        ("abbcd", True),  # of its two parts only the first went out before the crash
        ("abcxd", True),  # superseded, but it had gone out
        ("abd", False),
        ("acbd", False),
        ("abcda", False),
        ("abcdx", False),
        ("bcd", False),
        ("abc", False),
    ],
)
def test_the_audit_knows_a_repeated_message_from_a_lost_or_overtaken_one(arrived: str, is_right: bool) -> None:
    rows = [(1, True, "a"), (2, True, "b"), (2, True, "c"), (3, False, "x"), (4, True, "d")]
    expected = [(row, must_arrive, (text, (), False)) for row, must_arrive, text in rows]
    assert (not list(in_order(expected, [(text, (), False) for text in arrived]))) is is_right


# --- a turn, and its messages ---------------------------------------------------------------------------------------


class PowerCut(BaseException):
    """The process is gone: nothing that it would have done afterwards is done."""


class MortalStore(SqliteStore):
    """Dies before or after one of its writes; from then on nothing works any more."""

    fatal = ""
    is_dead = False

    async def append(self, turn: Any) -> tuple[int, ...]:
        self._die("before append")
        added = await super().append(turn)
        self._die("after append")
        return added

    async def claim(self, *args: Any, **wanted: Any) -> Any:
        claimed = await super().claim(*args, **wanted)
        if claimed:
            self._die("after claim")
        return claimed

    async def next_retry(self, *args: Any) -> Any:
        self._die("anywhere")
        return await super().next_retry(*args)

    async def sent(self, *args: Any, **wanted: Any) -> None:
        self._die("before sent")
        await super().sent(*args, **wanted)
        self._die("after sent")

    def _die(self, where: str) -> None:
        self.is_dead = self.is_dead or where == self.fatal
        if self.is_dead:
            raise PowerCut(where)


@pytest.mark.parametrize("where", ["before append", "after append", "after claim", "before sent", "after sent"])
async def test_a_turn_cut_off_at_any_write_is_whole_after_a_restart(tmp_path: Path, where: str) -> None:
    path = tmp_path / "clinic.db"
    async with TestClinic.opened(path) as clinic:
        patient = clinic.patient()
        await patient.says("/start")
        await patient.taps("English", "Yes, I agree", "I am the patient", "No")
    async with TestClinic.opened(path, make_store=MortalStore) as dying:
        dying.telephones.arrived = clinic.telephones.arrived
        dying.store.fatal = where
        with pytest.raises(PowerCut):
            await taps_walking(dying)
    async with TestClinic.opened(path) as clinic:
        clinic.telephones.arrived = dying.telephones.arrived
        await clinic.outbox.deliver_due()
        await taps_walking(clinic)
        session = await clinic.patient().session()
        assert session.answers["difficulty_walking"] == "yes"
        asked = [one for one in clinic.patient().messages if one.token == session.pending.token]
        assert len(asked) == (2 if where == "before sent" else 1)


async def taps_walking(clinic: TestClinic) -> None:
    """Yes to the first question, under one id, as a channel offers again what was not acknowledged."""
    patient = clinic.patient()
    choices = [one for message in patient.messages for one in message.choices]
    data = next(one.data for one in choices if one.data.endswith(":difficulty_walking:yes"))
    await clinic.service.receive(Incoming("test", patient.address, "test:99:m99", choice=data))
    await clinic.outbox.deliver_due()


class RunningClock(Clock):
    """A millisecond goes by whenever somebody looks."""

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


async def test_a_turn_has_one_moment_so_that_every_row_equals_its_replay(tmp_path: Path) -> None:
    async with TestClinic.opened(tmp_path / "clinic.db", RunningClock()) as clinic:
        patient = clinic.patient()
        await patient.says("/start")
        await patient.answers(bladder_bowel="yes", bladder_bowel_change="same_and_known")
        found = await clinic.store.open("test", patient.address)
        (row,) = await clinic.store.worklist()
        assert row.entry == entry(found.events, clinic.service.current, clinic.clinic)


# --- a log ----------------------------------------------------------------------------------------------------------


async def with_an_unreadable_log(clinic: TestClinic, path: Path) -> None:
    """A patient who is asked about a 12-hour sign, and whose log then gets an event that no version knows."""
    patient = clinic.patient("13")
    await patient.says("/start")
    await patient.taps("English", "Yes, I agree", "I am the patient", "No", "Yes")
    db = sqlite3.connect(path)
    with db:
        db.execute("insert into events select id, 99, started_at, 'Vanished', '{}', null from sessions")
    db.close()


async def test_a_session_that_cannot_be_woken_holds_up_nobody_elses_advice(tmp_path: Path) -> None:
    async with TestClinic.opened(tmp_path / "clinic.db") as clinic:
        await with_an_unreadable_log(clinic, tmp_path / "clinic.db")
        patient = clinic.patient()
        await patient.says("/start")
        await patient.taps("English", "Yes, I agree", "I am the patient", "No", "Yes")
        clinic.clock.move(timedelta(minutes=5))
        await clinic.service.wake()
        assert (await patient.session()).advised == "12h"


class CountingClock(Clock):
    """Knows how often somebody looked."""

    looked = 0

    def __call__(self) -> datetime:
        self.looked += 1
        return self.at


async def test_a_session_that_cannot_be_woken_is_tried_again_but_not_without_pause(tmp_path: Path) -> None:
    clock = CountingClock()
    async with TestClinic.opened(tmp_path / "clinic.db", clock) as clinic:
        await with_an_unreadable_log(clinic, tmp_path / "clinic.db")
        clock.move(timedelta(minutes=5))
        clock.looked = 0
        waking = asyncio.create_task(clinic.service.run_wakes())
        for _ in range(1000):
            await asyncio.sleep(0)
        waking.cancel()
        assert clock.looked < 20
