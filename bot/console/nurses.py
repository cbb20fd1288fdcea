"""The accounts, for administrators: who may sign in, and how somebody comes, goes and gets a new password."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.console import labels as words
from bot.console.accounts import LINK_HOLDS
from bot.console.request import NurseRequest
from bot.store.console import NameTaken, Nurse, Role

LONGEST_FIELD = 100


async def page(request: NurseRequest) -> Response:
    return await _draw(request)


async def add(request: NurseRequest) -> Response:
    """Shows the link with which she chooses her password: once, and nowhere else."""
    form, accounts = request.form, request.accounts
    name, email = (" ".join(form.get(field, "").split()) for field in ("name", "email"))
    languages = _languages(request)
    is_whole = name and "@" in email and languages and form.get("role") in {*Role}
    if not is_whole or max(len(name), len(email)) > LONGEST_FIELD or not name.isprintable():
        return await _draw(request, problem="incomplete", kept=form)
    try:
        made = await accounts.add(name, email, Role(form["role"]), languages)
    except NameTaken as taken:
        return await _draw(request, problem=str(taken), kept=form)
    await _write_down(request, "added_nurse", made)
    return await _draw(request, link=(made, await accounts.new_link(made, "password", LINK_HOLDS)))


async def disable(request: NurseRequest) -> Response:
    found = await _meant(request)
    if found.id == request.nurse.id:
        return await _draw(request, problem="herself")
    await request.accounts.disable(found)
    await _write_down(request, "disabled_nurse", found)
    return await _draw(request, gone=found)


async def reset(request: NurseRequest) -> Response:
    """Takes her password and codes away; lets her in again if she was disabled."""
    found = await _meant(request)
    if found.id == request.nurse.id:
        return await _draw(request, problem="herself")
    secret = await request.accounts.reset(found)
    await _write_down(request, "reset_nurse", found)
    return await _draw(request, link=(found, secret))


ACTS: Mapping[str, Callable[[NurseRequest], Awaitable[Response]]] = {"add": add, "disable": disable, "reset": reset}


# --- within


async def _draw(
    request: NurseRequest,
    problem: str | None = None,
    kept: Mapping[str, str] | None = None,
    link: tuple[Nurse, str] | None = None,
    gone: Nurse | None = None,
) -> Response:
    return request.page(
        "nurses.html",
        422 if problem else 200,
        accounts=await request.desk.nurses(),
        readable=_readable(request),
        hours=int(LINK_HOLDS.total_seconds()) // 3600,
        link=None if link is None else _address(request, "password", secret=link[1]),
        invited=None if link is None else link[0],
        gone=gone,
        problem=problem,
        kept=kept or {},
        words=words,
    )


def _readable(request: NurseRequest) -> tuple[str, ...]:
    """Languages that a nurse may say she reads: those of the console and of the patients."""
    return tuple(dict.fromkeys((*request.console.pages.languages, *request.texts.offered)))


def _languages(request: NurseRequest) -> tuple[str, ...]:
    """Those she reads, her own first."""
    own = request.form.get("own", "")
    read = [one for one in _readable(request) if one == own or request.form.get(f"reads_{one}")]
    return tuple(sorted(read, key=lambda one: one != own))


def _address(request: NurseRequest, name: str, **parts: str) -> str:
    """In full, to be handed on."""
    url = request.http.url
    return f"{url.scheme}://{url.netloc}{request.path(name, **parts)}"


async def _meant(request: NurseRequest) -> Nurse:
    wanted = request.form.get("nurse", "")
    found = next((one for one in await request.desk.nurses() if one.id == wanted), None)
    if found is None:
        raise HTTPException(404)
    return found


async def _write_down(request: NurseRequest, what: str, about: Nurse) -> None:
    await request.write_down(what, about.name)
