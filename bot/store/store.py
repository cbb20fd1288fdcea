"""What one make of a store gives: everything that anybody asks of it. Who uses it names the part that he needs."""

from __future__ import annotations

from abc import abstractmethod

from bot.store.console import Desk
from bot.store.nurse_chats import NurseChats
from bot.store.outbox import Deliveries
from bot.store.reports import Reports
from bot.store.sessions import Sessions
from bot.store.settings import Protocols
from bot.store.transcripts import ChatHistory
from bot.store.vitals import Vitals
from bot.store.worklist import Worklist


class StoreLocked(Exception):
    """Another service runs on this database."""


class StoreDied(Exception):
    """Nothing can be written any more until the process is started anew."""


class UnfitStore(Exception):
    """The database cannot be used as it is: there is none, or its tables are of another version. Says what to do."""


class Store(Sessions, Deliveries, ChatHistory, Worklist, Vitals, Protocols):
    """One database. Its parts share it: a turn and what calls nurses in it are one commit."""

    @property
    @abstractmethod
    def desk(self) -> Desk: ...

    @property
    @abstractmethod
    def nurse_chats(self) -> NurseChats: ...

    @property
    @abstractmethod
    def reports(self) -> Reports: ...

    @abstractmethod
    async def close(self) -> None:
        """Finishes what is queued and lets the database go."""
