"""How the audit's rows are tied to each other by keyed digests, whatever a store keeps them in. Pure."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import astuple, dataclass

SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Fields in the order in which they are digested, which must not change: chains that have begun go on.

    `at`: the moment as the store writes it. `digest`: of what must not change later and must not stand here.
    """

    seq: int
    at: str
    who: str
    what: str
    about: str
    digest: str

    def link(self, key: bytes, before: str) -> str:
        """What ties it to the row whose link is `before`; "" before the first."""
        return _keyed(key, before, *map(str, astuple(self)))

    def is_link(self, key: bytes, before: str, kept: str) -> bool:
        return hmac.compare_digest(kept, self.link(key, before))


def digest_of(key: bytes, body: str) -> str:
    return _keyed(key, body) if body else ""


def head_of(seq: int, link: str) -> str:
    """Of a chain up to this row; the same rows have the same head for ever."""
    return f"{seq}:{link}"


def number_of(head: str) -> int:
    """How many rows the chain of a head has; 0 for what is no head."""
    number = head.partition(":")[0]
    return int(number) if number.isdecimal() else 0


def _keyed(key: bytes, *parts: str) -> str:
    return hmac.new(key, SEPARATOR.join(parts).encode(), hashlib.sha256).hexdigest()
