"""The nurses' pages with a short and a long worklist, and what nurses who look at them cost the patients."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from statistics import median

from aiohttp import ClientSession, CookieJar

from bot.console.accounts import Accounts
from bot.service.service import utc_now
from bot.store.console import Role
from bot.store.sqlite.console import SqliteDesk
from bot.store.sqlite.store import SqliteStore
from tests.bench import patients, seeds
from tests.bench.figures import AT_ONCE, Dialog, Line, Plan, percentile, ratio, spread
from tests.bench.subjects import Process, ours
from tests.bench.turns import SETTLED_S

LISTED, MILD, COPIES = 10, 24, 999
"""Ten entries and 24 whole conversations, and a thousand times as many: 10,000 entries and 1,000,000 events."""
LOOKS = 40
NURSES = 20
EACH_S = 10
"""Seconds between two looks of the same nurse."""
TALKING_FOR_S = 15
WARMING_UP_S = 3
MANNER = patients.Manner(thinks_s=1.0)
NURSE, EMAIL = "Anna", "anna@clinic.example"
PATHS = {"worklist": "/console", "session page": "/console/entries/{session}"}


async def console(plan: Plan, dialog: Dialog) -> list[Line]:
    with tempfile.TemporaryDirectory() as short, tempfile.TemporaryDirectory() as long:
        await seeds.filled(Path(short), MILD, dialog.messages, LISTED)
        seeds.copy(Path(short) / "clinic.db", Path(long) / "clinic.db")
        events = seeds.multiply(Path(long) / "clinic.db", COPIES)
        lines = await _pages(plan, Path(short), Path(long), events)
        return [*lines, *await _beside_patients(plan, dialog, Path(long))]


# --- what a page costs


async def _pages(plan: Plan, short: Path, long: Path, events: int) -> list[Line]:
    waits: dict[tuple[str, Path], list[float]] = {(name, one): [] for name in PATHS for one in (short, long)}
    spent: dict[str, list[float]] = {name: [] for name in PATHS}
    for _ in range(plan.alternations):
        for directory in (short, long):
            async with _on_duty(directory) as (bot, nurse):
                for name, path in PATHS.items():
                    wait_ms, cpu_ms = await _look(bot, nurse, path.format(session=_an_entry(directory)))
                    waits[name, directory].append(wait_ms)
                    if directory == long:
                        spent[name].append(cpu_ms)
    much = f"{_entries(long):,} entries and {events:,} events"
    return [
        line
        for name in PATHS
        for line in (
            Line(f"{name}, {_entries(short)} entries", "", f"{spread(waits[name, short], 1)} ms"),
            Line(f"{name}, {much}", "", f"{spread(waits[name, long], 1)} ms"),
            Line(f"{name}, time against 10 entries", "at most 2", ratio(waits[name, long], waits[name, short])),
            Line(f"{name}, CPU with {much}", "at most 50 ms", f"{spread(spent[name], 1)} ms"),
        )
    ]


async def _look(bot: Process, nurse: ClientSession, path: str) -> tuple[float, float]:
    """Milliseconds until the page is there, and of CPU: of one look, after some that warm everything up."""
    for _ in range(5):
        await _see(nurse, path)
    before, waits = bot.cpu_s, []
    for _ in range(LOOKS):
        began = time.monotonic()
        await _see(nurse, path)
        waits.append(time.monotonic() - began)
    return 1000 * median(waits), 1000 * (bot.cpu_s - before) / LOOKS


async def _see(nurse: ClientSession, path: str) -> None:
    async with nurse.get(path) as response:
        page = await response.text()
    assert response.status == 200, f"{path} answered {response.status}"
    assert "Sign out" in page, f"{path} is not the page of somebody who is signed in"


# --- what they cost the patients


async def _beside_patients(plan: Plan, dialog: Dialog, directory: Path) -> list[Line]:
    """In one process, without and with the nurses in turn."""
    alone: list[float] = []
    beside: list[float] = []
    async with _on_duty(directory) as (bot, nurse):
        await patients.keep_talking(bot.telegram, 1_000, AT_ONCE, WARMING_UP_S, dialog.messages)
        for round_ in range(plan.alternations):
            first = 10_000 + 20_000 * round_
            alone.append(await _p95_ms(bot, first, dialog.messages))
            looking = [asyncio.create_task(_keep_looking(nurse, place)) for place in range(NURSES)]
            beside.append(await _p95_ms(bot, first + 10_000, dialog.messages))
            for task in looking:
                task.cancel()
            await asyncio.gather(*looking, return_exceptions=True)
    what = f"p95 of a turn, {AT_ONCE} patients"
    return [
        Line(f"{what}, no nurse", "", f"{spread(alone, 1)} ms"),
        Line(f"{what}, {NURSES} nurses who look every {EACH_S} s", "", f"{spread(beside, 1)} ms"),
        Line("p95 of a turn with the nurses against without", "at most 1.25", ratio(beside, alone)),
    ]


async def _p95_ms(bot: Process, first: int, messages: int) -> float:
    run = await patients.keep_talking(bot.telegram, first, AT_ONCE, TALKING_FOR_S, messages, MANNER)
    return 1000 * percentile(run.waits, 0.95)


async def _keep_looking(nurse: ClientSession, place: int) -> None:
    await asyncio.sleep(place * EACH_S / NURSES)
    while True:
        await _see(nurse, PATHS["worklist"])
        await asyncio.sleep(EACH_S)


# --- a nurse


@asynccontextmanager
async def _on_duty(directory: Path) -> AsyncIterator[tuple[Process, ClientSession]]:
    """The service, and the browser of a nurse who has signed in."""
    link = await _link(directory)
    async with (
        ours(directory=directory) as bot,
        ClientSession(bot.url, headers={"Sec-Fetch-Site": "same-origin"}, cookie_jar=CookieJar(unsafe=True)) as nurse,
    ):
        await asyncio.sleep(SETTLED_S)
        await _see(nurse, f"/console/sign-in/{link}")
        yield bot, nurse


async def _link(directory: Path) -> str:
    store = SqliteStore(directory / "clinic.db")
    try:
        desk = SqliteDesk(store)
        accounts = Accounts(desk, utc_now)
        nurse = await desk.nurse(EMAIL) or await accounts.add(NURSE, EMAIL, Role.NURSE, ("en",))
        return await accounts.new_link(nurse, "sign_in", timedelta(hours=1))
    finally:
        await store.close()


def _an_entry(directory: Path) -> str:
    return str(_one(directory, "select session from worklist where tier = '12h' order by id limit 1"))


def _entries(directory: Path) -> int:
    return int(_one(directory, "select count(*) from worklist where is_open = 1"))


def _one(directory: Path, query: str) -> int | str:
    with closing(sqlite3.connect(directory / "clinic.db")) as db:
        found: int | str = db.execute(query).fetchone()[0]
        return found
