"""The referral summary: one sheet in SBAR form that goes with the patient to the emergency department."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from bot.console import labels as words
from bot.console import session as entry
from bot.console.request import NurseRequest
from bot.console.session import Reason, View, reasons_of
from bot.language.phrases import Phrases
from dialogs.decision import decide_from_answers
from dialogs.events import Called, NotUnderstood, Said, Unprocessed
from dialogs.protocol import Disposition

OWN_WORDS = 12
EARLIER = 4


@dataclass(frozen=True, slots=True)
class Told:
    """A question and the patient's answer, as the nurse reads them and as the patient did.

    `more`: what stood below the question; only below that of an emergency, which makes no sense without its list.
    """

    question: str
    more: str
    answer: str
    their_question: str
    their_answer: str
    at: datetime
    is_cause: bool


@dataclass(frozen=True, slots=True)
class Quoted:
    """What the patient wrote, word for word."""

    at: datetime
    text: str


async def page(request: NurseRequest) -> Response:
    """What leaves the console on paper counts as exported."""
    session_id = request.session_id
    view = await entry.read(request, session_id)
    await request.write_down("exported", session_id)
    service = request.service
    mine = service.words.read_in(request.language).phrases(request.language, view.protocol, request.at)
    theirs = service.words.phrases(view.session.language, view.protocol, request.at)
    # the list keeps what decided the advice; what was found after it counts here too
    found = decide_from_answers(view.session.findings, view.protocol).rules
    advised = [one.rule.id for one in view.reasons if one.rule.id not in found]
    reasons = tuple(reasons_of((*found, *advised), view.session, view.protocol, mine))
    quoted = list(_quoted(view))
    return request.page(
        "referral.html",
        view=view,
        reasons=reasons,
        told=tuple(_told(view, reasons, mine, theirs)),
        quoted=quoted[-OWN_WORDS:],
        left_out=max(0, len(quoted) - OWN_WORDS),
        calls=[(one.at, one.event) for one in view.log.events if isinstance(one.event, Called)],
        earlier=[one for one in view.checks if one.session != session_id][:EARLIER],
        words=words,
    )


def _told(view: View, reasons: Sequence[Reason], mine: Phrases, theirs: Phrases) -> Iterator[Told]:
    causes = {question for reason in reasons for question in reason.rule.when}
    emergencies = {
        question
        for reason in reasons
        if reason.rule.disposition is Disposition.EMERGENCY
        for question in reason.rule.when
    }
    for question in view.protocol.questions:
        answer = view.session.answers.get(question.id)
        if answer is not None:
            heading, more = mine.heading(question)
            is_cause = question.id in causes and question.severity(answer) > 0
            yield Told(
                heading,
                " ".join(more.split()) if question.id in emergencies else "",
                mine.label(question.id, answer),
                theirs.heading(question)[0],
                theirs.label(question.id, answer),
                view.session.answered_at[question.id],
                is_cause,
            )


def _quoted(view: View) -> Iterator[Quoted]:
    for one in view.log.events:
        if isinstance(one.event, Said | NotUnderstood | Unprocessed) and one.event.text.strip():
            yield Quoted(one.at, one.event.text.strip())
