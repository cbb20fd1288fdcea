"""The web chat's page: a conversation as HTML, whole or only what a page that is already open does not have yet."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from bot.channels import Choice, clean
from bot.channels.conversation import Conversation, Line
from bot.clinic.languages import direction
from bot.clinic.telephone import dialled
from bot.web.assets import STATIC, Assets
from bot.web.templates import addresses, environment

ASSETS = ("chat.css", "chat.js", "chat.svg")
LINES_REDRAWN = 4
INTERNATIONAL_NUMBER = r"\+\d[\d  ()/.-]{5,}\d"

SHORTEST = 2
"""Signs: numbers of so few, such as the French 15, are looked for only where nothing else can be meant."""


Words = Callable[..., str]
"""`words(key, language, **values)`: the text of one label of the page."""


@dataclass(frozen=True, slots=True)
class ChatClinic:
    """What the page says of the clinic. `numbers`: telephone numbers to link, besides all in international form.

    `day`: names a day in a language. `languages`: offered, the usual one first.
    """

    name: str
    zone: ZoneInfo
    words: Words
    day: Callable[[datetime, str], str]
    numbers: Sequence[str] = ()
    languages: Sequence[str] = ("en",)
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line as HTML. `version` changes with the HTML."""

    id: str
    html: str
    version: str


class ChatPages:
    """Draws everything a browser shows, in the patient's language."""

    def __init__(self, site: ChatClinic) -> None:
        self.site = site
        self.assets = Assets((STATIC / name for name in ASSETS), "chat_asset")
        self._number = _number_pattern(site.numbers)
        self._number_alone = _number_pattern(site.numbers, are_alone=True)
        self._environment = environment()
        self._environment.filters["linked"] = self.linked
        self._environment.globals.update(direction=direction, site=site)
        self._drawn = lru_cache(maxsize=4096)(self._draw_line)

    def chat(self, conversation: Conversation, language: str, root: str = "", **values: str) -> str:
        """The whole page; works without script. `values`: form_token, message_id and `of`, whose page it is.

        `root`: the prefix of the request, below which its links lead.
        """
        drawn = self.draw(conversation, language)
        return self._render(
            "chat.html",
            language,
            lines=drawn,
            revision=conversation.revision,
            cursor=_cursor(drawn),
            **addresses(root, self.assets),
            unseen=_unseen(conversation),
            has_answers=any(not _is_reading(line) for line in _open_lines(conversation.lines)),
            **values,
        )

    def notice(self, key: str, language: str, root: str = "", **values: str) -> str:
        """A page with one thing to say, such as an error. With a form_token it offers to start anew."""
        return self._render("chat_notice.html", language, key=key, **addresses(root, self.assets), **values)

    def update(self, conversation: Conversation, language: str, have: str) -> dict[str, Any]:
        """What a page lacks that has the lines named by the cursor `have`, and the order of all lines."""
        drawn = self.draw(conversation, language)
        return {
            "revision": conversation.revision,
            "language": language,
            "cursor": _cursor(drawn),
            "order": [line.id for line in drawn],
            "lines": [{"id": line.id, "html": line.html} for line in drawn[_known(have, drawn) :]],
            "unseen": _unseen(conversation),
        }

    def draw(self, conversation: Conversation, language: str) -> list[Drawn]:
        """Every line; only the newest question, while it waits, and what was opened to read since have buttons."""
        open_ones = {line.id for line in _open_lines(conversation.lines)}
        drawn: list[Drawn] = []
        day: date | None = None
        for line in conversation.lines:
            is_new_day = day != (day := line.at.astimezone(self.site.zone).date())
            drawn.append(self._drawn(replace(line, is_shown=True), language, line.id in open_ones, is_new_day))
        return drawn

    def linked(self, text: str, *, is_notice: bool = False) -> Markup:
        """The text, escaped, with its telephone numbers as links. `is_notice`: it names no times and no days."""
        parts = (self._number_alone if is_notice else self._number).split(text)
        return Markup("").join(_telephone(part) if rank % 2 else escape(part) for rank, part in enumerate(parts))

    def _draw_line(self, line: Line, language: str, is_open: bool, is_new_day: bool) -> Drawn:
        outgoing = line.outgoing
        has_picture = outgoing is not None and outgoing.picture and (is_open or not outgoing.choices)
        version = _digest(repr((line, language, is_open, is_new_day)))
        html = self._render(
            "chat_line.html",
            language,
            line=line,
            outgoing=outgoing,
            version=version,
            rows=_rows(outgoing.choices) if outgoing and is_open else [],
            picture=_picture(outgoing.picture) if outgoing and outgoing.picture and has_picture else "",
            time=line.at.astimezone(self.site.zone).strftime("%H:%M"),
            day=self.site.day(line.at, language) if is_new_day else "",
        )
        return Drawn(line.id, clean(html), version)

    def _render(self, template: str, language: str, **values: Any) -> str:
        def ui(key: str, **fields: str) -> str:
            return self.site.words(key, language, **fields)

        return self._environment.get_template(template).render(ui=ui, language=language, **values)


def _open_lines(lines: Sequence[Line]) -> list[Line]:
    """Those with buttons, the newest first. Reading does not take the buttons of a question that waits."""
    found: list[Line] = []
    retired: set[str] = set()
    for line in reversed(lines):
        outgoing = line.outgoing
        if outgoing is None:
            continue
        if _rows(outgoing.choices):
            if not _is_reading(line):
                waits = outgoing.token is not None or not found
                return [*found, line] if waits and outgoing.token not in retired else found
            found = found or [line]
        if outgoing.retires:
            retired.add(outgoing.retires.token)
    return found


def _is_reading(line: Line) -> bool:
    return line.outgoing is not None and line.outgoing.kind == "topic"


def _rows(choices: Sequence[Choice]) -> list[list[Choice]]:
    """Answers in their rows; actions, such as back and why, in one row of their own."""
    offered = [choice for choice in choices if choice.kind != "contact"]
    return [list(row) for _, row in groupby(offered, key=lambda one: one.row if one.kind == "answer" else -1)]


def _unseen(conversation: Conversation) -> list[int]:
    return [line.delivery for line in conversation.lines if line.delivery is not None and not line.is_shown]


def _cursor(drawn: Sequence[Drawn]) -> str:
    """Names the beginning of a conversation that is unlikely to change any more, by its length and content."""
    settled = max(0, len(drawn) - LINES_REDRAWN)
    return f"{settled}.{_digest(*(line.version for line in drawn[:settled]))}"


def _known(have: str, drawn: Sequence[Drawn]) -> int:
    length = int(have.partition(".")[0]) if re.fullmatch(r"\d{1,6}\.[0-9a-f]{16}", have) else 0
    is_known = have == f"{length}.{_digest(*(line.version for line in drawn[:length]))}"
    return length if is_known and length <= len(drawn) else 0


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode(errors="replace")).hexdigest()[:16]


def _number_pattern(numbers: Sequence[str], *, are_alone: bool = False) -> re.Pattern[str]:
    """Of a text in which two figures may also be minutes, an hour or a day, unless numbers `are_alone` there."""
    known = sorted(numbers, key=len, reverse=True)
    forms = [one if are_alone or len(one) > SHORTEST else f"(?<=[:：] ){one}" for one in map(re.escape, known)]
    return re.compile(rf"(?<![\w+:.,])({'|'.join([*forms, INTERNATIONAL_NUMBER])})(?!\w|[:.,]\d)")


def _telephone(number: str) -> Markup:
    return Markup('<a class="number" dir="ltr" href="tel:{}">{}</a>').format(dialled(number), number)


@lru_cache(maxsize=16)
def _picture(name: str) -> Markup:
    path = STATIC / "pictures" / f"{name}.svg"
    if not re.fullmatch(r"[a-z0-9_-]+", name) or not path.exists():
        return Markup("")
    drawing = path.read_text(encoding="utf-8")
    return Markup(drawing[drawing.index("<svg") :])
