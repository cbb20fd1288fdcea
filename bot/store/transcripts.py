"""What is asked of a store to show a conversation: to a nurse, at a terminal, or on the patient's own page."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.channels import Outgoing
from bot.store.sessions import Logs
from dialogs.events import Recorded


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A line of a transcript as the patient saw it: a message of ours with its delivery state.

    `seq`: the last event of the turn that it belongs to. `state`: waiting, handed_over (a page has still to show it),
    sent, not_seen (the page never did), failed or superseded. `sent_at`: when the channel, or the page, took it.
    """

    id: int
    seq: int
    at: datetime
    outgoing: Outgoing
    state: str
    sent_at: datetime | None = None
    message_ref: str | None = None


class Transcripts(Logs):
    """Both sides of a session."""

    @abstractmethod
    async def transcript(self, session: str, after: int = 0) -> Sequence[SentMessage]:
        """Messages of ours in a session later than delivery `after`, in order, with exact text and delivery state."""

    async def conversation(self, session: str) -> Sequence[Recorded | SentMessage]:
        """Both sides of a session in order: the events of each turn, then what we said. Raises KeyError as `load`."""
        events = (await self.load(session)).events
        lines: list[Recorded | SentMessage] = [*events, *await self.transcript(session)]
        return sorted(lines, key=lambda line: line.seq)


class ChatHistory(Transcripts):
    """What the page of a web chat asks: earlier checks too, and it says what it has shown."""

    @abstractmethod
    async def recent_sessions(self, patient: str, limit: int = 5) -> Sequence[str]:
        """The patient's sessions, the latest first."""

    @abstractmethod
    async def acknowledged(self, delivery: int, address: str, at: datetime) -> None:
        """The page of this address has shown it: it is `sent`, also if it still waited. What failed stays failed."""
