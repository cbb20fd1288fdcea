"""Who sits at a browser: a signed random id in a cookie, the proof that a form is hers, and how often she may come."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

KEY_BYTES = 32
KEYS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class BrowserId:
    """One browser. `secret` is in its cookie and nowhere else; the database knows only `address`."""

    secret: str

    @property
    def address(self) -> str:
        return hashlib.sha256(self.secret.encode()).hexdigest()


class BrowserIds:
    """Hands out identities and recognises them again by our own signature, without keeping any."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the cookie key must have at least {KEY_BYTES} bytes, not {len(key)}")
        self._key = key

    def new(self) -> BrowserId:
        return BrowserId(secrets.token_urlsafe(KEY_BYTES))

    def cookie(self, visitor: BrowserId) -> str:
        """What the browser keeps."""
        return f"{visitor.secret}.{self._sign('visitor', visitor.secret)}"

    def read(self, cookie: str | None) -> BrowserId | None:
        """The visitor of a cookie; None if it is missing, forged or from under another key."""
        secret, _, signature = (cookie or "").partition(".")
        return BrowserId(secret) if secret and _is_same(signature, self._sign("visitor", secret)) else None

    def form_token(self, visitor: BrowserId) -> str:
        """What a form carries to prove that this visitor's page sent it."""
        return self._sign("form", visitor.secret)

    def owns_form(self, visitor: BrowserId, token: str) -> bool:
        return _is_same(token, self.form_token(visitor))

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()[:43]


def _is_same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), right.encode())


class RateLimit:
    """So many at once for each key, then one more in every `each`. Forgets the keys it has not seen for longest."""

    def __init__(self, burst: int, each: timedelta, keys_kept: int = KEYS_KEPT) -> None:
        self._burst = burst
        self._each = each
        self._keys_kept = keys_kept
        self._full_at: OrderedDict[str, datetime] = OrderedDict()

    def take(self, key: str, at: datetime) -> bool:
        """Whether this one may pass; it is counted if so."""
        start = max(self._full_at.get(key, at), at)
        if start - at > self._each * (self._burst - 1):
            return False
        self._full_at[key] = start + self._each
        self._full_at.move_to_end(key)
        while len(self._full_at) > self._keys_kept:
            self._full_at.popitem(last=False)
        return True


def network_of(host: str) -> str:
    """What counts as one client address: an IPv4 address, or the /64 that one household's IPv6 addresses share."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
