"""Alerts for nurses in a chat of their own: that something urgent waits and where, never what or who.

A chat is linked by a code that the console shows once. From then on nothing that comes from it is a patient's: not an
answer, not a symptom. `/unlink` gives it back.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from bot.channels import Choice, Incoming, Outgoing, Priority, Retired
from bot.clinic.patience import timing_of
from bot.clinic.settings import Clinic
from bot.language.console import N_, ConsoleWords, available, console_words
from bot.service.entry import Refused
from bot.store.console import Nurse
from bot.store.nurse_chats import NurseChat, NurseChats, Review, StaffInbox
from bot.store.outbox import Alert, Delivery
from bot.store.sessions import Sessions
from bot.store.signals import OUTBOX, Signals
from bot.store.worklist import Entry
from bot.web.paths import page_path
from dialogs.events import Claimed
from dialogs.machine import wake_at
from dialogs.protocol import Disposition
from dialogs.session import replay

log = logging.getLogger("cordwatch.alerts")
CODE_HOLDS = timedelta(minutes=15)
LETTERS = "23456789abcdefghjkmnpqrstvwxyz"
LINK = re.compile(r"/link(?:@\w+)?\s+([0-9a-z]{4})[-\s]?([0-9a-z]{4})", re.IGNORECASE)
UNLINK = re.compile(r"/unlink(?:@\w+)?", re.IGNORECASE)
CLAIM = ":alert:claim"


WAITING = N_("An urgent entry is waiting")
YOURS_AGAIN = N_("An urgent entry of yours needs you again")
READ_BY = N_("A nurse must read it by %(moment)s.")
TAKE = N_("Take it")
TAKEN = N_("It is yours.")
READ_IT = N_("Open it now and say that you have read it.")
OTHER_HAS_IT = N_("%(owner)s has it already.")
CLOSED = N_("It is closed already.")
GONE = N_("There is no such entry any more.")
LINKED = N_("Hello %(name)s, this chat now gets alerts for urgent entries. /unlink ends that.")
UNLINKED = N_("This chat gets no alerts any more.")
TEST = N_("This is a test. Alerts for urgent entries will look like this.")
NOT_FOR_PATIENTS = N_(
    "This chat gets alerts for %(name)s, and nothing else: what is written here is not read, and it is no check of "
    "symptoms. If you are ill yourself, call the clinic: %(number)s. In an emergency call %(emergency)s. /unlink ends "
    "the alerts."
)
WRONG_CODE = N_(
    "This code does not fit, or it is too old. Codes are for nurses, from their account in the console. "
    "If you are a patient and need help, call %(number)s. In an emergency call %(emergency)s."
)
NOT_LINKED = N_(
    "This chat is not linked to a nurse's account. If you are a patient and need help, call %(number)s. "
    "In an emergency call %(emergency)s."
)
OWN_CHECK = N_(
    "In this chat a check of your own symptoms is still open. It goes on as before, so alerts cannot come here. Use "
    "another Telegram account for them, or send /stop and wait until a colleague has closed it, and ask for a new code."
)


class Alerts(StaffInbox):
    """`base`: the address under which nurses open the console. `channels`: whose chats can be linked."""

    def __init__(
        self,
        store: Sessions,
        chats: NurseChats,
        clinic: Clinic,
        clock: Callable[[], datetime],
        signals: Signals,
        base: str,
        channels: Collection[str] = ("telegram",),
    ) -> None:
        self._store, self._chats, self._clinic, self._clock, self._signals = store, chats, clinic, clock, signals
        self._base, self._channels = base, channels

    # --- from the console

    async def new_code(self, nurse: Nurse, at: datetime) -> str:
        """To be shown once; we keep only what it can be recognised by."""
        code = "".join(secrets.choice(LETTERS) for _ in range(8))
        await self._chats.add_code(_digest(code), nurse.id, at + CODE_HOLDS)
        return f"{code[:4]}-{code[4:]}".upper()

    async def chat_of(self, nurse: Nurse) -> NurseChat | None:
        return await self._chats.chat_of(nurse.id)

    async def unlink(self, chat: NurseChat, at: datetime) -> None:
        await self._chats.unlink(chat, at)
        await self._say(chat.channel, chat.address, _words(chat.nurse).gettext(UNLINKED), at)

    async def test(self, chat: NurseChat, at: datetime) -> None:
        await self._say(chat.channel, chat.address, _words(chat.nurse).gettext(TEST), at)

    # --- from the chat

    async def handles(self, incoming: Incoming) -> bool:
        if incoming.channel not in self._channels:
            return False
        text = incoming.text.strip()
        if LINK.fullmatch(text) or UNLINK.fullmatch(text) or (incoming.choice or "").endswith(CLAIM):
            return True
        return await self._chats.chat_at(incoming.channel, incoming.address) is not None

    async def receive(self, incoming: Incoming, review: Review) -> str | None:
        at, text = self._clock(), incoming.text.strip()
        code = LINK.fullmatch(text)
        if code is not None:
            await self._link(incoming, code[1] + code[2], at)
            return None
        chat = await self._chats.chat_at(incoming.channel, incoming.address)
        if chat is None:
            await self._turn_away(incoming, NOT_LINKED, at)
        elif incoming.what == "blocked":
            await self._chats.failed(chat.channel, chat.address, at)
        elif UNLINK.fullmatch(text):
            await self.unlink(chat, at)
        elif incoming.choice is not None and incoming.choice.endswith(CLAIM):
            return await self._claim(chat, incoming, review, at)
        else:
            await self._say(
                chat.channel, chat.address, self._fill(_words(chat.nurse), NOT_FOR_PATIENTS, chat.nurse), at
            )
        return None

    async def _link(self, incoming: Incoming, code: str, at: datetime) -> None:
        if await self._is_in_use(incoming.channel, incoming.address):
            await self._turn_away(incoming, OWN_CHECK, at)
            return
        chat = await self._chats.link(_digest(code.lower()), incoming.channel, incoming.address, at)
        if chat is None:
            await self._turn_away(incoming, WRONG_CODE, at)
            return
        words = _words(chat.nurse)
        await self._say(chat.channel, chat.address, words.gettext(LINKED) % {"name": chat.nurse.name}, at)

    async def _is_in_use(self, channel: str, address: str) -> bool:
        """Whether a patient's check or entry is still open here: she would no longer be heard."""
        found = await self._store.open(channel, address)
        session = replay(found.session, found.events)
        is_going_on = session.length > 0 and not (session.is_over and wake_at(session, timing_of(self._clinic)) is None)
        return is_going_on or bool(await self._store.open_entries(found.patient.id))

    async def _turn_away(self, incoming: Incoming, text: str, at: datetime) -> None:
        words = console_words(_best([incoming.language_hint or "en"]))
        await self._say(incoming.channel, incoming.address, self._fill(words, text), at)

    async def _claim(self, chat: NurseChat, incoming: Incoming, review: Review, at: datetime) -> str:
        """She takes it, but has not read it yet: that clock runs on."""
        words, session = _words(chat.nurse), (incoming.choice or "").removesuffix(CLAIM)
        what_next = ""
        try:
            await review(session, Claimed(chat.nurse.name), f"alert:{incoming.external_id}")
            word = words.gettext(TAKEN)
            what_next = f"{words.gettext(READ_IT)}\n{self._link_to(session)}"
        except KeyError:
            word = words.gettext(GONE)
        except Refused as refused:
            word = words.gettext(OTHER_HAS_IT) % {"owner": refused.owner} if refused.why == "taken" else ""
            word = word or words.gettext(CLOSED)
        retired = Retired(session, words.gettext(WAITING), f"✓ {word}" if what_next else word)
        said = Outgoing(
            what_next, word, kind="alert", retires=retired, priority=Priority.ADVICE, language=words.language
        )
        await self._chats.say(Alert(chat.channel, chat.address, said), at)
        self._signals.publish(OUTBOX)
        return word

    # --- from the service

    async def alerts(self, session: str, entry: Entry, at: datetime) -> Sequence[Alert]:
        chats = await self._chats.chats()
        return [
            Alert(chat.channel, chat.address, self._alert(chat, session, entry, at))
            for chat in chats
            if chat.channel in self._channels and entry.owner in (None, chat.nurse.name)
        ]

    async def alert_failed(self, delivery: Delivery, reason: str) -> None:
        log.warning("delivery %d: an alert did not reach a nurse: %s", delivery.id, reason)
        await self._chats.failed(delivery.channel, delivery.sending.address, self._clock())

    def _alert(self, chat: NurseChat, session: str, entry: Entry, at: datetime) -> Outgoing:
        words = _words(chat.nurse)
        moment = words.moment(entry.acknowledge_by, at, self._clinic.time_zone)
        take = Choice(words.gettext(TAKE), f"{session}{CLAIM}", 0)
        return Outgoing(
            text=f"{words.gettext(READ_BY) % {'moment': moment}}\n{self._link_to(session)}",
            heading=words.gettext(WAITING if entry.owner is None else YOURS_AGAIN),
            kind="alert",
            choices=(take,) if entry.owner is None else (),
            token=session,
            priority=Priority.EMERGENCY if entry.disposition == Disposition.EMERGENCY else Priority.URGENT,
            language=words.language,
        )

    # --- small things

    def _link_to(self, session: str) -> str:
        return self._base + page_path("entry", session=session)

    async def _say(self, channel: str, address: str, text: str, at: datetime) -> None:
        await self._chats.say(Alert(channel, address, Outgoing(text, kind="alert", priority=Priority.ADVICE)), at)
        self._signals.publish(OUTBOX)

    def _fill(self, words: ConsoleWords, text: str, nurse: Nurse | None = None) -> str:
        clinic = self._clinic
        number, emergency = clinic.always_number, clinic.emergency_number
        name = nurse.name if nurse is not None else ""
        return words.gettext(text) % {"number": number, "emergency": emergency, "name": name}


def _words(nurse: Nurse) -> ConsoleWords:
    return console_words(_best(nurse.languages))


def _best(languages: Sequence[str]) -> str:
    """The first of the languages that the console speaks, else English."""
    short = [one.replace("-", "_").partition("_")[0] for one in languages]
    known = available()
    return next((one for one in (*languages, *short) if one in known), known[0])


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
