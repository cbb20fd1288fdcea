"""Everything built from the settings: store, service, channels, outbox, console, and what the web server serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from bot.channels import Channel, ChannelStatus, Pace
from bot.channels.conversation import Conversations
from bot.channels.telegram.build import telegram_channel
from bot.channels.terminal.channel import TerminalChannel
from bot.channels.web.build import chat_clinic, web_chat
from bot.clinic.settings import Config, ConfigError, refuse_unreal_numbers
from bot.console.app import ConsoleApp
from bot.demo import demo
from bot.health.look import Health
from bot.health.pages import routes
from bot.health.status import Figures
from bot.health.tasks import Tasks
from bot.health.watchdog import Supervisor
from bot.language.rehearsal import rehearse
from bot.language.texts import PatientTexts
from bot.language.unstored import UnstoredNotices
from bot.makes import open_store
from bot.service.alerts import Alerts
from bot.service.conversations import StoredConversations
from bot.service.digest import begun_under
from bot.service.limits import TurnLimits
from bot.service.outbox import Outbox
from bot.service.probe import Prober
from bot.service.service import Service, steady_clock, utc_now
from bot.service.unstored import Unstored
from bot.store.settings import Protocols
from bot.store.signals import ChangeFeed, Signals
from bot.store.store import Store
from bot.store.transcripts import Transcripts
from bot.web.answers import CountedAnswers
from dialogs.protocol import TriageProtocol, load, served_before
from dialogs.topic import load as load_topics


@dataclass
class App:
    """The parts of a running clinic."""

    config: Config
    store: Store
    words: PatientTexts
    service: Service
    outbox: Outbox
    channels: dict[str, Channel]
    health: Health
    console: ConsoleApp
    web: CountedAnswers
    tasks: Tasks
    supervisor: Supervisor
    prober: Prober
    sign_in_link: str | None
    has_accounts: bool


@asynccontextmanager
async def opened(
    config: Config, terminal: str | None = None, is_chat: bool = False, limits: TurnLimits | None = None
) -> AsyncIterator[App]:
    """The clinic of these settings, ready to run. Raises ConfigError, ProtocolError, TopicError or StoreLocked.

    `terminal`: the address under which somebody talks in this terminal. `is_chat`: nothing but that conversation runs.
    """
    refuse_unreal_numbers(config)
    async with AsyncExitStack() as stack:
        store = open_store(config)
        stack.push_async_callback(store.close)
        await store.release()
        current = load(config.protocol)
        words = PatientTexts(config.clinic, current, topics=load_topics(config.topics))
        if faults := [f"{config.source}: {fault}" for fault in rehearse(words, utc_now())]:
            raise ConfigError(*faults)
        signals = ChangeFeed()
        protocols = await _protocols(store, current)
        begun = partial(begun_under, protocols=protocols, current=current)
        conversations = StoredConversations(store, words, begun, utc_now)
        unstored = Unstored(UnstoredNotices(words, config.clinic), utc_now, limits or TurnLimits())
        made = await _channels(config, store, words, conversations, signals, unstored, terminal, is_chat)
        channels = {one.name: one for one in made}
        for channel in channels.values():
            stack.push_async_callback(channel.close)
        alerts = _alerts(config, store, signals, channels)
        serve = partial(Service, words=words, clinic=config.clinic, protocols=protocols, current=current, clock=utc_now)
        service = serve(store, signals=signals, staff=alerts, unstored=unstored)
        prober = Prober(store, lambda rehearsal: serve(rehearsal, signals=ChangeFeed()), words.offered[0], utc_now)
        outbox = Outbox(store, channels, utc_now, service.delivery_failed, signals, steady=steady_clock())
        tasks = Tasks()
        looks_at = partial(_states, channels, outbox), tasks.pulses.values, service.oldest_unanswered

        def figures() -> Figures:
            return Figures(version("cordwatch"), tuple(words.withheld), service.turns, web.server_errors)

        health = Health(store, utc_now, *looks_at, figures)
        needs_code = config.clinic.must_leads_use_codes
        console = ConsoleApp(service, store.desk, config.clinic, utc_now, store.reports, alerts, needs_code)
        link = await demo.sign_in_link(store.desk, console.accounts, config.base_url) if config.is_demo else None
        has_accounts = await store.accounts() > 0
        stack.push_async_callback(console.close)
        pages = [*routes(health), *console.routes(), *_routes(channels)]
        web, supervisor = CountedAnswers(Starlette(routes=pages)), Supervisor()
        yield App(
            config,
            store,
            words,
            service,
            outbox,
            channels,
            health,
            console,
            web,
            tasks,
            supervisor,
            prober,
            link,
            has_accounts,
        )


async def _channels(
    config: Config,
    store: Store,
    words: PatientTexts,
    conversations: Conversations,
    signals: Signals,
    unstored: Unstored,
    terminal: str | None,
    is_chat: bool,
) -> list[Channel]:
    """Those that these settings ask for."""
    clinic = chat_clinic(config.clinic, words.ui, words.day, words.offered)
    channels: list[Channel] = [
        await web_chat("web", config.web, clinic, conversations, utc_now, store, signals),
        TerminalChannel(terminal, lambda: _settled(store, terminal)),
    ]
    pace = Pace(**config.outbox.model_dump())
    telegram = telegram_channel("telegram", config.telegram, pace, words.introductions(), store, unstored.came)
    if telegram is not None and not is_chat:
        channels.append(telegram)
    if config.is_demo:
        channels.append(demo.DemoChannel())
    return channels


def _alerts(config: Config, store: Store, signals: Signals, channels: Mapping[str, Channel]) -> Alerts | None:
    """None where no channel is one that nurses can link a chat of."""
    of_nurses = [channel.name for channel in channels.values() if channel.is_for_nurses_too]
    if not of_nurses:
        return None
    return Alerts(store, store.nurse_chats, config.clinic, utc_now, signals, config.base_url, of_nurses)


def _states(channels: Mapping[str, Channel], outbox: Outbox) -> dict[str, ChannelStatus]:
    """How each channel does at this moment."""
    states = {name: channel.status() for name, channel in channels.items()}
    return {name: replace(state, trouble=state.trouble or outbox.down.get(name)) for name, state in states.items()}


def _routes(channels: Mapping[str, Channel]) -> list[BaseRoute]:
    """What the channels answer on the web, the longest path first."""
    apps = [found for channel in channels.values() for found in channel.routes().items()]
    apps.sort(key=lambda found: len(found[0]), reverse=True)
    return [Mount(path.rstrip("/"), app) if path.endswith("/") else Route(path, app) for path, app in apps]


async def _settled(store: Transcripts, address: str | None) -> None:
    """Returns once nothing waits to be shown at a terminal."""
    if address is None:
        return
    session = (await store.open("terminal", address)).session
    while any(said.state == "waiting" for said in await store.transcript(session)):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def _protocols(store: Protocols, current: TriageProtocol) -> dict[str, TriageProtocol]:
    """Every version that a session may have begun under. Raises ConfigError if the current one changed unnamed."""
    try:
        await store.keep_protocol(current.version, current.sha256, current.text)
    except ValueError as error:
        raise ConfigError(f"the protocol file changed without a new version: {error}") from error
    kept = await store.protocols()
    return {version: served_before(version, text) for version, text in kept.items() if version != current.version}
