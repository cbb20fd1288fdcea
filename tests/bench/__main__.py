"""`make bench`: measures everything and writes the table of docs/performance.md."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.web.server import allow_many_connections
from tests.bench.console import console
from tests.bench.crowds import crowd
from tests.bench.figures import Dialog, Line, Plan
from tests.bench.sizes import size
from tests.bench.subjects import OTHERS, record
from tests.bench.turns import cost, history, slow_network
from tests.bench.webchats import web_chats

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
TABLE = re.compile(r"(?s)(<!-- measured -->).*(<!-- end -->)")


@dataclass(frozen=True, slots=True)
class Part:
    """`minutes`: what it takes on two idle cores with the usual numbers; after six times as long it is given up."""

    what: str
    measure: Callable[[Plan, Dialog], Awaitable[list[Line]]]
    minutes: float


PARTS = {
    "cost": Part("point 1: CPU a turn beside the yardsticks", cost, 7),
    "network": Part("point 2: turns a second over a slow network", slow_network, 3),
    "size": Part("bytes a conversation in the database", size, 1),
    "history": Part("point 3: CPU a turn with a long log", history, 3),
    "crowd": Part("points 4 and 5: urgent before routine, memory, start", crowd, 2),
    "web": Part("point 6: 1,000 web chats", web_chats, 2),
    "console": Part("the nurses' pages, and what they cost the patients", console, 6),
}
PATIENCE = 6
FULL_MINUTES = 6
"""More for 10,000,000 events."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        epilog="parts: " + "; ".join(f"{name}: {one.what}, {one.minutes:g} min" for name, one in PARTS.items()),
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="only these; nothing is written then")
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--alternations", type=int, default=7)
    parser.add_argument("--full", action="store_true", help="also with 10,000,000 events; takes 12 GB of disk")
    given = parser.parse_args()
    if not OTHERS.exists():
        parser.error("the yardsticks are not installed; run `make bench`")
    allow_many_connections()
    events = (1_000_000, 10_000_000) if given.full else (1_000_000,)
    plan, names = Plan(given.patients, given.alternations, events, 100_000), given.parts or list(PARTS)
    minutes = sum(PARTS[name].minutes for name in names) + (FULL_MINUTES if given.full and "history" in names else 0)
    print(f"About {minutes:.0f} minutes on two idle cores. Load at the start: {os.getloadavg()[0]:.1f}.", flush=True)
    lines, failures = asyncio.run(measure(plan, names))
    text = table(lines, plan)
    print(text)
    if not given.parts and not failures:
        write(text)
    return 1 if failures else 0


async def measure(plan: Plan, names: Sequence[str]) -> tuple[list[Line], int]:
    """The lines, and how many parts gave none: a part that fails leaves the others alone."""
    lines: list[Line] = []
    failures = 0
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "dialog.json"
        dialog = Dialog(path, await record(path))
        for name in names:
            print(f"{name}: {PARTS[name].what} …", flush=True)
            began = time.monotonic()
            try:
                async with asyncio.timeout(
                    60 * PATIENCE * (PARTS[name].minutes + FULL_MINUTES * (len(plan.events) - 1))
                ):
                    lines += await PARTS[name].measure(plan, dialog)
            except Exception as error:
                failures += 1
                lines.append(Line(f"{name}: no figure", "", f"{type(error).__name__}: {error}"))
            print(f"  {(time.monotonic() - began) / 60:.1f} minutes", flush=True)
    return lines, failures


def table(lines: Sequence[Line], plan: Plan) -> str:
    """Markdown. Medians, in brackets the least and the most."""
    load = os.getloadavg()[1]
    head = (
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores "
        f"(load of the machine at the end: {load:.1f}), {plan.patients} patients, {plan.alternations} alternations.\n"
    )
    rows = [f"| {one.what} | {one.goal} | {one.measured} |" for one in lines]
    return "\n".join((head, "| what | goal | measured: median (least–most) |", "|---|---|---|", *rows))


def write(text: str) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(TABLE.sub(lambda found: f"{found[1]}\n{text}\n{found[2]}", document), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
