"""When a patient's message begins a new check, and what the new check may believe of earlier ones. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from dialogs.decision import could_be_urgent
from dialogs.events import CalledEmergency, PatientEvent, Stopped, TappedStale
from dialogs.protocol import TriageProtocol
from dialogs.session import Session


def begins_anew(session: Session, event: PatientEvent, is_start: bool, protocol: TriageProtocol) -> bool:
    """Whether the check that is there is left for a new one. `is_start`: the patient asked to begin."""
    match event:
        case Stopped("restart"):
            return True
        case CalledEmergency():
            return session.is_over
        case TappedStale(question, answer, is_repeat):
            is_urgent = not is_repeat and could_be_urgent(question, answer, protocol)
            return session.is_over and is_urgent
    return is_start and (session.is_over or session.state == "following_up")


def believed(confirmed: Mapping[str, datetime], protocol: TriageProtocol, at: datetime) -> tuple[str, ...]:
    """The symptoms whose baseline a nurse confirmed recently enough. `confirmed`: the latest moment of each."""
    return tuple(symptom for symptom, when in confirmed.items() if at - when <= protocol.baseline_holds)
