"""The same conversation in a terminal: for trying it out, for authors of protocols, and for scripts that pipe lines."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import textwrap
import threading
import unicodedata
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from itertools import groupby
from typing import TextIO
from uuid import uuid4

from bot.channels import Busy, Channel, Choice, Incoming, Outgoing, Receive, Sending

log = logging.getLogger(__name__)

BOLD, PLAIN = "\x1b[1m", "\x1b[0m"
WIDEST = 88
OFFER_AGAIN_S = 1.0


class TerminalChannel(Channel):
    """One person at one terminal; with no `address` nobody sits there, and what is said to her waits.

    `opening` is handed in before the first line, so that a conversation begins or carries on by itself. `settled` is
    awaited before the next line is read from a pipe and before the end: it returns once every answer has been shown.
    """

    def __init__(
        self,
        address: str | None,
        settled: Callable[[], Awaitable[None]],
        *,
        lines: TextIO | None = None,
        out: TextIO | None = None,
        opening: str = "/start",
        farewell: str = "",
        language_hint: str | None = None,
        name: str = "terminal",
    ) -> None:
        super().__init__(name)
        self._address, self._settled, self._opening = address, settled, opening
        self._lines, self._out = lines or sys.stdin, out or sys.stdout
        self._farewell, self._language_hint = farewell, language_hint
        self._is_bold = self._out.isatty() and "NO_COLOR" not in os.environ
        self._choices: tuple[Choice, ...] = ()
        self._shown = 0

    async def listen(self, receive: Receive) -> None:
        """Runs until the lines end or it is cancelled."""
        if self._address is None:
            await asyncio.get_running_loop().create_future()
        run, count = uuid4().hex, 0
        typed = _read_aside(self._lines)
        line: str | None = self._opening
        try:
            while line is not None:
                if line.strip():
                    count += 1
                    await _insist(receive, self._incoming(line.strip(), f"{self.name}:{run}:{count}"))
                if not self._lines.isatty():
                    await self._settled()
                line = await typed.get()
            await self._settled()
        finally:
            self._address = None
            self._print(self._farewell)

    async def send(self, sending: Sending) -> str | None:
        if sending.address != self._address:
            raise Busy(f"nobody sits at {sending.address!r}", timedelta(minutes=5))
        self._choices = tuple(one for one in sending.outgoing.choices if one.kind != "contact")
        self._print(self._drawn(sending.outgoing))
        self._shown += 1
        return str(self._shown)

    async def notice(self, address: str, outgoing: Outgoing) -> None:
        if address == self._address:
            self._print(self._drawn(outgoing))

    def _incoming(self, line: str, external_id: str) -> Incoming:
        choice = self._chosen(line)
        assert self._address is not None
        return Incoming(
            channel=self.name,
            address=self._address,
            external_id=external_id,
            text="" if choice else line,
            choice=choice,
            language_hint=self._language_hint,
        )

    def _chosen(self, line: str) -> str | None:
        """The data of the button whose number or label was typed."""
        for number, choice in enumerate(self._choices, 1):
            if line.casefold() in (str(number), choice.label.casefold()):
                return choice.data
        return None

    def _drawn(self, outgoing: Outgoing) -> str:
        width = min(shutil.get_terminal_size().columns, WIDEST)
        heading = _wrapped(outgoing.heading, width)
        if heading and self._is_bold:
            heading = f"{BOLD}{heading}{PLAIN}"
        alt = _wrapped(f"({outgoing.picture_alt})", width) if outgoing.picture_alt else ""
        blocks = (heading, _wrapped(outgoing.text, width), alt, _buttons(self._choices, width))
        return "\n" + "\n".join(filter(None, blocks))

    def _print(self, text: str) -> None:
        if text:
            print(text, file=self._out, flush=True)


async def _insist(receive: Receive, incoming: Incoming) -> None:
    """What was typed is offered until it is committed; nobody types it again."""
    while True:
        try:
            await receive(incoming)
        except Exception as error:
            log.error("a line was not recorded: %s; trying again", type(error).__name__)
            await asyncio.sleep(OFFER_AGAIN_S)
        else:
            return


def _read_aside(lines: Iterable[str]) -> asyncio.Queue[str | None]:
    """Lines as they are typed, then None. In a thread of its own, which does not keep a program from ending."""
    loop, typed = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def read() -> None:
        # By the time somebody types on, the loop or the terminal may be gone.
        with contextlib.suppress(RuntimeError, OSError, ValueError):
            for line in lines:
                loop.call_soon_threadsafe(typed.put_nowait, line)
            loop.call_soon_threadsafe(typed.put_nowait, None)

    threading.Thread(target=read, name="terminal", daemon=True).start()
    return typed


def _wrapped(text: str, width: int) -> str:
    """Lines of at most `width`, without control characters, which could redraw a terminal."""
    visible = "".join(one for one in text if one == "\n" or unicodedata.category(one) not in ("Cc", "Cs"))
    return "\n".join(textwrap.fill(line, width) for line in visible.split("\n"))


def _buttons(choices: tuple[Choice, ...], width: int) -> str:
    """The numbered buttons, those of one row on one line where they fit."""
    numbered = [(choice.row, f"{number:>3}  {choice.label}") for number, choice in enumerate(choices, 1)]
    lines: list[str] = []
    for _, row in groupby(numbered, key=lambda one: one[0]):
        labels = [label for _, label in row]
        together = "".join(labels)
        lines += [together] if len(together) <= width else labels
    return "\n".join(lines)
