"""One step of a session on its way into the store: what was, what is added, and what follows for the patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.store.sessions import Log, Patient
from dialogs.events import Event, Recorded
from dialogs.machine import Standing
from dialogs.protocol import Disposition, TriageProtocol
from dialogs.session import Session, apply


@dataclass(frozen=True, slots=True)
class Step:
    """A session with what is to be added to it."""

    before: Session
    after: Session
    recorded: tuple[Recorded, ...]
    events: tuple[Event, ...]
    protocol: TriageProtocol


def step_of(
    session: Session,
    recorded: Iterable[Recorded],
    events: tuple[Event, ...],
    protocol: TriageProtocol,
    at: datetime,
) -> Step:
    """The step that adds `events` at one moment; `recorded`: all that stands in the session's log already."""
    after = session
    whole = [*recorded]
    for event in events:
        whole.append(Recorded(after.length, at, event))
        after = apply(after, event, at)
    return Step(session, after, tuple(whole), events, protocol)


def standing_of(found: Log) -> Standing | None:
    """What no nurse has closed yet, as the store holds it."""
    if found.open_entry is None:
        return None
    return Standing(Disposition(found.open_entry.disposition), found.open_entry.decided_at)


def patient_after(patient: Patient, steps: Sequence[Step]) -> Patient:
    """What the patient has told of herself: language, number, consent."""
    for step in steps:
        answers = step.after.answers
        number = answers.get("call_back_number")
        patient = replace(
            patient,
            language=answers.get("language", patient.language),
            call_back_number=number if number and number != "skip" else patient.call_back_number,
            is_consented=patient.is_consented or answers.get("consent") == "yes",
        )
    return patient
