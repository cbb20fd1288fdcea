"""The one path of every message: read the session, advance it, put it into words, make it true in one commit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from bot.channels import Incoming
from bot.clinic.patience import timing_of
from bot.clinic.settings import Clinic
from bot.language.texts import PatientTexts
from bot.language.unstored import UnstoredNotices
from bot.service.digest import Digest, place_of
from bot.service.limits import TurnLimits
from bot.service.parking import Parking
from bot.service.pulse import Pulse
from bot.service.review import Review
from bot.service.ringer import Ringer
from bot.service.turns import Turns
from bot.service.unstored import Unanswered, Unstored
from bot.service.waker import Waker
from bot.store.nurse_chats import StaffInbox
from bot.store.outbox import Delivery
from bot.store.sessions import DuplicateMessage, Sessions, StaleSession
from bot.store.signals import Signals
from dialogs.events import DeliveryFailed, NurseEvent, ToldUnstored
from dialogs.protocol import TriageProtocol

log = logging.getLogger("cordwatch.service")
TRIES = 5


class Service:
    """The only door: for patients' messages from all channels, for silence, and for news of deliveries.

    `protocols`: every version that a session may have begun under; `current`: the version that new ones begin under.
    `staff` takes what does not come from patients.
    """

    def __init__(
        self,
        store: Sessions,
        words: PatientTexts,
        clinic: Clinic,
        protocols: Mapping[str, TriageProtocol],
        current: TriageProtocol,
        clock: Callable[[], datetime],
        signals: Signals,
        staff: StaffInbox | None = None,
        unstored: Unstored | None = None,
    ) -> None:
        self.store, self.words, self.clinic, self.current, self.clock = store, words, clinic, current, clock
        self.signals, self._staff = signals, staff
        self.timing = timing_of(clinic)
        if unstored is None:
            unstored = Unstored(UnstoredNotices(words, clinic), clock, TurnLimits())
        self.unstored = unstored
        self._digest = Digest(words, clinic, protocols, current, self.timing, store.fresh_session)
        self.protocol_of = self._digest.protocol_of
        self._turns = Turns(store, clinic, self.timing, signals, staff is not None, unstored.limits.turn)
        self._review = Review(store, clinic, self._digest, self._turns, clock)
        self._parking = Parking(store, self._digest, self._turns, clock, unstored.limits)
        self._waker = Waker(store, self._digest, self._turns, clock, signals)
        self._ringer = Ringer(store, staff, clock, signals)

    @property
    def turns(self) -> int:
        """How many have been committed since it began."""
        return self._turns.made

    @property
    def wakes(self) -> Pulse:
        """How the rounds of `run_wakes` go."""
        return self._waker.pulse

    @property
    def alarms(self) -> Pulse:
        """How the rounds of `run_alarms` go."""
        return self._ringer.pulse

    async def receive(self, incoming: Incoming) -> str | None:
        """Makes a patient's message take effect once; returns when it is committed, with a word for her button.

        Raises what the store raises when it cannot commit: then the channel must offer the message again. One that
        fails again and again while the store makes other turns is parked, which is an effect too.
        """
        waiting, word = self.unstored.came(incoming), None
        try:
            word = await self._take(incoming)
        except Exception as error:
            if not await self._parking.takes(waiting, error):
                raise
        self.unstored.stored(incoming)
        if waiting.told_at is not None:
            await self._note(waiting, ToldUnstored(waiting.told_at))
        return word

    def oldest_unanswered(self) -> timedelta:
        """For how long the oldest message has waited that came and is not committed; also between its redeliveries."""
        return self.unstored.oldest()

    async def parked(self) -> int:
        """How many messages were set aside and wait for a nurse."""
        return await self.store.parked()

    async def review(
        self,
        session_id: str,
        events: NurseEvent | Sequence[NurseEvent],
        external_id: str,
        drawn_at: datetime | None = None,
    ) -> None:
        """Makes what a nurse did take effect once; `external_id` is that of her form, so that a second submit is none.

        What she does with an entry she does with all open ones of the patient. Raises KeyError when there is no such
        session, and Refused when it no longer fits; with `drawn_at` also when there is news since her page was drawn.
        """
        await self._review.record(session_id, events, external_id, drawn_at)

    async def wake(self) -> int:
        """Does what silence calls for in every session whose time has come; returns how many there were."""
        return await self._waker.wake_due()

    async def run_wakes(self) -> None:
        """Wakes sessions when they are due, until cancelled."""
        await self._waker.run()

    async def ring(self) -> bool:
        """Tells nurses of every entry that calls them; returns whether all could be told."""
        return await self._ringer.ring_due()

    async def run_alarms(self) -> None:
        """Tells nurses as soon as an entry calls them, until cancelled."""
        await self._ringer.run()

    async def delivery_failed(self, delivery: Delivery, reason: str) -> None:
        """Tells the nurse that a message did not arrive. `reason`: blocked, refused or not_seen."""
        if not delivery.session:
            if self._staff is not None:
                await self._staff.alert_failed(delivery, reason)
            return
        outgoing = delivery.sending.outgoing
        failed = DeliveryFailed(delivery.id, reason, is_advice=outgoing.kind in ("advice", "reply"))
        external_id = f"delivery:{delivery.id}:{reason}"
        async with self._turns.one_of(delivery.channel, delivery.sending.address):
            found, at = await self.store.load(delivery.session), self.clock()
            with suppress(DuplicateMessage):
                await self._turns.commit(found, external_id, [self._digest.noted(found, at, failed)], [()], at)

    async def check_seen(self, patience: timedelta) -> None:
        """Lists advice that a page took over and has not shown for longer than `patience`."""
        for delivery in await self.store.unacknowledged_advice(self.clock() - patience):
            await self.delivery_failed(delivery, "not_seen")

    async def _take(self, incoming: Incoming) -> str | None:
        if self._staff is not None and await self._is_of_staff(self._staff, incoming):
            return await self._staff.receive(incoming, self.review)
        async with self._turns.one_of(incoming.channel, incoming.address):
            for _ in range(TRIES):
                try:
                    return await self._receive(incoming)
                except DuplicateMessage:
                    return None
                except StaleSession:
                    continue
            raise StaleSession(f"session of {incoming.channel} changed {TRIES} times while it was read")

    async def _receive(self, incoming: Incoming) -> str | None:
        found = await self.store.open(incoming.channel, incoming.address)
        self.unstored.speaks(incoming.channel, incoming.address, found.patient.language)
        due = self._digest.due(found)
        if due is not None and due <= self.clock():
            await self._waker.wake(found, due)
            found = await self.store.open(incoming.channel, incoming.address)
        at = self.clock()
        digested = self._digest.of_message(found, incoming, at)
        steps, outgoing = digested.steps, digested.outgoing
        await self._turns.commit(found, incoming.external_id, steps, outgoing, at, incoming.message_ref)
        self.unstored.speaks(incoming.channel, incoming.address, steps[-1].after.language)
        return digested.word

    async def _note(self, waiting: Unanswered, event: ToldUnstored) -> None:
        """What was told without the store is written down as soon as it takes writes again; a try, and no more."""
        incoming = waiting.incoming
        try:
            async with self._turns.one_of(incoming.channel, incoming.address):
                found, at = await self.store.open(incoming.channel, incoming.address), self.clock()
                if found.events:  # a nurse's own chat has no session
                    step = self._digest.noted(found, at, event)
                    await self._turns.commit(found, f"unstored:{incoming.external_id}", [step], [()], at)
        except Exception as error:
            log.error("that she was told of an unstored message is not written down: %s", place_of(error))

    async def _is_of_staff(self, staff: StaffInbox, incoming: Incoming) -> bool:
        """A fault there must not cost a patient her answer."""
        try:
            return await staff.handles(incoming)
        except Exception as error:
            log.error("who wrote by %s cannot be told, so it is a patient: %s", incoming.channel, place_of(error))
            return False


def utc_now() -> datetime:
    return datetime.now(UTC)


def steady_clock() -> Callable[[], datetime]:
    """A clock that begins with the right time and that nobody sets: durations are measured by it."""
    start, began_s = utc_now(), time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - began_s)
