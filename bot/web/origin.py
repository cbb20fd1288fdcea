"""Where a request comes from: our own page, this very machine, which client."""

from __future__ import annotations

from starlette.requests import Request

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(request: Request) -> bool:
    """Whether the page is looked at on this machine, without TLS: a trial, or the demo."""
    return request.url.scheme == "http" and request.url.hostname in LOOPBACK


def is_same_origin(request: Request) -> bool:
    """Whether the browser says that our own page asked; older browsers say less, then the form's token decides."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin", "null")
    return origin == "null" or origin.partition("://")[2] == request.headers.get("host")


def client_of(request: Request) -> str:
    """The client's address, empty if it is not known."""
    return request.client.host if request.client else ""
