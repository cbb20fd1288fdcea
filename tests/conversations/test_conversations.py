"""Golden conversations: whole chats in `conversations/*.txt` that a nurse can read and approve.

Lines that begin with `clock`, `carers`, `patient`, `waits`, `phone`, `nurse` or `#` are the script; the rest is what
came of it.
`pytest --update` writes the rest anew; a person reads the diff.
"""

from __future__ import annotations

import re
import textwrap
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.channels import Outgoing
from dialogs.events import Closed
from tests.kit.clinic import Patient, TestClinic

CONVERSATIONS = sorted(Path(__file__).parent.glob("*.txt"))
INDENT = 9
UNITS = {"minute": "minutes", "hour": "hours", "day": "days"}


@pytest.mark.parametrize("path", CONVERSATIONS, ids=lambda path: path.stem)
async def test_conversation(path: Path, clinic: TestClinic, request: pytest.FixtureRequest) -> None:
    expected = path.read_text(encoding="utf-8")
    heard = await play(expected, clinic)
    if request.config.getoption("--update"):
        path.write_text(heard, encoding="utf-8")
    assert heard == path.read_text(encoding="utf-8")


async def play(script: str, clinic: TestClinic) -> str:
    """The script with what the bot says to it and how it ends."""
    patient = clinic.patient()
    lines: list[str] = []
    for line in script.splitlines():
        word, _, rest = line.partition(" ")
        if word not in ("#", "clock", "language", "patient", "waits", "phone", "nurse", "carers"):
            continue
        lines.append(line)
        heard = len(patient.messages)
        await act(word, rest.strip(), patient)
        lines += [said for outgoing in patient.messages[heard:] for said in shown(outgoing)]
    session = await patient.session()
    rows = await clinic.worklist()
    lines.append(f"{'ends':{INDENT}}{session.state}, {ending(session.advised, session.advice)}")
    for row in rows:
        entry = row.entry
        what = f"{entry.disposition or 'no tier'}: {', '.join(entry.reasons)}"
        trouble = f", trouble {entry.trouble}" if entry.trouble else ""
        worse = ", worse than last time" if entry.is_worse else ""
        due = f"acknowledge by {entry.acknowledge_by:%a %d %H:%M} UTC"
        lines.append(f"{'listed':{INDENT}}{what}{trouble}{worse}, {due}")
    return "\n".join(lines) + "\n"


def ending(advised: object, advice: object) -> str:
    if advised is None:
        return "nothing advised"
    rules = ", ".join(getattr(advice, "rules", ())) or "nothing found"
    return f"{advised}, because {rules}"


async def act(word: str, rest: str, patient: Patient) -> None:
    match word:
        case "clock":
            patient.clinic.clock.at = datetime.fromisoformat(rest)
        case "carers":
            patient.clinic.sets(are_carers_allowed=rest == "allowed")
        case "language":
            patient.language = rest
        case "waits":
            await patient.waits(**duration(rest))
        case "phone" if rest == "blocks us":
            patient.has_blocked_us()
            await patient.sends(what="blocked")
        case "phone" if rest.startswith("old "):
            await patient.sends(choice=old_button(patient, rest.removeprefix("old ")))
        case "phone" if rest.startswith("sends "):
            await patient.sends(what=rest.removeprefix("sends "))
        case "phone" if rest.startswith("shares "):
            await patient.sends(contact=rest.removeprefix("shares "), what="contact")
        case "nurse" if rest == "closes":
            await close(patient)
        case "patient" if rest.startswith("["):
            await patient.taps(*re.findall(r"\[(.*?)\]", rest))
        case "patient":
            await patient.says(rest)
        case "#":
            return
        case _:
            raise ValueError(f"the script does not know {word} {rest!r}")


def duration(text: str) -> dict[str, float]:
    number, unit = text.split()
    return {UNITS[unit.rstrip("s")]: float(number)}


def old_button(patient: Patient, text: str) -> str:
    """`[label] of question`: the latest such button that is not on the newest keyboard."""
    label, question = re.fullmatch(r"\[(.*)\] of (\w+)", text).groups()  # type: ignore[union-attr]
    buttons = [choice for message in patient.messages for choice in message.choices if choice not in patient.keyboard]
    return next(one.data for one in reversed(buttons) if one.label == label and one.data.split(":")[1] == question)


async def close(patient: Patient) -> None:
    """A nurse has finished every open entry of everybody."""
    for row in await patient.clinic.worklist():
        closed = Closed("anna", "reached and advised")
        await patient.clinic.service.review(row.session, closed, f"review:{row.session}:{row.id}")


def shown(outgoing: Outgoing) -> list[str]:
    """A message as a nurse reads it: the first line after `bot`, the others below, the buttons last."""
    paragraphs = [part for part in (outgoing.heading, outgoing.text) if part]
    lines = [line for part in paragraphs for line in part.splitlines()]
    if outgoing.picture:
        lines.append(f"<picture {outgoing.picture}>")
    buttons = " ".join(f"[{choice.label}]" for choice in outgoing.choices)
    if buttons:
        lines.append(buttons)
    wrapped = [piece for line in lines for piece in (textwrap.wrap(line, 110) or [""])]
    return [f"{'bot' if place == 0 else '':{INDENT}}{line}".rstrip() for place, line in enumerate(wrapped)]


def test_durations_are_read_in_words() -> None:
    assert timedelta(**duration("15 minutes")) == timedelta(minutes=15)
