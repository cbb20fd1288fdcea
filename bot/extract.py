"""For translators: the protocol's texts as a gettext template, and catalogues brought up to date with it.

`python -m bot.extract` after a change of the protocol; `python -m bot.extract de` begins a new language. Then translate
what is empty or fuzzy in `locales/<language>/LC_MESSAGES/patient.po`, and `cordwatch check` says what is left.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from bot.language_catalogue import REVIEW, catalogue_path, messages
from dialogs.protocol import TriageProtocol, load

LOCALES = Path(__file__).resolve().parents[1] / "locales"

HEADER = "Cordwatch: the words patients read. English is the protocol's own; names in {braces} are filled in."
NOT_REVIEWED = "none; machine translation, not clinically reviewed"


def template(protocol: TriageProtocol, at: datetime) -> Catalog:
    """Every text a patient can read, keyed by msgctxt, with notes for translators."""
    catalog = _empty(protocol, at)
    for message in messages(protocol):
        catalog.add(message.text, context=message.key, auto_comments=[message.note] if message.note else [])
    return catalog


def write_template(protocol: TriageProtocol, path: Path, at: datetime) -> None:
    """Writes the template that every translation starts from."""
    path.write_bytes(_written(template(protocol, at)))


def update(protocol: TriageProtocol, path: Path, language: str, at: datetime) -> None:
    """Brings a language's catalogue up to date: new texts empty, changed ones marked fuzzy, those gone removed.

    A change of words is a change to what was reviewed: the X-Review line is kept only if nothing changed.
    """
    content = path.read_bytes() if path.exists() else b""
    catalog = read_po(BytesIO(content), locale=language)
    earlier = {message.context: message for message in catalog if message.context}
    fresh = _empty(protocol, at, language)
    is_unchanged = True
    for message in messages(protocol):
        known = earlier.get(message.key)
        flags = ["fuzzy"] if known is not None and (known.fuzzy or known.id != message.text) else []
        is_unchanged &= known is not None and not flags
        notes = [message.note] if message.note else []
        said = known.string if known is not None else ""
        fresh.add(message.text, said, context=message.key, auto_comments=notes, flags=flags)
    reviewed = REVIEW.search(content.decode("utf-8"))
    review = reviewed["by"] if reviewed and is_unchanged else NOT_REVIEWED
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_written(fresh).replace(b'"MIME-Version:', f'"X-Review: {review}\\n"\n"MIME-Version:'.encode(), 1))


def refresh(locales: Path, languages: Iterable[str], at: datetime) -> None:
    """Writes the template, every catalogue there is, and those of further languages."""
    protocol = load()
    write_template(protocol, locales / "patient.pot", at)
    there = {path.parents[1].name for path in locales.glob("*/LC_MESSAGES/patient.po")}
    for language in sorted(there | set(languages)):
        update(protocol, catalogue_path(locales, language), language, at)


def _empty(protocol: TriageProtocol, at: datetime, language: str | None = None) -> Catalog:
    return Catalog(
        locale=language,
        project="Cordwatch",
        version=protocol.version,
        header_comment=f"# {HEADER}",
        creation_date=at,
        revision_date=at,
        last_translator="",
        language_team=language or "",
        msgid_bugs_address="",
        fuzzy=False,
    )


def _written(catalog: Catalog) -> bytes:
    written = BytesIO()
    write_po(written, catalog, width=110)
    return written.getvalue()


if __name__ == "__main__":
    refresh(LOCALES, sys.argv[1:], datetime.now(UTC))
