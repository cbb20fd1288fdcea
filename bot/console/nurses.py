"""The accounts, for administrators: who may sign in, and how somebody comes, goes and gets a new password."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.console import labels as words
from bot.console.accounts import LINK_HOLDS
from bot.console.request import Asking
from bot.store.console import NameTaken, Nurse, Role

LONGEST_FIELD = 100


async def page(asking: Asking) -> Response:
    return await _draw(asking)


async def add(asking: Asking) -> Response:
    """Shows the link with which she chooses her password: once, and nowhere else."""
    form, accounts = asking.form, asking.console.accounts
    name, email = (" ".join(form.get(field, "").split()) for field in ("name", "email"))
    languages = _languages(asking)
    is_whole = name and "@" in email and languages and form.get("role") in {*Role}
    if not is_whole or max(len(name), len(email)) > LONGEST_FIELD or not name.isprintable():
        return await _draw(asking, problem="incomplete", kept=form)
    try:
        made = await accounts.add(name, email, Role(form["role"]), languages)
    except NameTaken as taken:
        return await _draw(asking, problem=str(taken), kept=form)
    await _write_down(asking, "added_nurse", made)
    return await _draw(asking, link=(made, await accounts.new_link(made, "password", LINK_HOLDS)))


async def disable(asking: Asking) -> Response:
    found = await _meant(asking)
    if found.id == asking.nurse.id:
        return await _draw(asking, problem="herself")
    await asking.console.accounts.disable(found)
    await _write_down(asking, "disabled_nurse", found)
    return await _draw(asking, gone=found)


async def reset(asking: Asking) -> Response:
    """Takes her password and codes away; lets her in again if she was disabled."""
    found = await _meant(asking)
    if found.id == asking.nurse.id:
        return await _draw(asking, problem="herself")
    secret = await asking.console.accounts.reset(found)
    await _write_down(asking, "reset_nurse", found)
    return await _draw(asking, link=(found, secret))


ACTS: Mapping[str, Callable[[Asking], Awaitable[Response]]] = {"add": add, "disable": disable, "reset": reset}


# --- within


async def _draw(
    asking: Asking,
    problem: str | None = None,
    kept: Mapping[str, str] | None = None,
    link: tuple[Nurse, str] | None = None,
    gone: Nurse | None = None,
) -> Response:
    return asking.page(
        "nurses.html",
        422 if problem else 200,
        accounts=await asking.console.desk.nurses(),
        readable=_readable(asking),
        hours=int(LINK_HOLDS.total_seconds()) // 3600,
        link=None if link is None else f"{asking.request.base_url}console/password/{link[1]}",
        invited=None if link is None else link[0],
        gone=gone,
        problem=problem,
        kept=kept or {},
        words=words,
    )


def _readable(asking: Asking) -> tuple[str, ...]:
    """Languages that a nurse may say she reads: those of the console and of the patients."""
    return tuple(dict.fromkeys((*asking.console.pages.languages, *asking.console.service.words.offered)))


def _languages(asking: Asking) -> tuple[str, ...]:
    """Those she reads, her own first."""
    own = asking.form.get("own", "")
    read = [one for one in _readable(asking) if one == own or asking.form.get(f"reads_{one}")]
    return tuple(sorted(read, key=lambda one: one != own))


async def _meant(asking: Asking) -> Nurse:
    wanted = asking.form.get("nurse", "")
    found = next((one for one in await asking.console.desk.nurses() if one.id == wanted), None)
    if found is None:
        raise HTTPException(404)
    return found


async def _write_down(asking: Asking, what: str, about: Nurse) -> None:
    await asking.console.desk.audit(asking.nurse.name, what, about.name, asking.at)
