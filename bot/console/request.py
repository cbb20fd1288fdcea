"""What every page of the console needs: who asks and whether she may, forms, headers, and what goes wrong in words."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.console import credentials
from bot.console.accounts import Accounts
from bot.console.pages import ConsolePages
from bot.service.service import Service
from bot.store.console import Desk, Login, Nurse, Role

log = logging.getLogger("cordwatch.console")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
BODY_BYTES = 256 * 1024
BODY_WITHIN_S = 10
LONGEST_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class Console:
    """The parts that the pages share."""

    service: Service
    desk: Desk
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

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        html = self.console.pages.render(template, self.language, self.at, request=self, nurse=self.nurse, **values)
        return HTMLResponse(html, status)

    @property
    def language(self) -> str:
        return self.console.pages.best_language(self.nurse.languages)

    def fresh_id(self) -> str:
        """Of a form: a second submit of the same form does nothing."""
        return secrets.token_hex(8)


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
        secret = request.cookies.get(cookie_name(request))
        login = await console.accounts.login(secret, is_sign_of_life)
        if login is None or secret is None:
            raise SignInNeeded(form)
        token = credentials.form_token(secret)
        if request.method == "POST" and not (
            is_same_origin(request) and credentials.is_same(form.get("token", ""), token)
        ):
            raise HTTPException(403, "form")
        asked = NurseRequest(console, request, login, token, form, console.clock())
        if role is not None and not may(login.nurse, role):
            raise HTTPException(403, "role")
        if console.accounts.must_set_up_code(login.nurse) and not request.url.path.startswith("/console/account"):
            return RedirectResponse("/console/account#code", 303)
        return await handler(asked)

    return answered


def may(nurse: Nurse, role: Role) -> bool:
    order = list(Role)
    return order.index(nurse.role) >= order.index(role)


# --- browsers


def cookie_name(request: Request) -> str:
    return "cordwatch-nurse" if is_loopback(request) else "__Host-cordwatch-nurse"


def with_cookie(request: Request, response: Response, secret: str | None) -> Response:
    """The cookie of a login; without a secret it is taken away."""
    response.set_cookie(
        cookie_name(request),
        secret or "",
        max_age=None if secret else 0,
        httponly=True,
        samesite="lax",
        secure=not is_loopback(request),
        path="/",
    )
    return response


def is_loopback(request: Request) -> bool:
    return request.url.scheme == "http" and request.url.hostname in LOOPBACK


def is_same_origin(request: Request) -> bool:
    """Whether the browser says that our own page asked; older browsers say less, then the form's token decides."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin", "null")
    return origin == "null" or origin.partition("://")[2] == request.headers.get("host")


def client_of(request: Request) -> str:
    return request.client.host if request.client else ""


def next_page(wanted: str | None) -> str:
    """Where to go after signing in: a page of the console, whatever a forged link says."""
    is_ours = wanted is not None and wanted.startswith("/console") and "//" not in wanted and "\\" not in wanted
    return wanted if wanted is not None and is_ours and wanted.isprintable() else "/console"


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, without what no store takes. Raises 400, 408, 413 or 415."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    body = b""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise HTTPException(413, headers={"Connection": "close"})
        fields = parse_qsl(body.decode(errors="replace"), errors="replace", max_num_fields=50, keep_blank_values=True)
        return {name: value.replace("\0", "").replace("\r\n", "\n") for name, value in fields}
    except TimeoutError as error:
        raise HTTPException(408, headers={"Connection": "close"}) from error
    except (ValueError, ClientDisconnect) as error:
        raise HTTPException(400) from error
