"""Passwords, one-time codes and the secrets of cookies and links: the only file that knows how they are made."""

from __future__ import annotations

import hashlib
import hmac
import io
import secrets
from datetime import datetime

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1000
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_hex(16))
CODE_EVERY_S = 30


def new_secret() -> str:
    """256 bits for a cookie or a link."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What the database keeps of a secret."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def form_token(secret: str) -> str:
    """What a form carries to prove that it comes from a page of this login."""
    return hashlib.sha256(f"form:{secret}".encode(errors="replace")).hexdigest()


def is_same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), right.encode())


def hash_password(password: str) -> str:
    """Takes a tenth of a second, on purpose."""
    return _HASHER.hash(password)


def is_password(kept: str | None, given: str) -> bool:
    """Whether this is the password. Takes as long for an account that is not there."""
    try:
        return _HASHER.verify(kept or _NOBODY, given[:LONGEST_PASSWORD]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def new_code_secret() -> str:
    return pyotp.random_base32()


def code_step(secret: str, code: str, at: datetime, used: int) -> int | None:
    """The step of a right code that was not used before, else None. A minute of clock difference is borne."""
    step = int(at.timestamp()) // CODE_EVERY_S
    given = "".join(code.split())
    totp = pyotp.TOTP(secret)
    for one in (step - 1, step, step + 1):
        if one > used and is_same(given, totp.generate_otp(one)):
            return one
    return None


def code_picture(secret: str, account: str, issuer: str) -> str:
    """The QR code that an authenticator app scans, as SVG."""
    drawing = io.BytesIO()
    segno.make(pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)).save(
        drawing, kind="svg", scale=5, border=4, dark="#000", light="#fff", xmldecl=False, svgns=True, omitsize=False
    )
    return drawing.getvalue().decode()
