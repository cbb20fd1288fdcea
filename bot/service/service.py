"""The one path of every message: read the session, advance it, put it into words, make it true in one commit."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from bot.channels import Incoming, Outgoing
from bot.clinic.settings import Clinic
from bot.language.texts import PatientTexts
from bot.service.entry import PATIENT_WIDE, Refused, calls_anew, entry, is_news, is_urgently_waiting, refuse
from bot.service.step import Step, patient_after, standing_after, standing_of, step_of
from bot.store.nurse_chats import Reception
from bot.store.outbox import Alert, Delivery
from bot.store.sessions import DuplicateMessage, Log, SessionChange, Sessions, StaleSession, Summary, Turn
from dialogs.beginning import begins_anew, believed
from dialogs.events import (
    BaselineConfirmed,
    DeliveryFailed,
    Event,
    NurseEvent,
    PatientEvent,
    Recorded,
    Resumed,
    Started,
    Stopped,
    Unprocessed,
    Unreadable,
    Woke,
)
from dialogs.machine import Standing, Timing, advance, wake_at
from dialogs.protocol import Disposition, TriageProtocol
from dialogs.session import Replays, Session, apply

log = logging.getLogger("cordwatch.service")
TRIES = 5
WOKEN_AT_ONCE = 100
WAKE_AGAIN_S = 5


class Service:
    """The only door: for patients' messages from all channels, for silence, and for news of deliveries.

    `protocols`: every version that a session may have begun under; `current`: the version that new ones begin under.
    `nudge` is called after each commit that has something to deliver, `on_listed` after each that touches the worklist.
    `reception` takes what does not come from patients.
    """

    def __init__(
        self,
        store: Sessions,
        words: PatientTexts,
        clinic: Clinic,
        protocols: Mapping[str, TriageProtocol],
        current: TriageProtocol,
        clock: Callable[[], datetime],
        nudge: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self.words = words
        self.clinic = clinic
        self.protocols = {current.version: current, **protocols}
        self.current = current
        self.clock = clock
        self.nudge = nudge
        self.on_listed: Callable[[], None] = lambda: None
        self.reception: Reception | None = None
        self.timing = Timing(clinic.urgent_after, clinic.remind_after, clinic.expire_after, self._check_back)
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._replays = Replays()
        self._waker = asyncio.Event()
        self._next_wake: datetime | None = None

    async def receive(self, incoming: Incoming) -> str | None:
        """Makes a patient's message take effect once; returns when it is committed, with a word for her button.

        Raises what the store raises when it cannot commit: then the channel must offer the message again.
        """
        if self.reception is not None and await self.reception.takes(incoming):
            return await self.reception.receive(incoming)
        async with self._turn_of(incoming.channel, incoming.address):
            for _ in range(TRIES):
                try:
                    return await self._receive(incoming)
                except DuplicateMessage:
                    return None
                except StaleSession:
                    continue
            raise StaleSession(f"session of {incoming.channel} changed {TRIES} times while it was read")

    async def wake(self) -> int:
        """Does what silence calls for in every session whose time has come; returns how many there were."""
        done: set[tuple[str, datetime]] = set()
        while fresh := [
            one for one in await self.store.due_sessions(self.clock(), WOKEN_AT_ONCE + len(done)) if one not in done
        ]:
            for session_id, moment in fresh:
                done.add((session_id, moment))
                try:
                    patient = (await self.store.load(session_id)).patient
                    async with self._turn_of(patient.channel, patient.address):
                        await self._wake(await self.store.load(session_id), moment)
                except Exception as error:
                    log.error("session %s could not be woken: %s; trying again later", session_id, _place(error))
        return len(done)

    async def run_wakes(self) -> None:
        """Wakes sessions when they are due, until cancelled."""
        self._next_wake = await self.store.next_wake()
        while True:
            self._waker.clear()
            wait = None if self._next_wake is None else max(0.0, (self._next_wake - self.clock()).total_seconds())
            try:
                async with asyncio.timeout(wait):
                    await self._waker.wait()
                continue
            except TimeoutError:
                pass
            try:
                await self.wake()
            except Exception as error:
                log.error("waking failed: %s; trying again", type(error).__name__)
            self._next_wake = await self.store.next_wake()
            if self._next_wake is not None and self._next_wake <= self.clock():
                await asyncio.sleep(WAKE_AGAIN_S)  # somebody could not be woken: not at once and without end

    async def delivery_failed(self, delivery: Delivery, reason: str) -> None:
        """Tells the nurse that a message did not arrive. `reason`: blocked, refused or not_seen."""
        if not delivery.session:
            if self.reception is not None:
                await self.reception.alert_failed(delivery, reason)
            return
        outgoing = delivery.sending.outgoing
        failed = DeliveryFailed(delivery.id, reason, is_advice=outgoing.kind in ("advice", "reply"))
        async with self._turn_of(delivery.channel, delivery.sending.address):
            found, at = await self.store.load(delivery.session), self.clock()
            with suppress(DuplicateMessage):
                await self._commit(
                    found, f"delivery:{delivery.id}:{reason}", [self._noted(found, at, failed)], [()], at
                )

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
        patient = (await self.store.load(session_id)).patient
        acts = (events,) if isinstance(events, NurseEvent) else events
        async with self._turn_of(patient.channel, patient.address):
            if await self.store.is_known(external_id):
                return
            open_ones = await self.store.open_entries(patient.id)
            found = {one: await self.store.load(one) for one in dict.fromkeys((session_id, *open_ones))}
            self._refuse([found[one] for one in open_ones or (session_id,)], acts, drawn_at)
            fitting = {
                one: [act for act in acts if one in (open_ones if isinstance(act, PATIENT_WIDE) else (session_id,))]
                for one in found
            }
            at = self.clock()
            steps = [self._noted(found[one], at, *events) for one, events in fitting.items() if events]
            outgoing = [self.words.render(one.events, one.before, one.after, one.protocol, at) for one in steps]
            with suppress(DuplicateMessage):
                await self._commit(found[session_id], external_id, steps, outgoing, at)

    async def check_seen(self, patience: timedelta) -> None:
        """Lists advice that a page took over and has not shown for longer than `patience`."""
        for delivery in await self.store.unacknowledged_advice(self.clock() - patience):
            await self.delivery_failed(delivery, "not_seen")

    # --- one turn

    async def _receive(self, incoming: Incoming) -> str | None:
        found = await self.store.open(incoming.channel, incoming.address)
        session = self._replays.replay(found.session, found.events)
        due = wake_at(session, self.timing)
        if due is not None and due <= self.clock():
            await self._wake(found, due)
            found = await self.store.open(incoming.channel, incoming.address)
        at = self.clock()
        try:
            steps, outgoing, word = self._digest(found, incoming, at)
        except Exception as error:
            log.error("session %s: a message could not be digested: %s", found.session, _place(error))
            steps, outgoing, word = self._give_up(found, error, incoming.text, at)
        await self._commit(found, incoming.external_id, steps, outgoing, at, incoming.message_ref)
        return word

    def _digest(
        self, found: Log, incoming: Incoming, at: datetime
    ) -> tuple[Sequence[Step], Sequence[tuple[Outgoing, ...]], str | None]:
        """What a message leads to: the steps of one or two sessions, and what is said."""
        session = self._replays.replay(found.session, found.events)
        protocol = self.protocol_of(session)
        if session.is_broken and session.is_running:
            step = self._end_broken(found, session, incoming.text, at)
            return [step], [self.words.render(step.events, step.before, step.after, protocol, at)], None
        event = self.words.understand(incoming, session, protocol)
        steps = self._steps(found, session, event, incoming, at)
        outgoing = tuple(self.words.render(step.events, step.before, step.after, step.protocol, at) for step in steps)
        return steps, outgoing, self.words.word_for_button(event, steps[-1].after)

    def _steps(
        self, found: Log, session: Session, event: PatientEvent, incoming: Incoming, at: datetime
    ) -> Sequence[Step]:
        if session.length == 0:
            return [self._begin(found, found.session, event, incoming, at)]
        if not begins_anew(session, event, self.words.is_start(incoming), self.protocol_of(session)):
            return [self._advance(found, session, found.events, event, at)]
        leaving = event if isinstance(event, Stopped) else Stopped("new_check")
        steps = []
        if not session.is_over or wake_at(session, self.timing) is not None:
            steps.append(self._advance(found, session, found.events, leaving, at))
        opening = Resumed() if isinstance(event, Stopped) else event
        # what the session left behind a moment ago stands for the next one, though it is not committed yet
        standing = standing_after(found, steps)
        beginning = replace(found, open_entry=None, previous=self._previous(session, found))
        steps.append(self._begin(beginning, self.store.fresh_session(), opening, incoming, at, standing))
        return steps

    def _begin(
        self,
        found: Log,
        session_id: str,
        event: PatientEvent,
        incoming: Incoming,
        at: datetime,
        standing: Standing | None = None,
    ) -> Step:
        """A new check, opened by whatever the patient said first."""
        patient = found.patient
        started = Started(
            protocol_version=self.current.version,
            language=patient.language or self.words.best_language(incoming.language_hint),
            is_language_known=patient.language is not None,
            is_consented=patient.is_consented,
            is_first_check=found.previous is None,
            previous=dict(found.previous or {}),
            confirmed=believed(found.confirmed, self.current, at),
        )
        session = Session(session_id)
        if isinstance(event, Resumed):
            return self._advance(found, session, (), started, at, standing)
        opened = Recorded(0, at, started)
        step = self._advance(found, apply(session, started, at), (opened,), event, at, standing)
        return replace(step, before=session, events=(started, *step.events))

    def _advance(
        self,
        found: Log,
        session: Session,
        recorded: Iterable[Recorded],
        event: PatientEvent | Woke,
        at: datetime,
        standing: Standing | None = None,
    ) -> Step:
        protocol = self.protocol_of(session)
        standing = standing or standing_of(found)
        languages, are_carers_allowed = len(self.words.offered), self.clinic.are_carers_allowed
        events = advance(session, event, protocol, at, self.timing, standing, languages, are_carers_allowed)
        return step_of(session, recorded, events, protocol, at)

    def _noted(self, found: Log, at: datetime, *events: Event) -> Step:
        """Facts that the dialog does not answer."""
        session = self._replays.replay(found.session, found.events)
        return step_of(session, found.events, events, self.protocol_of(session), at)

    def _refuse(self, logs: Sequence[Log], acts: Sequence[NurseEvent], drawn_at: datetime | None) -> None:
        sessions = [(one, self.protocol_of(self._replays.replay(one.session, one.events))) for one in logs]
        entries = [row for one, protocol in sessions if (row := entry(one.events, protocol, self.clinic))]
        for act in acts:
            refuse(entries, act)
        newest = max((each.at for one in logs for each in one.events if is_news(each.event)), default=None)
        if drawn_at is not None and newest is not None and newest > drawn_at:
            raise Refused("changed")

    def _end_broken(self, found: Log, session: Session, text: str, at: datetime) -> Step:
        """A log that cannot be read whole may hide a finding: what can be read is settled, and the check is over."""
        log.error("session %s is broken; what was found is settled", found.session)
        trouble = Unprocessed(Unreadable.__name__, text)
        recorded = (*found.events, Recorded(session.length, at, trouble))
        step = self._advance(found, apply(session, trouble, at), recorded, Stopped("broken"), at)
        return replace(step, before=session, events=(trouble, *step.events))

    def _give_up(
        self, found: Log, error: Exception, text: str, at: datetime
    ) -> tuple[Sequence[Step], Sequence[tuple[Outgoing, ...]], None]:
        """The message is kept for the nurse and answered with the clinic's numbers.

        The check goes on if the question can still be put; otherwise the fault is in the session, and it is settled.
        """
        session = self._replays.replay(found.session, found.events)
        if session.is_running and not self._can_go_on(found, session, at):
            with suppress(Exception):
                step = self._end_broken(found, session, text, at)
                return [step], [self.words.render(step.events, session, step.after, step.protocol, at)], None
        events: tuple[Event, ...] = (Unprocessed(type(error).__name__, text),)
        if not found.events:
            started = Started(self.current.version, self.words.best_language(None))
            events = (started, *events)
        step = step_of(session, found.events, events, self.protocol_of(session), at)
        return [step], [self.words.fallback_reply(step.after, at)], None

    def _can_go_on(self, found: Log, session: Session, at: datetime) -> bool:
        try:
            step = self._advance(found, session, found.events, Resumed(), at)
            self.words.render(step.events, step.before, step.after, step.protocol, at)
        except Exception as error:
            log.error("session %s cannot go on: %s", session.id, _place(error))
            return False
        return True

    async def _wake(self, found: Log, due: datetime) -> None:
        at = self.clock()
        session = self._replays.replay(found.session, found.events)
        is_due = wake_at(session, self.timing)
        if is_due is None or is_due > at:
            # the row is older than the log: let it say what the log says
            step = step_of(session, found.events, (Woke(due),), self.protocol_of(session), at)
            outgoing: Sequence[Outgoing] = ()
        else:
            try:
                if session.is_broken and session.is_running:
                    step = self._end_broken(found, session, "", at)
                else:
                    step = self._advance(found, session, found.events, Woke(due), at)
                outgoing = self.words.render(step.events, step.before, step.after, step.protocol, at)
            except Exception as error:
                log.error("session %s: silence could not be digested: %s", found.session, _place(error))
                steps, said, _ = self._give_up(found, error, "", at)
                step, outgoing = steps[0], said[0]
        try:
            external_id = f"wake:{found.session}:{due.isoformat()}"
            await self._commit(found, external_id, [step], [tuple(outgoing)], at)
        except (DuplicateMessage, StaleSession):
            log.info("session %s: somebody else woke it", found.session)

    async def _commit(
        self,
        found: Log,
        external_id: str,
        steps: Sequence[Step],
        outgoing: Sequence[tuple[Outgoing, ...]],
        at: datetime,
        message_ref: str | None = None,
    ) -> None:
        """`at`: the one moment of the turn, which every row that it writes bears."""
        changes = tuple(self._change(step, said) for step, said in zip(steps, outgoing, strict=True))
        patient = patient_after(found.patient, steps)
        confirmed = tuple(one.question for step in steps for one in step.events if isinstance(one, BaselineConfirmed))
        alerts = await self._alerts(steps, changes, at)
        await self.store.append(Turn(patient, at, external_id, changes, confirmed, alerts, message_ref))
        if any(outgoing) or alerts:
            self.nudge()
        if any(change.entry is not None for change in changes):
            self.on_listed()
        for change in changes:
            self._expect(change.summary.wake_at)

    async def _alerts(self, steps: Sequence[Step], changes: Sequence[SessionChange], at: datetime) -> tuple[Alert, ...]:
        """What nurses are told in the same commit: an urgent entry waits that did not wait like this before."""
        found: list[Alert] = []
        for step, change in zip(steps, changes, strict=True):
            if self.reception is None or change.entry is None or not is_urgently_waiting(change.entry):
                continue
            before = entry(step.recorded[: len(step.recorded) - len(step.events)], step.protocol, self.clinic)
            if calls_anew(before, change.entry):
                found += await self.reception.alerts(change.session, change.entry, at)
        return tuple(found)

    def _change(self, step: Step, outgoing: tuple[Outgoing, ...]) -> SessionChange:
        session = step.after
        clinical = {one.id for one in step.protocol.questions}
        summary = Summary(
            state=session.state,
            language=session.language,
            disposition=session.advised.value if session.advised else None,
            protocol_version=session.protocol_version,
            wake_at=wake_at(session, self.timing),
            answers={question: answer for question, answer in session.answers.items() if question in clinical},
        )
        row = entry(step.recorded, step.protocol, self.clinic)
        length = session.length - len(step.events)
        return SessionChange(session.id, length, step.events, summary, row, outgoing)

    # --- small things

    def protocol_of(self, session: Session) -> TriageProtocol:
        """The protocol that the session began under."""
        return self.protocols.get(session.protocol_version, self.current)

    def _previous(self, session: Session, found: Log) -> dict[str, str] | None:
        clinical = {one.id for one in self.protocol_of(session).questions}
        answers = {question: answer for question, answer in session.answers.items() if question in clinical}
        return answers or found.previous

    def _check_back(self, disposition: Disposition, at: datetime) -> datetime | None:
        calendar, clinic = self.clinic.calendar, self.clinic
        match disposition:
            case Disposition.EMERGENCY | Disposition.WITHIN_12_HOURS:
                return at + clinic.check_back_12h
            case Disposition.WITHIN_1_WEEK:
                return calendar.working_days_later(at, clinic.check_back_1w_working_days)
            case Disposition.WITHIN_2_WEEKS:
                return calendar.working_days_later(at, clinic.check_back_2w_working_days)
        return None

    def _expect(self, wake: datetime | None) -> None:
        if wake is not None and (self._next_wake is None or wake < self._next_wake):
            self._next_wake = wake
            self._waker.set()

    @asynccontextmanager
    async def _turn_of(self, channel: str, address: str) -> AsyncIterator[None]:
        """One turn of a patient at a time."""
        key = (channel, address)
        lock = self._turns.get(key)
        if lock is None:
            lock = self._turns[key] = asyncio.Lock()
        async with lock:
            yield


def _place(error: Exception) -> str:
    """What went wrong and where, without the error's text, which may quote the patient."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {frame.filename}:{frame.lineno} in {frame.name}"


def utc_now() -> datetime:
    return datetime.now(UTC)
