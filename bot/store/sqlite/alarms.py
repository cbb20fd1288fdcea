"""The table of alarms: empty but for the moments between a turn and what nurses are told of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from sqlite3 import Connection

from bot.store.alarms import Alarm
from bot.store.outbox import Alert
from bot.store.sqlite.deliveries import add_outgoing
from bot.store.sqlite.turns import ENTRY_COLUMNS, entry_of

ALARMS = f"""
    select alarms.session, max(alarms.seq), {ENTRY_COLUMNS}
    from alarms cross join worklist on worklist.session = alarms.session
    group by alarms.session order by alarms.session limit ?
"""
END_ALARM = "delete from alarms where session = ? and seq <= ?"


def alarms(db: Connection, limit: int) -> Sequence[Alarm]:
    return [Alarm(session, seq, entry_of(stored)) for session, seq, *stored in db.execute(ALARMS, (limit,))]


def tell_nurses(db: Connection, alarm: Alarm, alerts: Sequence[Alert], at: datetime) -> None:
    if db.execute(END_ALARM, (alarm.session, alarm.seq)).rowcount:
        for alert in alerts:
            add_outgoing(db, None, 0, alert.channel, alert.address, at, [(alert.outgoing, None)])
