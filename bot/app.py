"""Everything built from the settings and run until told to stop: channels, outbox, wakes and the web server."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from bot.channels import Channel, ChannelStatus, Pace
from bot.channels.telegram.build import telegram_channel
from bot.channels.terminal.socket import Terminals
from bot.channels.web.channel import Limits, WebChatChannel
from bot.channels.web.page import Pages, Site
from bot.channels.web.visitors import Visitors
from bot.clinic.config import Config, ConfigError, refuse_unreal_numbers
from bot.console.app import Site as Console
from bot.demo import demo
from bot.health import Health, routes
from bot.language.words import Words
from bot.service.alerts import Alerts
from bot.service.conversations import StoredConversations
from bot.service.outbox import Outbox
from bot.service.service import Service, utc_now
from bot.store.records import Store
from bot.store.sqlite.console import SqliteDesk
from bot.store.sqlite.nurse_chats import SqliteNurseChats
from bot.store.sqlite.reports import SqliteReports
from bot.store.sqlite.store import SqliteStore
from bot.web.server import PatientProtocol, allow_many_connections
from dialogs.protocol import TriageProtocol, load, parse

log = logging.getLogger("cordwatch")
SEEN_WITHIN = timedelta(minutes=2)
"""Advice that a page has not shown for so long is "not seen" on the worklist."""
STOP_WITHIN_S = 1
HEADER_WITHIN_S = 10


@dataclass
class App:
    """The parts of a running clinic."""

    config: Config
    store: Store
    words: Words
    service: Service
    outbox: Outbox
    channels: dict[str, Channel]
    health: Health
    console: Console
    web: Starlette
    sign_in_link: str | None = None


@asynccontextmanager
async def opened(config: Config, terminal: str | None = None, is_chat: bool = False) -> AsyncIterator[App]:
    """The clinic of these settings, ready to run. Raises ConfigError, ProtocolError, TopicError or StoreLocked."""
    refuse_unreal_numbers(config)
    async with AsyncExitStack() as stack:
        store = SqliteStore(config.database)
        stack.push_async_callback(store.close)
        await store.release()
        current = load()
        words = Words(config.clinic, current)
        service = Service(store, words, config.clinic, await _protocols(store, current), current, utc_now)
        channels = {one.name: one for one in await _channels(config, store, words, service, terminal, is_chat)}
        for channel in channels.values():
            stack.push_async_callback(channel.close)
        outbox = Outbox(store, channels, utc_now, service.delivery_failed)
        service.nudge = outbox.wake
        health = Health(store, utc_now, lambda: _states(channels, outbox))
        desk = SqliteDesk(store)
        of_nurses = [channel.name for channel in channels.values() if channel.is_for_nurses_too]
        alerts = Alerts(service, SqliteNurseChats(store), config.base_url, of_nurses) if of_nurses else None
        service.reception = alerts
        needs_code = config.clinic.must_leads_use_codes
        console = Console(service, desk, config.clinic, utc_now, needs_code, SqliteReports(store), alerts)
        link = await demo.sign_in_link(desk, console.accounts, config.base_url) if config.is_demo else None
        stack.push_async_callback(console.close)
        pages = [*routes(health), Route("/console{rest:path}", console.app), *_routes(channels)]
        yield App(config, store, words, service, outbox, channels, health, console, Starlette(routes=pages), link)


async def _channels(
    config: Config, store: Store, words: Words, service: Service, terminal: str | None, is_chat: bool
) -> list[Channel]:
    """Those that these settings ask for."""
    channels: list[Channel] = [
        await _web_chat(config, store, words, service),
        Terminals(socket_path(config), lambda address: _settled(store, address), terminal, is_chat),
    ]
    pace = Pace(**asdict(config.outbox))
    texts = words.introductions()
    telegram = telegram_channel("telegram", config.telegram, pace, texts, store.get_setting, store.put_setting)
    if telegram is not None and not is_chat:
        channels.append(telegram)
    if config.is_demo:
        channels.append(demo.DemoChannel())
    return channels


def _states(channels: Mapping[str, Channel], outbox: Outbox) -> dict[str, ChannelStatus]:
    """How each channel does at this moment."""
    states = {name: channel.status() for name, channel in channels.items()}
    return {name: replace(state, trouble=state.trouble or outbox.down.get(name)) for name, state in states.items()}


def _routes(channels: Mapping[str, Channel]) -> list[BaseRoute]:
    """What the channels answer on the web, the longest path first."""
    apps = [found for channel in channels.values() for found in channel.routes().items()]
    apps.sort(key=lambda found: len(found[0]), reverse=True)
    return [Mount(path.rstrip("/"), app) if path.endswith("/") else Route(path, app) for path, app in apps]


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
        server = None if is_chat else _web_server(app)
        allow_many_connections()
        door = [] if is_chat else [bound(*config.listen)]
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup does with SIGHUP
                loop.add_signal_handler(number, stop.set)
        duties: list[Coroutine[Any, Any, Any]] = [
            app.outbox.run(),
            _wake(app, has_demo_patients),
            _watch_pages(app.service),
            *(channel.listen(app.service.receive) for channel in app.channels.values()),
        ]
        tasks = [asyncio.create_task(_until_stopped(duty)) for duty in duties]
        serving = [] if server is None else [asyncio.create_task(server.serve(door))]
        if on_ready is not None:
            on_ready(app)
        ended: set[asyncio.Task[Any]] = set()
        try:
            stopping = asyncio.create_task(stop.wait())
            ended, _ = await asyncio.wait([*serving, *tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if server is not None:
                server.should_exit = True
            for task in (*tasks, stopping):
                task.cancel()
            # What the outbox has on its way needs its channel for a moment longer, and open pages hold the server up.
            await asyncio.gather(*tasks, return_exceptions=True)
            for channel in app.channels.values():
                await channel.close()
            await app.console.close()
            await asyncio.gather(*serving, return_exceptions=True)
        for task in ended:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error


def socket_path(config: Config) -> Path:
    """Where `cordwatch chat` finds a running service."""
    return config.database.with_name(f"{config.database.name}.chat")


async def _settled(store: Store, address: str) -> None:
    """Returns once nothing waits to be shown at a terminal."""
    session = (await store.open("terminal", address)).session
    while any(said.state == "waiting" for said in await store.transcript(session)):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def _wake(app: App, has_demo_patients: bool) -> None:
    """What silence calls for. Made-up patients are let in before: in their time it is still yesterday."""
    if has_demo_patients and app.config.is_demo:
        await demo.fill(app.store, app.words, app.config.clinic, app.service.current, utc_now())
        app.console.bells.ring()
    await app.service.run_wakes()


async def _protocols(store: Store, current: TriageProtocol) -> dict[str, TriageProtocol]:
    """Every version that a session may have begun under. Raises ConfigError if the current one changed unnamed."""
    try:
        await store.keep_protocol(current.version, current.sha256, current.text)
    except ValueError as error:
        raise ConfigError(f"the protocol file changed without a new version: {error}") from error
    kept = await store.protocols()
    return {
        version: parse(text, f"protocol {version}", current.floors)
        for version, text in kept.items()
        if version != current.version
    }


async def _web_chat(config: Config, store: Store, words: Words, service: Service) -> WebChatChannel:
    clinic = config.clinic
    site = Site(
        name=clinic.name,
        zone=clinic.time_zone,
        words=words.ui,
        day=words.day,
        numbers=(clinic.emergency_number, clinic.crisis_line, clinic.day_number, clinic.always_number),
        languages=words.offered,
        is_demo=clinic.is_demo,
    )
    limits = Limits(new_conversations=config.web.new_sessions_per_hour)
    conversations = StoredConversations(store, words, service.protocol_of, utc_now)
    return WebChatChannel(conversations, Pages(site), Visitors(await _cookie_key(config, store)), utc_now, limits)


async def _cookie_key(config: Config, store: Store) -> bytes:
    """The clinic's own key, or one that the database keeps, so that cookies outlive a restart."""
    if config.web.cookie_key is not None:
        return config.web.cookie_key.get_secret_value().encode()
    kept = await store.get_setting("cookie_key")
    if kept is None:
        kept = secrets.token_hex(32)
        await store.put_setting("cookie_key", kept)
    return kept.encode()


def _web_server(app: App) -> uvicorn.Server:
    host, port = app.config.listen
    proxies = app.config.web.trusted_proxies
    return _Server(
        uvicorn.Config(
            app.web,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies) or None,
            timeout_graceful_shutdown=STOP_WITHIN_S,
            timeout_keep_alive=HEADER_WITHIN_S,
            lifespan="off",
            http=PatientProtocol,
        )
    )


def bound(host: str, port: int) -> socket.socket:
    """The web server's door. Raises ConfigError when somebody else has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # named TCP, or asyncio leaves Nagle's algorithm on and the body of an answer waits 40 ms behind its head
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise ConfigError(
            f"the address {host}:{port} cannot be listened on ({error.strerror}); stop what uses it, or set BOT_LISTEN "
            "to another one, such as 127.0.0.1:8081"
        ) from error
    return door


class _Server(uvicorn.Server):
    """Leaves the signals to `run`, which stops everything else as well."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _watch_pages(service: Service) -> None:
    """Lists advice that no page has shown in time."""
    while True:
        await asyncio.sleep(SEEN_WITHIN.total_seconds() / 8)
        try:
            await service.check_seen(SEEN_WITHIN)
        except Exception as error:
            log.error("looking for unseen advice failed: %s; trying again", type(error).__name__)


async def _until_stopped(duty: Coroutine[Any, Any, Any]) -> None:
    """A duty that fails says so before it takes the service down: half a service is worse than none."""
    with suppress(asyncio.CancelledError):
        try:
            await duty
        except Exception:
            log.exception("a duty of the service failed; stopping")
            raise
