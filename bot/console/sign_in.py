"""Coming in and going out: the pages to sign in, to choose a password, and a nurse's own account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.clinic.languages import accepted_languages
from bot.console import credentials
from bot.console import labels as words
from bot.console.accounts import NotAdmitted
from bot.console.request import Console, NurseRequest, next_page, read_form, with_login
from bot.web.origin import client_of, is_same_origin
from bot.web.paths import path_for, root_of

# --- not signed in yet


async def sign_in(console: Console, request: Request) -> Response:
    if request.method == "POST":
        return await _admit(console, request, await read_form(request))
    kept = {"next": request.query_params.get("next", "")}
    return page(console, request, kept, done=request.query_params.get("done"))


async def follow(console: Console, request: Request) -> Response:
    """A link that signs in once."""
    try:
        secret = await console.accounts.follow(request.path_params["secret"])
    except NotAdmitted as error:
        return page(console, request, {}, error, 403)
    return with_login(request, RedirectResponse(path_for(request, "worklist"), 303), secret)


async def password(console: Console, request: Request) -> Response:
    """A link to choose a password."""
    secret = request.path_params["secret"]
    owner = await console.accounts.owner_of(secret)
    if owner is None:
        return page(console, request, {}, NotAdmitted("link"), 403)
    problem = None
    if request.method == "POST":
        form = await read_form(request)
        if not is_same_origin(request):
            raise HTTPException(403, "form")
        problem = _wrong_password(form)
        if problem is None:
            await console.accounts.choose_password(secret, form["password"])
            return RedirectResponse(f"{path_for(request, 'sign_in')}?done=password", 303)
    shortest = credentials.SHORTEST_PASSWORD
    html = _render(console, request, "password.html", problem=problem, owner=owner, shortest=shortest)
    return HTMLResponse(html, 422 if problem else 200)


def page(
    console: Console,
    request: Request,
    kept: Mapping[str, str],
    refused: NotAdmitted | None = None,
    status: int = 200,
    done: str | None = None,
) -> Response:
    """The page to sign in. `kept`: what she had written before her visit ended."""
    wait = refused.wait if refused else timedelta()
    html = _render(console, request, "sign_in.html", kept=kept, refused=refused, wait=wait, words=words, done=done)
    headers = {"Retry-After": str(int(wait.total_seconds()) + 1)} if wait else None
    return HTMLResponse(html, status, headers)


def notice(
    console: Console, request: Request, status: int, headers: Mapping[str, str] | None = None, why: str = ""
) -> Response:
    """A page with one thing to say, such as an error."""
    return HTMLResponse(_render(console, request, "notice.html", status=status, why=why), status, headers)


async def _admit(console: Console, request: Request, form: Mapping[str, str]) -> Response:
    if not is_same_origin(request):
        raise HTTPException(403, "form")
    email, given, code = (form.get(name, "") for name in ("email", "password", "code"))
    try:
        secret = await console.accounts.sign_in(email, given, code, client_of(request))
    except NotAdmitted as error:
        return page(console, request, form, error, 429 if error.why == "wait" else 403)
    if form.get("text") and form.get("about"):
        token = credentials.form_token(secret)
        html = _render(console, request, "draft_restored.html", kept=form, token=token)
        return with_login(request, HTMLResponse(html), secret)
    return with_login(request, RedirectResponse(next_page(request, form.get("next")), 303), secret)


def _render(console: Console, request: Request, template: str, **values: object) -> str:
    language = console.pages.best_language(accepted_languages(request.headers.get("accept-language", "")))
    return console.pages.render(template, language, console.clock(), root_of(request), **values)


# --- signed in


async def sign_out(request: NurseRequest) -> Response:
    await request.accounts.sign_out(request.login, everywhere=request.form.get("everywhere") == "yes")
    return with_login(request.http, request.to("sign_in", "signed_out"), None)


async def account(request: NurseRequest) -> Response:
    """Her own account, with the QR code when she sets up one-time codes."""
    return _account(request)


async def set_up_code(request: NurseRequest) -> Response:
    secret = request.form.get("secret", "")
    if not (16 <= len(secret) <= 64 and secret.isalnum() and secret.isascii() and secret.upper() == secret):
        raise HTTPException(400)
    if await request.accounts.set_up_code(request.nurse, secret, request.form.get("code", "")):
        return request.to("account", "code_on")
    return _account(request, secret, is_wrong=True)


async def drop_code(request: NurseRequest) -> Response:
    await request.accounts.drop_code(request.nurse)
    return request.to("account", "code_off")


async def new_password(request: NurseRequest) -> Response:
    """A link of her own to choose a new password."""
    secret = await request.accounts.new_link(request.nurse, "password", timedelta(minutes=15))
    return request.to("password", secret=secret)


def _account(request: NurseRequest, secret: str = "", is_wrong: bool = False) -> Response:
    secret = secret or credentials.new_code_secret()
    return request.page(
        "account.html",
        422 if is_wrong else 200,
        secret=secret,
        picture=credentials.code_picture(secret, request.nurse.email, request.clinic.name),
        is_wrong=is_wrong,
        words=words,
        done=request.query.get("done"),
        must_set_up=request.accounts.must_set_up_code(request.nurse),
    )


def _wrong_password(form: Mapping[str, str]) -> str | None:
    chosen = form.get("password", "")
    if len(chosen) < credentials.SHORTEST_PASSWORD:
        return "short"
    if len(chosen) > credentials.LONGEST_PASSWORD:
        return "long"
    return None if chosen == form.get("again") else "different"
