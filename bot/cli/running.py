"""The service while it runs: what goes on side by side until somebody says stop, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from bot.app import App, opened
from bot.channels import Channel
from bot.cli.door import door_of, keep_open
from bot.cli.office import Office
from bot.clinic.settings import Config
from bot.demo import demo
from bot.service.service import Service, utc_now
from bot.store.signals import WORKLIST
from bot.web.server import allow_many_connections, bound, web_server

log = logging.getLogger("cordwatch")
SEEN_WITHIN = timedelta(minutes=2)
"""Advice that a page has not shown for so long is "not seen" on the worklist."""


async def run(
    config: Config,
    terminal: str | None = None,
    is_chat: bool = False,
    on_ready: Callable[[App], None] | None = None,
    has_demo_patients: bool = False,
) -> None:
    """Serves until SIGINT or SIGTERM; then stops with nothing lost.

    `terminal`: the address under which somebody talks in this terminal. `is_chat`: nothing but that conversation runs,
    and its end is the end.
    """
    async with opened(config, terminal, is_chat) as app:
        address = [] if is_chat else [bound(*config.listen)]
        server = web_server(app.web, *config.listen, config.web.trusted_proxies)
        allow_many_connections()
        stopping = asyncio.create_task(_told_to_stop().wait())
        tasks = [asyncio.create_task(_until_stopped(one)) for one in _going_on(app, is_chat, has_demo_patients)]
        serving = [asyncio.create_task(server.serve(address))] if address else []
        if on_ready is not None:
            on_ready(app)
        ended: set[asyncio.Task[Any]] = set()
        try:
            ended, _ = await asyncio.wait([*serving, *tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            server.should_exit = True
            await _stop(app, [*tasks, stopping])
            await asyncio.gather(*serving, return_exceptions=True)
        _raise_first(ended)


def _going_on(app: App, is_chat: bool, has_demo_patients: bool) -> Iterator[Coroutine[Any, Any, Any]]:
    """What none of it may stop before the others."""
    yield app.outbox.run()
    yield _wake(app, has_demo_patients)
    yield _watch_pages(app.service)
    for channel in app.channels.values():
        yield channel.listen(app.service.receive) if is_chat else _listen(channel, app.service)
    if not is_chat:
        office = Office(app.store.desk, app.console.accounts, app.config.base_url, app.health)
        yield keep_open(door_of(app.config.database), office.answer)


def _told_to_stop() -> asyncio.Event:
    """Set by the first signal to stop."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup does with SIGHUP
            loop.add_signal_handler(number, told.set)
    return told


async def _stop(app: App, tasks: Iterable[asyncio.Task[Any]]) -> None:
    """What the outbox has on its way needs its channel for a moment longer, and open pages hold the server up."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for channel in app.channels.values():
        await channel.close()
    await app.console.close()


def _raise_first(ended: Iterable[asyncio.Task[Any]]) -> None:
    for task in ended:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def _wake(app: App, has_demo_patients: bool) -> None:
    """What silence calls for. Made-up patients are let in before: in their time it is still yesterday."""
    if has_demo_patients and app.config.is_demo:
        await demo.fill(app.store, app.words, app.config.clinic, app.service.current, utc_now())
        app.service.signals.publish(WORKLIST)
    await app.service.run_wakes()


async def _listen(channel: Channel, service: Service) -> None:
    """A terminal whose lines have ended is no reason to stop serving everybody else."""
    await channel.listen(service.receive)
    await asyncio.get_running_loop().create_future()


async def _watch_pages(service: Service) -> None:
    """Lists advice that no page has shown in time."""
    while True:
        await asyncio.sleep(SEEN_WITHIN.total_seconds() / 8)
        try:
            await service.check_seen(SEEN_WITHIN)
        except Exception as error:
            log.error("looking for unseen advice failed: %s; trying again", type(error).__name__)


async def _until_stopped(task: Coroutine[Any, Any, Any]) -> None:
    """A task that fails says so before it takes the service down: half a service is worse than none."""
    with suppress(asyncio.CancelledError):
        try:
            await task
        except Exception:
            log.exception("a task of the service failed; stopping")
            raise
