"""`python -m tests.bench.picture`: samples the service while patients talk, and draws where a turn's time goes.

py-spy looks at both threads of the running process, 250 times a second; a sample belongs to the innermost frame that
PLACES names, and to the event loop when there is none. Where the system forbids to look at another process
(ptrace_scope), it has to be run as root.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from tests.bench import patients
from tests.bench.figures import AT_ONCE
from tests.bench.subjects import OTHERS, Process, ours, record
from tests.bench.turns import SETTLED_S, WARMING_UP

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "turn.svg"
A_SECOND = 250
SQLITE = "bot/store/sqlite"
WRITER = f"{SQLITE}/writer.py"
PLACES = {
    "calls to Telegram": ("bot/channels/telegram", "telegram/", "aiohttp/", "yarl/", "multidict/"),
    "recording what was sent": (
        f"settle ({SQLITE}/deliveries.py",
        f"_refresh_chat ({SQLITE}/deliveries.py",
    ),
    "choosing what to send": ("bot/service/outbox.py", f"{SQLITE}/deliveries.py"),
    "reading the log": (
        f"{SQLITE}/store.py",
        "read_log (bot/",
        f"of ({SQLITE}/turns.py",
        "_open_entry (bot/",
    ),
    "writing the turn": (f"{SQLITE}/turns.py", f"{SQLITE}/waits.py"),
    "commits, with the disk": (WRITER,),
    "events, to text and back": ("dialogs/events.py",),
    "replaying the session": ("dialogs/session.py",),
    "the machine": ("dialogs/", "transitions/"),
    "words": ("bot/language/", "babel/", "gettext.py"),
    "the nurse's list": (
        "bot/service/entry.py",
        "bot/clinic/calendar.py",
        "bot/service/alerts.py",
        f"{SQLITE}/nurse_chats.py",
    ),
    "the turn itself": ("bot/service/service.py",),
}
REST = "the event loop"
WAITING = "_next_group (bot/store/sqlite/writer.py"
"""Where the writer's thread waits for something to write."""
WIDTH, LEFT, ROW = 760, 210, 26
INK, FAINT, LOOP, WRITING = "#1f2933", "#616e7c", "#2f6f8f", "#d08c2e"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.picture", description=__doc__)
    parser.add_argument("--patients", type=int, default=200)
    given = parser.parse_args()
    if not (OTHERS.parent / "py-spy").exists():
        parser.error("py-spy is not installed; run `make bench`")
    samples, turns, cpu_s = asyncio.run(sample(given.patients))
    PICTURE.write_text(drawing(samples, turns, cpu_s), encoding="utf-8")
    print(f"{PICTURE}: {sum(samples.values())} samples, {turns} turns, {1000 * cpu_s / turns:.2f} ms of CPU a turn")


async def sample(count: int) -> tuple[Counter[tuple[str, bool]], int, float]:
    """How often each place was met, in the event loop's thread or the writer's; turns, and CPU of all of them."""
    with tempfile.TemporaryDirectory() as place:
        messages = await record(Path(place) / "dialog.json")
        raw = Path(place) / "samples.txt"
        async with ours() as bot:
            await asyncio.sleep(SETTLED_S)
            await patients.converse(bot.telegram, WARMING_UP, 2, 2, messages)
            watching = await _watch(bot, raw)
            before = bot.cpu_s
            run = await patients.converse(bot.telegram, 1, count, AT_ONCE, messages)
            spent = bot.cpu_s - before
            watching.send_signal(signal.SIGINT)
            await watching.wait()
        return counted(raw.read_text(encoding="utf-8")), run.turns, spent


async def _watch(bot: Process, raw: Path) -> asyncio.subprocess.Process:
    wanted = ("--pid", str(bot.process.pid), "--rate", str(A_SECOND), "--format", "raw", "--output", str(raw))
    command = (str(OTHERS.parent / "py-spy"), "record", "--nonblocking", *wanted, "--duration", "600")
    watching = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    await asyncio.sleep(1)
    assert watching.returncode is None, "py-spy may not look at the process; run it as root"
    return watching


def counted(raw: str) -> Counter[tuple[str, bool]]:
    """Samples by place and by whether the writer's thread was met there. `raw`: py-spy's stacks, outermost first."""
    samples: Counter[tuple[str, bool]] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        if WAITING in stack.rpartition(";")[2]:
            continue
        samples[_place(stack.split(";")), f"_run ({WRITER}" in stack] += int(count)
    return samples


def _place(frames: list[str]) -> str:
    for frame in reversed(frames):
        for place, marks in PLACES.items():
            if any(mark in frame for mark in marks):
                return place
    return REST


# --- drawing


def drawing(samples: Mapping[tuple[str, bool], int], turns: int, cpu_s: float) -> str:
    """An SVG picture: a bar for each place, its part in the writer's thread in another colour."""
    height = 70 + ROW * (len({place for place, _ in samples}) + 1)
    head = f"Where a turn's time goes, with {1000 * cpu_s / turns:.1f} ms of CPU in all"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            f'aria-label="{escape(head)}" font-family="sans-serif" font-size="13">',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="16" y="28" font-size="16" font-weight="bold" fill="{INK}">{escape(head)}</text>',
            *_bars(samples),
            *_legend(height - 18),
            "</svg>\n",
        )
    )


def _bars(samples: Mapping[tuple[str, bool], int]) -> Iterator[str]:
    whole = sum(samples.values())
    sums: Counter[str] = Counter()
    for (place, _), count in samples.items():
        sums[place] += count
    widest = max(sums.values())
    for number, (place, count) in enumerate(sums.most_common()):
        y, x = 46 + ROW * number, float(LEFT)
        yield f'<text x="{LEFT - 10}" y="{y + 14}" text-anchor="end" fill="{INK}">{escape(place)}</text>'
        for is_writing, colour in ((False, LOOP), (True, WRITING)):
            width = (WIDTH - LEFT - 70) * samples.get((place, is_writing), 0) / widest
            yield f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 7}" fill="{colour}"/>'
            x += width
        yield f'<text x="{x + 8:.1f}" y="{y + 14}" fill="{INK}">{100 * count / whole:.1f} %</text>'


def _legend(y: int) -> Iterator[str]:
    for x, colour, text in ((LEFT, LOOP, "the event loop's thread"), (LEFT + 200, WRITING, "the writer's thread")):
        yield f'<rect x="{x}" y="{y - 11}" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 18}" y="{y}" fill="{FAINT}">{text}</text>'


if __name__ == "__main__":
    main()
