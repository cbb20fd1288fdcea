"""The one thread that writes to the database. Jobs that wait share a commit, and so one wait for the disk."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from sqlite3 import Connection
from threading import Thread
from typing import Any, TypeVar

from bot.store.store import StoreDied
from bot.store.vitals import Commits

T = TypeVar("T")
log = logging.getLogger("cordwatch.store")
LARGEST_GROUP = 100
AT_THE_END_MS = 1_000
"""So long a stop waits for somebody else who still reads."""
DIED = "the thread that writes has died"


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Connection], Any]
    future: asyncio.Future[Any]


class Writer:
    """Owns a connection. A job is all or nothing; it has happened only once its commit is on the disk."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._is_closed = False
        self.commits = Commits()
        self._thread = Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` returned, once it is durable. Raises what `work` or the commit raised: nothing changed."""
        if self._is_closed:
            raise RuntimeError("the store is closed")
        if not self._thread.is_alive():
            raise StoreDied(DIED)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(work, future))
        return await future

    async def close(self) -> None:
        """Finishes the jobs that were handed in."""
        if not self._is_closed:
            self._is_closed = True
            self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    @property
    def has_died(self) -> bool:
        """Whether the thread has ended though nobody closed the store: nothing will be written any more."""
        return not self._is_closed and not self._thread.is_alive()

    # --- in the thread

    def _run(self) -> None:
        group: Sequence[_Job] = ()
        try:
            while group := self._next_group():
                _resolve(group, self._commit(group))
            self._fold()
            self._connection.close()
        except BaseException as error:
            log.critical("%s: %s", DIED, type(error).__name__)
            self._refuse(group)

    def _fold(self) -> None:
        """Leaves one whole file, unless somebody still reads or the disk is full: then the log stays, nothing lost."""
        with suppress(sqlite3.Error):
            self._connection.execute(f"pragma busy_timeout = {AT_THE_END_MS}")
            self._connection.execute("pragma wal_checkpoint(truncate)")

    def _refuse(self, group: Sequence[_Job]) -> None:
        """Whoever waits learns that it was in vain, and the channel offers the message again."""
        waiting = list(group)
        with suppress(Empty):
            while True:
                if (job := self._jobs.get_nowait()) is not None:
                    waiting.append(job)
        if waiting:
            _resolve(waiting, [StoreDied(DIED)] * len(waiting))

    def _next_group(self) -> Sequence[_Job]:
        """The jobs that wait, at least one; none when the store closes."""
        first = self._jobs.get()
        group = [] if first is None else [first]
        with suppress(Empty):
            while group and len(group) < LARGEST_GROUP:
                job = self._jobs.get_nowait()
                if job is None:
                    self._jobs.put(None)
                    break
                group.append(job)
        return group

    def _commit(self, group: Sequence[_Job]) -> Sequence[object]:
        """What became of each job: its result or an exception.

        When the commit fails all have failed, also those that had been refused: what they were refused for (the same
        message, already there) may have been part of the very group.
        """
        db = self._connection
        try:
            db.execute("begin immediate")
            outcomes = [self._attempt(job.work) for job in group]
            db.execute("commit")
        except Exception as error:
            log.error("a commit of %d jobs failed: %s", len(group), error)
            with suppress(sqlite3.Error):
                db.rollback()
            self.commits = replace(self.commits, failed=self.commits.failed + 1, error=type(error).__name__)
            return [error] * len(group)
        self.commits = replace(self.commits, done=self.commits.done + 1, error=None)
        return outcomes

    def _attempt(self, work: Callable[[Connection], object]) -> object:
        db = self._connection
        db.execute("savepoint job")
        try:
            outcome = work(db)
        except Exception as error:
            if not db.in_transaction:
                raise  # a full disk or the like has undone the whole group
            db.execute("rollback to job")
            outcome = error
        db.execute("release job")
        return outcome


def _resolve(group: Sequence[_Job], outcomes: Sequence[object]) -> None:
    def tell() -> None:
        for job, outcome in zip(group, outcomes, strict=True):
            if job.future.done():
                if isinstance(outcome, Exception):
                    log.error("a write that nobody waited for any more failed: %s", type(outcome).__name__)
            elif isinstance(outcome, Exception):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)

    try:
        group[0].future.get_loop().call_soon_threadsafe(tell)
    except RuntimeError:
        log.error("%d writes ended after the event loop had been closed", len(group))
