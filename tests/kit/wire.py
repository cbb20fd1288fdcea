"""The real service as a process of its own, talking to the tests' own Telegram, and its database read from outside."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from bot.channels import Outgoing
from bot.language.catalogue import fill
from bot.store.sqlite.texts import SAID, TEXTS, outgoing
from tests.kit.botapi.rules import Json
from tests.kit.botapi.server import BotApi, Fault
from tests.kit.botapi.users import Shown, User

PROGRAM = str(Path(sys.executable).with_name("cordwatch"))
PUBLIC_URL = "https://check.example.org/telegram"
SECRET = "only-telegram-knows"
CLINIC = f"""
[clinic]
name = "Test Clinic"
time_zone = "Europe/Amsterdam"
languages = {{languages}}
unreviewed_languages = {{unreviewed}}

[numbers]
emergency = "112"
crisis_line = "113"
day = "+31 20 555 0177"
always = "+31 20 555 0178"

[hours]
mo = "09:00-17:00"
we = "09:00-17:00"

[telegram]
mode = "{{mode}}"
webhook_url = "{PUBLIC_URL}"
poll_s = 1

[outbox]
messages_per_second = 1000
messages_per_second_per_chat = 1000
burst_per_chat = 100
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came, before any later change. `data`: that of its buttons."""

    message_id: int
    text: str
    data: tuple[str, ...]
    is_photo: bool


class Silence:
    """How long patients waited for any answer at all: a message, or the word that ends a button's waiting."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._since: dict[int, float] = {}

    def begins(self, user_id: int) -> None:
        self._since.setdefault(user_id, time.monotonic())

    def ends(self, user_id: int) -> None:
        since = self._since.pop(user_id, None)
        if since is not None:
            self.longest_s = max(self.longest_s, time.monotonic() - since)


class Telegram(BotApi):
    """The tests' Telegram, with everything that ever arrived in each chat and a bell for each of them.

    Messages are numbered for the bot and not for the chat, as Telegram does where it matters: in private chats.
    It reaches a webhook through a reverse proxy, as a clinic has one: `proxied` is the address behind it.
    """

    def __init__(self, **wanted: Any) -> None:
        super().__init__(**wanted)
        self.proxied = ""
        self._numbers = count(1)
        self.arrivals: defaultdict[int, list[Arrival]] = defaultdict(list)
        self.bells: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self.troubles: Counter[Fault] = Counter()
        self.silence = Silence()
        self.updates.push = self._heard(self.updates.push)  # type: ignore[method-assign]
        self.faults.next = self._counted(self.faults.next)

    def numbers_from(self, first: int) -> None:
        """Messages and updates have had lower numbers so far."""
        self._numbers = count(first)
        self.updates.renumber(first)

    def show(self, user: User, is_bots: bool, text: str, **fields: Any) -> Shown:
        shown = super().show(user, is_bots, text, **fields)
        shown.message_id = next(self._numbers)
        if is_bots:
            data = tuple(shown.buttons.values())
            self.arrivals[user.id].append(Arrival(shown.message_id, text, data, shown.photo is not None))
            self.bells[user.id].set()
            self.silence.ends(user.id)
        return shown

    def _heard(self, push: Callable[..., int]) -> Callable[..., int]:
        def heard(**content: Any) -> int:
            who = next(iter(content.values())).get("from")
            if who is not None:
                self.silence.begins(who["id"])
            return push(**content)

        return heard

    def _answer_query(self, parameters: Json) -> bool:
        user = self._queries.get(str(parameters.get("callback_query_id")))
        if user is not None:
            self.silence.ends(user.id)
        return super()._answer_query(parameters)

    def _counted(self, next_fault: Callable[[str], Fault | None]) -> Callable[[str], Fault | None]:
        def count(method: str) -> Fault | None:
            if fault := next_fault(method):
                self.troubles[fault] += 1
            return fault

        return count

    async def _run(self, token: str, method: str, parameters: Json) -> Any:
        if method == "setWebhook" and parameters.get("url") == PUBLIC_URL:
            parameters = {**parameters, "url": self.proxied}
        result = await super()._run(token, method, parameters)
        if method == "getWebhookInfo" and result["url"] == self.proxied:
            result["url"] = PUBLIC_URL
        return result


class Bot:
    """`cordwatch run` with `options` in `directory`. Its output is in `bot.log`, of all its lives."""

    def __init__(
        self, directory: Path, telegram: Telegram, mode: str = "polling", languages: Sequence[str] = ("en", "nl")
    ) -> None:
        self.directory, self.telegram, self.mode = directory, telegram, mode
        self.database = directory / "clinic.db"
        self.program = PROGRAM
        self.port = unused_port()
        self.url = f"http://127.0.0.1:{self.port}"
        telegram.proxied = f"{self.url}/telegram"
        settings = {"mode": mode, "languages": json.dumps(languages), "unreviewed": json.dumps(languages[1:])}
        (directory / "clinic.toml").write_text(fill(CLINIC, settings), encoding="utf-8")
        self.options: tuple[str, ...] = ()
        self.process: asyncio.subprocess.Process | None = None
        self.environ: Mapping[str, str] = {}
        """What its next lives have in their environment besides."""

    @property
    def output(self) -> str:
        return (self.directory / "bot.log").read_text(encoding="utf-8")

    async def start(self) -> None:
        """Returns once it listens to Telegram."""
        sign = "getUpdates" if self.mode == "polling" else "setWebhook"
        before = self.telegram.calls[sign]
        self.process = await self.launch()
        ended = asyncio.create_task(self.process.wait())
        listening = asyncio.create_task(self.telegram.until(lambda: self.telegram.calls[sign] > before, within_s=120))
        await asyncio.wait([ended, listening], return_when=asyncio.FIRST_COMPLETED)
        assert not ended.done(), f"the service ended at once:\n{self.output}"
        ended.cancel()
        await listening

    async def launch(self) -> asyncio.subprocess.Process:
        """A process of the service that may refuse to run."""
        with (self.directory / "bot.log").open("ab") as log:
            where = {"cwd": self.directory, "env": self.environment, "stdout": log, "stderr": log}
            return await asyncio.create_subprocess_exec(self.program, "run", *self._begins(), *self.options, **where)

    def _begins(self) -> tuple[str, ...]:
        """Its first life is a new clinic's; programs of before made a database wherever there was none."""
        return () if self.database.exists() or self.program != PROGRAM else ("--new-database",)

    @property
    def environment(self) -> dict[str, str]:
        return {key: value for key, value in os.environ.items() if not key.startswith("BOT_")} | {
            "BOT_CONFIG": str(self.directory / "clinic.toml"),
            "BOT_DATABASE": str(self.database),
            "BOT_LISTEN": f"127.0.0.1:{self.port}",
            "BOT_TELEGRAM_API_URL": self.telegram.url,
            "BOT_TELEGRAM_TOKEN": self.telegram.token,
            "BOT_TELEGRAM_WEBHOOK_SECRET": SECRET,
            **self.environ,
        }

    async def kill(self) -> None:
        """The machine loses its power."""
        await self.end(signal.SIGKILL)

    async def end(self, number: int) -> int:
        """Sends a signal and returns the exit code."""
        assert self.process is not None
        process, self.process = self.process, None
        if process.returncode is None:
            process.send_signal(number)
        return await process.wait()

    @contextmanager
    def rows(self) -> Iterator[sqlite3.Connection]:
        """The database, for reading only."""
        db = sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)
        try:
            yield db
        finally:
            db.close()

    def one(self, query: str, *values: object) -> Any:
        """The first column of the first row."""
        with self.rows() as db:
            row = db.execute(query, values).fetchone()
        return None if row is None else row[0]

    def column(self, query: str, *values: object) -> list[Any]:
        with self.rows() as db:
            return [row[0] for row in db.execute(query, values)]

    @property
    def is_quiet(self) -> bool:
        waits = self.one("select count(*) from outbox where state = 'waiting'")
        return not self.telegram.updates.waiting and not waits

    def said(self, where: str, *values: object) -> list[tuple[int, int, str, Outgoing]]:
        """Messages of the outbox in order: id, seq, state and what each says. `where`: a condition on its rows."""
        with self.rows() as db:
            return said(db, where, *values)

    def events(self, user: User) -> list[tuple[str, dict[str, Any]]]:
        """Kind and body of everything in her log, in order."""
        query = """
            select kind, body from events join sessions on sessions.id = session
            where address = ? order by sessions.number, seq
        """
        with self.rows() as db:
            return [(kind, json.loads(body)) for kind, body in db.execute(query, (str(user.id),))]

    async def settles(self, within_s: float = 20) -> None:
        """Returns when every update is confirmed and every message delivered."""
        async with asyncio.timeout(within_s):
            while not self.is_quiet:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def said(db: sqlite3.Connection, where: str, *values: object) -> list[tuple[int, int, str, Outgoing]]:
    """As `Bot.said`."""
    query = f"select outbox.id, seq, state, {SAID} from outbox {TEXTS} where {where} order by outbox.id"
    return [(*row[:3], outgoing(row[3:])) for row in db.execute(query, values)]


@asynccontextmanager
async def running(
    directory: Path, mode: str = "polling", languages: Sequence[str] = ("en", "nl"), database: Path | None = None
) -> AsyncIterator[Bot]:
    """A Telegram, and the service on it until the end of the block."""
    async with built(directory, mode, languages) as bot:
        bot.database = database or bot.database
        await bot.start()
        yield bot


@asynccontextmanager
async def built(directory: Path, mode: str = "polling", languages: Sequence[str] = ("en", "nl")) -> AsyncIterator[Bot]:
    """A Telegram, and a service that is still to be started; it does not outlive the block."""
    async with Telegram() as telegram:
        bot = Bot(directory, telegram, mode, languages)
        try:
            yield bot
        finally:
            if bot.process is not None:
                await bot.kill()


async def at_the_first_question(bot: Bot, user_id: int, language_code: str | None = "en") -> tuple[User, Shown]:
    """A patient who has agreed and sees the first question about her health."""
    user = bot.telegram.user(user_id, language_code)
    await user.says("/start")
    for label in ("English", "Yes, I agree", "I am the patient"):
        await user.taps(label, within_s=20)
    return user, await user.sees(lambda shown: any(":emergency_signs:yes" in data for data in shown.buttons.values()))


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
