"""Answers typed instead of tapped, in every language: how people spell them, and whose words count."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

import pytest

from bot.channels import Incoming
from bot.language.catalogue import native_name
from dialogs.events import (
    Answered,
    Asked,
    AskedForPerson,
    AskedToShare,
    AskedWhy,
    Event,
    NotUnderstood,
    Recorded,
    Started,
    Stopped,
    WentBack,
)
from dialogs.protocol import Question
from dialogs.session import Session, replay
from tests.kit.each import each
from tests.kit.languages import LANGUAGES, MONDAY_MORNING, PROTOCOL, WORDS

QUESTIONS = [one for one in (*PROTOCOL.questions, *PROTOCOL.administrative) if one.codes]
ACTIONS: dict[str, Event] = {
    "back": WentBack(),
    "why": AskedWhy(),
    "person": AskedForPerson(),
    "stop": Stopped("stop"),
}
OTHERS = [(mine, other) for mine in LANGUAGES for other in LANGUAGES if mine != other]


def asked(question: str, language: str) -> Session:
    """A session in which every question about health has been answered, and this one is pending."""
    answers = [Answered(one.id, one.codes[0]) for one in PROTOCOL.questions]
    log: list[Event] = [Started("2026.1", language), *answers, Asked(question, "tok7")]
    return replay("s", [Recorded(seq, MONDAY_MORNING, event) for seq, event in enumerate(log)])


def typed(text: str, session: Session) -> Event:
    return WORDS.understand(Incoming("test", "42", "1", text), session, PROTOCOL)


def text_of(key: str, language: str) -> str:
    return WORDS.phrases(language, PROTOCOL, MONDAY_MORNING).texts.get(key, "")


def listed(code: str, language: str) -> list[str]:
    """The aliases of an answer or action, as its translator wrote them."""
    return [word.strip() for word in re.split("[,،]", text_of(f"wording.alias_{code}", language)) if word.strip()]


def words_of(question: Question, language: str) -> Iterator[tuple[str, Event]]:
    """Every label and alias of a question, as written, with the event that it means."""
    for code in question.codes:
        event: Event = AskedToShare() if code == "share" else Answered(question.id, code)
        for word in (text_of(f"question.{question.id}.answer.{code}", language), *listed(code, language)):
            yield word, event


# --- spellings


def without_accents(text: str) -> str:
    """Short words keep theirs: "no" is not the German "nö"."""
    if len(text) < 4:
        return text
    letters = unicodedata.normalize("NFD", text.replace("ß", "ss").translate(str.maketrans("łŁı", "lLi")))
    return re.sub("[\u0300-\u036f]", "", letters)


def with_vowel_signs(text: str) -> str:
    return re.sub("([ب-ي])", "\\1\u064e", text)


def joined(text: str) -> str:
    return text.replace("لا", "\ufefb").replace("لأ", "\ufef7")


TURKISH_CAPITALS = str.maketrans("iı", "İI")
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is written": str,
    "in capitals": str.upper,
    "in Turkish capitals": lambda text: text.translate(TURKISH_CAPITALS).upper(),
    "with a first capital": str.capitalize,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "without accents": without_accents,
    "without accents in capitals": lambda text: without_accents(text).upper(),
    "with umlauts spelled out": lambda text: text.translate(
        str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ü": "Ue"})
    ),
    "with ss": lambda text: text.replace("ß", "ss"),
    "with the capital ẞ": lambda text: text.replace("ß", "ẞ").upper(),
    "with curled apostrophes": lambda text: text.replace("'", "’"),
    "with straight apostrophes": lambda text: text.replace("’", "'"),
    "with accents for apostrophes": lambda text: re.sub("['’]", "´", text),
    "without apostrophes": lambda text: re.sub("['’]", "", text),
    "with vowel signs": with_vowel_signs,
    "lengthened": lambda text: re.sub("([بتسعمنيكقفهجحخصضطظغشث])(?=[ء-ي])", "\\1ـ", text),
    "without hamzas": lambda text: text.translate(str.maketrans("أإآؤئ", "اااوي")),
    "with ه for ة and ى for ي": lambda text: text.translate(str.maketrans("ةي", "هى")),
    "with Persian letters": lambda text: text.translate(str.maketrans("كيه", "کیہ")),
    "joined as on old telephones": joined,
    "with marks of direction": lambda text: f"\u2067{text}\u2069\u200f",
    "with a full stop": lambda text: f" {text}. ",
    "with exclamation marks": lambda text: f"{text}!!" if not text.endswith(("?", "؟")) else text,
    "in quotation marks": lambda text: f"« {text} »",
    "with two spaces": lambda text: text.replace(" ", "  "),
}


@each("language", LANGUAGES)
@each("spelling", SPELLINGS)
def test_every_label_and_alias_is_understood_however_it_is_spelled(spelling: str, language: str) -> None:
    misread = [
        (question.id, word, event)
        for question in QUESTIONS
        for session in [asked(question.id, language)]
        for word, meant in words_of(question, language)
        if (event := typed(SPELLINGS[spelling](word), session)) != meant
    ]
    assert misread == []


DIGITS = {"Latin": "0123456789", "Arabic": "٠١٢٣٤٥٦٧٨٩", "Persian": "۰۱۲۳۴۵۶۷۸۹", "wide": "０１２３４５６７８９"}


@each("language", LANGUAGES)
@each("digits", DIGITS)
def test_the_number_of_a_button_answers_in_every_script(digits: str, language: str) -> None:
    script = str.maketrans(DIGITS["Latin"], DIGITS[digits])
    for question in QUESTIONS:
        session = asked(question.id, language)
        for place, code in enumerate(question.codes, 1):
            meant = AskedToShare() if code == "share" else Answered(question.id, code)
            assert [typed(form.format(place).translate(script), session) for form in ("{}", "{}.", "({})", "{}،")] == [
                meant
            ] * 4
        if question.id != "summary":
            assert isinstance(typed(str(len(question.codes) + 1).translate(script), session), NotUnderstood)


@each("language", LANGUAGES)
@each("spelling", ["as it is written", "in capitals", "without accents"])
def test_a_language_is_chosen_by_its_own_name(spelling: str, language: str) -> None:
    session = asked("language", language)
    for other in LANGUAGES:
        assert typed(SPELLINGS[spelling](native_name(other)), session) == Answered("language", other)
        assert typed(other.upper(), session) == Answered("language", other)


@each("language", LANGUAGES)
@each("spelling", SPELLINGS)
def test_every_line_of_the_summary_can_be_typed(spelling: str, language: str) -> None:
    session = asked("summary", language)
    for question in PROTOCOL.questions:
        label = WORDS.phrases(language, PROTOCOL, MONDAY_MORNING).label("summary", question.id)
        assert typed(SPELLINGS[spelling](label), session) == Answered("summary", question.id)


@each("language", LANGUAGES)
@each("spelling", SPELLINGS)
def test_every_word_for_an_action_is_understood_however_it_is_spelled(spelling: str, language: str) -> None:
    session = asked("between_shoulder_blades", language)
    misread = [
        (word, event)
        for action, meant in ACTIONS.items()
        for word in (text_of(f"wording.action_{action}", language), *listed(action, language))
        if (event := typed(SPELLINGS[spelling](word), session)) != meant
    ]
    assert misread == []


# --- whose words count


@pytest.mark.parametrize(("language", "other"), OTHERS, ids=lambda pair: pair)
def test_a_word_of_another_language_counts_only_where_it_is_a_word_of_this_one(language: str, other: str) -> None:
    for question in QUESTIONS:
        session = asked(question.id, language)
        own = {(loosely(word), meant) for word, meant in words_of(question, language)}
        for word, _ in words_of(question, other):
            event = typed(word, session)
            assert not isinstance(event, Answered) or (loosely(word), event) in own, (question.id, word)


@pytest.mark.parametrize(("language", "other"), OTHERS, ids=lambda pair: pair)
def test_no_answer_is_another_answer_to_the_same_question_in_another_language(language: str, other: str) -> None:
    """So a patient who falls back into her mother tongue is not understood, rather than misunderstood."""
    for question in QUESTIONS:
        mine = {loosely(word): meant for word, meant in words_of(question, language)}
        theirs = {loosely(word): meant for word, meant in words_of(question, other)}
        assert {word for word in mine.keys() & theirs.keys() if mine[word] != theirs[word]} == set()


def loosely(word: str) -> str:
    """Letters and question marks only: coarser than anything that is compared."""
    letters = without_accents(word).casefold().replace("؟", "?")
    return "".join(sign for sign in letters if sign.isalnum() or sign == "?")


@pytest.mark.parametrize(
    ("language", "word", "elsewhere"),
    [
        ("pl", "no", "the English or Spanish No; to a Pole it is a Yes"),
        ("pl", "ja", "the German or Dutch Yes; to a Pole it is I"),
        ("pl", "si", "the Spanish Yes"),
        ("de", "nie", "the Polish No; to a German it is never"),
        ("de", "no", "the English No"),
        ("de", "e", "the Turkish Yes"),
        ("nl", "nie", "the Polish No, and how a Fleming says it"),
        ("nl", "no", "the English No"),
        ("nl", "tak", "the Polish Yes; to a Dutchman it is a branch"),
        ("nl", "dur", "the Turkish Stop"),
        ("fr", "no", "the English No"),
        ("fr", "si", "the Spanish Yes; to a Frenchwoman it contradicts"),
        ("fr", "tak", "the Polish Yes"),
        ("fr", "non mais", "no whole answer"),
        ("es", "non", "the French No"),
        ("es", "nie", "the Polish No"),
        ("es", "ja", "the German Yes; to a Spaniard it is laughter"),
        ("tr", "no", "the English No"),
        ("tr", "ne", "what?"),
        ("tr", "nee", "the Dutch No; to a Turk it is what?"),
        ("tr", "vara", "no word"),
        ("en", "nein", "the German No"),
        ("en", "nie", "the Polish No"),
        ("en", "o", "no word"),
        ("ar", "no", "the English No"),
        ("ar", "la", "the Arabic No in Latin letters"),
        ("ar", "لا لا أشعر بساقي", "no whole answer"),
        ("ar", "لأن", "because"),
    ],
)
def test_what_sounds_like_an_answer_elsewhere_is_not_understood(language: str, word: str, elsewhere: str) -> None:
    assert typed(word, asked("weakness", language)) == NotUnderstood("text", word), elsewhere


@each("language", LANGUAGES)
def test_a_question_instead_of_an_answer_is_not_understood(language: str) -> None:
    session = asked("weakness", language)
    for code in ("yes", "no"):
        label = text_of(f"question.weakness.answer.{code}", language)
        for doubt in (f"{label}?", f"{label} ?", f"{label}؟", f"{label}, {label}?"):
            assert typed(doubt, session) == NotUnderstood("text", doubt)


@each("language", LANGUAGES)
def test_two_answers_at_once_are_none(language: str) -> None:
    session = asked("weakness", language)
    yes, no, unsure = (text_of(f"question.weakness.answer.{code}", language) for code in ("yes", "no", "unsure"))
    for both in (f"{yes} {no}", f"{no}, {yes}", f"{no} {unsure}", f"{yes}/{no}", f"1 2 {no}"):
        assert typed(both, session) == NotUnderstood("text", both)


# --- traps of single languages


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
    assert typed(text, asked("weakness", "ar")) == Answered("weakness", answer)


def test_arabic_words_for_actions_and_other_answers_are_understood() -> None:
    assert typed("لماذا؟", asked("weakness", "ar")) == AskedWhy()
    assert typed("لماذا", asked("weakness", "ar")) == AskedWhy()
    assert typed("رجوع", asked("weakness", "ar")) == WentBack()
    assert typed("ممرضه", asked("weakness", "ar")) == AskedForPerson()
    assert typed("العربيه", asked("language", "ar")) == Answered("language", "ar")
    assert typed("اسوأ", asked("weakness_change", "ar")) == Answered("weakness_change", "new_or_worse")
    assert typed("كلا الجهتين", asked("radiating_pain", "ar")) == Answered("radiating_pain", "both_sides")
    assert typed("\u200f+٣١ ٦ ١٢٣٤ ٥٦٧٨", asked("call_back_number", "ar")) == Answered(
        "call_back_number", "+31612345678"
    )


@pytest.mark.parametrize("text", ["لا؟", "لا أستطيع المشي", "تمام", "طيب", "ok", "no", "yes"])
def test_arabic_that_may_mean_something_else_is_no_answer(text: str) -> None:
    assert typed(text, asked("weakness", "ar")) == NotUnderstood("text", text)


@pytest.mark.parametrize(
    ("text", "answer"), [("tak", "yes"), ("TAK.", "yes"), ("nie", "no"), ("nie wiem", "unsure"), ("byc moze", "unsure")]
)
def test_polish_is_understood_with_and_without_its_marks(text: str, answer: str) -> None:
    assert typed(text, asked("weakness", "pl")) == Answered("weakness", answer)


@pytest.mark.parametrize("text", ["no", "No", "no no", "no tak", "no nie", "dobrze", "ok", "yes"])
@pytest.mark.parametrize("question", ["weakness", "emergency_signs", "consent", "radiating_pain", "more"])
def test_polish_no_is_neither_yes_nor_no(text: str, question: str) -> None:
    assert typed(text, asked(question, "pl")) == NotUnderstood("text", text)
