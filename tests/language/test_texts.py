"""Every word a patient reads: complete in each language, short enough, and nowhere in code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from bot.channels import Outgoing
from bot.clinic.settings import LOCALES
from bot.language.catalogue import Catalogue, Translation, catalogue_path, messages, problems, read
from bot.language.texts import PatientTexts
from dialogs.events import Advised, Answered, Asked, Entered, Event, LeftUnfinished, Recorded, Started
from dialogs.protocol import SPINAL_METASTASES, Disposition, parse
from dialogs.session import replay
from tests.kit.each import each
from tests.kit.languages import CLINIC, LANGUAGES, MONDAY_MORNING, PROTOCOL, WORDS

ROOT = Path(__file__).resolve().parents[2]
DUTCH = LOCALES / "nl" / "LC_MESSAGES" / "patient.po"
HOURS = {
    "in opening hours": MONDAY_MORNING,
    "before opening": MONDAY_MORNING - timedelta(hours=3),
    "in the evening": MONDAY_MORNING + timedelta(hours=11),
    "on Friday night": MONDAY_MORNING + timedelta(days=4, hours=14),
    "on Sunday": MONDAY_MORNING + timedelta(days=6),
    "before Christmas": datetime(2026, 12, 24, 15, 59, tzinfo=UTC),
}


def outcome(
    event: Event, at: datetime, language: str, dispositions: tuple[Disposition, ...] = ()
) -> tuple[Outgoing, ...]:
    """What is said when a check with every question answered comes to this."""
    started = Started("2026.1", language)
    answers = [Answered("respondent", "carer")]
    answers += [Answered(question.id, question.codes[0]) for question in PROTOCOL.questions]
    earlier = [Advised(disposition.value, (), disposition.value, at) for disposition in dispositions]
    log = [Recorded(seq, at, one) for seq, one in enumerate([started, *answers, *earlier, Entered("closed"), event])]
    before, after = replay("s", log[:-1]), replay("s", log)
    return WORDS.render([event], before, after, PROTOCOL, at)


def words_of(outgoing: Outgoing) -> int:
    """French puts a space before a colon: a sign that stands alone is no word."""
    return sum(any(map(str.isalnum, word)) for word in f"{outgoing.heading} {outgoing.text}".split())


# --- languages


@each("language", LANGUAGES)
def test_a_shipped_language_has_no_problem(language: str) -> None:
    assert WORDS.problems(language) == []


def test_every_language_of_the_clinic_is_offered() -> None:
    assert WORDS.offered == LANGUAGES


@each("language", LANGUAGES[1:])
def test_a_shipped_translation_says_that_nobody_reviewed_it(language: str) -> None:
    catalogue = catalogue_path(LOCALES, language).read_text(encoding="utf-8")
    assert '"X-Review: none; machine translation, not clinically reviewed\\n"' in catalogue


INFORMAL = {
    "de": r"\b(du|dir|dich|dein|deine|deinem|deinen|deiner|deines|euch|euer|eure|euren)\b",
    "es": r"\b(tú|tu|tus|te|ti|tuyo|tuya|contigo|vos)\b",
    "fr": r"\b(tu|te|toi|ton|ta|tes|tien|tienne)\b|\bt'",
    "nl": r"\b(je|jij|jou|jouw|jullie)\b",
    "tr": r"\b(sen|seni|senin|sana|sende|senden|seninle)\b",
}


@each("language", sorted(INFORMAL.keys() & LANGUAGES))
def test_patients_are_addressed_formally(language: str) -> None:
    informal = re.compile(INFORMAL[language], re.IGNORECASE)
    entries = read(catalogue_path(LOCALES, language), language).entries
    assert [key for key, entry in entries.items() if informal.search(entry.text)] == []


# --- a language with a fault is not offered


def faulty(key: str, translation: Translation | None) -> list[str]:
    catalogue = read(DUTCH, "nl")
    entries = {**catalogue.entries}
    if translation is None:
        del entries[key]
    else:
        entries[key] = translation
    return problems(PROTOCOL, Catalogue(Path("patient.po"), entries))


GREETING = "wording.program"
ENGLISH = "I am a computer program. I cannot rule anything out."


@pytest.mark.parametrize(
    ("translation", "complaint"),
    [
        (None, "is missing; add its translation"),
        (Translation(ENGLISH, ""), "is not translated; write its translation"),
        (Translation(ENGLISH, "Ik ben een programma.", is_fuzzy=True), "is marked fuzzy; check the translation"),
        (Translation("I am a program.", "Ik ben een programma."), "was translated from an earlier English text"),
        (Translation(ENGLISH, "Ik ben {clinic_name}."), "fills in {clinic_name}, the English nothing"),
    ],
    ids=["missing", "empty", "fuzzy", "stale", "other names"],
)
def test_a_fault_names_the_file_the_text_and_the_remedy(translation: Translation | None, complaint: str) -> None:
    assert [found.startswith(f"patient.po: {GREETING} {complaint}") for found in faulty(GREETING, translation)] == [
        True
    ]


def test_a_line_for_nurses_withholds_no_language_from_patients() -> None:
    assert faulty("wording.transcript_why", None) == []
    assert faulty("wording.transcript_why", Translation("Patient asked why", "Vroeg waarom", is_fuzzy=True)) == []


def test_a_word_for_two_answers_is_a_fault() -> None:
    aliases = read(DUTCH, "nl").entries["wording.alias_no"]
    found = faulty("wording.alias_no", replace(aliases, text="nee, ja"))
    assert "wording.alias_no has 'ja', which would mean both 'yes' and 'no' to question 'emergency_signs'" in found[0]


def test_a_language_without_a_file_is_not_offered(tmp_path: Path) -> None:
    words = PatientTexts(CLINIC, PROTOCOL, tmp_path)
    assert words.offered == ("en",)
    assert "patient.po: cannot be read" in words.problems("nl")[0]


def test_a_broken_file_is_not_offered(tmp_path: Path) -> None:
    path = tmp_path / "nl" / "LC_MESSAGES" / "patient.po"
    path.parent.mkdir(parents=True)
    path.write_bytes(b'msgid "a\nmsgstr')
    assert PatientTexts(CLINIC, PROTOCOL, tmp_path).offered == ("en",)


def test_an_unreviewed_language_is_offered_only_where_the_clinic_says_so() -> None:
    words = PatientTexts(CLINIC.model_copy(update={"unreviewed_languages": ()}), PROTOCOL)
    assert words.offered == ("en",)
    assert (
        "no clinician has reviewed this translation; record a review with cordwatch locale approve nl"
        in words.problems("nl")[0]
    )


def test_a_clinic_without_any_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no language of the clinic can be offered: .*patient\.po"):
        PatientTexts(CLINIC.model_copy(update={"languages": ("nl",)}), PROTOCOL, tmp_path)


def test_changed_english_takes_the_old_translation_away() -> None:
    shipped = (SPINAL_METASTASES / "protocol.toml").read_text(encoding="utf-8")
    own = parse(shipped.replace("Do you have pain between your shoulder blades?", "Is there pain up there?"))
    words = PatientTexts(CLINIC, own)
    assert words.offered == ("en",)
    assert (
        "question.between_shoulder_blades.text was translated from an earlier English text" in words.problems("nl")[0]
    )


def test_a_name_in_braces_that_nobody_knows_is_a_fault() -> None:
    shipped = (SPINAL_METASTASES / "protocol.toml").read_text(encoding="utf-8")
    own = parse(shipped.replace("I cannot rule anything out.", "Ask {doctor}."))
    with pytest.raises(ValueError, match=r"wording\.program fills in \{doctor\}, which nobody knows"):
        PatientTexts(CLINIC, own)


# --- lengths

CASES: list[Advised | LeftUnfinished] = [
    Advised("emergency", ("emergency", "walking"), "emergency", MONDAY_MORNING),
    Advised("12h", ("walking",), "12h", MONDAY_MORNING),
    *(
        Advised(
            disposition,
            (),
            disposition,
            MONDAY_MORNING,
            is_call_today=is_today,
            is_worse=True,
            discounted=("weakness",),
        )
        for disposition, is_today in product(("1w", "2w"), (False, True))
    ),
    Advised("none", (), "none", MONDAY_MORNING, discounted=("difficulty_walking", "weakness", "numbness_tingling")),
    LeftUnfinished(),
]


@each("language", LANGUAGES)
@each("hour", HOURS)
@pytest.mark.parametrize("event", CASES, ids=lambda event: getattr(event, "disposition", "unfinished"))
def test_the_first_advice_has_at_most_forty_words(event: Advised | LeftUnfinished, hour: str, language: str) -> None:
    at = HOURS[hour]
    if isinstance(event, Advised):
        event = replace(event, decided_at=at)
    first, _ = outcome(event, at, language)
    assert words_of(first) <= 40, first


@each("language", LANGUAGES)
@pytest.mark.parametrize("disposition", ["12h", "1w", "2w"])
def test_a_late_standing_advice_has_at_most_forty_words(disposition: str, language: str) -> None:
    event = Advised(disposition, (), "none", MONDAY_MORNING, is_standing=True)
    first, _ = outcome(event, MONDAY_MORNING + timedelta(days=20), language)
    assert words_of(first) <= 40, first


@each("language", LANGUAGES)
def test_twelve_hours_after_an_emergency_has_at_most_forty_words(language: str) -> None:
    event = Advised("12h", ("walking",), "12h", MONDAY_MORNING)
    first, _ = outcome(event, MONDAY_MORNING, language, (Disposition.EMERGENCY,))
    assert words_of(first) <= 40, first


@each("language", LANGUAGES)
@pytest.mark.parametrize("event", CASES, ids=lambda event: getattr(event, "disposition", "unfinished"))
def test_a_message_fits_telegram(event: Event, language: str) -> None:
    for outgoing in outcome(event, HOURS["on Sunday"], language):
        assert len(outgoing.heading) + len(outgoing.text) + 1 <= 4096


def drawn(language: str) -> Iterator[Outgoing]:
    """Every question as it is asked when all others are answered, plainly, urgently and with a number to share."""
    answered = [Answered(question.id, question.codes[0]) for question in PROTOCOL.questions]
    for question, is_urgent in product((*PROTOCOL.questions, *PROTOCOL.administrative), (False, True)):
        asked = Asked(question.id, "a" * 16, is_urgent, wants_contact=is_urgent)
        events: list[Event] = [Started("2026.1", language), *answered, asked]
        log = [Recorded(seq, MONDAY_MORNING, one) for seq, one in enumerate(events)]
        yield from WORDS.render([asked], replay("s", log[:-1]), replay("s", log), PROTOCOL, MONDAY_MORNING)


@each("language", LANGUAGES)
def test_questions_and_buttons_fit_telegram(language: str) -> None:
    for outgoing in drawn(language):
        assert len(outgoing.heading) + len(outgoing.text) <= 4096
        for choice in outgoing.choices:
            assert len(choice.data.encode()) <= 64, choice
            assert len(choice.label) <= 28, choice
            assert choice.label


@each("language", LANGUAGES)
def test_a_picture_with_its_question_fits_a_caption(language: str) -> None:
    (picture,) = (one for one in drawn(language) if one.picture and one.priority == 0)
    assert len(picture.heading) + len(picture.text) <= 1024
    assert picture.picture_alt


@each("language", LANGUAGES)
def test_the_names_of_answers_in_the_text_are_those_on_the_buttons(language: str) -> None:
    (picture,) = (one for one in drawn(language) if one.picture and one.priority == 0)
    labels = {choice.label for choice in picture.choices}
    assert set(re.findall(r"• (.*?)\s?:", picture.text)) < labels
    (not_sure,) = (choice.label for choice in picture.choices if choice.data.endswith(":unsure"))
    assert re.search(rf"[“„«]\s?{re.escape(not_sure)}\s?[”“»]", WORDS.ui("why_helps", language))


@each("language", LANGUAGES)
def test_nothing_is_left_to_fill_in(language: str) -> None:
    for outgoing in (*drawn(language), *outcome(CASES[1], MONDAY_MORNING, language)):
        assert not re.search(r"[{}]", f"{outgoing.heading}{outgoing.text}{[one.label for one in outgoing.choices]}")


# --- no words in code

CODE = sorted(
    path
    for package in ("bot", "dialogs")
    for path in (ROOT / package).rglob("*.py")
    if "cli" not in path.parts  # says to the administrator what the demo says to patients
)
PATIENT_SIDE = [
    *(ROOT / "dialogs").glob("*.py"),
    *(ROOT / "bot" / "language").glob("*.py"),
    ROOT / "bot" / "service" / "service.py",
    *(ROOT / "bot" / "channels").rglob("*.py"),
]
SPEAKS = ("Outgoing", "Choice", "Retired")
LETTERS = re.compile(r"[^\W\d_]{2,}")


def literals(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


@each("path", CODE)
def test_no_sentence_of_the_protocol_stands_in_code(path: Path) -> None:
    code = " ".join(path.read_text(encoding="utf-8").split())
    sentences = {
        sentence.strip("• ")
        for message in messages(PROTOCOL)
        for sentence in re.split(r"[\n.?!]+", message.text)
        if len(sentence.split()) >= 4
    }
    assert [sentence for sentence in sentences if sentence in code] == []


@each("path", PATIENT_SIDE)
def test_no_message_is_made_of_words_in_code(path: Path) -> None:
    spoken = [
        text
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in SPEAKS
        for argument in call.args[:2] + [one.value for one in call.keywords if one.arg in ("text", "heading", "label")]
        if isinstance(argument, ast.Constant | ast.JoinedStr)
        for text in literals(argument)
        if LETTERS.search(text)
    ]
    assert spoken == []


@pytest.mark.parametrize("path", sorted((ROOT / "bot" / "templates").glob("chat*.html")), ids=lambda path: path.name)
def test_no_words_stand_in_the_chats_pages(path: Path) -> None:
    page = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", " ", page)
    attributes = re.findall(r'\b(?:title|alt|placeholder|aria-label)="([^"]*)"', page)
    assert not LETTERS.search(" ".join([text, *attributes])), text.split()
