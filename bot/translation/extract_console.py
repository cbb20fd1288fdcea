"""Every text of the console that wants a translation: out of its templates, its code, and the protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from bot.language.catalogue import SOURCE
from dialogs.protocol import TriageProtocol

BOT = Path(__file__).parents[1]
METHODS = [("templates/console/**.html", "jinja2"), ("console/**.py", "python"), ("service/alerts.py", "python")]
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
        yield text, "bot/language/console.py"
    for text in (*(group.name for group in protocol.groups), *(note.text for note in protocol.notes)):
        yield text, "dialogs/protocols/spinal_metastases/protocol.toml"
