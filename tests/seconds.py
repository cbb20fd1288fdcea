"""Writes the table of tests/README.md: `pytest --junitxml=FILE`, then `python -m tests.seconds FILE`."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

DOCUMENT = Path(__file__).with_name("README.md")
TABLE = re.compile(r"(?s)(<!-- measured -->).*(<!-- end -->)")
ROOMS = {
    "journeys": "the real process from outside: over the wire, in a browser, killed",
    "laws": "what must hold after anything, in any order; the same in every language",
    "conversations": "whole chats that a nurse can read and sign",
    "dialogs": "the decision, the machine, the log's stored form",
    "clinic": "settings, working time",
    "channels": "what every channel promises, and each make",
    "store": "what every store promises, and SQLite's own",
    "web": "what every page shares",
    "language": "words in, codes out, and back; catalogues",
    "service": "the path of a message, outbox, alerts",
    "console": "the nurses' pages, over HTTP and in a browser",
    "signoff": "what a clinician checks and signs",
    "translation": "translators' tools",
    "cli": "the command",
    "kit": "what tests share: a clinic, patients, a Bot API server, a browser",
    "bench": "`make bench`, and what it says of itself",
}
"""Also the order of the table."""


def main() -> None:
    text = table(Path(sys.argv[1]).read_text(encoding="utf-8"))
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(TABLE.sub(lambda found: f"{found[1]}\n{text}\n{found[2]}", document), encoding="utf-8")
    print(text)


def table(report: str) -> str:
    """Functions, cases and seconds of each room, from a report in JUnit's form."""
    functions: dict[str, set[str]] = defaultdict(set)
    cases: dict[str, int] = defaultdict(int)
    seconds: dict[str, float] = defaultdict(float)
    for case in ElementTree.fromstring(report).iter("testcase"):
        module, name = case.attrib["classname"], case.attrib["name"].partition("[")[0]
        room = module.split(".")[1] if module.count(".") > 1 else ""
        functions[room].add(f"{module}.{name}")
        cases[room] += 1
        seconds[room] += float(case.attrib["time"])
    rows = [
        f"| {f'`{room}/`' if room else 'beside them'} | {ROOMS.get(room, 'layers, documents, upkeep, health')} "
        f"| {len(functions[room])} | {cases[room]} | {seconds[room]:.0f} |"
        for room in sorted(functions, key=lambda room: [*ROOMS, ""].index(room))
    ]
    whole = f"| all | | {sum(map(len, functions.values()))} | {sum(cases.values())} | {sum(seconds.values()):.0f} |"
    return "\n".join(("| room | what | tests | cases | seconds |", "|---|---|---:|---:|---:|", *rows, whole))


if __name__ == "__main__":
    main()
