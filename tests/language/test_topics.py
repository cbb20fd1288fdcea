"""What there is to read, in every language: whole, short enough, without percentages, and with its reminder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.channels import Incoming, Outgoing
from bot.cli.locale import locale
from bot.clinic.settings import LOCALES, Clinic, load
from bot.language.catalogue import Message, catalogue_path, numbers, read, topic_messages
from bot.language.matching import plain
from bot.language.texts import PatientTexts
from bot.translation.reading_level import formula, level
from dialogs.events import Advised, Asked, AskedForTopics, Entered, Event, ReadTopic, Recorded, Resumed, Started
from dialogs.protocol import load as load_protocol
from dialogs.session import replay
from dialogs.topic import load as load_topics
from tests.kit.each import each

PROTOCOL = load_protocol()
TOPICS = load_topics()
LANGUAGES = ("en", *sorted(path.parents[1].name for path in LOCALES.glob("*/LC_MESSAGES/topics.po")))
CLINIC: Clinic = load(None, {}).clinic.model_copy(
    update={"languages": LANGUAGES, "unreviewed_languages": LANGUAGES[1:]}
)
WORDS = PatientTexts(CLINIC, PROTOCOL)
GENEROUS = PatientTexts(CLINIC.model_copy(update={"shows_figures": True}), PROTOCOL)
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
STARTED = Started(PROTOCOL.version, "en", is_language_known=True)
ASKED = Asked("weakness", "tok7")
by_language = each("language", LANGUAGES)


def recorded(*events: Event) -> list[Recorded]:
    return [Recorded(seq, MONDAY, event) for seq, event in enumerate(events)]


def said(
    event: Event, *before: Event, language: str = "en", words: PatientTexts = WORDS, at: datetime = MONDAY
) -> tuple[Outgoing, ...]:
    log = recorded(replace(STARTED, language=language), *before, event)
    return words.render([event], replay("s", log[:-1]), replay("s", log), PROTOCOL, at)


def page(topic_id: str, *before: Event, language: str = "en", words: PatientTexts = WORDS) -> Outgoing:
    (outgoing,) = said(ReadTopic(topic_id, TOPICS.version), *before, language=language, words=words)
    return outgoing


def pages(language: str, words: PatientTexts = WORDS) -> Iterator[Outgoing]:
    yield from (page(topic.id, ASKED, language=language, words=words) for topic in TOPICS.topics)


def labels(outgoing: Outgoing) -> list[str]:
    return [choice.label for choice in outgoing.choices]


def tapped(data: str, *before: Event) -> Event:
    session = replay("s", recorded(STARTED, *before))
    return WORDS.understand(Incoming("test", "42", "1", choice=data), session, PROTOCOL)


# --- in every language


def test_every_language_that_patients_can_choose_has_topics() -> None:
    assert WORDS.offered == LANGUAGES
    assert len(LANGUAGES) == 8


@by_language
def test_every_topic_ends_with_whom_to_ask_and_when_to_call_at_once(language: str) -> None:
    for outgoing in pages(language):
        *_, ask, signs = outgoing.text.split("\n\n")
        assert ask == WORDS.ui("topic_ask", language)
        assert [number in signs for number in (CLINIC.always_number, CLINIC.emergency_number)] == [True, True]


@by_language
def test_every_topic_shows_its_sources(language: str) -> None:
    for topic in TOPICS.topics:
        text = page(topic.id, language=language).text
        assert [source.title for source in TOPICS.sources if source.title in text] == [
            source.title for source in TOPICS.sources_of(topic)
        ]


@by_language
def test_no_topic_names_a_percentage_unless_the_clinic_switches_them_on(language: str) -> None:
    for outgoing in pages(language):
        assert not re.search(r"[%‰٪]", f"{outgoing.heading}{outgoing.text}")


@by_language
def test_where_the_clinic_switches_them_on_the_figures_are_the_same_in_every_language(language: str) -> None:
    assert numbers(page("complications", language=language, words=GENEROUS).text)[:3] == ["0.2", "1.2", "12"]
    in_english = numbers(re.sub(r"[+]31[\d ]+", "", page("sbrt", words=GENEROUS).text))
    assert numbers(re.sub(r"[+]31[\d ]+", "", page("sbrt", language=language, words=GENEROUS).text)) == in_english
    assert page("sbrt", language=language, words=GENEROUS).text.count("%") == 5


@by_language
def test_a_topic_with_its_figures_fits_one_telegram_message(language: str) -> None:
    for outgoing in pages(language, GENEROUS):
        assert len(outgoing.heading) + len(outgoing.text) + 2 <= 4096


@by_language
def test_every_button_fits_telegram(language: str) -> None:
    (menu,) = said(AskedForTopics(), ASKED, language=language)
    for choice in (*menu.choices, *page("scan", ASKED, language=language).choices):
        assert 0 < len(choice.label) <= 28, choice
        assert len(choice.data.encode()) <= 64, choice


@by_language
def test_no_two_buttons_of_the_list_say_the_same(language: str) -> None:
    (menu,) = said(AskedForTopics(), ASKED, language=language)
    assert len({plain(label) for label in labels(menu)}) == len(TOPICS.topics) + 2


@by_language
def test_nothing_is_left_to_fill_in(language: str) -> None:
    for outgoing in (*pages(language, GENEROUS), *said(AskedForTopics(), language=language)):
        assert not re.search(r"[{}<>]", f"{outgoing.heading}{outgoing.text}{labels(outgoing)}")


INFORMAL = {
    "de": r"\b(du|dir|dich|dein|deine|deinem|deinen|deiner|deines|euch|euer|eure|euren)\b",
    "es": r"\b(tú|tu|tus|te|ti|tuyo|tuya|contigo|vos)\b",
    "fr": r"\b(tu|te|toi|ton|ta|tes|tien|tienne)\b|\bt'",
    "nl": r"\b(je|jij|jou|jouw|jullie)\b",
    "tr": r"\b(sen|seni|senin|sana|sende|senden|seninle)\b",
}


@each("language", sorted(INFORMAL))
def test_readers_are_addressed_formally(language: str) -> None:
    texts = read(catalogue_path(LOCALES, language, "topics"), language).texts
    assert [key for key, text in texts.items() if re.search(INFORMAL[language], text, re.IGNORECASE)] == []


@each("language", LANGUAGES[1:])
def test_a_shipped_translation_says_that_nobody_reviewed_it(language: str) -> None:
    catalogue = catalogue_path(LOCALES, language, "topics").read_text(encoding="utf-8")
    assert '"X-Review: none; machine translation, not clinically reviewed\\n"' in catalogue


@pytest.mark.parametrize("message", [*topic_messages(TOPICS)], ids=lambda message: message.key)
def test_english_can_be_read_by_a_child_of_eleven(message: Message) -> None:
    """School grade 6, each text by itself; a title is too short to be measured."""
    grade = level([message.text], "en")
    assert grade is None or not formula("en").is_hard(grade), formula("en").in_words(grade)


# --- what is offered, and what a tap means


def test_the_list_has_every_topic_and_a_way_back_to_the_question_that_waits() -> None:
    (menu,) = said(AskedForTopics(), ASKED)
    assert menu.heading == "What would you like to read?"
    assert labels(menu) == [*(topic.title for topic in TOPICS.topics), "Back to my question", "Talk to a person"]


def test_where_nothing_waits_there_is_a_new_check_instead_of_a_way_back() -> None:
    assert labels(page("scan", Entered("closed"))) == ["Other topics", "Talk to a person", "Start a new check"]


@pytest.mark.parametrize("event", [AskedForTopics(), ReadTopic("scan", "2026.1")])
def test_reading_takes_no_button_from_the_question_that_waits(event: Event) -> None:
    (outgoing,) = said(event, ASKED)
    assert outgoing.retires is None
    assert outgoing.token is None


def test_every_button_means_what_it_says() -> None:
    (menu,) = said(AskedForTopics(), ASKED)
    meant = [tapped(choice.data, ASKED) for choice in menu.choices]
    assert meant[: len(TOPICS.topics)] == [ReadTopic(topic.id, TOPICS.version) for topic in TOPICS.topics]
    others, back, _ = (tapped(choice.data, ASKED) for choice in page("scan", ASKED).choices)
    assert (others, back) == (AskedForTopics(), Resumed())


@pytest.mark.parametrize("data", ["any:topic:horoscope", "any:topic:list", "any:topic:Scan"])
def test_a_topic_that_is_none_is_answered_with_the_list(data: str) -> None:
    assert tapped(data, ASKED) == AskedForTopics()


def test_a_topic_that_has_gone_since_it_was_read_is_answered_with_the_list() -> None:
    assert page("horoscope").heading == "What would you like to read?"


def test_the_way_back_to_a_check_that_is_over_says_so() -> None:
    (reply,) = said(Resumed(), Entered("closed"))
    assert reply.text.startswith("No check is open now.")
    assert "Start a new check" in labels(reply)


@pytest.mark.parametrize("text", ["/learn", "/LEARN@spine_bot"])
def test_the_command_opens_the_list(text: str) -> None:
    session = replay("s", recorded(STARTED, ASKED))
    assert WORDS.understand(Incoming("test", "42", "1", text), session, PROTOCOL) == AskedForTopics()


@pytest.mark.parametrize("disposition", ["12h", "1w", "2w", "none"])
def test_reading_is_offered_below_every_advice(disposition: str) -> None:
    _, second = said(Advised(disposition, (), disposition, MONDAY), Entered("advised"))
    assert "Read about it" in labels(second)


def test_reading_is_not_offered_in_an_emergency() -> None:
    _, second = said(Advised("emergency", ("emergency",), "emergency", MONDAY), Entered("advised"))
    assert labels(second) == ["Talk to a person"]


# --- for the nurse


@each("language", ["en", "nl", "tr"])
def test_the_nurse_reads_in_her_language_what_was_read(language: str) -> None:
    line = WORDS.transcript_line(ReadTopic("scan", "2026.1"), language)
    title = page("scan", language=language).heading
    assert line == WORDS.ui("transcript_topic", language, title=title, version="2026.1")
    assert WORDS.transcript_line(AskedForTopics(), language) == WORDS.ui("transcript_topics", language)


def test_the_patients_side_of_the_conversation_shows_the_button_she_pressed() -> None:
    assert WORDS.spoken(ReadTopic("scan"), PROTOCOL, "nl") == "De scan, en hoe snel"
    assert WORDS.spoken(AskedForTopics(), PROTOCOL, "en") == "Read about it"


# --- a language with a fault among its topics is not offered


@pytest.fixture
def locales(tmp_path: Path) -> Path:
    shutil.copytree(LOCALES / "nl", tmp_path / "nl")
    return tmp_path


def spoilt(locales: Path, old: str, new: str) -> list[str]:
    path = catalogue_path(locales, "nl", "topics")
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), encoding="utf-8")
    return PatientTexts(CLINIC.model_copy(update={"languages": ("en", "nl")}), PROTOCOL, locales).problems("nl")


def test_without_a_catalogue_of_topics_the_language_is_withheld_and_the_others_run(locales: Path) -> None:
    catalogue_path(locales, "nl", "topics").unlink()
    words = PatientTexts(CLINIC.model_copy(update={"languages": ("en", "nl")}), PROTOCOL, locales)
    assert words.offered == ("en",)
    assert "topics.po: cannot be read" in words.problems("nl")[0]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('msgstr "Wie beslist"', 'msgstr ""', "topic.who_decides.title is not translated"),
        ('msgctxt "topic.scan.title"', '#, fuzzy\nmsgctxt "topic.scan.title"', "topic.scan.title is marked fuzzy"),
        ('msgid "Who decides"', 'msgid "Who chooses"', "topic.who_decides.title was translated from an earlier"),
        ('msgstr "Wie beslist"', 'msgstr "Wie beslist er over uw behandeling"', "is a button of 34 characters"),
        ('msgstr "Wie beslist"', 'msgstr "Bij 12% beslist"', "topic.who_decides.title names a percentage"),
        (
            "tegengehouden: 76%",
            "tegengehouden: 78%",
            "has the numbers 1.2, 12, 65, 78, 81; the English has 1.2, 12",
        ),
    ],
    ids=lambda text: text[:20],
)
def test_a_fault_withholds_the_language_and_names_file_text_and_remedy(
    locales: Path, old: str, new: str, complaint: str
) -> None:
    (problem,) = spoilt(locales, old, new)
    assert re.search(r"topics\.po:\d+: topic\.", problem)
    assert complaint in problem


def test_topics_that_nobody_reviewed_are_offered_only_where_the_clinic_says_so(locales: Path) -> None:
    signed = ["approve", "nl", "--by", "A. Doctor", "--role", "oncologist", "--catalogue", "patient"]
    assert CliRunner().invoke(locale, ["--locales", str(locales), *signed]).exit_code == 0
    words = PatientTexts(
        CLINIC.model_copy(update={"languages": ("en", "nl"), "unreviewed_languages": ()}), PROTOCOL, locales
    )
    (problem,) = words.problems("nl")
    assert "topics.po: no clinician has reviewed this translation" in problem


def test_every_text_of_the_topics_is_in_the_catalogues() -> None:
    keys = [message.key for message in topic_messages(TOPICS)]
    assert keys[:2] == ["topic.what_it_is.title", "topic.what_it_is.text"]
    assert "topic.sbrt.figures" in keys
    assert len(keys) == len(set(keys)) == 2 * len(TOPICS.topics) + 3
