"""What a nurse does with an entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from bot.clinic.settings import Clinic
from bot.service.digest import Digest
from bot.service.entry import PATIENT_WIDE, Refused, entry, is_news, refuse
from bot.service.turns import Turns
from bot.store.sessions import DuplicateMessage, Log, Sessions
from dialogs.events import NurseEvent


class Review:
    def __init__(
        self, store: Sessions, clinic: Clinic, digest: Digest, turns: Turns, clock: Callable[[], datetime]
    ) -> None:
        self._store, self._clinic, self._digest, self._turns, self._clock = store, clinic, digest, turns, clock

    async def record(
        self,
        session_id: str,
        events: NurseEvent | Sequence[NurseEvent],
        external_id: str,
        drawn_at: datetime | None = None,
    ) -> None:
        """See `Service.review`."""
        patient = (await self._store.load(session_id)).patient
        acts = (events,) if isinstance(events, NurseEvent) else events
        async with self._turns.one_of(patient.channel, patient.address):
            if await self._store.is_known(external_id):
                return
            open_ones = await self._store.open_entries(patient.id)
            found = {one: await self._store.load(one) for one in dict.fromkeys((session_id, *open_ones))}
            self._refuse([found[one] for one in open_ones or (session_id,)], acts, drawn_at)
            at = self._clock()
            steps = [
                self._digest.noted(found[one], at, *fitting)
                for one in found
                if (fitting := _fitting(acts, one, session_id, open_ones))
            ]
            said = [self._digest.said(step, at) for step in steps]
            with suppress(DuplicateMessage):
                await self._turns.commit(found[session_id], external_id, steps, said, at)

    def _refuse(self, logs: Sequence[Log], acts: Sequence[NurseEvent], drawn_at: datetime | None) -> None:
        protocols = [(one, self._digest.protocol_of(self._digest.session_of(one))) for one in logs]
        rows = [row for one, protocol in protocols if (row := entry(one.events, protocol, self._clinic))]
        for act in acts:
            refuse(rows, act)
        newest = max((each.at for one in logs for each in one.events if is_news(each.event)), default=None)
        if drawn_at is not None and newest is not None and newest > drawn_at:
            raise Refused("changed")


def _fitting(acts: Sequence[NurseEvent], one: str, session_id: str, open_ones: Sequence[str]) -> Sequence[NurseEvent]:
    """Which of her acts belong to a session: some to all open ones of the patient, the others to this one."""
    return [act for act in acts if one in (open_ones if isinstance(act, PATIENT_WIDE) else (session_id,))]
