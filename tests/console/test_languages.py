"""The console's catalogues: whole, and safe to fill in; and what a nurse reads and sends beside the patient's words."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from bot.clinic.languages import direction
from bot.clinic.settings import LOCALES, load
from bot.console.labels import REPLIES
from bot.console.replies import prepared
from bot.language.catalogue import catalogue_path, open_names
from bot.language.console import available, console_words
from bot.language.texts import PatientTexts
from bot.translation.extract import templates, update
from bot.translation.extract_console import catalogue
from dialogs.protocol import load as load_protocol
from dialogs.topic import load as load_topics
from tests.kit.clinic import MONDAY, TestClinic
from tests.kit.console_client import WEAK, Ward, opened, text_of

TRANSLATED = [one for one in available() if one != "en"]
SPOKEN = load(None, {}).clinic.languages
FILLED_IN = re.compile(r"%\(\w+\)s|%%|\{\w+\}")
MARKUP = re.compile(r"[<>&]")
UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e]")
ISOLATED = re.compile("[\u2066\u2068][^\u2066-\u2069]*\u2069")


def read(language: str) -> Catalog:
    with (LOCALES / language / "LC_MESSAGES" / "console.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def texts(language: str) -> list[tuple[Message, str]]:
    """Every message with each of its forms."""
    return [
        (one, form)
        for one in read(language)
        if one.id
        for form in ((one.string,) if isinstance(one.string, str) else one.string)
    ]


def test_the_console_speaks_english_dutch_german_and_arabic() -> None:
    assert set(available()) == {"en", "nl", "de", "ar"}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_of_the_console_is_translated(language: str) -> None:
    kept, wanted = read(language), catalogue(load_protocol())
    empty = [one.id for one, form in texts(language) if not form.strip() or one.fuzzy]
    missing = [one.id for one in wanted if one.id and kept.get(one.id, one.context) is None]
    stale = [one.id for one in kept if one.id and wanted.get(one.id, one.context) is None]
    assert (empty, missing, stale) == ([], [], []), "run `cordwatch locale update`, then translate what is empty"


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_fills_in_what_the_english_does(language: str) -> None:
    """Forms for one and two may say the number in a word."""
    for one, form in texts(language):
        many = one.id if isinstance(one.id, str) else one.id[1]
        wanted, given = {*FILLED_IN.findall(many)}, {*FILLED_IN.findall(form)}
        assert given == wanted or (one.pluralizable and given == wanted - {"%(num)s"}), form
    assert [(one.id, errors) for one, errors in read(language).check() if not one.pluralizable] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_holds_no_markup_and_nothing_unseen(language: str) -> None:
    for _, form in texts(language):
        assert not MARKUP.search(form), form
        assert not UNSEEN.search(form), form
        assert not re.search("[\u2066-\u2069]", ISOLATED.sub("", form)), form
        assert form == form.strip(), form


@pytest.mark.parametrize("language", [one for one in TRANSLATED if direction(one) == "rtl"])
def test_names_numbers_and_commands_are_set_apart_from_right_to_left_words(language: str) -> None:
    wanted = re.compile(r"%\((?:owner|name|clinic|search|email|number|emergency)\)s|(?<!\w)/[a-z]+")
    assert [form for _, form in texts(language) if wanted.search(ISOLATED.sub("", form))] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_nobody_is_said_to_have_reviewed_it(language: str) -> None:
    path = LOCALES / language / "LC_MESSAGES" / "console.po"
    assert '"X-Review: none; machine translation, not clinically reviewed\\n"' in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", TRANSLATED)
def test_bringing_it_up_to_date_changes_no_word_and_keeps_the_review(language: str, tmp_path) -> None:
    path = catalogue_path(tmp_path, language, "console")
    path.parent.mkdir(parents=True)
    path.write_bytes((LOCALES / language / "LC_MESSAGES" / "console.po").read_bytes())
    template = templates(load_protocol(), load_topics())["console"]
    assert not update(tmp_path, language, template, datetime(2026, 11, 25, tzinfo=UTC))


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_number_takes_the_plural_form_of_its_language(language: str) -> None:
    """The forms stand in the order of CLDR: zero, one, two, few, many, other, as far as the language has them."""
    names = [one for one in ("zero", "one", "two", "few", "many", "other") if one in plural_names(language)]
    message = read(language).get(("%(num)s patient", "%(num)s patients"))
    assert message is not None
    assert len(message.string) == len(names)
    for number in range(1200):
        form = message.string[names.index(Locale.parse(language).plural_form(number))]
        assert console_words(language).ngettext("%(num)s patient", "%(num)s patients", number) == form, number


def plural_names(language: str) -> set[str]:
    return {Locale.parse(language).plural_form(number) for number in range(1200)}


@pytest.mark.parametrize(
    "fault",
    [
        'msgid "Take"\nmsgtsr "Neem"\n',
        'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=many(n);\\n"\n\nmsgid "Take"\nmsgstr "Neem"\n',
        'msgid "Take"\nmsgstr "\xff"\n',
    ],
    ids=["syntax", "plural", "charset"],
)
def test_a_catalogue_that_cannot_be_read_is_withheld_and_the_others_speak(fault: str, tmp_path, caplog) -> None:
    german = (LOCALES / "de" / "LC_MESSAGES" / "console.po").read_text(encoding="utf-8")
    for language, text in (("nl", fault), ("de", german)):
        path = tmp_path / language / "LC_MESSAGES" / "console.po"
        path.parent.mkdir(parents=True)
        path.write_bytes(text.encode("latin-1" if "\xff" in text else "utf-8"))
    assert available(tmp_path) == ("en", "de")
    assert console_words("de", tmp_path).gettext("Take") == "Übernehmen"
    assert "nl/LC_MESSAGES/console.po" in caplog.text


# --- replies


@pytest.mark.parametrize("language", SPOKEN)
def test_every_prepared_reply_can_be_sent_in_every_language_that_patients_read(language: str) -> None:
    words = PatientTexts(load(None, {}).clinic)
    english = prepared(words, "en", "en")
    replies = prepared(words, language, "en")
    assert [*replies] == [*REPLIES]
    for id_, reply in replies.items():
        assert {*reply.blanks} == {*english[id_].blanks}
        assert reply.mine == english[id_].theirs
        assert language == "en" or reply.theirs != reply.mine
        phrases = words.phrases(language, words.protocol, MONDAY)
        assert not open_names(reply.say(dict.fromkeys(reply.blanks, "x"), phrases))


@pytest_asyncio.fixture
async def ward(clinic: TestClinic) -> AsyncIterator[Ward]:
    async with opened(clinic) as ready:
        yield ready


async def test_two_replies_from_one_template_are_read_each_with_its_own_blanks(ward):
    session = await ward.session_of(await ward.patient(language="nl", **WEAK))
    nurse = await ward.nurse("Anna")
    for time in ("14:30", "16:45"):
        await nurse.does(session, "reply", template="tried_to_call", blank_time=time, blank_number="+31 20 555 0100")
    page = text_of(await nurse.sees(f"/console/entries/{session}"))
    assert "We tried to call you at 14:30" in page
    assert "We tried to call you at 16:45" in page


async def test_a_moment_that_she_picks_is_said_in_the_patients_language_and_read_in_hers(ward):
    patient = await ward.patient(language="nl", **WEAK)
    session, nurse = await ward.session_of(patient), await ward.nurse("Anna")
    page = await nurse.sees(f"/console/entries/{session}?reply=will_call")
    assert 'type="datetime-local"' in page
    picked = {"blank_when": "2026-11-24T10:00", "blank_number": "+31 20 555 0100"}
    await nurse.does(session, "reply", template="will_call", **picked)
    page = text_of(await nurse.sees(f"/console/entries/{session}"))
    assert re.search(r"belt u dinsdag 10:00 uur\.", page)
    assert re.search(r"will call you Tuesday 24 November.{0,8}10:00\.", page)


@pytest.mark.parametrize("language", ["ar", "de", "en"])
async def test_a_nurse_reads_her_own_language_also_where_no_patient_is_offered_it(clinic, language):
    everywhere = PatientTexts(load(None, {}).clinic).phrases(language, clinic.service.current, clinic.clock())
    clinic.service.words = PatientTexts(clinic.clinic.model_copy(update={"languages": ("nl",)}))
    async with opened(clinic) as ward:
        session = await ward.session_of(await ward.patient(language="nl", **WEAK))
        nurse = await ward.nurse("Anna", languages=(language,))
        page = text_of(await nurse.sees(f"/console/entries/{session}"))
    assert everywhere.reason("weakness") in page
    assert everywhere.texts["question.difficulty_walking.text"].partition("\n")[0] in page
    assert clinic.service.words.known(language) == "nl"
