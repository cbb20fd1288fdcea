"""Cookies that no script reads, that leave this host only over TLS, and that stay below the service's own prefix."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from bot.web.origin import is_loopback
from bot.web.paths import root_of


def cookie_name(request: Request, name: str) -> str:
    """The strictest name that a browser takes here: `__Host-` allows neither plain http nor a path of its own."""
    if is_loopback(request):
        return name
    return f"__Secure-{name}" if root_of(request) else f"__Host-{name}"


def read_cookie(request: Request, name: str) -> str | None:
    return request.cookies.get(cookie_name(request, name))


def with_cookie(
    request: Request, response: Response, name: str, value: str | None, kept: timedelta | None = None
) -> Response:
    """Without a value the cookie is taken away; without `kept` it lasts until the browser is closed."""
    response.set_cookie(
        cookie_name(request, name),
        value or "",
        max_age=0 if value is None else None if kept is None else int(kept.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=not is_loopback(request),
        path=root_of(request) or "/",
    )
    return response
