"""What an administrator can ask for: the same whether the service that runs is asked, or the database alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bot.console.accounts import LINK_HOLDS, Accounts
from bot.health.look import Health
from bot.health.status import Status
from bot.service.service import utc_now
from bot.store.console import AuditedAccounts, NameTaken, Nurse, Role
from bot.store.copies import LAST_BACKUP
from bot.store.vitals import Vitals
from bot.web.paths import page_path

log = logging.getLogger("cordwatch.door")
COMMAND_LINE = "command line"
"""Who it was, in the audit: whoever may open the database at this machine."""
Words = Annotated[str, Field(min_length=1, max_length=200)]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AddNurse(_Request):
    do: Literal["nurse add"] = "nurse add"
    name: Words
    email: Words
    role: Role
    languages: Annotated[tuple[Words, ...], Field(min_length=1, max_length=20)]


class ListNurses(_Request):
    do: Literal["nurse list"] = "nurse list"


class DisableNurse(_Request):
    do: Literal["nurse disable"] = "nurse disable"
    name_or_email: Words


class ResetNurse(_Request):
    do: Literal["nurse reset"] = "nurse reset"
    name_or_email: Words


class ShowStatus(_Request):
    do: Literal["status"] = "status"


class NoteBackup(_Request):
    """`proof`: as the setting keeps it."""

    do: Literal["backup made"] = "backup made"
    proof: Annotated[str, Field(max_length=2_000)]


class CopyOpenDatabase(_Request):
    """Only where its path no longer leads to it: `to` is an empty file."""

    do: Literal["copy open database"] = "copy open database"
    to: Annotated[str, Field(max_length=2_000)]


class FindWebChat(_Request):
    do: Literal["web chat"] = "web chat"


Request = AddNurse | ListNurses | DisableNurse | ResetNurse | ShowStatus | NoteBackup | CopyOpenDatabase | FindWebChat
REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="do")])


class Reply(BaseModel):
    """`lines` for standard output, and what is wrong."""

    lines: tuple[str, ...] = ()
    wrong: str | None = None


@dataclass(frozen=True)
class Office:
    """What requests are carried out with. `base`: the address of the web server; the rest: of a service that runs."""

    desk: AuditedAccounts
    accounts: Accounts
    base: str
    health: Health | None = None
    store: Vitals | None = None

    async def answer(self, line: bytes) -> bytes:
        """The reply to a request, both as JSON."""
        try:
            reply = await self.carry_out(REQUEST.validate_json(line))
        except ValidationError as error:
            reply = Reply(wrong=f"the service does not understand this ({error.error_count()} mistakes)")
        except Exception as error:
            log.exception("a command failed")
            reply = Reply(wrong=f"the service could not do it: {type(error).__name__}; its log says more")
        return reply.model_dump_json().encode()

    async def carry_out(self, request: Request) -> Reply:
        match request:
            case AddNurse():
                return await self._add(request)
            case ListNurses():
                return Reply(lines=tuple([_account(nurse) for nurse in await self.desk.nurses()]))
            case DisableNurse(name_or_email=name) | ResetNurse(name_or_email=name):
                nurse = await self.desk.nurse(name)
                if nurse is None:
                    return Reply(wrong=f"there is no account {name!r}; `cordwatch nurse list` shows them all")
                return await (self._disable(nurse) if request.do == "nurse disable" else self._reset(nurse))
            case ShowStatus():
                return Reply(wrong="no service runs here") if self.health is None else _told(await self.health.status())
            case NoteBackup(proof=proof):
                if self.store is not None:
                    await self.store.put_setting(LAST_BACKUP, proof)
                return Reply()
            case CopyOpenDatabase(to=to):
                if self.store is None or self.store.place().is_same:
                    return Reply()
                await self.store.copy_open(Path(to))
                return Reply(lines=(to,))
            case FindWebChat():
                return Reply(lines=(self.base + page_path("chat"),))

    async def _add(self, wanted: AddNurse) -> Reply:
        try:
            nurse = await self.accounts.add(wanted.name, wanted.email, wanted.role, wanted.languages)
        except NameTaken as error:
            return Reply(wrong=f"another account has this {error}; choose another, or reset that one")
        await self._write_down("added_nurse", nurse)
        secret = await self.accounts.new_link(nurse, "password", LINK_HOLDS)
        return self._with_link(f"{nurse.name} is {'an' if nurse.role[0] in 'aeiou' else 'a'} {nurse.role} now.", secret)

    async def _disable(self, nurse: Nurse) -> Reply:
        await self.accounts.disable(nurse)
        await self._write_down("disabled_nurse", nurse)
        return Reply(lines=(f"{nurse.name} is signed out and can no longer sign in.",))

    async def _reset(self, nurse: Nurse) -> Reply:
        secret = await self.accounts.reset(nurse)
        await self._write_down("reset_nurse", nurse)
        return self._with_link(f"{nurse.name} is signed out everywhere.", secret)

    async def _write_down(self, what: str, about: Nurse) -> None:
        await self.desk.audit(COMMAND_LINE, what, about.name, utc_now())

    def _with_link(self, done: str, secret: str) -> Reply:
        hours = int(LINK_HOLDS.total_seconds()) // 3600
        link = self.base + page_path("password", secret=secret)
        return Reply(lines=(f"{done} Within {hours} hours she opens this link once:", link))


def _account(nurse: Nurse) -> str:
    state = "active" if nurse.password or nurse.is_demo else "no password yet"
    languages = ",".join(nurse.languages)
    return f"{nurse.name}\t{nurse.email}\t{nurse.role}\t{languages}\t{state if nurse.is_active else 'disabled'}"


def _told(status: Status) -> Reply:
    return Reply(lines=tuple(_lines(status)), wrong="; ".join(status.reasons) or None)


def _lines(status: Status) -> Iterator[str]:
    yield f"Health     {'red' if status.reasons else 'green'}, since {status.started_at:%Y-%m-%d %H:%M} UTC"
    for words in status.reasons:
        yield f"Red        {words}"
    for words in status.warnings:
        yield f"Warning    {words}"
    for name, channel in status.channels.items():
        polled = "" if channel.polled_at is None else f", asked for messages at {channel.polled_at:%H:%M:%S} UTC"
        yield f"Channel    {name}: {channel.trouble or 'works'}{polled}"
    oldest = f", the oldest for {status.oldest_waiting.total_seconds():.0f} s" if status.waiting_chats else ""
    yield f"Waiting    {status.waiting_chats} chats with undelivered messages{oldest}"
    yield f"Database   {status.place.database_bytes + status.place.log_bytes} bytes, {status.commits.done} commits"
    if status.backup is not None:
        yield f"Backup     {status.backup.file}, at {status.backup.at:%Y-%m-%d %H:%M} UTC"
