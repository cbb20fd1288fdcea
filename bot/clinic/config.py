"""The clinic's settings: clinic.toml and the environment, read once, refused if they are unsafe or make no sense."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from bot.clinic.calendar import Calendar
from bot.clinic.config_file import LOCALES as LOCALES
from bot.clinic.config_file import WEEKDAYS, File, available_languages, digits, listen_address, read, web_url
from bot.clinic.config_file import ConfigError as ConfigError

T = TypeVar("T")
DEMO = Path(__file__).parents[1] / "demo.toml"
TELEGRAM = "https://api.telegram.org"
DEMO_NUMBERS = frozenset({"+31205550100", "+31205550101"})


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """How soon a nurse must have seen an entry, by day and by night."""

    emergency: timedelta = timedelta(minutes=10)
    within_12_hours: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Clinic:
    """What patients and nurses of one clinic must be able to rely on. Times: clinical.md part 4; none may be longer.

    `always_number` is answered day and night. `languages`: the usual one first. `unreviewed_languages`: those of them
    that are offered although no clinician has reviewed the translation. `shows_figures`: with what patients read up on,
    they see the percentages.
    """

    name: str
    time_zone: ZoneInfo
    emergency_number: str
    crisis_line: str
    day_number: str
    always_number: str
    calendar: Calendar
    languages: tuple[str, ...] = ("en",)
    unreviewed_languages: tuple[str, ...] = ()
    acknowledge: Acknowledge = field(default_factory=Acknowledge)
    remind_after: timedelta = timedelta(minutes=15)
    expire_after: timedelta = timedelta(minutes=60)
    urgent_after: timedelta = timedelta(minutes=5)
    check_back_12h: timedelta = timedelta(hours=1)
    check_back_1w_working_days: int = 1
    check_back_2w_working_days: int = 2
    check_in_days: int = 7
    radiotherapy_months: int = 6
    are_carers_allowed: bool = True
    must_leads_use_codes: bool = False
    shows_figures: bool = False
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class Telegram:
    """How the bot talks to Telegram. Without a token it does not."""

    token: SecretStr | None = None
    api_url: str = TELEGRAM
    mode: Literal["polling", "webhook"] = "polling"
    webhook_url: str | None = None
    webhook_secret: SecretStr | None = None
    poll_s: float = 30

    @property
    def is_real(self) -> bool:
        """Whether the address is Telegram's own, where real patients are."""
        host = (urlsplit(self.api_url).hostname or "").rstrip(".")
        return host == "telegram.org" or host.endswith(".telegram.org")


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast messages leave."""

    messages_per_second: float = 30
    messages_per_second_per_chat: float = 1
    burst_per_chat: int = 3


@dataclass(frozen=True, slots=True)
class Web:
    """The web server's own settings. `trusted_proxies`: whose X-Forwarded-For is believed."""

    public_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    cookie_key: SecretStr | None = None
    new_sessions_per_hour: int = 20


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that is set from outside. `source`: the file it was read from, None for the demo clinic."""

    clinic: Clinic
    telegram: Telegram = field(default_factory=Telegram)
    outbox: Pace = field(default_factory=Pace)
    web: Web = field(default_factory=Web)
    database: Path = Path("data/cordwatch.db")
    listen: tuple[str, int] = ("127.0.0.1", 8080)
    is_demo: bool = False
    source: Path | None = None

    @property
    def base_url(self) -> str:
        """The address under which browsers find this service."""
        host, port = self.listen
        return self.web.public_url or f"http://{host}:{port}"


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The settings of a file (else of BOT_CONFIG, else of ./clinic.toml, else the demo clinic) and the environment.

    Raises ConfigError naming every problem.
    """
    path = path or _path_of(environ) or _clinic_toml()
    return _with_environment(_build(read(path or DEMO), path), environ)


def refuse_unreal_numbers(config: Config) -> None:
    """Raises ConfigError when real patients would be given numbers that nobody answers."""
    telegram = config.telegram
    if telegram.token is None or not telegram.is_real or not config.is_demo:
        return
    numbers = "" if config.source is None else f" ({config.source} bears its numbers)"
    raise ConfigError(
        f"the demo clinic{numbers} is not served on {telegram.api_url}: real patients would be given numbers that "
        "nobody answers; write your clinic's settings with `cordwatch init` and start again, or set "
        "BOT_TELEGRAM_API_URL to a test server"
    )


def _path_of(environ: Mapping[str, str]) -> Path | None:
    return Path(environ["BOT_CONFIG"]) if environ.get("BOT_CONFIG") else None


def _clinic_toml() -> Path | None:
    path = Path("clinic.toml")
    return path if path.exists() else None


def _build(file: File, source: Path | None) -> Config:
    """A file that bears the demo clinic's numbers is a demo clinic too, so that every outcome says so."""
    is_demo = not DEMO_NUMBERS.isdisjoint((digits(file.numbers.day), digits(file.numbers.always)))
    zone = ZoneInfo(file.clinic.time_zone)
    hours = {weekday: getattr(file.hours, name) for weekday, name in enumerate(WEEKDAYS)}
    languages = available_languages() if source is None else tuple(file.clinic.languages)
    clinic = Clinic(
        name=file.clinic.name,
        time_zone=zone,
        emergency_number=file.numbers.emergency,
        crisis_line=file.numbers.crisis_line,
        day_number=file.numbers.day,
        always_number=file.numbers.always,
        calendar=Calendar(zone, hours, frozenset(file.hours.holidays)),
        languages=languages,
        unreviewed_languages=languages if source is None else tuple(file.clinic.unreviewed_languages),
        acknowledge=Acknowledge(
            timedelta(minutes=file.times.acknowledge_emergency_minutes),
            timedelta(minutes=file.times.acknowledge_12h_minutes),
        ),
        remind_after=timedelta(minutes=file.times.remind_after_minutes),
        expire_after=timedelta(minutes=file.times.expire_after_minutes),
        urgent_after=timedelta(minutes=file.times.urgent_after_minutes),
        check_back_12h=timedelta(minutes=file.times.check_back_12h_minutes),
        check_back_1w_working_days=file.times.check_back_1w_working_days,
        check_back_2w_working_days=file.times.check_back_2w_working_days,
        check_in_days=file.times.check_in_days,
        radiotherapy_months=file.clinic.radiotherapy_months,
        are_carers_allowed=file.clinic.carers,
        must_leads_use_codes=file.nurses.leads_need_codes,
        shows_figures=file.topics.figures,
        is_demo=is_demo,
    )
    database = Path(file.store.database)
    return Config(
        clinic=clinic,
        telegram=Telegram(mode=file.telegram.mode, webhook_url=file.telegram.webhook_url, poll_s=file.telegram.poll_s),
        outbox=Pace(**file.outbox.model_dump()),
        web=Web(file.web.public_url, tuple(file.web.trusted_proxies), None, file.web.new_sessions_per_hour),
        database=database if source is None else source.parent / database,
        listen=listen_address(file.web.listen),
        is_demo=is_demo,
        source=source,
    )


# --- the environment ------------------------------------------------------------------------------------------------


def _with_environment(config: Config, environ: Mapping[str, str]) -> Config:
    def get(name: str) -> str | None:
        return environ.get(name, "").strip() or None

    def secret(name: str, pattern: str, expected: str) -> SecretStr | None:
        value = get(name)
        if value is not None and not re.fullmatch(pattern, value):
            raise ConfigError(f"{name} must be {expected}; its value is not shown because it is a secret")
        return None if value is None else SecretStr(value)

    telegram = config.telegram
    token = secret("BOT_TELEGRAM_TOKEN", r"[^\s/]+", "the token that @BotFather gave, such as 123456789:AAF…")
    webhook_secret = secret("BOT_TELEGRAM_WEBHOOK_SECRET", r"[A-Za-z0-9_-]{1,256}", "letters, digits, _ and - only")
    cookie_key = secret("BOT_COOKIE_KEY", r".{32,}", "at least 32 characters (`openssl rand -hex 32` makes a good one)")
    api_url, database, listen = get("BOT_TELEGRAM_API_URL"), get("BOT_DATABASE"), get("BOT_LISTEN")
    return replace(
        config,
        telegram=replace(
            telegram,
            token=token,
            webhook_secret=webhook_secret,
            api_url=_checked(web_url, "BOT_TELEGRAM_API_URL", api_url) if api_url else telegram.api_url,
        ),
        web=replace(config.web, cookie_key=cookie_key),
        database=Path(database) if database else config.database,
        listen=_checked(listen_address, "BOT_LISTEN", listen) if listen else config.listen,
    )


def _checked(read: Callable[[str], T], name: str, value: str) -> T:
    try:
        return read(value)
    except ValueError as error:
        raise ConfigError(f"{name} must be {error}, not {value!r}; correct it or unset it") from error
