"""Coming in and going out: the pages to sign in, to choose a password, and a nurse's own account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.clinic.languages import accepted_languages
from bot.console import credentials
from bot.console import labels as words
from bot.console.accounts import NotAdmitted
from bot.console.request import (
    Console,
    NurseRequest,
    client_of,
    cookie_name,
    is_same_origin,
    next_page,
    read_form,
    with_cookie,
)

KEPT = ("text", "template", "about")


class Doors:
    """Pages for those who are not signed in yet."""

    def __init__(self, console: Console) -> None:
        self._console = console

    async def sign_in(self, request: Request) -> Response:
        if request.method == "POST":
            return await self._admit(request, await read_form(request))
        return self.page(request, {"next": request.query_params.get("next", "")}, done=request.query_params.get("done"))

    async def follow(self, request: Request) -> Response:
        """A link that signs in once."""
        try:
            secret = await self._console.accounts.follow(request.path_params["secret"])
        except NotAdmitted as error:
            return self.page(request, {}, error, 403)
        return with_cookie(request, RedirectResponse("/console", 303), secret)

    async def password(self, request: Request) -> Response:
        """A link to choose a password."""
        secret = request.path_params["secret"]
        owner = await self._console.accounts.owner_of(secret)
        if owner is None:
            return self.page(request, {}, NotAdmitted("link"), 403)
        problem = None
        if request.method == "POST":
            form = await read_form(request)
            if not is_same_origin(request):
                raise HTTPException(403, "form")
            problem = _wrong_password(form)
            if problem is None:
                await self._console.accounts.choose_password(secret, form["password"])
                return RedirectResponse("/console/sign-in?done=password", 303)
        shortest = credentials.SHORTEST_PASSWORD
        html = self._render(request, "password.html", problem=problem, owner=owner, shortest=shortest)
        return HTMLResponse(html, 422 if problem else 200)

    def page(
        self,
        request: Request,
        kept: Mapping[str, str],
        refused: NotAdmitted | None = None,
        status: int = 200,
        done: str | None = None,
    ) -> Response:
        """The page to sign in. `kept`: what she had written before her visit ended."""
        wait = refused.wait if refused else timedelta()
        html = self._render(request, "sign_in.html", kept=kept, refused=refused, wait=wait, words=words, done=done)
        headers = {"Retry-After": str(int(wait.total_seconds()) + 1)} if wait else None
        return HTMLResponse(html, status, headers)

    def notice(
        self, request: Request, status: int, headers: Mapping[str, str] | None = None, why: str = ""
    ) -> Response:
        """A page with one thing to say, such as an error."""
        return HTMLResponse(self._render(request, "notice.html", status=status, why=why), status, headers)

    async def _admit(self, request: Request, form: Mapping[str, str]) -> Response:
        if not is_same_origin(request):
            raise HTTPException(403, "form")
        accounts = self._console.accounts
        email, password, code = (form.get(name, "") for name in ("email", "password", "code"))
        try:
            secret = await accounts.sign_in(email, password, code, client_of(request))
        except NotAdmitted as error:
            return self.page(request, form, error, 429 if error.why == "wait" else 403)
        target = next_page(form.get("next"))
        if form.get("text") and form.get("about"):
            html = self._render(request, "draft_restored.html", kept=form, token=credentials.form_token(secret))
            return with_cookie(request, HTMLResponse(html), secret)
        return with_cookie(request, RedirectResponse(target, 303), secret)

    def _render(self, request: Request, template: str, **values: object) -> str:
        wanted = accepted_languages(request.headers.get("accept-language", ""))
        language = self._console.pages.best_language(wanted)
        return self._console.pages.render(template, language, self._at, **values)

    @property
    def _at(self) -> datetime:
        return self._console.clock()


# --- signed in


async def sign_out(request: NurseRequest) -> Response:
    await request.console.accounts.sign_out(request.login, everywhere=request.form.get("everywhere") == "yes")
    return with_cookie(request.http, RedirectResponse("/console/sign-in?done=signed_out", 303), None)


async def account(request: NurseRequest) -> Response:
    """Her own account, with the QR code when she sets up one-time codes."""
    return _account(request)


async def set_up_code(request: NurseRequest) -> Response:
    secret = request.form.get("secret", "")
    if not (16 <= len(secret) <= 64 and secret.isalnum() and secret.isascii() and secret.upper() == secret):
        raise HTTPException(400)
    if await request.console.accounts.set_up_code(request.nurse, secret, request.form.get("code", "")):
        return RedirectResponse("/console/account?done=code_on", 303)
    return _account(request, secret, is_wrong=True)


async def drop_code(request: NurseRequest) -> Response:
    await request.console.accounts.drop_code(request.nurse)
    return RedirectResponse("/console/account?done=code_off", 303)


async def new_password(request: NurseRequest) -> Response:
    """A link of her own to choose a new password."""
    secret = await request.console.accounts.new_link(request.nurse, "password", timedelta(minutes=15))
    return RedirectResponse(f"/console/password/{secret}", 303)


def _account(request: NurseRequest, secret: str = "", is_wrong: bool = False) -> Response:
    secret = secret or credentials.new_code_secret()
    return request.page(
        "account.html",
        422 if is_wrong else 200,
        secret=secret,
        picture=credentials.code_picture(secret, request.nurse.email, request.console.pages.clinic.name),
        is_wrong=is_wrong,
        words=words,
        done=request.http.query_params.get("done"),
        must_set_up=request.console.accounts.must_set_up_code(request.nurse),
    )


def _wrong_password(form: Mapping[str, str]) -> str | None:
    password = form.get("password", "")
    if len(password) < credentials.SHORTEST_PASSWORD:
        return "short"
    if len(password) > credentials.LONGEST_PASSWORD:
        return "long"
    return None if password == form.get("again") else "different"


def cookie_of(request: Request) -> str | None:
    return request.cookies.get(cookie_name(request))
