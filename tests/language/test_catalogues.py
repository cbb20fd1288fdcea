"""A catalogue with a fault: file, line, text and remedy are named, that language is withheld, the others run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from babel.messages.plurals import PLURALS as PLURALS_OF_BABEL
from click.testing import CliRunner

from bot.cli.locale import locale
from bot.clinic.settings import LOCALES, Clinic, load
from bot.language.catalogue import CatalogueError, catalogue_path, read
from bot.language.console import console_words
from bot.language.po_file import read_file
from bot.language.texts import PatientTexts

CLINIC: Clinic = load(None, {}).clinic.model_copy(
    update={"languages": ("en", "de", "nl", "pl"), "unreviewed_languages": ("de", "nl", "pl")}
)


@pytest.fixture
def locales(tmp_path: Path) -> Path:
    for language in ("de", "nl", "pl"):
        shutil.copytree(LOCALES / language, tmp_path / language)
    return tmp_path


def broken(locales: Path, old: str, new: str, domain: str = "patient") -> tuple[Path, int]:
    """The Dutch file with its first `old` replaced: where it is, and in which line that stood."""
    path = locales / "nl" / "LC_MESSAGES" / f"{domain}.po"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="")
    return path, text[: text.index(old)].count("\n") + 1


SYNTAX = "is no line of a catalogue; write the text between double quotes"
SAID = read(catalogue_path(LOCALES, "nl"), "nl").entries
PROGRAM = f'msgstr "{SAID["wording.program"].text}"'
THANKS = SAID["wording.thanks_number"].text
PROGRAM_ID = 'msgid "I am a computer program. I cannot rule anything out."'
PLURALS = '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"'
LANGUAGE = '"Language: nl\\n"'
CHARSET = "charset=utf-8"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (PROGRAM, 'msgstr "Ik ben een computerprogramma', SYNTAX),
        (PROGRAM, 'msgstr "Ik ben een "computer"programma."', SYNTAX),
        (PROGRAM, "Ik ben een computerprogramma.", SYNTAX),
        (PROGRAM, 'msgtr "Ik ben een computerprogramma."', SYNTAX),
        (PROGRAM, f'{PROGRAM[:-1]}\x07"', "wording.program has the control character U+0007; remove it"),
        (PROGRAM, f'{PROGRAM[:-1]}\\t"', "wording.program has the control character \\t; remove it"),
        (PROGRAM, f'{PROGRAM[:-1]}\ufffd"', "wording.program has the control character U+FFFD; remove it"),
        (
            PROGRAM,
            PROGRAM.replace("msgstr", "msgstr[0]"),
            "wording.program has the plural form msgstr[0] and no plural",
        ),
        ("", "\ufeff", "begins with a byte-order mark; save the file as UTF-8 without it"),
    ],
    ids=["open quote", "quote within", "no keyword", "wrong keyword", "bell", "tab", "lost sign", "plural", "mark"],
)
def test_what_is_wrong_in_a_line_names_that_line(locales: Path, old: str, new: str, complaint: str) -> None:
    path, line = broken(locales, old, new)
    words = PatientTexts(CLINIC, locales=locales)
    assert words.offered == ("en", "de", "pl")
    assert words.withheld["nl"][0].startswith(f"{path}:{line}: "), words.withheld["nl"][0]
    assert complaint in words.withheld["nl"][0]


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("", "wording.program is not translated; write its translation"),
        ("Ik ben {clinic_name}.", "wording.program fills in {clinic_name}, the English nothing; use the same names"),
        ("Ik ben <b>een programma</b>.", "wording.program has the mark-up '<b>'; write the words without it"),
        ("Ik ben een programma &amp; meer.", "wording.program has the mark-up '&amp;'; write the words without it"),
    ],
)
def test_what_is_wrong_with_a_text_names_the_line_where_it_begins(locales: Path, said: str, complaint: str) -> None:
    path, line = broken(locales, PROGRAM, f'msgstr "{said}"')
    (problem,) = PatientTexts(CLINIC, locales=locales).withheld["nl"]
    assert problem.startswith(f"{path}:{line - 1}: {complaint}")


def test_a_missing_name_in_braces_is_named(locales: Path) -> None:
    path, line = broken(locales, f'msgstr "{THANKS}"', f'msgstr "{THANKS.replace("{phone}", "dit")}"')
    (problem,) = PatientTexts(CLINIC, locales=locales).withheld["nl"]
    complaint = "fills in nothing, the English {phone}; use the same names in braces"
    assert problem == f"{path}:{line - 1}: wording.thanks_number {complaint}"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (LANGUAGE, '"Language: \\n"', "Language is '' in the catalogue of 'nl'; write nl"),
        (LANGUAGE, '"Language: de\\n"', "Language is 'de' in the catalogue of 'nl'; write nl"),
        (CHARSET, "charset=iso-8859-1", "Content-Type names the charset 'iso-8859-1'; save the file as UTF-8"),
    ],
    ids=["no language", "other language", "charset"],
)
def test_a_header_that_cannot_be_right_is_named(locales: Path, old: str, new: str, complaint: str) -> None:
    path, _ = broken(locales, old, new)
    (problem,) = PatientTexts(CLINIC, locales=locales).withheld["nl"]
    assert problem.startswith(f"{path}:2: ")
    assert complaint in problem


WRONG_RULES = {
    '"Plural-Forms: nplurals=2; plural=n is one;\\n"': "is no plural rule; write nplurals=2",
    '"Plural-Forms: nplurals=2; plural=n;\\n"': "is no plural rule; write nplurals=2; plural=(n != 1);",
    '"Plural-Forms: nplurals=3; plural=0;\\n"': "Plural-Forms has 3 forms, the language 2; write",
}


@pytest.mark.parametrize("wrong", WRONG_RULES)
def test_a_wrong_plural_rule_is_named_where_there_are_plurals(locales: Path, wrong: str) -> None:
    path, _ = broken(locales, PLURALS, wrong, "console")
    with pytest.raises(CatalogueError) as raised:
        read_file(path, "nl")
    assert str(raised.value).startswith(f"{path}:2: ")
    assert WRONG_RULES[wrong] in str(raised.value)


@pytest.mark.parametrize("wrong", WRONG_RULES)
def test_a_plural_rule_that_nothing_follows_takes_no_language_from_patients(locales: Path, wrong: str) -> None:
    broken(locales, PLURALS, wrong)
    assert PatientTexts(CLINIC, locales=locales).withheld == {}


def test_another_version_of_babel_takes_no_language_from_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    written = {path: path.parents[1].name for path in LOCALES.glob("*/LC_MESSAGES/*.po")}
    for language in written.values():
        monkeypatch.setitem(PLURALS_OF_BABEL, language, (7, "(n % 7)"))
    assert [read_file(path, language).path for path, language in written.items()] == [*written]


def test_another_version_of_babel_changes_no_catalogue_that_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLURALS_OF_BABEL, "fr", (3, "(n==0 || n==1) ? 0 : n!=0 && n%1000000==0 ? 1 : 2"))
    begun = CliRunner().invoke(locale, ["--locales", str(tmp_path), "new", "fr", "--console"])
    assert begun.exit_code == 0, begun.output
    file = read_file(catalogue_path(tmp_path, "fr", "console"), "fr")
    assert file.headers["Plural-Forms"] == "nplurals=2; plural=(n > 1);"
    assert {len(one.string) for one in file.catalog if one.pluralizable} == {2}


def test_an_empty_header_is_named(locales: Path) -> None:
    path = locales / "nl" / "LC_MESSAGES" / "patient.po"
    header, _, texts = path.read_text(encoding="utf-8").partition("\n\n")
    path.write_text(f'{header.partition("msgstr")[0]}msgstr ""\n\n{texts}', encoding="utf-8")
    (problem,) = PatientTexts(CLINIC, locales=locales).withheld["nl"]
    assert problem == f"{path}:2: the header is empty; cordwatch locale update nl writes it"


def test_another_charset_names_the_line_of_its_first_sign(locales: Path) -> None:
    path = locales / "de" / "LC_MESSAGES" / "patient.po"
    lines = path.read_text(encoding="utf-8").split("\n")
    path.write_bytes("\n".join(lines).encode("iso-8859-1", "replace"))
    line = next(number for number, text in enumerate(lines, 1) if set(text) & set("äöüß°"))
    words = PatientTexts(CLINIC, locales=locales)
    assert words.withheld["de"][0].startswith(f"{path}:{line}: byte 0x")
    assert words.withheld["de"][0].endswith("is not UTF-8; save the file with the charset UTF-8")
    assert words.offered == ("en", "nl", "pl")


def test_a_text_that_stands_twice_is_named(locales: Path) -> None:
    path, line = broken(locales, f"{PROGRAM}\n", f'{PROGRAM}\n\nmsgctxt "wording.program"\n{PROGRAM_ID}\n{PROGRAM}\n')
    (problem,) = PatientTexts(CLINIC, locales=locales).withheld["nl"]
    assert (
        problem == f"{path}:{line + 3}: wording.program stands here again, first on line {line - 1}; remove one of them"
    )


def test_a_plural_form_that_the_language_has_not_is_named(locales: Path) -> None:
    entry = f'{PROGRAM}\n\nmsgid "one"\nmsgid_plural "many"\nmsgstr[0] "een"\nmsgstr[1] "veel"\nmsgstr[2] "meer"\n'
    path, line = broken(locales, f"{PROGRAM}\n", entry)
    (problem,) = PatientTexts(CLINIC, locales=locales).withheld["nl"]
    assert problem == f"{path}:{line + 6}: 'one' has the unknown plural form msgstr[2]; the last is msgstr[1]"


def test_a_button_that_is_too_long_is_named(locales: Path) -> None:
    path, line = broken(locales, 'msgstr "Ja"', f'msgstr "{"Ja, dat klopt " * 5}"')
    problem = PatientTexts(CLINIC, locales=locales).withheld["nl"][0]
    complaint = "is a button of 70 characters; shorten it to 64, best to 28"
    assert problem == f"{path}:{line - 1}: question.emergency_signs.answer.yes {complaint}"


def test_a_name_that_telegram_does_not_take_is_named(locales: Path) -> None:
    path, line = broken(locales, 'msgid "Spine check"\nmsgstr "', f'msgid "Spine check"\nmsgstr "{"Ruggengraat" * 6}')
    (problem,) = PatientTexts(CLINIC, locales=locales).withheld["nl"]
    assert problem.startswith(f"{path}:{line}: wording.bot_name has ")
    assert problem.endswith("characters with the clinic's values; Telegram takes 64")


def test_a_message_that_telegram_does_not_take_is_named(locales: Path) -> None:
    path, line = broken(locales, PROGRAM, f'msgstr "{"Ik ben een programma. " * 190}"')
    (problem,) = PatientTexts(CLINIC, locales=locales).withheld["nl"]
    assert problem.startswith(f"{path}:{line - 1}: wording.program has 4180 characters; shorten it to 4096")


def test_a_first_advice_over_forty_words_is_named(locales: Path) -> None:
    path = locales / "nl" / "LC_MESSAGES" / "patient.po"
    text = path.read_text(encoding="utf-8")
    start = text.index('msgctxt "wording.advice_12h"')
    place = text.index("msgstr", start)
    long = text[place:].replace("{emergency_number}", f"{'echt ' * 30}{{emergency_number}}", 1)
    path.write_text(text[:place] + long, encoding="utf-8")
    (problem,) = PatientTexts(CLINIC, locales=locales).withheld["nl"]
    assert problem.startswith(f"{path}:{text[:start].count(chr(10)) + 2}: wording.advice_12h has ")
    assert problem.endswith("words with its numbers and times; shorten it to 40")


def test_a_fault_in_the_topics_withholds_the_language_too(locales: Path) -> None:
    path, line = broken(locales, "\n\n#. Title", "\n\nnonsense\n#. Title", "topics")
    (problem,) = PatientTexts(CLINIC, locales=locales).withheld["nl"]
    assert problem.startswith(f"{path}:{line + 2}: 'nonsense' {SYNTAX}")


def test_a_console_with_a_fault_speaks_english(locales: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, line = broken(locales, "\n\n#:", "\n\nnonsense\n#:", "console")
    words = console_words("nl", locales)
    assert (words.language, words.gettext("Take it")) == ("en", "Take it")
    assert f"{path}:{line + 2}: 'nonsense' {SYNTAX}" in caplog.text
    checked = CliRunner().invoke(locale, ["--locales", str(locales), "check", "nl"])
    assert checked.exit_code == 1
    assert f"withheld nl: {path}:{line + 2}: " in checked.output
