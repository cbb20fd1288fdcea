"""Every text of the console that wants a translation: out of its templates, its code, and its reply and note files.

`python -m bot.extract_console` brings `locales/*/LC_MESSAGES/console.po` up to date; then translate what is empty.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from bot.config import LOCALES
from bot.language_catalogue import SOURCE
from dialogs.protocol import TriageProtocol, load

BOT = Path(__file__).parent
METHODS = [("templates/console/**.html", "jinja2"), ("console/**.py", "python"), ("alerts.py", "python")]
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
OPTIONS = {"templates/console/**.html": {"newstyle_gettext": "true", "trimmed": "true"}}
TIMES = ("%(time)s left", "%(time)s late")


def catalogue(protocol: TriageProtocol) -> Catalog:
    """The template of all translations. Raises what Babel raises for a template that cannot be read."""
    found = Catalog(locale=SOURCE, project="Cordwatch", fuzzy=False)
    for name, line, text, comments, context in extract_from_dir(
        str(BOT), METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=("NOTE:",), directory_filter=lambda _: True
    ):
        found.add(text, locations=[(f"bot/{name}", line)], auto_comments=comments, context=context)
    for text, where in _data(protocol):
        found.add(text, locations=[(where, 1)])
    return found


def _data(protocol: TriageProtocol) -> Iterator[tuple[str, str]]:
    for text in TIMES:
        yield text, "bot/language_console.py"
    for reply in tomllib.loads((BOT / "console" / "replies.toml").read_text(encoding="utf-8"))["reply"]:
        yield reply["title"], "bot/console/replies.toml"
        yield reply["text"], "bot/console/replies.toml"
    for note in protocol.notes:
        yield note.text, "dialogs/protocols/spinal_metastases.toml"


def update(path: Path, language: str, template: Catalog) -> None:
    """Keeps what is translated; what is new is empty, what is no longer said goes."""
    translated = read_po(BytesIO(path.read_bytes()), locale=language)
    translated.update(template, no_fuzzy_matching=True)
    translated.obsolete.clear()
    with path.open("wb") as file:
        write_po(file, translated, width=100, include_lineno=False, omit_header=False)


if __name__ == "__main__":
    for one in sorted(LOCALES.glob("*/LC_MESSAGES/console.po")):
        update(one, one.parent.parent.name, catalogue(load()))
