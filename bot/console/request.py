"""What every page of the console needs: who asks and whether she may, and short ways to what pages use."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.clinic.settings import Clinic
from bot.console import credentials
from bot.console.accounts import Accounts
from bot.console.pages import ConsolePages
from bot.language.texts import PatientTexts
from bot.service.alerts import Alerts
from bot.service.service import Service
from bot.store.console import Desk, Login, Nurse, Role
from bot.store.reports import Reports
from bot.store.sessions import Log
from bot.web import forms
from bot.web.cookies import read_cookie, with_cookie
from bot.web.forms import FormLimits
from bot.web.origin import is_same_origin
from bot.web.paths import path_for, root_of

COOKIE = "cordwatch-nurse"
FORM = FormLimits(body_bytes=256 * 1024, fields=50)
LONGEST_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class Console:
    """The parts that the pages share. `alerts`: None where no channel can bring them."""

    service: Service
    desk: Desk
    reports: Reports
    alerts: Alerts | None
    accounts: Accounts
    pages: ConsolePages
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class NurseRequest:
    """A request of somebody who is signed in. `form`: what she posted, empty otherwise."""

    console: Console
    http: Request
    login: Login
    token: str
    form: Mapping[str, str]
    at: datetime

    @property
    def nurse(self) -> Nurse:
        return self.login.nurse

    @property
    def language(self) -> str:
        return self.console.pages.best_language(self.nurse.languages)

    @property
    def query(self) -> QueryParams:
        return self.http.query_params

    @property
    def session_id(self) -> str:
        """Of the session that the path names."""
        return str(self.http.path_params["session"])

    def fresh_id(self) -> str:
        """Of a form: a second submit of the same form does nothing."""
        return secrets.token_hex(8)

    # --- what pages use

    @property
    def service(self) -> Service:
        return self.console.service

    @property
    def texts(self) -> PatientTexts:
        return self.console.service.words

    @property
    def desk(self) -> Desk:
        return self.console.desk

    @property
    def reports(self) -> Reports:
        return self.console.reports

    @property
    def accounts(self) -> Accounts:
        return self.console.accounts

    @property
    def clinic(self) -> Clinic:
        return self.console.pages.clinic

    async def load(self) -> Log:
        """The session that the path names. Raises KeyError."""
        return await self.desk.load(self.session_id)

    async def write_down(self, what: str, about: str = "") -> None:
        """Into the audit, under her name."""
        await self.desk.audit(self.nurse.name, what, about, self.at)

    # --- answers

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        html = self.console.pages.render(
            template, self.language, self.at, root_of(self.http), request=self, nurse=self.nurse, **values
        )
        return HTMLResponse(html, status)

    def path(self, name: str, **parts: str) -> str:
        return path_for(self.http, name, **parts)

    def to(self, name: str, done: str | None = None, **parts: str) -> Response:
        """On to another page, which says what was `done`."""
        return RedirectResponse(self.path(name, **parts) + (f"?done={done}" if done else ""), 303)


class SignInNeeded(Exception):
    """Nobody is signed in. `form`: what she had written."""

    def __init__(self, form: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.form = form or {}


Handler = Callable[[NurseRequest], Awaitable[Response]]


def for_nurses(
    console: Console, handler: Handler, role: Role | None = None, is_sign_of_life: bool = True
) -> Callable[[Request], Awaitable[Response]]:
    """A page for those who are signed in. `role`: what she must be at least."""

    async def answered(request: Request) -> Response:
        form = await read_form(request) if request.method == "POST" else {}
        asked = await _asked(console, request, form, is_sign_of_life)
        if role is not None and not may(asked.nurse, role):
            raise HTTPException(403, "role")
        if console.accounts.must_set_up_code(asked.nurse) and not request.url.path.startswith(asked.path("account")):
            return RedirectResponse(f"{asked.path('account')}#code", 303)
        return await handler(asked)

    return answered


async def _asked(console: Console, request: Request, form: Mapping[str, str], is_sign_of_life: bool) -> NurseRequest:
    """Raises SignInNeeded, or 403 for a form that is not of this login's own page."""
    secret = read_cookie(request, COOKIE)
    login = await console.accounts.login(secret, is_sign_of_life)
    if login is None or secret is None:
        raise SignInNeeded(form)
    token = credentials.form_token(secret)
    if request.method == "POST" and not (is_same_origin(request) and credentials.is_same(form.get("token", ""), token)):
        raise HTTPException(403, "form")
    return NurseRequest(console, request, login, token, form, console.clock())


def may(nurse: Nurse, role: Role) -> bool:
    order = list(Role)
    return order.index(nurse.role) >= order.index(role)


async def read_form(request: Request) -> dict[str, str]:
    return await forms.read_form(request, FORM)


def with_login(request: Request, response: Response, secret: str | None) -> Response:
    """The cookie of a login; without a secret it is taken away."""
    return with_cookie(request, response, COOKIE, secret)


def next_page(request: Request, wanted: str | None) -> str:
    """Where to go after signing in: a page of the console, whatever a forged link says."""
    home = path_for(request, "worklist")
    is_ours = wanted is not None and wanted.startswith(home) and "//" not in wanted and "\\" not in wanted
    return wanted if wanted is not None and is_ours and wanted.isprintable() else home
