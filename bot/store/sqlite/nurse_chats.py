"""The chats that nurses have linked. See `NurseChats`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from sqlite3 import Connection
from typing import Any

from bot.store.nurse_chats import NurseChat, NurseChats
from bot.store.outbox import Alert
from bot.store.sqlite import audit as sqlite_audit
from bot.store.sqlite.connections import Connections
from bot.store.sqlite.console import NURSE_COLUMNS, nurse_of
from bot.store.sqlite.deliveries import add_outgoing, drop_waiting
from bot.store.sqlite.values import maybe_moment, moment, text

CHATS = f"""
    select channel, address, since, failed_at, {NURSE_COLUMNS}
    from nurse_chats join nurses on nurses.id = nurse_chats.nurse where is_active = 1
"""
CHAT_AT = f"{CHATS} and channel = ? and address = ?"
CHAT_OF = f"{CHATS} and nurse_chats.nurse = ?"
DROP_CODE = "delete from nurse_codes where nurse = ?"
ADD_CODE = "insert into nurse_codes (digest, nurse, until) values (?, ?, ?)"
USE_CODE = "delete from nurse_codes where digest = ? returning nurse, until"
DROP_CHATS = "delete from nurse_chats where (channel = ? and address = ?) or (nurse = ? and channel = ?)"
ADD_CHAT = "insert into nurse_chats (channel, address, nurse, since) values (?, ?, ?, ?)"
DROP_CHAT = "delete from nurse_chats where channel = ? and address = ?"
FAILED = "update nurse_chats set failed_at = ? where channel = ? and address = ?"


class SqliteNurseChats(NurseChats):
    """Shares a store's connections."""

    def __init__(self, store: Connections) -> None:
        self._store = store

    async def chat_at(self, channel: str, address: str) -> NurseChat | None:
        return _chat(self._store.read_one(CHAT_AT, (channel, address)))

    async def chat_of(self, nurse: str) -> NurseChat | None:
        with self._store.snapshot() as db:
            return _chat(db.execute(CHAT_OF, (nurse,)).fetchone())

    async def chats(self) -> Sequence[NurseChat]:
        with self._store.snapshot() as db:
            return [chat for row in db.execute(CHATS) if (chat := _chat(row)) is not None]

    async def add_code(self, digest: str, nurse: str, until: datetime) -> None:
        def add(db: Connection) -> None:
            db.execute(DROP_CODE, (nurse,))
            db.execute(ADD_CODE, (digest, nurse, text(until)))

        await self._store.write(add)

    async def link(self, digest: str, channel: str, address: str, at: datetime) -> NurseChat | None:
        return await self._store.write(lambda db: _link(db, digest, channel, address, at))

    async def unlink(self, chat: NurseChat, at: datetime) -> None:
        def unlink(db: Connection) -> None:
            db.execute(DROP_CHAT, (chat.channel, chat.address))
            drop_waiting(db, chat.channel, chat.address)
            sqlite_audit.add(db, text(at), chat.nurse.name, "unlinked", "")

        await self._store.write(unlink)

    async def failed(self, channel: str, address: str, at: datetime) -> None:
        await self._store.write(lambda db: db.execute(FAILED, (text(at), channel, address)) and None)

    async def say(self, alert: Alert, at: datetime) -> None:
        await self._store.write(
            lambda db: add_outgoing(db, None, 0, alert.channel, alert.address, at, [(alert.outgoing, None)]) and None
        )


def _link(db: Connection, digest: str, channel: str, address: str, at: datetime) -> NurseChat | None:
    nurse, until = db.execute(USE_CODE, (digest,)).fetchone() or (None, "")
    if nurse is None or until <= text(at):
        return None
    db.execute(DROP_CHATS, (channel, address, nurse, channel))
    db.execute(ADD_CHAT, (channel, address, nurse, text(at)))
    chat = _chat(db.execute(CHAT_AT, (channel, address)).fetchone())
    if chat is not None:
        sqlite_audit.add(db, text(at), chat.nurse.name, "linked", "")
    return chat


def _chat(row: Sequence[Any] | None) -> NurseChat | None:
    if row is None:
        return None
    channel, address, since, failed_at, *nurse = row
    return NurseChat(channel, address, nurse_of(nurse), moment(since), maybe_moment(failed_at))
