"""`make bench`: measures everything and writes the table of docs/performance.md."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.points import Line, Plan, cost, crowd, history, recorded, slow_network
from tests.bench.subjects import OTHERS

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
TABLE = re.compile(r"(?s)(<!-- measured -->).*(<!-- end -->)")
POINTS = {"cost": cost, "network": slow_network, "history": history, "crowd": crowd}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("points", nargs="*", help=f"only some of {', '.join(POINTS)}; nothing is written then")
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--alternations", type=int, default=7)
    parser.add_argument("--full", action="store_true", help="also with 10,000,000 events; takes 10 GB of disk")
    given = parser.parse_args()
    if not OTHERS.exists():
        parser.error("the yardsticks are not installed; run `make bench`")
    events = (1_000_000, 10_000_000) if given.full else (1_000_000,)
    plan = Plan(given.patients, given.alternations, events, 100_000)
    text = table(asyncio.run(measure(plan, given.points or list(POINTS))), plan)
    print(text)
    if not given.points:
        write(text)


async def measure(plan: Plan, points: Sequence[str]) -> list[Line]:
    with tempfile.TemporaryDirectory() as place:
        dialog = await recorded(Path(place))
        lines = []
        for name in points:
            print(f"{name} …", flush=True)
            lines += await POINTS[name](plan, dialog)
        return lines


def table(lines: Sequence[Line], plan: Plan) -> str:
    """Markdown. Medians, in brackets the least and the most."""
    load = os.getloadavg()[1]
    head = (
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores "
        f"(load of the machine at the end: {load:.1f}), {plan.patients} patients, {plan.alternations} alternations.\n"
    )
    rows = [f"| {one.what} | {one.goal} | {one.measured} |" for one in lines]
    return "\n".join((head, "| what | goal | measured: median (least to most) |", "|---|---|---|", *rows))


def write(text: str) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(TABLE.sub(lambda found: f"{found[1]}\n{text}\n{found[2]}", document), encoding="utf-8")


if __name__ == "__main__":
    main()
