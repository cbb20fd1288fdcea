"""What is told: which part of a decision is news to the patient, and the advice that she gets. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dialogs.decision import Decision, decide, decided_at, discounted
from dialogs.events import Advised
from dialogs.protocol import Disposition, TriageProtocol, most_urgent
from dialogs.session import Session


@dataclass(frozen=True, slots=True)
class Standing:
    """The most urgent advice from any check that no nurse has closed, with its earliest deciding moment."""

    disposition: Disposition
    decided_at: datetime


def news(decision: Decision, session: Session, protocol: TriageProtocol) -> Decision | None:
    """The part of a decision to be told now: more urgent than all found before, or 12 hours after an emergency.

    What a nurse has closed is no news, but anything found since then is.
    """
    open_rules = (protocol.rule(rule) for rule in decision.rules if rule not in session.closed_rules)
    highest = most_urgent(session.found)
    new = [
        rule.disposition
        for rule in open_rules
        if rule.disposition not in session.found
        and (rule.disposition.urgency > highest.urgency or rule.disposition is Disposition.WITHIN_12_HOURS)
    ]
    return Decision(most_urgent(new), decision.rules) if new else None


def advise(
    decision: Decision,
    session: Session,
    protocol: TriageProtocol,
    at: datetime,
    standing: Standing | None,
    is_finished: bool = True,
    is_repeat: bool = False,
) -> Advised:
    """The advice for a decision: the most urgent of what was found now, what this check has told and what still stands.

    With one exception: 12 hours found after an emergency was told is told as 12 hours, unless it `is_repeat`. A repeat
    says no less than the latest advice, even if a nurse has closed it since.
    """
    found = decision.disposition
    moments = _moments(session, standing, is_repeat)
    _keep_earliest(moments, found, decided_at(decision, session.answered_at, protocol) or at)
    told = most_urgent(moments)
    if found is Disposition.WITHIN_12_HOURS and Disposition.EMERGENCY in session.told and not is_repeat:
        told = found
    today = protocol.call_today
    return Advised(
        disposition=told.value,
        rules=decision.rules,
        found=found.value if is_finished or decision.rules else None,
        decided_at=moments[told],
        is_standing=told is not found,
        is_finished=is_finished,
        is_call_today=not is_finished or (today is not None and today.holds(session.findings)),
        is_repeat=is_repeat,
        is_worse=_is_worse(found, session, protocol),
        discounted=discounted(session.findings, protocol),
    )


def _moments(session: Session, standing: Standing | None, is_repeat: bool) -> dict[Disposition, datetime]:
    """What has been told, or still stands, with the moment that each counts from."""
    moments, latest = dict(session.told), session.advice
    if is_repeat and latest is not None:
        _keep_earliest(moments, Disposition(latest.disposition), latest.decided_at)
    if standing is not None:
        _keep_earliest(moments, standing.disposition, standing.decided_at)
    return moments


def _keep_earliest(moments: dict[Disposition, datetime], disposition: Disposition, at: datetime) -> None:
    moments[disposition] = min(at, moments.get(disposition, at))


def _is_worse(found: Disposition, session: Session, protocol: TriageProtocol) -> bool:
    if session.started is None or not session.started.previous:
        return False
    return found.urgency > decide(session.started.previous, protocol).disposition.urgency
