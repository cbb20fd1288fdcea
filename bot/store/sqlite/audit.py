"""The audit's chain: each row is tied to the one before by a keyed digest, so that none can be changed unseen.

The key lies in the same file, so whoever may write to it and knows this program could forge the whole chain. Against
that a lead notes down the head now and then: `verify` then shows whether the chain still holds it.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from sqlite3 import Connection

from bot.store.audit_chain import AuditRow, digest_of, head_of, number_of
from bot.store.console import AuditBroken

KEY = "select value from settings where key = 'audit_key'"
HEAD = "select value from settings where key = 'audit_head'"
MOVE_HEAD = "update settings set value = ? where key = 'audit_head'"
LAST = "select seq, link from audit order by seq desc limit 1"
ADD = "insert into audit (seq, at, who, what, about, digest, link) values (?, ?, ?, ?, ?, ?, ?)"
NEXT = "select seq, at, who, what, about, digest, link from audit where seq > ? order by seq limit ?"
AT_ONCE = 1_000


def add(db: Connection, at: str, who: str, what: str, about: str, body: str = "") -> None:
    """`body`: what must not change later and must not stand here either, such as a note's words."""
    key = _key(db)
    last, link = db.execute(LAST).fetchone() or (0, "")
    row = AuditRow(last + 1, at, who, what, about, digest_of(key, body))
    fresh = row.link(key, link)
    db.execute(ADD, (*astuple(row), fresh))
    db.execute(MOVE_HEAD, (head_of(row.seq, fresh),))


@dataclass(slots=True)
class Checked:
    """So much of the chain has been found whole. `noted`: a head that it must hold, as somebody wrote it down."""

    noted: str | None = None
    count: int = 0
    link: str = ""

    @property
    def head(self) -> str:
        """Of what has been read so far."""
        return head_of(self.count, self.link)

    def read(self, db: Connection, most: int = AT_ONCE) -> bool:
        """Goes on by some rows; returns whether the end was reached. Raises AuditBroken."""
        key = _key(db)
        rows = db.execute(NEXT, (self.count, most)).fetchall()
        for *columns, kept in rows:
            row = AuditRow(*columns)
            if row.seq != self.count + 1:
                raise AuditBroken(self.count + 1, "is missing")
            if not row.is_link(key, self.link, kept):
                raise AuditBroken(row.seq, "is not as it was written, or not in its place")
            self.count, self.link = row.seq, kept
            if self.noted is not None and self.noted.startswith(head_of(self.count, "")) and self.noted != self.head:
                raise AuditBroken(self.count, "is another one than the head that was noted down")
        if len(rows) == most:
            return False
        self._reach(db)
        return True

    def _reach(self, db: Connection) -> None:
        """Raises AuditBroken when rows are missing at the end."""
        (head,) = db.execute(HEAD).fetchone() or ("",)
        heads = [one for one in (head, self.noted) if one is not None]
        if head != self.head or any(number_of(one) > self.count for one in heads):
            raise AuditBroken(self.count + 1, "is missing at the end")


def _key(db: Connection) -> bytes:
    return str(db.execute(KEY).fetchone()[0]).encode()
