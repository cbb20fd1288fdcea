"""Forms as browsers post them, read with limits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request


@dataclass(frozen=True, slots=True)
class FormLimits:
    """What one form may hold, and how long it may take to arrive."""

    body_bytes: int = 64 * 1024
    fields: int = 20
    within_s: float = 10


async def read_form(request: Request, limits: FormLimits) -> dict[str, str]:
    """The fields of a form, without what no store takes. Raises 400, 408, 413 or 415."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    try:
        async with asyncio.timeout(limits.within_s):
            body = await _body(request, limits.body_bytes)
        fields = parse_qsl(body, errors="replace", max_num_fields=limits.fields, keep_blank_values=True)
    except TimeoutError as error:
        raise HTTPException(408, headers={"Connection": "close"}) from error
    except (ValueError, ClientDisconnect) as error:
        raise HTTPException(400) from error
    return {name.replace("\0", ""): value.replace("\0", "").replace("\r\n", "\n") for name, value in fields}


async def _body(request: Request, most: int) -> str:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(413, headers={"Connection": "close"})
    return body.decode(errors="replace")
