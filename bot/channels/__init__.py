"""What crosses a channel, and what every channel promises."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, ClassVar


class Priority(IntEnum):
    """Which chat is served first; the store keeps these numbers."""

    ROUTINE = 0
    ADVICE = 1
    """Advice, or a person's reply."""
    URGENT = 2
    """Within 12 hours, and what is said of it."""
    EMERGENCY = 3


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message from a patient.

    `external_id` is unique for ever and the same when the channel delivers the message again. `message_ref`: the
    channel's own name of the message, unique for each patient, where deliveries may be numbered anew. `choice` is the
    data of a tapped button. `what` names a message that is not text: sticker, photo, voice, edited, …; `contact` is a
    shared telephone number. `language_hint` is what the channel knows of the patient's language ("nl-NL").
    """

    channel: str
    address: str
    external_id: str
    text: str = ""
    choice: str | None = None
    what: str = "text"
    contact: str | None = None
    language_hint: str | None = None
    message_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A button. `data` is `<token>:<question id>:<answer code>`, at most 64 bytes. `row`: buttons of one row share it.

    `kind`: "answer", "action" (back, why, person) or "contact" (only for channels that can share a telephone number).
    """

    label: str
    data: str
    row: int
    kind: str = "answer"


@dataclass(frozen=True, slots=True)
class Retired:
    """An earlier question as it should now read: without buttons, with the chosen answer if there is one."""

    token: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to a patient, in her words.

    `heading` is shown in bold above `text`; either may be empty. `token` is that of the asking whose buttons it bears.
    `picture` is a name in `bot/static/pictures`, with `picture_alt` in words. `contact_label` asks the channel for its
    share-my-number button; `drops_contact` takes it away again.
    `kind`: question, advice, notice, reply, topic, picture or alert.
    """

    text: str
    heading: str = ""
    kind: str = "notice"
    choices: tuple[Choice, ...] = ()
    token: str | None = None
    retires: Retired | None = None
    picture: str | None = None
    picture_alt: str = ""
    contact_label: str | None = None
    drops_contact: bool = False
    priority: Priority = Priority.ROUTINE
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Sending:
    """One attempt to hand a message over. `retires_ref`: the channel's own name of the message to be retired."""

    address: str
    outgoing: Outgoing
    delivery: int
    retires_ref: str | None = None


class Busy(Exception):
    """The channel cannot take the message now; try again after `retry_after`.

    `most_tries`: after so many the message itself is at fault, and is given up; None when it never is.
    """

    def __init__(self, why: str, retry_after: timedelta | None = None, most_tries: int | None = None) -> None:
        super().__init__(why)
        self.retry_after, self.most_tries = retry_after, most_tries


class Undeliverable(Exception):
    """The channel will never take this message for this address. `reason`: blocked or refused. Tell the nurse."""

    def __init__(self, why: str, reason: str = "refused") -> None:
        super().__init__(why)
        self.reason = reason


class ChannelDown(Exception):
    """The channel refuses everything (wrong token, second poller). Stop sending and say so on /health."""


UNSTORABLE = re.compile("[\ud800-\udfff\0]")


def clean(text: str) -> str:
    """The text without what no database and no channel takes: null bytes and halves of surrogate pairs."""
    return UNSTORABLE.sub("\ufffd", text)


Receive = Callable[[Incoming], Awaitable[str | None]]
"""Takes a message; returns once it is committed, with a short word for the patient's button (or None)."""


WebApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
"""What answers on the web: an ASGI application, in the words of its standard and of no framework."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a channel bears messages; as it stands here, one that has no limits but ours."""

    messages_per_second: float = 1000
    messages_per_second_per_chat: float = 100
    burst_per_chat: int = 100


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How one channel does. `trouble`: why it refuses us; `is_polled`: it has to be asked for news.

    `polled_at`: when it was last asked and answered; None if never.
    """

    trouble: str | None = None
    polled_at: datetime | None = None
    is_polled: bool = False


@dataclass(frozen=True, slots=True)
class Introduction:
    """How a channel that has a place for it presents us in one language.

    `name` has at most 64 characters, `short_description` 120, `description` 512. `commands`: name without slash, and
    what it does in at most 256 characters.
    """

    language: str
    name: str
    short_description: str
    description: str
    commands: tuple[tuple[str, str], ...]


class Channel(ABC):
    """A place where patients talk to us.

    `name` is part of every address, id and setting that the channel brings forth: no two channels of one service share
    theirs. `is_for_nurses_too`: they may link chats of their own, which then get alerts.
    """

    is_for_nurses_too: ClassVar[bool] = False

    def __init__(self, name: str, pace: Pace | None = None) -> None:
        if not re.fullmatch("[a-z][a-z0-9-]{0,30}", name):
            raise ValueError(f"a channel's name has lower-case letters, digits and dashes, unlike {name!r}")
        self.name, self.pace = name, pace or Pace()

    @abstractmethod
    async def listen(self, receive: Receive) -> None:
        """Runs until cancelled; acknowledges a message to the channel only after `receive` has returned."""

    @abstractmethod
    async def send(self, sending: Sending) -> str | None:
        """Returns the channel's own name of the message once the channel has accepted it.

        None means that the page has still to acknowledge it (web chat). Raises Busy, Undeliverable or ChannelDown.
        """

    @abstractmethod
    async def notice(self, address: str, outgoing: Outgoing) -> None:
        """Shows a patient what the outbox cannot bring her, because the store does not answer; asks no store itself.

        Nobody but the watcher over unstored messages calls it. Raises as `send` does.
        """

    def status(self) -> ChannelStatus:
        """How it does at this moment, as far as it knows by itself."""
        return ChannelStatus()

    def routes(self) -> Mapping[str, WebApp]:
        """What it answers on the web, by path; a path that ends with a slash stands for all that lies below it."""
        return {}

    async def close(self) -> None:
        """Lets go of connections."""
        return
