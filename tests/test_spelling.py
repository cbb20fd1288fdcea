"""What patients type in languages whose spelling or words set traps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.channels import Incoming
from bot.config import load
from bot.language import Words
from dialogs.events import Answered, Asked, AskedForPerson, AskedWhy, Event, NotUnderstood, Recorded, Started, WentBack
from dialogs.protocol import load as load_protocol
from dialogs.session import replay

PROTOCOL = load_protocol()
WORDS = Words(
    replace(load(None, {}).clinic, languages=("en", "ar", "pl"), unreviewed_languages=("ar", "pl")),
    PROTOCOL,
)
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def typed(text: str, language: str, question: str = "weakness") -> Event:
    events: list[Event] = [Started("2026.1", language, is_language_known=True), Asked(question, "tok7")]
    session = replay("s", [Recorded(seq, MONDAY, event) for seq, event in enumerate(events)])
    return WORDS.understand(Incoming("test", "42", "1", text), session, PROTOCOL)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("نعم", "yes"),
        ("نَعَم", "yes"),
        ("نعـــم!", "yes"),
        ("ايوه", "yes"),
        ("أيوة", "yes"),
        ("١", "yes"),
        ("۱", "yes"),
        ("لا", "no"),
        ("لأ", "no"),
        ("لا، شكراً.", "no"),
        ("٢", "no"),
        ("لا أعرف", "unsure"),
        ("لا اعرف", "unsure"),
        ("لا أَدري", "unsure"),
        ("؟", "unsure"),
        ("(٣)", "unsure"),
    ],
)
def test_arabic_is_understood_in_every_spelling(text: str, answer: str) -> None:
    assert typed(text, "ar") == Answered("weakness", answer)


def test_arabic_words_for_actions_and_other_answers_are_understood() -> None:
    assert typed("لماذا؟", "ar") == AskedWhy()
    assert typed("لماذا", "ar") == AskedWhy()
    assert typed("رجوع", "ar") == WentBack()
    assert typed("ممرضه", "ar") == AskedForPerson()
    assert typed("العربيه", "ar", "language") == Answered("language", "ar")
    assert typed("اسوأ", "ar", "weakness_change") == Answered("weakness_change", "new_or_worse")
    assert typed("كلا الجهتين", "ar", "radiating_pain") == Answered("radiating_pain", "both_sides")
    assert typed("\u200f+٣١ ٦ ١٢٣٤ ٥٦٧٨", "ar", "call_back_number") == Answered("call_back_number", "+31612345678")


@pytest.mark.parametrize("text", ["لا؟", "لا أستطيع المشي", "تمام", "طيب", "ok", "no", "yes"])
def test_arabic_that_may_mean_something_else_is_no_answer(text: str) -> None:
    assert typed(text, "ar") == NotUnderstood("text", text)


@pytest.mark.parametrize(
    ("text", "answer"), [("tak", "yes"), ("TAK.", "yes"), ("nie", "no"), ("nie wiem", "unsure"), ("byc moze", "unsure")]
)
def test_polish_is_understood_with_and_without_its_marks(text: str, answer: str) -> None:
    assert typed(text, "pl") == Answered("weakness", answer)


@pytest.mark.parametrize("text", ["no", "No", "no no", "no tak", "no nie", "dobrze", "ok", "yes"])
@pytest.mark.parametrize("question", ["weakness", "emergency_signs", "consent", "radiating_pain", "more"])
def test_polish_no_is_neither_yes_nor_no(text: str, question: str) -> None:
    assert typed(text, "pl", question) == NotUnderstood("text", text)
