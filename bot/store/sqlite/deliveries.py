"""The outbox's tables: messages that wait, and for each chat with any one small row that says what is next.

`outbox` keeps every message for ever; `chats` is what `claim` looks at, however long either of them grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from sqlite3 import Connection
from typing import Any

from bot.channels import Outgoing, Priority, Sending
from bot.store.outbox import LONGEST_PUT_OFF, Delivery
from bot.store.sqlite.texts import SAID, TEXTS, keep, outgoing
from bot.store.sqlite.values import maybe_moment, maybe_text, moment, text
from bot.store.transcripts import SentMessage
from dialogs.events import DeliveryFailed

ADD_OUTGOING = """
    insert into outbox (session, seq, channel, address, urgency, kind, token, text, retires, retires_text, created_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
SUPERSEDE = """
    update outbox set state = 'superseded' where channel = ? and address = ? and state = 'waiting' and urgency = 0
"""
DROP_WAITING = "update outbox set state = 'superseded' where channel = ? and address = ? and state = 'waiting'"
ADD_CHAT = f"""
    insert into chats (channel, address, urgency, oldest, spoke_at) values (?, ?, ?, ?, ?)
    on conflict (channel, address) do update set
        urgency = max(urgency, excluded.urgency),
        spoke_at = coalesce(excluded.spoke_at, spoke_at),
        retry_at = case when excluded.urgency >= {Priority.URGENT:d} then null else retry_at end
"""
# Of the urgent ones who waits longest is first; of the others who is there, which is who spoke last.
READY_URGENT = f"""
    select urgency, null, oldest, address from chats
    where channel = ? and retry_at is null and urgency > {Priority.ROUTINE:d}
    order by urgency desc, oldest limit ?
"""
READY_ROUTINE = f"""
    select urgency, spoke_at, oldest, address from chats
    where channel = ? and retry_at is null and urgency = {Priority.ROUTINE:d}
    order by spoke_at desc, oldest limit ?
"""
PUT_OFF_CHATS = f"""
    select urgency, case when urgency = {Priority.ROUTINE:d} then spoke_at end, oldest, address from chats
    where channel = ? and urgency = ?
"""
RETRYING_CHATS = f"{PUT_OFF_CHATS} and retry_at <= ? order by retry_at limit ?"
FAR_CHATS = f"{PUT_OFF_CHATS} and retry_at > ? order by retry_at limit ?"
NEXT_RETRY = "select min(retry_at) from chats where channel = ? and urgency = ? and retry_at > ?"
WAITING = """
    select count(*), (select created_at from outbox where id = (select min(oldest) from chats)) from chats
"""
_DELIVERY = f"outbox.id, session, channel, address, attempts, created_at, {SAID} from outbox {TEXTS}"
DELIVERY = f"select {_DELIVERY} where outbox.id = ?"
RETIRED_REF = """
    select message_ref from outbox where channel = ? and address = ? and token = ? and message_ref is not null
    order by id desc limit 1
"""
SETTLE = """
    update outbox set state = ?, sent_at = coalesce(?, sent_at), failed_at = ?, message_ref = coalesce(?, message_ref),
        error = ?
    where id = ? and state <> 'sent' returning channel, address
"""
PUT_OFF = """
    update outbox set attempts = attempts + 1, retry_at = ?, error = ? where id = ? and state = 'waiting'
    returning channel, address
"""
PUT_OFF_CHAT = "update chats set retry_at = ? where channel = ? and address = ? and oldest = ?"
WAITING_IN_CHAT = """
    select id, coalesce((
        select max(urgency) from outbox
        where channel = :channel and address = :address and state = 'waiting' and urgency > 0
    ), 0)
    from outbox where channel = :channel and address = :address and state = 'waiting' order by id limit 1
"""
CHANGE_CHAT = """
    update chats set oldest = :oldest, urgency = :urgency,
        retry_at = case when oldest = :oldest then retry_at end
    where channel = :channel and address = :address
"""
DROP_CHAT = "delete from chats where channel = ? and address = ?"
ACKNOWLEDGE = """
    update outbox set state = 'sent', sent_at = ?
    where id = ? and address = ? and state in ('waiting', 'handed_over', 'not_seen') returning channel, address
"""
UNACKNOWLEDGED = f"""
    select {_DELIVERY}
    where state = 'handed_over' and kind in ('advice', 'reply') and sent_at < ? order by sent_at limit ?
"""
TRANSCRIPT = f"""
    select outbox.id, seq, created_at, state, sent_at, message_ref, {SAID} from outbox {TEXTS}
    where session = ? and outbox.id > ? order by outbox.id
"""


# --- within a turn


def supersede(db: Connection, channel: str, address: str) -> None:
    """Routine messages that wait give way. One that is just being sent becomes `sent` after all when it arrives."""
    if db.execute(SUPERSEDE, (channel, address)).rowcount:
        _refresh_chat(db, channel, address)


def drop_waiting(db: Connection, channel: str, address: str) -> None:
    """Nothing that waits goes to this chat any more."""
    db.execute(DROP_WAITING, (channel, address))
    db.execute(DROP_CHAT, (channel, address))


def add_outgoing(
    db: Connection,
    session: str | None,
    seq: int,
    channel: str,
    address: str,
    at: datetime,
    said: Iterable[tuple[Outgoing, str | None]],
    is_answer: bool = False,
) -> Sequence[int]:
    """The new deliveries' ids. `session`: None for what is said to a nurse; `said`: messages, each with whose it is.

    `is_answer`: to what somebody in this chat did a moment ago.
    """
    ids = []
    for one, patient in said:
        texts = keep(db, one, patient)
        row = (session, seq, channel, address, one.priority, one.kind, one.token, *texts, text(at))
        added = db.execute(ADD_OUTGOING, row).lastrowid
        assert added is not None
        db.execute(ADD_CHAT, (channel, address, one.priority, added, text(at) if is_answer else None))
        ids.append(added)
    return ids


def fail(db: Connection, event: DeliveryFailed, at: datetime) -> None:
    """What the log says of a delivery becomes its state."""
    state = "not_seen" if event.reason == "not_seen" else "failed"
    settle(db, event.delivery, state, failed_at=at, error=event.reason)


# --- sending


def next_chats(db: Connection, channel: str, at: datetime, most: int) -> Sequence[tuple[int, int, str]]:
    """At least `most` chats with something to send now, if there are so many: priority, oldest delivery, address."""
    chats: list[tuple[int, str | None, int, str]] = db.execute(READY_URGENT, (channel, most)).fetchall()
    chats += db.execute(READY_ROUTINE, (channel, most))
    for priority in Priority:
        chats += db.execute(RETRYING_CHATS, (channel, priority, text(at), most))
        chats += db.execute(FAR_CHATS, (channel, priority, text(at + LONGEST_PUT_OFF), most))
    chats.sort(key=lambda chat: chat[2])
    chats.sort(key=lambda chat: (chat[0], chat[1] or ""), reverse=True)
    return [(priority, oldest, address) for priority, _, oldest, address in chats]


def next_retry(db: Connection, channel: str, after: datetime) -> datetime | None:
    rows = [db.execute(NEXT_RETRY, (channel, priority, text(after))).fetchone() for priority in Priority]
    return min((moment(retry_at) for (retry_at,) in rows if retry_at is not None), default=None)


def delivery(db: Connection, row: Sequence[Any], priority: int | None = None) -> Delivery:
    """`row` as DELIVERY selects it; `priority` is its chat's, by default its own."""
    id_, session, channel, address, attempts, created_at, *said = row
    message = outgoing(said)
    retired = None
    if message.retires is not None:
        retired = db.execute(RETIRED_REF, (channel, address, message.retires.token)).fetchone()
    sending = Sending(address, message, id_, retired[0] if retired else None)
    own = message.priority if priority is None else Priority(priority)
    return Delivery(id_, session or "", channel, sending, attempts, moment(created_at), own)


def settle(
    db: Connection,
    delivery: int,
    state: str,
    *,
    sent_at: datetime | None = None,
    failed_at: datetime | None = None,
    message_ref: str | None = None,
    error: str | None = None,
) -> None:
    """The delivery leaves the queue. What was sent stays sent; one that is gone (its patient erased) is no error."""
    row = db.execute(
        SETTLE, (state, maybe_text(sent_at), maybe_text(failed_at), message_ref, error, delivery)
    ).fetchone()
    if row is not None:
        _refresh_chat(db, *row)


def acknowledge(db: Connection, delivery: int, address: str, at: datetime) -> None:
    """A page has shown it, perhaps before it was handed over: pages read what is committed."""
    row = db.execute(ACKNOWLEDGE, (text(at), delivery, address)).fetchone()
    if row is not None:
        _refresh_chat(db, *row)


def put_off(db: Connection, delivery: int, retry_at: datetime, error: str) -> None:
    """Its chat waits, unless the delivery was superseded meanwhile: then the chat goes on with what superseded it."""
    row = db.execute(PUT_OFF, (text(retry_at), error, delivery)).fetchone()
    if row is not None:
        db.execute(PUT_OFF_CHAT, (text(retry_at), *row, delivery))


def said(row: Sequence[Any]) -> SentMessage:
    id_, seq, at, state, sent_at, message_ref, *texts = row
    return SentMessage(id_, seq, moment(at), outgoing(texts), state, maybe_moment(sent_at), message_ref)


def _refresh_chat(db: Connection, channel: str, address: str) -> None:
    """The chat's row says again what waits in it. A new oldest message is tried at once."""
    waiting = db.execute(WAITING_IN_CHAT, {"channel": channel, "address": address}).fetchone()
    if waiting is None:
        db.execute(DROP_CHAT, (channel, address))
    else:
        oldest, priority = waiting
        db.execute(CHANGE_CHAT, {"channel": channel, "address": address, "oldest": oldest, "urgency": priority})
