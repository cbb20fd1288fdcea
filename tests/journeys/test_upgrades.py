"""The documented update: databases of earlier versions under the present program, seen from outside."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bot.channels import Outgoing
from bot.channels.telegram.messages import parts_of
from bot.store.sqlite.store import SqliteStore
from dialogs.protocol import load, served_before
from dialogs.session import replay
from tests.kit.botapi.users import Shown
from tests.kit.frozen.freeze import FINISHED, IN_THE_MIDDLE, NOT_TOLD, NURSE, NURSES_CHAT
from tests.kit.frozen.thaw import COMMITS, said_then, thaw
from tests.kit.patients import Patient, Plan
from tests.kit.wire import Bot, at_the_first_question, built

LATER = 10_000
"""Above every number that messages and updates had."""


@asynccontextmanager
async def updated(directory: Path, commit: str) -> AsyncIterator[Bot]:
    """A clinic that has stopped the earlier version, and is to start the present one on the same database."""
    async with built(directory) as bot:
        thaw(commit, bot.database)
        bot.telegram.numbers_from(LATER)
        see_again(bot)
        yield bot


@pytest.mark.parametrize("commit", COMMITS)
async def test_after_an_update_open_checks_go_on_under_the_version_they_began_with(tmp_path: Path, commit: str) -> None:
    async with updated(tmp_path, commit) as bot:
        patients = [waiting_patient(bot, chat) for chat in (*IN_THE_MIDDLE, NOT_TOLD)]
        await bot.start()
        await asyncio.gather(*(patient.goes_on(30) for patient in patients))
        await at_the_first_question(bot, 50)
        await bot.settles()
        for patient in patients:
            began = bot.one("select protocol_version from sessions where address = ?", str(patient.user.id))
            told = bot.one("select disposition from sessions where address = ?", str(patient.user.id))
            assert (began, told) == ("2026.1", patient.expected())
        assert bot.one("select protocol_version from sessions where address = '50'") == load().version
        assert await differing_from_their_replay(bot) == []


@pytest.mark.parametrize("commit", COMMITS)
async def test_after_an_update_everything_is_there_and_what_waited_arrives(tmp_path: Path, commit: str) -> None:
    async with updated(tmp_path, commit) as bot:
        before, said = kept(bot), everything_written(bot)
        await bot.start()
        told = await bot.telegram.user(NOT_TOLD).sees("Is an arm or a leg weak", within_s=20)
        assert told.message_id >= LATER
        await bot.settles()
        after = kept(bot)
        assert [table for table, rows in before.items() if not rows <= after[table]] == []
        assert bot.one("select name from nurses") == NURSE
        assert bot.column("select owner from worklist where owner is not null") == [NURSE]
        assert bot.column("select disposition from sessions where address in ('1', '2', '3')") == [*FINISHED.values()]
        assert await everything_said(bot) == said
        await bot.telegram.user(NURSES_CHAT).says("/unlink")
        await bot.telegram.user(NURSES_CHAT).sees("gets no alerts any more", within_s=20)
        assert await bot.end(signal.SIGTERM) == 0


def waiting_patient(bot: Bot, chat: int) -> Patient:
    """She has been away while the program was replaced, and goes on with what stands on her screen."""
    protocol = served_before("2026.1", bot.one("select content from protocols"))
    user = bot.telegram.user(chat)
    plan = Plan(f"patient {chat}", {"back_or_neck_pain": "yes"}, Random(0))
    given = [(body["question"], body["answer"]) for kind, body in bot.events(user) if kind == "Answered"]
    return Patient(bot.telegram, user, plan, protocol, given)


def see_again(bot: Bot) -> None:
    """In each chat stands what last arrived there, with its buttons where they have not been tapped yet."""
    query = """
        select address, body, message_ref from outbox where message_ref is not null and id in (
            select max(id) from outbox where state = 'sent' and message_ref is not null group by address)
    """
    for address, body, ref in rows_of(bot, query):
        part = parts_of(said_then(body))[-1]
        markup = json.loads(part.markup or "{}") if int(address) in IN_THE_MIDDLE else None
        number = int(ref.partition(":")[0])
        bot.telegram.user(int(address)).chat.append(Shown(number, True, part.heading, 0, markup=markup))


KEPT = {
    "events": "select * from events",
    "audit": "select * from audit",
    "accounts": "select id, name, email, role, password from nurses",
    "chats of nurses": "select channel, address, nurse from nurse_chats",
    "patients": "select id, channel, address, language from patients",
}


def kept(bot: Bot) -> dict[str, set[Any]]:
    with bot.rows() as db:
        return {table: set(db.execute(query)) for table, query in KEPT.items()}


def everything_written(bot: Bot) -> dict[int, Outgoing]:
    """All that patients were told, as the earlier program kept it."""
    with bot.rows() as db:
        rows = db.execute("select id, body from outbox where session is not null").fetchall()
    return {id_: said_then(body) for id_, body in rows}


async def everything_said(bot: Bot) -> dict[int, Outgoing]:
    """The same as the present program reads it."""
    async with reading(bot) as store:
        return {
            said.id: said.outgoing
            for session in bot.column("select id from sessions")
            for said in await store.transcript(session)
        }


async def differing_from_their_replay(bot: Bot) -> list[str]:
    """Sessions whose summary says something else than their log."""
    found = []
    async with reading(bot) as store:
        for row in rows_of(bot, "select id, state, language, disposition, protocol_version, length from sessions"):
            after = replay(row[0], (await store.load(row[0])).events)
            advised = after.advised.value if after.advised else None
            if row != (after.id, after.state, after.language, advised, after.protocol_version, after.length):
                found.append(f"{row} is not {after}")
    return found


@asynccontextmanager
async def reading(bot: Bot) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(bot.database, is_reader=True)
    try:
        yield store
    finally:
        await store.close()


def rows_of(bot: Bot, query: str) -> list[Any]:
    with bot.rows() as db:
        return db.execute(query).fetchall()
