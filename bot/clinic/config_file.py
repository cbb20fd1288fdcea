"""clinic.toml as a table of sections and keys: what may stand there, and what is said when something else does."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from datetime import date, time
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.clinic.calendar import Span

LOCALES = Path(__file__).resolve().parents[2] / "locales"
WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
SHORTER_ONLY = "patients' safety rests on it: it may be shortened, never lengthened"


class ConfigError(ValueError):
    """The settings cannot be used. Names file, section, key, value and remedy; one line a problem."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def digits(number: str) -> str:
    """The number without the spaces and signs that people write in it."""
    return re.sub(r"[ \-()]", "", number)


def phone(value: str) -> str:
    """A telephone number in international form. Raises ValueError."""
    number = " ".join(value.split())
    if not re.fullmatch(r"\+[1-9][0-9]{7,14}", digits(number)):
        raise ValueError("a telephone number in international form, with + and country code, such as '+31 10 123 4567'")
    return number


def name(value: str) -> str:
    """What patients call the clinic: one line of 1 to 80 characters. Raises ValueError."""
    cleaned = " ".join(value.split())
    if not cleaned or len(cleaned) > 80 or not cleaned.isprintable():
        raise ValueError("one line of 1 to 80 characters, as patients call it")
    return cleaned


def short_or_phone(value: str) -> str:
    """A number of three to six digits such as 112, or an international one. Raises ValueError."""
    number = " ".join(value.split())
    if re.fullmatch(r"[0-9]{3,6}", number):
        return number
    try:
        return phone(number)
    except ValueError as error:
        raise ValueError("a short number such as '112', or one in international form ('+31 …')") from error


def time_zone(value: str) -> str:
    """A name of the IANA time zone database. Raises ValueError."""
    if value not in available_timezones():
        near = get_close_matches(value, available_timezones(), 1)
        raise ValueError(f"a time zone such as {near[0] if near else 'Europe/Amsterdam'!r}")
    return value


def spans(value: Any) -> tuple[Span, ...]:
    """Opening hours such as "09:00-12:30, 13:00-17:00"; nothing for closed. Raises ValueError."""
    wrong = ValueError("opening hours such as '09:00-17:00' or '09:00-12:30, 13:00-17:00', in order; '' is closed")
    if not isinstance(value, str):
        raise wrong
    found: list[Span] = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)\s*[-–]\s*(?:([01]?\d|2[0-3]):([0-5]\d)|24:00)", part)
        if match is None:
            raise wrong
        start, end = time(int(match[1]), int(match[2])), time(int(match[3] or 0), int(match[4] or 0))
        if (end != time(0) and end <= start) or (found and (found[-1][1] == time(0) or start < found[-1][1])):
            raise wrong
        found.append((start, end))
    return tuple(found)


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(_[A-Z][A-Za-z]+)?", value):
        raise ValueError("a language code such as 'nl' or 'pt_BR'")
    return value


def web_url(value: str) -> str:
    """An address that begins with http:// or https://. Raises ValueError."""
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError("a web address such as 'https://check.example.org'")
    return value.rstrip("/")


def _webhook_url(value: str) -> str:
    if not web_url(value).startswith("https://"):
        raise ValueError("a web address that begins with https://, because Telegram calls no other")
    return value


def _proxy(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError("an IP address or network such as '127.0.0.1' or '10.0.0.0/8'") from None
    return value


def listen_address(value: str) -> tuple[str, int]:
    """Host and port. Raises ValueError."""
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})", value)
    if match is None or int(match[3]) > 65535:
        raise ValueError("host:port such as '127.0.0.1:8080'")
    return match[1] or match[2], int(match[3])


Name = Annotated[str, AfterValidator(name)]
Phone = Annotated[str, AfterValidator(phone)]
ShortOrPhone = Annotated[str, AfterValidator(short_or_phone)]
Spans = Annotated[tuple[Span, ...], BeforeValidator(spans)]
Language = Annotated[str, AfterValidator(_language)]
Url = Annotated[str, AfterValidator(web_url)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Clinic(_Section):
    name: Name
    time_zone: Annotated[str, AfterValidator(time_zone)]
    languages: list[Language] = Field(default=["en"], min_length=1, description="name the usual one first")
    unreviewed_languages: list[Language] = []
    carers: bool = True
    radiotherapy_months: int = Field(
        default=6, ge=6, le=60, description="a longer time is more careful; less than 6 months is not"
    )


class _Numbers(_Section):
    emergency: ShortOrPhone
    crisis_line: ShortOrPhone
    day: Phone
    always: Phone = Field(description="the number that is answered day and night")


class _Hours(_Section):
    mo: Spans = ()
    tu: Spans = ()
    we: Spans = ()
    th: Spans = ()
    fr: Spans = ()
    sa: Spans = ()
    su: Spans = ()
    holidays: list[date] = Field(default=[], description="write dates without quotes, such as [2026-12-25, 2026-12-26]")


class _Times(_Section):
    acknowledge_emergency_minutes: int = Field(default=10, ge=1, le=10, description=SHORTER_ONLY)
    acknowledge_12h_minutes: int = Field(default=30, ge=1, le=30, description=SHORTER_ONLY)
    urgent_after_minutes: int = Field(default=5, ge=1, le=5, description=SHORTER_ONLY)
    remind_after_minutes: int = Field(default=15, ge=1, le=15, description=SHORTER_ONLY)
    expire_after_minutes: int = Field(default=60, ge=5, le=60, description=SHORTER_ONLY)
    check_back_12h_minutes: int = Field(default=60, ge=15, le=60, description=SHORTER_ONLY)
    check_back_1w_working_days: int = Field(default=1, ge=1, le=1, description=SHORTER_ONLY)
    check_back_2w_working_days: int = Field(default=2, ge=1, le=2, description=SHORTER_ONLY)
    check_in_days: int = Field(default=7, ge=1, le=7, description=SHORTER_ONLY)


class _Telegram(_Section):
    mode: Literal["polling", "webhook"] = Field(default="polling", description="polling needs nothing else")
    webhook_url: Annotated[str, AfterValidator(_webhook_url)] | None = None
    poll_s: float = Field(default=30, gt=0, le=50, description="Telegram itself ends a request after 50 seconds")


class _Outbox(_Section):
    messages_per_second: float = Field(default=30, gt=0, le=1000, description="Telegram takes about 30")
    messages_per_second_per_chat: float = Field(default=1, gt=0, le=1000, description="Telegram takes about 1")
    burst_per_chat: int = Field(default=3, ge=1, le=100, description="Telegram takes about 3")


class _Web(_Section):
    public_url: Url | None = None
    listen: Annotated[str, AfterValidator(lambda value: listen_address(value) and value)] = "127.0.0.1:8080"
    trusted_proxies: list[Annotated[str, AfterValidator(_proxy)]] = []
    new_sessions_per_hour: int = Field(default=20, ge=1, le=10_000, description="20 is enough for a ward")


class _Store(_Section):
    database: str = Field(default="data/cordwatch.db", min_length=1, description="write the path of the SQLite file")


class _Nurses(_Section):
    leads_need_codes: bool = False


class _Topics(_Section):
    figures: bool = False


class File(_Section):
    clinic: _Clinic
    numbers: _Numbers
    hours: _Hours
    times: _Times = _Times()
    telegram: _Telegram = _Telegram()
    outbox: _Outbox = _Outbox()
    web: _Web = _Web()
    store: _Store = _Store()
    nurses: _Nurses = _Nurses()
    topics: _Topics = _Topics()


def read(path: Path) -> File:
    """The settings in a file. Raises ConfigError naming every problem."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        remedy = f"give the path of a clinic.toml, or write one with `cordwatch init {path}`"
        raise ConfigError(f"{path}: cannot be read ({error}); {remedy}") from error
    return parse(text, path)


def parse(text: str, path: Path) -> File:
    """The settings in the text of a file. Raises ConfigError naming every problem."""
    try:
        file = File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}; mend the line named") from error
    except ValidationError as error:
        raise ConfigError(*(f"{path}: {_complaint(detail)}" for detail in error.errors())) from error
    problems = [f"{path}: {problem}" for problem in _contradictions(file)]
    if problems:
        raise ConfigError(*problems)
    return file


def _complaint(detail: Any) -> str:
    """One complaint of pydantic in an administrator's words."""
    section, *rest = detail["loc"]
    key = rest[0] if rest else None
    fields = File.model_fields
    model = fields[section].annotation if section in fields else None
    where = f"[{section}] {key}" if key is not None else f"[{section}]"
    match detail["type"]:
        case "missing" if key is None:
            return f"{where} is missing; `cordwatch init` writes a complete file"
        case "missing":
            return f"{where} is missing; it is required, and `cordwatch init` asks for it"
        case "extra_forbidden" if section == "telegram" and key in ("token", "webhook_secret"):
            return f"{where} is a secret; remove it here and set the environment variable BOT_TELEGRAM_{key.upper()}"
        case "extra_forbidden":
            known = fields if key is None else getattr(model, "model_fields", {})
            return f"{where} is not a setting; {_did_you_mean(str(key or section), known)}"
    expected = str(detail["ctx"]["error"]) if detail["type"] == "value_error" else _expectation(detail["msg"])
    described = getattr(model, "model_fields", {}).get(key)
    remedy = (described.description if described is not None else None) or _HOW_TO_WRITE.get(
        detail["type"], "correct it"
    )
    return f"{where} must be {expected}, not {detail['input']!r}; {remedy}"


_HOW_TO_WRITE = {
    "bool_type": "write true or false without quotes",
    "string_type": "write it in quotes",
    "list_type": 'write a list such as ["one", "two"]',
    "int_type": "write a whole number without quotes",
    "float_type": "write a number without quotes",
}


def _expectation(message: str) -> str:
    """What pydantic wants, to go on after "must be"."""
    message = re.sub(r"^.*? should (?:be |have )?", "", message)
    return message.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")


def _did_you_mean(value: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(value, names, 1)
    return f"did you mean {close[0]!r}?" if close else f"the settings here are {', '.join(names)}"


def _contradictions(file: File) -> Iterable[str]:
    """What is wrong between settings that are each right by themselves."""
    clinic, times, telegram = file.clinic, file.times, file.telegram
    for language in clinic.languages:
        if language not in available_languages():
            yield f"[clinic] languages must be of {', '.join(available_languages())}, not {language!r}; remove it"
    for language in clinic.unreviewed_languages:
        if language not in clinic.languages:
            yield f"[clinic] unreviewed_languages must be among languages, not {language!r}; add it there or remove it"
    if not any(getattr(file.hours, weekday) for weekday in WEEKDAYS):
        yield "[hours] must be open on at least one day, not on none; write for example mo = '09:00-17:00'"
    if times.remind_after_minutes >= times.expire_after_minutes:
        yield (
            f"[times] expire_after_minutes must be above remind_after_minutes, not {times.expire_after_minutes}; "
            "shorten remind_after_minutes too"
        )
    if telegram.mode == "webhook" and telegram.webhook_url is None:
        yield "[telegram] webhook_url must be an https address, not missing; add it, or set mode = 'polling'"


def available_languages(locales: Path = LOCALES) -> tuple[str, ...]:
    """English, in which the protocol is written, and every language with a patient catalogue."""
    return ("en", *sorted(path.parents[1].name for path in locales.glob("*/LC_MESSAGES/patient.po")))
