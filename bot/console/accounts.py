"""Who may use the console: accounts, signing in and out, links that work once, and a pause after wrong passwords."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.console import credentials
from bot.store.console import AuditedAccounts, Login, Nurse, Role

IDLE = timedelta(hours=1)
LONGEST_LOGIN = timedelta(hours=12)
KEPT_EVERY = timedelta(minutes=1)
LINK_HOLDS = timedelta(hours=48)
DEMO_LINK_HOLDS = timedelta(hours=12)


class NotAdmitted(Exception):
    """Nobody was signed in. `why`: wrong, wait, code (a one-time code is wanted), or link."""

    def __init__(self, why: str, wait: timedelta = timedelta()) -> None:
        super().__init__(why)
        self.why = why
        self.wait = wait


@dataclass
class LoginBackoff:
    """After a few wrong tries each further one must wait twice as long. Forgets who has long been quiet."""

    free: int = 5
    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=15)
    most: int = 10_000

    def __post_init__(self) -> None:
        self._tries: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def remaining(self, key: str, at: datetime) -> timedelta:
        tries, last = self._tries.get(key, (0, at))
        if tries < self.free:
            return timedelta()
        return max(timedelta(), last + self._pause(tries) - at)

    def failed(self, key: str, at: datetime) -> None:
        tries, last = self._tries.pop(key, (0, at))
        is_forgiven = at - last > self.longest * 2
        self._tries[key] = (1 if is_forgiven else tries + 1, at)
        while len(self._tries) > self.most:
            self._tries.popitem(last=False)

    def succeeded(self, key: str) -> None:
        self._tries.pop(key, None)

    def _pause(self, tries: int) -> timedelta:
        doubled: int = 2 ** min(tries - self.free, 20)
        return min(self.longest, self.first * doubled)


class Accounts:
    """`needs_code`: leads and administrators must use one-time codes."""

    def __init__(self, desk: AuditedAccounts, clock: Callable[[], datetime], needs_code: bool = False) -> None:
        self._desk, self._clock, self._needs_code = desk, clock, needs_code
        self._by_account = LoginBackoff()
        self._by_address = LoginBackoff(free=20)

    # --- signing in

    async def sign_in(self, email: str, password: str, code: str, address: str) -> str:
        """The secret of a new login, for the cookie. Raises NotAdmitted."""
        at, key = self._clock(), email.strip().casefold()
        wait = max(self._by_account.remaining(key, at), self._by_address.remaining(address, at))
        if wait:
            raise NotAdmitted("wait", wait)
        nurse = await self._desk.nurse(email.strip())
        kept = nurse.password if nurse is not None and nurse.is_active else None
        if not await asyncio.to_thread(credentials.is_password, kept, password) or nurse is None:
            raise self._missed("wrong", key, address, at)
        if nurse.code_secret is not None:
            if not code.strip():
                raise NotAdmitted("code")
            step = credentials.code_step(nurse.code_secret, code, at, nurse.code_step)
            if step is None:
                raise self._missed("code", key, address, at)
            await self._desk.change_nurse(replace(nurse, code_step=step))
        self._by_account.succeeded(key)
        return await self._begin(nurse)

    async def follow(self, secret: str) -> str:
        """Signs in by a link that works once. Raises NotAdmitted."""
        link = await self._desk.link(credentials.digest(secret))
        if link is None or link.purpose != "sign_in" or link.until <= self._clock() or not link.nurse.is_active:
            raise NotAdmitted("link")
        if not await self._desk.use_link(link.digest):
            raise NotAdmitted("link")
        return await self._begin(link.nurse)

    async def login(self, secret: str | None, is_sign_of_life: bool = True) -> Login | None:
        """Who this is; None when she never signed in, has been away for too long, or may no longer come."""
        if not secret:
            return None
        login, at = await self._desk.login(credentials.digest(secret)), self._clock()
        if login is None or not login.nurse.is_active:
            return None
        if at - login.active_at > IDLE or at - login.began_at > LONGEST_LOGIN:
            await self._desk.end_login(login.digest)
            return None
        if is_sign_of_life and at - login.active_at >= KEPT_EVERY:
            await self._desk.touch_login(login.digest, at)
        return login

    def must_set_up_code(self, nurse: Nurse) -> bool:
        return self._needs_code and nurse.role is not Role.NURSE and nurse.code_secret is None and not nurse.is_demo

    async def sign_out(self, login: Login, everywhere: bool = False) -> None:
        if everywhere:
            await self._desk.end_logins(login.nurse.id)
        else:
            await self._desk.end_login(login.digest)

    # --- passwords and codes

    async def owner_of(self, secret: str) -> Nurse | None:
        """Whose link this is, if she may choose a password with it."""
        link = await self._desk.link(credentials.digest(secret))
        is_good = link is not None and link.purpose == "password" and link.until > self._clock()
        return link.nurse if link is not None and is_good and link.nurse.is_active else None

    async def choose_password(self, secret: str, password: str) -> None:
        """Uses up the link; she signs in anew everywhere. Raises NotAdmitted."""
        nurse = await self.owner_of(secret)
        hashed = await asyncio.to_thread(credentials.hash_password, password)
        if nurse is None or not await self._desk.use_link(credentials.digest(secret)):
            raise NotAdmitted("link")
        await self._desk.change_nurse(replace(nurse, password=hashed))
        await self._desk.end_logins(nurse.id)

    async def set_up_code(self, nurse: Nurse, secret: str, code: str) -> bool:
        """Whether the app and we agree; from now on she needs its codes."""
        step = credentials.code_step(secret, code, self._clock(), 0)
        if step is not None:
            await self._desk.change_nurse(replace(nurse, code_secret=secret, code_step=step))
        return step is not None

    async def drop_code(self, nurse: Nurse) -> None:
        await self._desk.change_nurse(replace(nurse, code_secret=None, code_step=0))

    # --- accounts

    async def add(self, name: str, email: str, role: Role, languages: Sequence[str], is_demo: bool = False) -> Nurse:
        """A new account without a password. Raises NameTaken."""
        nurse = Nurse(secrets.token_hex(8), name, email, role, tuple(languages), is_demo=is_demo)
        await self._desk.add_nurse(nurse, self._clock())
        return nurse

    async def reset(self, nurse: Nurse) -> str:
        """Takes password and codes away and signs her out everywhere; gives the secret of a link to choose anew."""
        await self._desk.change_nurse(replace(nurse, password=None, code_secret=None, code_step=0, is_active=True))
        await self._desk.end_logins(nurse.id)
        return await self.new_link(nurse, "password", LINK_HOLDS)

    async def disable(self, nurse: Nurse) -> None:
        await self._desk.change_nurse(replace(nurse, is_active=False))
        await self._desk.end_logins(nurse.id)

    async def new_link(self, nurse: Nurse, purpose: str, holds: timedelta) -> str:
        secret = credentials.new_secret()
        await self._desk.add_link(credentials.digest(secret), nurse.id, purpose, self._clock() + holds)
        return secret

    # --- within

    async def _begin(self, nurse: Nurse) -> str:
        secret, at = credentials.new_secret(), self._clock()
        await self._desk.begin_login(credentials.digest(secret), nurse.id, at)
        await self._desk.audit(nurse.name, "signed_in", "", at)
        return secret

    def _missed(self, why: str, key: str, address: str, at: datetime) -> NotAdmitted:
        self._by_account.failed(key, at)
        self._by_address.failed(address, at)
        return NotAdmitted(why)
