"""The commands for translators and for those who review a translation. docs/translating.md says how it is done."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import click

from bot.cli.options import CONFIG, PROTOCOL
from bot.clinic.settings import LOCALES, Config, load
from bot.language.catalogue import DOMAINS, SOURCE, CatalogueError, catalogue_path
from bot.language.po_file import read_file
from bot.language.review import reviewed, sha256, to_headers
from bot.language.texts import PatientTexts
from bot.translation import extract
from bot.translation import sheet as locale_sheet
from bot.translation import status as locale_status
from bot.translation.extract import ALL_DOMAINS, CONSOLE, NoLanguage, Template
from bot.translation.reading_level import NoWordList
from dialogs import protocol as protocols
from dialogs import topic
from dialogs.protocol import TriageProtocol
from dialogs.topic import Topics


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Where the catalogues are, and the English that they are measured against: of the guideline that is served."""

    config: Config
    protocol: TriageProtocol
    topics: Topics
    locales: Path
    templates: Mapping[str, Template]


LANGUAGE = click.argument("language", metavar="XX")
CATALOGUE = click.option(
    "--catalogue",
    type=click.Choice(ALL_DOMAINS),
    help="Only this one. [default: patient and topics, which patients read]",
)
catalogues_of = click.make_pass_decorator(Catalogues)


@click.group()
@click.option(
    "--locales",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=LOCALES,
    metavar="DIR",
    help="Another directory of catalogues, such as a translator's copy. [default: Cordwatch's own]",
)
@CONFIG
@PROTOCOL
@click.pass_context
def locale(context: click.Context, locales: Path, path: Path | None, protocol_path: Path | None) -> None:
    """Translate Cordwatch, and have the translations reviewed. Nobody needs to program for it.

    \b
    A new language:   new XX, translate the files, check XX, sheet XX, approve XX
    A new text:       extract, update, translate what is empty or fuzzy, check
    """
    config = load(path, os.environ).serving(protocol_path)
    protocol, topics = protocols.load(config.protocol), topic.load(config.topics)
    context.obj = Catalogues(config, protocol, topics, locales, extract.templates(protocol, topics))


@locale.command()
@click.argument("language", metavar="[XX]", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a catalogue.")
@catalogues_of
def status(catalogues: Catalogues, language: str | None, as_json: bool) -> None:
    """Show how far each language is: translated, fuzzy, reviewed by whom, how hard to read.

    With a language, also every text that asks for attention.
    """
    if language is not None:
        _there(catalogues, language)
    try:
        rows = [
            one
            for one in locale_status.rows(catalogues.locales, catalogues.templates)
            if language in (None, one.language)
        ]
    except NoWordList as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        for one in rows:
            click.echo(locale_status.json_line(one))
        return
    for line in locale_status.lines(rows):
        click.echo(line)
    shown = rows if language is not None else [one for one in rows if one.language == SOURCE]
    for line in (line for one in shown for line in locale_status.details(one, catalogues.templates[one.catalogue])):
        click.echo(line)


@locale.command(name="extract")
@catalogues_of
def extract_(catalogues: Catalogues) -> None:
    """Write the templates, from which every translation starts, anew: patient.pot, topics.pot, console.pot."""
    at = datetime.now(UTC)
    for template in catalogues.templates.values():
        is_new = extract.write_template(catalogues.locales, template, at)
        _said(catalogues.locales / f"{template.domain}.pot", is_new)


@locale.command()
@click.argument("languages", metavar="[XX]...", nargs=-1)
@catalogues_of
def update(catalogues: Catalogues, languages: Sequence[str]) -> None:
    """Bring catalogues up to date with the English: new texts empty, changed ones fuzzy. [default: all languages]"""
    at = datetime.now(UTC)
    for language in languages:
        _there(catalogues, language)
    for language in languages or extract.languages(catalogues.locales):
        for template in catalogues.templates.values():
            path = catalogue_path(catalogues.locales, language, template.domain)
            if template.has_keys or path.exists():
                _said(path, extract.update(catalogues.locales, language, template, at))


@locale.command()
@LANGUAGE
@click.option("--console", "has_console", is_flag=True, help="Translate the nurse's console too.")
@catalogues_of
def new(catalogues: Catalogues, language: str, has_console: bool) -> None:
    """Begin a language: XX is its code, such as it or pt_BR. Then translate the files that are named."""
    chosen = [one for one in catalogues.templates.values() if one.has_keys or has_console]
    try:
        paths = extract.begin(catalogues.locales, language, chosen, datetime.now(UTC))
    except NoLanguage as error:
        raise click.UsageError(str(error)) from error
    for path in paths:
        click.echo(path)
    click.echo(
        f"Translate every text in them with Poedit or Weblate; then: cordwatch locale check {language}", err=True
    )


@locale.command()
@click.argument("languages", metavar="[XX]...", nargs=-1)
@catalogues_of
def check(catalogues: Catalogues, languages: Sequence[str]) -> None:
    """Say which languages are withheld and why: file, line, text, remedy. [default: all languages]

    Exit code 1 when any is. Whether a translation is reviewed is said too; a clinic decides what it offers.
    """
    known = [SOURCE, *extract.languages(catalogues.locales)]
    for language in languages:
        _there(catalogues, language)
    clinic = catalogues.config.clinic.model_copy(
        update={"languages": tuple(known), "unreviewed_languages": tuple(known)}
    )
    words = PatientTexts(clinic, catalogues.protocol, topics=catalogues.topics, locales=catalogues.locales)
    withheld = 0
    for language in languages or known:
        problems = [*words.withheld.get(language, []), *_of_console(catalogues, language)]
        for problem in problems:
            click.echo(f"withheld {language}: {problem}", err=True)
        withheld += bool(problems)
        if not problems:
            click.echo(f"ok       {language}{'' if words.is_reviewed(language) else ', not clinically reviewed'}")
    if withheld:
        raise click.ClickException("1 language is withheld" if withheld == 1 else f"{withheld} languages are withheld")


@locale.command()
@LANGUAGE
@click.option("--csv", "as_csv", is_flag=True, help="For a spreadsheet, instead of a page to print.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Where to write.")
@CATALOGUE
@catalogues_of
def sheet(catalogues: Catalogues, language: str, as_csv: bool, output: Path | None, catalogue: str | None) -> None:
    """Print every text with its translation, for a clinician to check and sign."""
    _there(catalogues, language)
    sheets = [locale_sheet.sheet(catalogues.locales, language, one) for one in _chosen(catalogues, catalogue)]
    content = locale_sheet.spreadsheet(sheets) if as_csv else locale_sheet.page(sheets)
    if output is None:
        click.echo(content, nl=False)
    else:
        output.write_text(content, encoding="utf-8", newline="")
        click.echo(str(output), err=True)


@locale.command()
@LANGUAGE
@click.option("--by", required=True, metavar="NAME", help="Who reviewed it.")
@click.option("--role", required=True, metavar="ROLE", help="In which role, such as 'oncologist'.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day of the signature. [default: today]")
@click.option("--sha256", "signed", metavar="HASH", help="The hash on the signed sheet: refused unless it still fits.")
@CATALOGUE
@catalogues_of
def approve(
    catalogues: Catalogues,
    language: str,
    by: str,
    role: str,
    on: datetime | None,
    signed: str | None,
    catalogue: str | None,
) -> None:
    """Record that a clinician has reviewed exactly these texts. The first changed text ends it."""
    _there(catalogues, language)
    day = on.date() if on is not None else datetime.now().astimezone().date()
    if day > datetime.now().astimezone().date():
        raise click.UsageError(f"--on must be a day that has come, not {day.isoformat()}")
    chosen = _chosen(catalogues, catalogue)
    for template in chosen:
        _refuse_unfinished(catalogues, language, template)
    if signed is not None:
        _refuse_other_texts(catalogues, language, chosen, signed)
    for template in chosen:
        _approve(catalogues, language, template, by, role, day)


def _approve(catalogues: Catalogues, language: str, template: Template, by: str, role: str, on: date) -> None:
    path = catalogue_path(catalogues.locales, language, template.domain)
    file = read_file(path, language)
    try:
        review = reviewed(by, role, on, locale_status.reviewable(file.catalog, template))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    written = extract.with_headers(path.read_text(encoding="utf-8"), {**file.headers, **to_headers(review)})
    path.write_text(written, encoding="utf-8")
    click.echo(f"{path}: reviewed by {review.in_words}, sha256 {review.sha256}")


def _refuse_unfinished(catalogues: Catalogues, language: str, template: Template) -> None:
    row = locale_status.row(catalogue_path(catalogues.locales, language, template.domain), language, template)
    if row.trouble:
        raise click.ClickException(row.trouble[0])
    if left := len(row.missing) + len(row.fuzzy):
        raise click.ClickException(
            f"the {template.domain} catalogue of {language!r} has {locale_status.texts(left)} missing or fuzzy; "
            f"finish first: cordwatch locale status {language}"
        )


def _refuse_other_texts(catalogues: Catalogues, language: str, chosen: Sequence[Template], signed: str) -> None:
    for template in chosen:
        file = read_file(catalogue_path(catalogues.locales, language, template.domain), language)
        if (current := sha256(locale_status.reviewable(file.catalog, template))) != signed.lower():
            raise click.ClickException(
                f"the {template.domain} catalogue of {language!r} has sha256 {current}, not {signed}: its texts are "
                "not those of the signed sheet; print a new one. Each catalogue has its own hash: give --catalogue"
            )


def _of_console(catalogues: Catalogues, language: str) -> Sequence[str]:
    """What is wrong with the file of the nurse's console, where there is one."""
    path = catalogue_path(catalogues.locales, language, CONSOLE)
    try:
        if path.exists():
            read_file(path, language)
    except CatalogueError as error:
        return error.problems
    return ()


def _chosen(catalogues: Catalogues, catalogue: str | None) -> list[Template]:
    return [catalogues.templates[one] for one in ((catalogue,) if catalogue else DOMAINS)]


def _there(catalogues: Catalogues, language: str) -> None:
    known: Iterable[str] = extract.languages(catalogues.locales)
    if language not in (SOURCE, *known):
        raise click.UsageError(
            f"there is no catalogue of {language!r}; the languages are {', '.join(known)}. "
            f"To begin it: cordwatch locale new {language}"
        )


def _said(path: Path, is_new: bool) -> None:
    click.echo(f"{'written ' if is_new else 'as it was'} {path}")
