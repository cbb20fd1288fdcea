"""clinic.toml: its sections with their keys and only defaults, and what is said when something else stands there.

A field's alias is the key in the file where they differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from bot.clinic import telephone, values
from bot.clinic.calendar import Span
from dialogs.checks import did_you_mean
from dialogs.toml_file import NotToml, shown, table_of, text_of

LOCALES = Path(__file__).resolve().parents[2] / "locales"
WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
SHORTER_ONLY = "patients' safety rests on it: it may be shortened, never lengthened"


class ConfigError(ValueError):
    """The settings cannot be used. Names file, section, key, value and remedy; one line a problem."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


# --- the sections of clinic.toml ------------------------------------------------------------------------------------

Name = Annotated[str, AfterValidator(values.name)]
Country = Annotated[str, AfterValidator(telephone.country_code)]
OwnNumber = Annotated[str, AfterValidator(lambda value, info: telephone.clinic_number(value, info.context))]
PublicNumber = Annotated[str, AfterValidator(telephone.public_number)]
Languages = Annotated[tuple[Annotated[str, AfterValidator(values.language)], ...], Strict(False)]
Spans = Annotated[tuple[Span, ...], BeforeValidator(values.spans)]
PublicUrl = Annotated[str, AfterValidator(values.public_url)]
WebhookUrl = Annotated[str, AfterValidator(values.webhook_url)]
Zone = Annotated[ZoneInfo, BeforeValidator(lambda value: ZoneInfo(values.time_zone(value)))]
Listen = Annotated[tuple[str, int], BeforeValidator(values.listen_address)]
Proxies = Annotated[tuple[Annotated[str, AfterValidator(values.proxy)], ...], Strict(False)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ClinicSection(Section):
    name: Name
    time_zone: Zone
    country: Country
    languages: Languages = Field(default=("en",), min_length=1, description="name the usual one first")
    unreviewed_languages: Languages = ()
    are_carers_allowed: bool = Field(default=True, alias="carers")
    radiotherapy_months: int = Field(
        default=6, ge=6, le=60, description="a longer time is more careful; less than 6 months is not"
    )

    @model_validator(mode="before")
    @classmethod
    def _of_the_time_zone(cls, section: Any) -> Any:
        """Files from before there was a country are those of the country that their clocks are of."""
        return section | {"country": found} if (found := _country(section)) is not None else section


def _country(section: Any) -> Any:
    """What the section says of its country, in whatever form; else that of its time zone."""
    if not isinstance(section, dict):
        return None
    return section.get("country") or telephone.country_of_zone(str(section.get("time_zone")))


class NumbersSection(Section):
    """As patients see them. `emergency_number` and `crisis_line` are short or freephone where the country's are."""

    emergency_number: PublicNumber = Field(alias="emergency")
    crisis_line: PublicNumber
    day_number: OwnNumber = Field(alias="day")
    always_number: OwnNumber = Field(alias="always", description="the number that is answered day and night")


class HoursSection(Section):
    mo: Spans = ()
    tu: Spans = ()
    we: Spans = ()
    th: Spans = ()
    fr: Spans = ()
    sa: Spans = ()
    su: Spans = ()
    holidays: Annotated[frozenset[date], Strict(False)] = Field(
        default=frozenset(), description="write dates without quotes, such as [2026-12-25, 2026-12-26]"
    )

    @property
    def weekdays(self) -> dict[int, tuple[Span, ...]]:
        return {weekday: getattr(self, name) for weekday, name in enumerate(WEEKDAYS)}


def _minutes(key: str, longest: int, shortest: int = 1) -> Any:
    """A time that the file gives in minutes; its default is the longest."""
    bounds: Any = {"shortest": shortest, "longest": longest}
    return Field(default=timedelta(minutes=longest), alias=key, description=SHORTER_ONLY, json_schema_extra=bounds)


def _days(longest: int) -> Any:
    """A number of days; its default is the longest."""
    return Field(default=longest, ge=1, le=longest, description=SHORTER_ONLY)


class TimesSection(Section):
    """Clinical.md part 4: none may be longer."""

    acknowledge_emergency: timedelta = _minutes("acknowledge_emergency_minutes", 10)
    acknowledge_12h: timedelta = _minutes("acknowledge_12h_minutes", 30)
    urgent_after: timedelta = _minutes("urgent_after_minutes", 5)
    remind_after: timedelta = _minutes("remind_after_minutes", 15)
    expire_after: timedelta = _minutes("expire_after_minutes", 60, shortest=5)
    check_back_12h: timedelta = _minutes("check_back_12h_minutes", 60, shortest=15)
    check_back_1w_working_days: int = _days(1)
    check_back_2w_working_days: int = _days(2)
    check_in_days: int = _days(7)

    @field_validator("*", mode="before")
    @classmethod
    def _read_minutes(cls, value: object, info: ValidationInfo) -> object:
        bounds: Any = cls.model_fields[info.field_name or ""].json_schema_extra
        if bounds is None:
            return value
        if type(value) is not int:
            raise PydanticCustomError("int_type", "Input should be a whole number of minutes")
        if value < bounds["shortest"]:
            raise ValueError(f"at least {bounds['shortest']}")
        if value > bounds["longest"]:
            raise ValueError(f"at most {bounds['longest']}")
        return timedelta(minutes=value)


class TelegramSection(Section):
    mode: Literal["polling", "webhook"] = Field(default="polling", description="polling needs nothing else")
    webhook_url: WebhookUrl | None = None
    poll_s: float = Field(default=30, gt=0, le=50, description="Telegram itself ends a request after 50 seconds")


class OutboxSection(Section):
    messages_per_second: float = Field(default=30, gt=0, le=1000, description="Telegram takes about 30")
    messages_per_second_per_chat: float = Field(default=1, gt=0, le=1000, description="Telegram takes about 1")
    burst_per_chat: int = Field(default=3, ge=1, le=100, description="Telegram takes about 3")


class WebSection(Section):
    public_url: PublicUrl | None = None
    listen: Listen = ("127.0.0.1", 8080)
    trusted_proxies: Proxies = ()
    new_sessions_per_hour: int = Field(default=20, ge=1, le=10_000, description="20 is enough for a ward")


class StoreSection(Section):
    database: str = Field(default="data/cordwatch.db", min_length=1, description="write the path of the SQLite file")


class BackupSection(Section):
    """Copies that the service makes by itself; none without a directory. `pause`: what `every` says."""

    directory: str | None = Field(default=None, min_length=1, description="write the path of a folder on another disk")
    every: Annotated[str, AfterValidator(values.every)] = "1h"
    keep: int = Field(default=48, ge=1, le=100_000, description="48 at one an hour are two days")

    @property
    def pause(self) -> timedelta:
        return values.duration(self.every)


class ProtocolSection(Section):
    path: str | None = Field(default=None, min_length=1, description="write the path of a protocol file or its folder")


class NursesSection(Section):
    must_leads_use_codes: bool = Field(default=False, alias="leads_need_codes")


class TopicsSection(Section):
    shows_figures: bool = Field(default=False, alias="figures")


class File(Section):
    """clinic.toml as a whole."""

    clinic: ClinicSection
    numbers: NumbersSection
    hours: HoursSection
    times: TimesSection = TimesSection()
    telegram: TelegramSection = TelegramSection()
    outbox: OutboxSection = OutboxSection()
    web: WebSection = WebSection()
    store: StoreSection = StoreSection()
    backup: BackupSection = BackupSection()
    protocol: ProtocolSection = ProtocolSection()
    nurses: NursesSection = NursesSection()
    topics: TopicsSection = TopicsSection()


# --- reading the file -----------------------------------------------------------------------------------------------


def read(path: Path) -> File:
    """The settings in a file. Raises ConfigError naming every problem."""
    try:
        return parse(text_of(path), path)
    except FileNotFoundError as error:
        remedy = f"give the path of a clinic.toml, or write one with `cordwatch init {path}`"
        raise ConfigError(f"{path}: cannot be read (there is no such file); {remedy}") from error
    except OSError as error:
        remedy = "give the path of a clinic.toml that the user who runs this may read"
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    except NotToml as error:
        raise ConfigError(f"{path}: {error}") from error


def parse(text: str, path: Path) -> File:
    """The settings in the text of a file. Raises ConfigError naming every problem."""
    try:
        table = table_of(text)
        file = File.model_validate(table, context=_plan(table))
    except NotToml as error:
        raise ConfigError(f"{path}: {error}") from error
    except ValidationError as error:
        raise ConfigError(*(f"{path}: {_complaint(detail)}" for detail in error.errors())) from error
    problems = [f"{path}: {problem}" for problem in _contradictions(file)]
    if problems:
        raise ConfigError(*problems)
    return file


def _plan(table: dict[str, Any]) -> str | None:
    """The country by whose numbering plan numbers are read; None while the file names none."""
    try:
        return telephone.country_code(str(_country(table.get("clinic"))))
    except ValueError:
        return None


def keys(section: str) -> dict[str, Any]:
    """The fields of a section of the file by the keys that stand there; none if there is no such section."""
    model = File.model_fields[section].annotation if section in File.model_fields else None
    fields = getattr(model, "model_fields", {})
    return {field.alias or name: field for name, field in fields.items()}


def _complaint(detail: Any) -> str:
    """One complaint of pydantic in an administrator's words."""
    section, *rest = detail["loc"]
    key = rest[0] if rest else None
    where = f"[{section}] {key}" if key is not None else f"[{section}]"
    match detail["type"]:
        case "missing" if key is None:
            return f"{where} is missing; `cordwatch init` writes a complete file"
        case "missing":
            return f"{where} is missing; it is required, and `cordwatch init` asks for it"
        case "extra_forbidden" if section == "telegram" and key in ("token", "webhook_secret"):
            return f"{where} is a secret; remove it here and set the environment variable BOT_TELEGRAM_{key.upper()}"
        case "extra_forbidden":
            known = File.model_fields if key is None else keys(section)
            return f"{where} is not a setting; {did_you_mean(str(key or section), known)}"
    expected = str(detail["ctx"]["error"]) if detail["type"] == "value_error" else _expectation(detail["msg"])
    field = keys(section).get(str(key))
    remedy = _HOW_TO_WRITE.get(detail["type"]) or (field is not None and field.description) or "correct it"
    return f"{where} must be {expected}, not {shown(detail['input'])}; {remedy}"


_HOW_TO_WRITE = {
    "bool_type": "write true or false without quotes",
    "string_type": "write it in quotes",
    "tuple_type": 'write a list in brackets, such as ["one", "two"]',
    "int_type": "write a whole number without quotes",
    "float_type": "write a number without quotes",
}


def _expectation(message: str) -> str:
    """What pydantic wants, to go on after "must be"."""
    message = re.sub(r"^.*? should (?:be |have )?", "", message)
    message = re.sub(r"\b(?:tuple|frozenset)\b", "list", message)
    return message.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")


def _contradictions(file: File) -> Iterable[str]:
    """What is wrong between settings that are each right by themselves."""
    clinic, times, telegram = file.clinic, file.times, file.telegram
    for language in clinic.languages:
        if language not in available_languages():
            yield f"[clinic] languages must be of {', '.join(available_languages())}, not {language!r}; remove it"
    for language in clinic.unreviewed_languages:
        if language not in clinic.languages:
            yield f"[clinic] unreviewed_languages must be among languages, not {language!r}; add it there or remove it"
    if not any(file.hours.weekdays.values()):
        yield "[hours] must be open on at least one day, not on none; write for example mo = '09:00-17:00'"
    if times.remind_after >= times.expire_after:
        yield (
            f"[times] expire_after_minutes must be above remind_after_minutes, not {times.expire_after.seconds // 60}; "
            "shorten remind_after_minutes too"
        )
    if telegram.mode == "webhook" and telegram.webhook_url is None:
        yield "[telegram] webhook_url must be an https address, not missing; add it, or set mode = 'polling'"


def available_languages(locales: Path = LOCALES) -> tuple[str, ...]:
    """English, in which the protocol is written, and every language with a patient catalogue."""
    return ("en", *sorted(path.parents[1].name for path in locales.glob("*/LC_MESSAGES/patient.po")))
