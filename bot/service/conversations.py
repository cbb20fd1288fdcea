"""What the web chat shows: the sessions of one browser, both sides, out of the store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from bot.channels.conversation import Conversation, Conversations, Line
from bot.language.texts import PatientTexts
from bot.service.digest import place_of
from bot.store.transcripts import ChatHistory, SentMessage
from dialogs.events import Recorded
from dialogs.protocol import TriageProtocol
from dialogs.session import Session, replay

log = logging.getLogger("cordwatch.service")
SESSIONS_SHOWN = 2
EVENTS_AT_MOST = 1_000_000
UNSEEN = ("waiting", "handed_over", "not_seen")


class StoredConversations(Conversations):
    """Reads the latest sessions of an address; writes nothing but that a page has shown a message."""

    def __init__(
        self,
        store: ChatHistory,
        words: PatientTexts,
        protocol: Callable[[Session], TriageProtocol],
        clock: Callable[[], datetime],
        channel: str = "web",
    ) -> None:
        self._channel = channel
        self._store, self._words, self._protocol, self._clock = store, words, protocol, clock

    async def read(self, address: str) -> Conversation:
        latest = await self._store.open(self._channel, address)
        if not latest.events:
            return Conversation()
        sessions = await self._store.recent_sessions(latest.patient.id, SESSIONS_SHOWN)
        lines = [line for session_id in reversed(sessions) for line in await self._readable_lines(session_id)]
        session = replay(latest.session, latest.events)
        said = Conversation(tuple(lines), session.language, session.active_at)
        return replace(said, revision=said.newest * EVENTS_AT_MOST + len(latest.events))

    async def acknowledge(self, address: str, deliveries: Sequence[int]) -> None:
        for delivery in deliveries:
            await self._store.acknowledged(delivery, address, self._clock())

    async def _readable_lines(self, session_id: str) -> list[Line]:
        """Of a session that cannot be read the patient sees nothing; the others she sees all the same."""
        try:
            return await self._lines(session_id)
        except Exception as error:
            log.error("session %s cannot be shown: %s", session_id, place_of(error))
            return []

    async def _lines(self, session_id: str) -> list[Line]:
        parts = await self._store.conversation(session_id)
        session = replay(session_id, (part for part in parts if isinstance(part, Recorded)))
        protocol = self._protocol(session)
        lines: list[Line] = []
        labels: dict[str, str] = {}
        for part in parts:
            match part:
                case SentMessage(state="superseded"):
                    continue
                case SentMessage():
                    labels |= {choice.data.partition(":")[2]: choice.label for choice in part.outgoing.choices}
                    is_shown = part.state not in UNSEEN
                    lines.append(Line(f"m{part.id}", part.at, part.outgoing, delivery=part.id, is_shown=is_shown))
                case Recorded(event=event):
                    # in the words of the button, also after a change of language
                    tapped = f"{getattr(event, 'question', '')}:{getattr(event, 'answer', '')}"
                    spoken = labels.get(tapped) or self._words.spoken(event, protocol, session.language)
                    if spoken:
                        lines.append(Line(f"{session_id}-{part.seq}", part.at, words=spoken))
        return lines
