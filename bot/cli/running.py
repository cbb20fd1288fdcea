"""The service while it runs: what goes on side by side until somebody says stop, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, NoReturn

from bot.app import App, opened
from bot.channels import Channel
from bot.channels.terminal.channel import TerminalChannel
from bot.cli.backing_up import back_up_regularly
from bot.cli.door import door_of, keep_open
from bot.cli.office import Office
from bot.clinic.settings import Config
from bot.demo import demo
from bot.health.tasks import Ended
from bot.health.watchdog import READY, STOPPING
from bot.service.pulse import Pulse
from bot.service.service import Service, utc_now
from bot.store.signals import WORKLIST
from bot.store.vitals import Vitals
from bot.web.server import WebServer, allow_many_connections, bound, web_server

log = logging.getLogger("cordwatch")
SEEN_WITHIN = timedelta(minutes=2)
"""Advice that a page has not shown for so long is "not seen" on the worklist."""
DEAD_WITHIN_S = 1.0


async def run(
    config: Config,
    terminal: str | None = None,
    is_chat: bool = False,
    on_ready: Callable[[App], None] | None = None,
    has_demo_patients: bool = False,
) -> None:
    """Serves until SIGINT or SIGTERM; then stops with nothing lost. Raises Ended when it stops for another reason.

    `terminal`: the address under which somebody talks in this terminal. `is_chat`: nothing but that conversation runs,
    and its end is the end.
    """
    async with opened(config, terminal, is_chat) as app:
        address = [] if is_chat else [bound(*config.listen)]
        server = web_server(app.web, *config.listen, config.web.trusted_proxies)
        allow_many_connections()
        told = _told_to_stop()
        kept = [asyncio.create_task(one) for one in _going_on(app, is_chat, has_demo_patients, server)]
        deciding = [asyncio.create_task(one) for one in (told.wait(), _until_dead(app.store), *_talk(app, is_chat))]
        serving = [asyncio.create_task(_serve(server, address))] if address else []
        if on_ready is not None:
            on_ready(app)
        ended: set[asyncio.Task[Any]] = set()
        try:
            ended, _ = await asyncio.wait([*serving, *deciding], return_when=asyncio.FIRST_COMPLETED)
        finally:
            app.supervisor.tell(STOPPING)
            server.should_exit = True
            await _stop(app, [*kept, *deciding])
            await asyncio.gather(*serving, return_exceptions=True)
        _raise_first(ended)


def _going_on(
    app: App, is_chat: bool, has_demo_patients: bool, server: WebServer
) -> Iterator[Coroutine[Any, Any, NoReturn]]:
    """What is kept alive, each apart from the others."""
    keep, service = app.tasks.keep, app.service
    yield keep(app.outbox.pulse, app.outbox.run)
    yield keep(service.wakes, lambda: _wake(app, has_demo_patients))
    yield keep(service.alarms, service.run_alarms)
    unseen = Pulse("unseen advice")
    yield keep(unseen, lambda: _watch_pages(service, unseen))
    yield keep(service.unstored.pulse, partial(service.unstored.run, app.channels))
    if is_chat:
        return
    yield keep(app.prober.pulse, app.prober.run)
    yield keep(Pulse("integrity", has_rounds=False), app.health.inspect)
    for channel in app.channels.values():
        yield keep(Pulse(channel.name, has_rounds=False), partial(_listen, channel, service))
    if app.config.backup.directory is not None:
        copying = Pulse("backups", has_rounds=False)
        yield keep(copying, lambda: back_up_regularly(app.config, app.store, utc_now, copying))
    office = Office(app.store.desk, app.console.accounts, app.config.base_url, app.health, app.store)
    door = door_of(app.config.database)
    yield keep(Pulse("door", has_rounds=False), lambda: keep_open(door, office.answer))
    yield keep(Pulse("watchdog", has_rounds=False), lambda: _feed(app, server))


def _talk(app: App, is_chat: bool) -> Iterator[Coroutine[Any, Any, Any]]:
    """The conversation in this terminal when it is all there is."""
    return (one.listen(app.service.receive) for one in app.channels.values() if is_chat)


async def _serve(server: WebServer, address: list[socket.socket]) -> None:
    await server.serve(address)
    if not server.should_exit:
        raise Ended("the web server has ended by itself")


async def _feed(app: App, server: WebServer) -> None:
    """Tells the supervisor that the service is ready, and from then on that it is well."""
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.02)
    app.supervisor.tell(READY)
    await app.supervisor.feed(app.health.is_better_left_alone)


async def _until_dead(store: Vitals) -> NoReturn:
    """Raises Ended when nothing can be written any more: only a new process can."""
    while True:
        await asyncio.sleep(DEAD_WITHIN_S)
        if store.has_died:
            raise Ended("the part that writes to the database has died; the log says why, and a new start goes on")


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
        if task.cancelled():
            raise Ended("a task that decides when the service ends was cancelled from within")
        if (error := task.exception()) is not None:
            raise error


async def _wake(app: App, has_demo_patients: bool) -> None:
    """What silence calls for. Made-up patients are let in before: in their time it is still yesterday."""
    if has_demo_patients and app.config.is_demo:
        await demo.fill(app.store, app.words, app.config.clinic, app.service.current, utc_now())
        app.service.signals.publish(WORKLIST)
    await app.service.run_wakes()


async def _listen(channel: Channel, service: Service) -> None:
    await channel.listen(service.receive)
    if isinstance(channel, TerminalChannel):  # whose lines have ended, and only it may
        await asyncio.get_running_loop().create_future()


async def _watch_pages(service: Service, pulse: Pulse) -> NoReturn:
    """Lists advice that no page has shown in time."""
    while True:
        await asyncio.sleep(SEEN_WITHIN.total_seconds() / 8)
        try:
            await service.check_seen(SEEN_WITHIN)
            pulse.succeeded()
        except Exception as error:
            pulse.failed(error)
            log.error("looking for unseen advice failed: %s; trying again", type(error).__name__)
