"""The clinic's settings: clinic.toml and the environment, read once, refused if they are unsafe or make no sense."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.clinic import values
from bot.clinic.calendar import Calendar
from bot.clinic.clinic_toml import LOCALES as LOCALES
from bot.clinic.clinic_toml import (
    BackupSection,
    ClinicSection,
    File,
    NumbersSection,
    NursesSection,
    OutboxSection,
    Section,
    TelegramSection,
    TimesSection,
    TopicsSection,
    WebSection,
    read,
)
from bot.clinic.clinic_toml import ConfigError as ConfigError
from bot.clinic.clinic_toml import available_languages as available_languages
from bot.clinic.telephone import dialled

T = TypeVar("T")
DEMO = Path(__file__).with_name("demo.toml")
DEMO_DATABASE = "data/demo.db"
"""The demo clinic's, so that made-up patients never come among real ones."""
DEMO_NUMBERS = frozenset({"+31205550100", "+31205550101"})
VARIABLES = (
    "BOT_CONFIG",
    "BOT_COOKIE_KEY",
    "BOT_DATABASE",
    "BOT_LISTEN",
    "BOT_TELEGRAM_API_URL",
    "BOT_TELEGRAM_TOKEN",
    "BOT_TELEGRAM_WEBHOOK_SECRET",
)
TOKEN = r"(?!.*(?:…|\.\.\.))[^\s/]+"
"""Not what stands in a guide where the token should."""
TELEGRAM = "https://api.telegram.org"


class Clinic(ClinicSection, NumbersSection, TimesSection, NursesSection, TopicsSection):
    """What patients and nurses of one clinic must be able to rely on.

    `always_number` is answered day and night. `languages`: the usual one first. `unreviewed_languages`: those of them
    that are offered although no clinician has reviewed the translation. `shows_figures`: with what patients read up on,
    they see the percentages.
    """

    calendar: Calendar
    is_demo: bool = False


class Telegram(TelegramSection):
    """How the bot talks to Telegram. Without a token it does not."""

    token: SecretStr | None = None
    api_url: str = TELEGRAM
    webhook_secret: SecretStr | None = None

    @property
    def is_real(self) -> bool:
        """Whether the address is Telegram's own, where real patients are."""
        host = (urlsplit(self.api_url).hostname or "").rstrip(".")
        return host == "telegram.org" or host.endswith(".telegram.org")


class Web(WebSection):
    """The web server's own settings. `trusted_proxies`: whose X-Forwarded-For is believed."""

    cookie_key: SecretStr | None = None


class Config(Section):
    """Everything that is set from outside.

    `protocol`: file or folder of another guideline than the one that comes with Cordwatch. `source`: the file the
    settings were read from, None for the demo clinic.
    """

    clinic: Clinic
    telegram: Telegram
    outbox: OutboxSection
    web: Web
    database: Path
    backup: BackupSection = BackupSection()
    protocol: Path | None = None
    source: Path | None = None

    def serving(self, protocol: Path | None) -> Config:
        """The same with another guideline; None leaves it as it is."""
        return self if protocol is None else self.model_copy(update={"protocol": protocol})

    @property
    def topics(self) -> Path | None:
        """The folder whose topics are to be read, None for those that come with Cordwatch."""
        return topics_of(self.protocol)

    @property
    def is_demo(self) -> bool:
        return self.clinic.is_demo

    @property
    def listen(self) -> tuple[str, int]:
        return self.web.listen

    @property
    def base_url(self) -> str:
        """The address under which browsers find this service."""
        host, port = self.listen
        return self.web.public_url or f"http://{host}:{port}"


def topics_of(protocol: Path | None) -> Path | None:
    """The folder whose topics go with a protocol; None for those that come with Cordwatch."""
    return protocol if protocol is not None and protocol.is_dir() else None


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The settings of a file and the environment; else of BOT_CONFIG, ./clinic.toml, the service, the demo clinic.

    Raises ConfigError naming every problem.
    """
    path = path or _path_of(environ) or _clinic_toml(Path()) or _clinic_toml(_folder_of_service(environ))
    return _with_environment(_config(read(path or DEMO), path), environ)


def load_demo(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The demo clinic and the environment, whatever BOT_CONFIG and ./clinic.toml say. A file must bear its numbers."""
    config = _with_environment(_config(read(path or DEMO), path), environ)
    if not config.is_demo:
        raise ConfigError(f"{path}: not the demo clinic, and only there are made-up patients; leave out --config")
    return config


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


def _folder_of_service(environ: Mapping[str, str]) -> Path:
    """Where the service that docs/setup.md sets up has its settings; systemd says it to what it starts."""
    return Path(environ.get("CONFIGURATION_DIRECTORY", "").partition(":")[0] or "/etc/cordwatch")


def _clinic_toml(folder: Path) -> Path | None:
    path = folder / "clinic.toml"
    return path if path.exists() else None


def _config(file: File, source: Path | None) -> Config:
    """What was validated as the file is not validated again. The demo clinic, which has no file, offers everything."""
    beside, clinic = Path() if source is None else source.parent, _clinic(file)
    languages = {"languages": available_languages(), "unreviewed_languages": available_languages()}
    return Config.model_construct(
        clinic=clinic.model_copy(update=languages if source is None else {}),
        telegram=Telegram.model_construct(**dict(file.telegram)),
        outbox=file.outbox,
        web=Web.model_construct(**dict(file.web)),
        database=beside / _database(file, clinic),
        backup=_beside(file.backup, beside),
        protocol=None if file.protocol.path is None else beside / file.protocol.path,
        source=source,
    )


def _beside(backup: BackupSection, folder: Path) -> BackupSection:
    directory = None if backup.directory is None else str(folder / backup.directory)
    return backup.model_copy(update={"directory": directory})


def _database(file: File, clinic: Clinic) -> str:
    return DEMO_DATABASE if clinic.is_demo and not file.store.model_fields_set else file.store.database


def _clinic(file: File) -> Clinic:
    """A file that bears the demo clinic's numbers is a demo clinic too, so that every outcome says so."""
    sections: list[Section] = [file.clinic, file.numbers, file.times, file.nurses, file.topics]
    numbers = {dialled(file.numbers.day_number), dialled(file.numbers.always_number)}
    return Clinic.model_construct(
        **{key: value for section in sections for key, value in section},
        calendar=Calendar(file.clinic.time_zone, file.hours.weekdays, file.hours.holidays),
        is_demo=not DEMO_NUMBERS.isdisjoint(numbers),
    )


# --- the environment ------------------------------------------------------------------------------------------------


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Those that look like ours and are not."""
    return sorted(name for name in environ if name.startswith("BOT_") and name not in VARIABLES)


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    for name in unknown_variables(environ):
        if near := get_close_matches(name, VARIABLES, 1, cutoff=0.85):
            raise ConfigError(f"{name} is not a variable of Cordwatch's; did you mean {near[0]}? Rename or unset it")


def _refuse_half_webhook(telegram: Telegram) -> None:
    if telegram.mode == "webhook" and telegram.token is not None and telegram.webhook_secret is None:
        raise ConfigError(
            "[telegram] mode = 'webhook' needs BOT_TELEGRAM_WEBHOOK_SECRET in the environment, so that nobody else can "
            "speak in Telegram's name; `openssl rand -hex 32` makes a good one"
        )


def _with_environment(config: Config, environ: Mapping[str, str]) -> Config:
    _refuse_misspelt(environ)

    def get(name: str) -> str | None:
        return environ.get(name, "").strip() or None

    def secret(name: str, pattern: str, expected: str) -> SecretStr | None:
        value = get(name)
        if value is not None and not re.fullmatch(pattern, value):
            raise ConfigError(f"{name} must be {expected}; its value is not shown because it is a secret")
        return None if value is None else SecretStr(value)

    telegram: dict[str, Any] = {
        "token": secret(
            "BOT_TELEGRAM_TOKEN",
            TOKEN,
            "the token that @BotFather gave, such as 123456789:AAF…",
        ),
        "webhook_secret": secret(
            "BOT_TELEGRAM_WEBHOOK_SECRET", r"[A-Za-z0-9_-]{1,256}", "letters, digits, _ and - only"
        ),
    }
    web: dict[str, Any] = {
        "cookie_key": secret(
            "BOT_COOKIE_KEY", r".{32,}", "at least 32 characters (`openssl rand -hex 32` makes a good one)"
        )
    }
    if url := get("BOT_TELEGRAM_API_URL"):
        telegram["api_url"] = _checked(values.web_url, "BOT_TELEGRAM_API_URL", url)
    if listen := get("BOT_LISTEN"):
        web["listen"] = _checked(values.listen_address, "BOT_LISTEN", listen)
    database = get("BOT_DATABASE")
    with_secrets = config.telegram.model_copy(update=telegram)
    _refuse_half_webhook(with_secrets)
    return config.model_copy(
        update={
            "telegram": with_secrets,
            "web": config.web.model_copy(update=web),
            "database": Path(database) if database else config.database,
        }
    )


def _checked(read: Callable[[str], T], name: str, value: str) -> T:
    try:
        return read(value)
    except ValueError as error:
        raise ConfigError(f"{name} must be {error}, not {value!r}; correct it or unset it") from error
