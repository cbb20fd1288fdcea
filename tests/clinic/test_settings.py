"""Settings: what is read, what is refused, and what an administrator is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import available_timezones

import pytest

from bot.clinic.settings import (
    DEMO,
    ConfigError,
    Telegram,
    available_languages,
    load,
    refuse_unreal_numbers,
)
from bot.clinic.values import time_zone

SMALLEST = {
    "clinic": {"name": '"St. Anna"', "time_zone": '"Europe/Amsterdam"'},
    "numbers": {
        "emergency": '"112"',
        "crisis_line": '"113"',
        "day": '"+31 20 123 4567"',
        "always": '"+31 20 123 4568"',
    },
    "hours": {"mo": '"09:00-17:00"'},
}
REGIONS = """
    Africa America Antarctica Arctic Asia Atlantic Australia Brazil Canada Chile Europe Indian Mexico Pacific US
"""
REAL = {"BOT_TELEGRAM_TOKEN": "123456789:AAF-secret"}


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(changes: dict[str, dict[str, str | None]] | None = None, path: Path = Path("ours.toml")) -> Path:
    """The smallest clinic.toml with some keys changed, added or (None) left out."""
    table = {section: dict(keys) for section, keys in SMALLEST.items()}
    for section, keys in (changes or {}).items():
        table.setdefault(section, {}).update(keys)
    lines = []
    for section, keys in table.items():
        lines += [f"[{section}]", *(f"{key} = {value}" for key, value in keys.items() if value is not None)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def refusal(changes: dict[str, dict[str, str | None]]) -> str:
    with pytest.raises(ConfigError) as refused:
        load(write(changes), {})
    return str(refused.value)


def test_the_smallest_file_gives_the_guideline_times():
    config = load(write(), {})
    clinic = config.clinic
    assert (clinic.name, clinic.always_number, clinic.languages) == ("St. Anna", "+31 20 123 4568", ("en",))
    assert (clinic.acknowledge_emergency, clinic.acknowledge_12h) == (timedelta(minutes=10), timedelta(minutes=30))
    assert (clinic.urgent_after, clinic.remind_after, clinic.expire_after) == (
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(minutes=60),
    )
    assert not config.is_demo
    assert not clinic.is_demo


def test_without_a_file_the_demo_clinic_offers_every_language():
    config = load(None, {})
    assert config.is_demo
    assert config.clinic.is_demo
    assert config.clinic.languages == config.clinic.unreviewed_languages == available_languages()
    assert config.database == Path("data/demo.db")


def test_the_demo_file_is_a_good_clinic_file_by_itself():
    assert load(DEMO, {"BOT_DATABASE": "x.db"}).clinic.name == "Demo Cancer Centre"


def test_a_clinic_toml_in_the_working_directory_is_used():
    write(path=Path("clinic.toml"))
    assert load(None, {}).clinic.name == "St. Anna"


def test_the_path_given_wins_over_the_environment_and_the_environment_over_the_directory():
    write(path=Path("clinic.toml"))
    write({"clinic": {"name": '"Second"'}}, Path("second.toml"))
    write({"clinic": {"name": '"Third"'}}, Path("third.toml"))
    assert load(None, {"BOT_CONFIG": "second.toml"}).clinic.name == "Second"
    assert load(Path("third.toml"), {"BOT_CONFIG": "second.toml"}).clinic.name == "Third"


def test_a_file_that_is_named_but_missing_never_means_the_demo():
    with pytest.raises(ConfigError, match=r"gone\.toml: cannot be read .*`cordwatch init gone\.toml"):
        load(None, {"BOT_CONFIG": "gone.toml"})


def test_the_environment_overrides_the_file():
    config = load(
        write({"web": {"listen": '"127.0.0.1:9000"'}}),
        {
            **REAL,
            "BOT_TELEGRAM_API_URL": "http://127.0.0.1:8081/",
            "BOT_TELEGRAM_WEBHOOK_SECRET": "hush-hush",
            "BOT_COOKIE_KEY": "k" * 32,
            "BOT_DATABASE": "deep/er/clinic.db",
            "BOT_LISTEN": "[::1]:8081",
        },
    )
    assert config.listen == ("::1", 8081)
    assert config.telegram.api_url == "http://127.0.0.1:8081"
    assert config.telegram.token is not None
    assert config.telegram.token.get_secret_value() == REAL["BOT_TELEGRAM_TOKEN"]
    assert config.database == Path("deep/er/clinic.db")


def test_secrets_are_never_shown():
    environ = {**REAL, "BOT_TELEGRAM_WEBHOOK_SECRET": "hush-hush", "BOT_COOKIE_KEY": "keep-this-one-" * 3}
    shown = repr(load(write(), environ)) + str(load(write(), environ))
    assert not [secret for secret in environ.values() if secret in shown]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOT_TELEGRAM_TOKEN", "12 34:abc"),
        ("BOT_TELEGRAM_TOKEN", "987654321:…"),
        ("BOT_COOKIE_KEY", "short"),
        ("BOT_TELEGRAM_WEBHOOK_SECRET", "no spaces"),
    ],
)
def test_a_malformed_secret_is_refused_without_showing_it(name, value):
    with pytest.raises(ConfigError, match=f"{name} must be") as refused:
        load(write(), {name: value})
    assert value not in str(refused.value)


@pytest.mark.parametrize("name", ["BOT_TELEGRAM_TOKN", "BOT_TELEGRAM_API_URI", "BOT_DATABSE", "BOT_COOKIE_KEYS"])
def test_a_misspelt_variable_is_refused_with_the_right_one(name):
    with pytest.raises(ConfigError, match=f"{name} is not a variable of Cordwatch's; did you mean BOT_"):
        load(write(), {name: "x"})


def test_a_webhook_without_its_secret_is_refused():
    path = write({"telegram": {"mode": '"webhook"', "webhook_url": '"https://x.org/telegram"'}})
    load(path, {})
    with pytest.raises(ConfigError, match="needs BOT_TELEGRAM_WEBHOOK_SECRET in the environment"):
        load(path, REAL)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOT_LISTEN", "8080"),
        ("BOT_LISTEN", "127.0.0.1:0"),
        ("BOT_LISTEN", "256.1.1.1:80"),
        ("BOT_LISTEN", "localhost:99999"),
        ("BOT_TELEGRAM_API_URL", "api.telegram.org"),
    ],
)
def test_a_malformed_environment_variable_is_named_with_its_value(name, value):
    with pytest.raises(ConfigError, match=f"{name} must be .*, not '{value}'"):
        load(write(), {name: value})


def test_the_database_of_a_file_lies_beside_the_file():
    Path("etc").mkdir()
    assert load(write(path=Path("etc/clinic.toml")), {}).database == Path("etc/data/cordwatch.db")


def test_reading_the_settings_writes_nothing():
    load(None, {})
    assert not list(Path().iterdir())


@pytest.mark.parametrize("key", ["emergency", "crisis_line", "day", "always"])
def test_every_number_is_required(key):
    assert f"[numbers] {key} is missing; it is required" in refusal({"numbers": {key: None}})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"clinic": {"name": None}}, "[clinic] name is missing"),
        ({"clinic": {"name": '""'}}, "[clinic] name must be"),
        ({"clinic": {"nmae": '"x"'}}, "[clinic] nmae is not a setting; did you mean 'name'?"),
        ({"clinics": {"name": '"x"'}}, "[clinics] is not a setting; did you mean 'clinic'?"),
        ({"clinic": {"time_zone": '"Europe/Amstrdam"'}}, "time zone such as 'Europe/Amsterdam', not 'Europe/Amstrdam'"),
        ({"clinic": {"carers": '"yes"'}}, "[clinic] carers must be a valid boolean, not 'yes'; write true or false"),
        ({"clinic": {"languages": '["xx"]'}}, "not 'xx'; remove it"),
        ({"clinic": {"languages": "[]"}}, "[clinic] languages must be at least 1 item"),
        ({"clinic": {"languages": '"en"'}}, "[clinic] languages must be a valid list, not 'en'"),
        ({"clinic": {"unreviewed_languages": '"en"'}}, 'not \'en\'; write a list in brackets, such as ["one", "two"]'),
        ({"clinic": {"time_zone": "1"}}, "[clinic] time_zone must be a time zone such as 'Europe/Amsterdam', not 1"),
        ({"times": {"urgent_after_minutes": '"5"'}}, "urgent_after_minutes must be a whole number of minutes, not '5'"),
        ({"times": {"urgent_after_minutes": '"5"'}}, "not '5'; write a whole number without quotes"),
        ({"times": {"check_in_days": '"5"'}}, "not '5'; write a whole number without quotes"),
        (
            {"times": {"check_in_days": "1_000_000_000_000_000_000_000"}},
            "must be at most 7, not 1000000000000000000000",
        ),
        ({"clinic": {"name": None, "name.a": "{}"}}, "[clinic] name must be a valid string, not {'a': {}}; write it"),
        ({"clinic": {"languages": '"en"'}}, "not 'en'; write a list in brackets"),
        ({"hours": {"holidays": "[2026-13-01]"}}, "2026-13-01 in line 11 is no day of the calendar"),
        ({"clinic": {"name": "“St. Anna”"}}, "is not TOML: Invalid value (at line 2, column 8); mend that line: words"),
        ({"times": {"urgent_after_minutes": "true"}}, "must be a whole number of minutes, not True"),
        ({"times": {"expire_after_minutes": "4"}}, "[times] expire_after_minutes must be at least 5, not 4"),
        ({"clinic": {"unreviewed_languages": '["nl"]'}}, "must be among languages, not 'nl'"),
        ({"clinic": {"radiotherapy_months": "3"}}, "must be at least 6, not 3; a longer time is more careful"),
        ({"numbers": {"day": '"020 123 456"'}}, "[numbers] day must be a telephone number in international form"),
        ({"numbers": {"always": '"112"'}}, "[numbers] always must be a telephone number in international form"),
        ({"numbers": {"day": '"+44 (0)20 79"'}}, "this one cannot be dialled, not '+44 (0)20 79'"),
        ({"numbers": {"crisis_line": '"+31 20 1"'}}, "[numbers] crisis_line must be"),
        (
            {"clinic": {"country": '"UK"'}},
            "[clinic] country must be the two letters of a country, such as",
        ),
        ({"clinic": {"country": '"Netherlands"'}}, "(did you mean 'NL'?), not 'Netherlands'"),
        ({"clinic": {"time_zone": '"US/Eastern"'}}, "[clinic] country is missing; it is required"),
        ({"numbers": {"emergency": '"call 112"'}}, "[numbers] emergency must be a short number such as '112'"),
        ({"numbers": {"emergency": "112"}}, "[numbers] emergency must be a valid string, not 112; write it in quotes"),
        ({"hours": {"mo": '"9-17"'}}, "[hours] mo must be opening hours such as '09:00-17:00'"),
        ({"hours": {"mo": '"17:00-09:00"'}}, "[hours] mo must be opening hours"),
        ({"hours": {"mo": '"09:00-13:00, 12:00-17:00"'}}, "[hours] mo must be opening hours"),
        ({"hours": {"mo": '""'}}, "[hours] must be open on at least one day"),
        ({"hours": {"holidays": '["2026-12-25"]'}}, "write dates without quotes"),
        ({"telegram": {"token": '"123:abc"'}}, "is a secret; remove it here and set the environment variable"),
        ({"telegram": {"mode": '"push"'}}, "[telegram] mode must be 'polling' or 'webhook', not 'push'"),
        ({"telegram": {"mode": '"webhook"'}}, "[telegram] webhook_url must be an https address, not missing"),
        ({"telegram": {"webhook_url": '"http://x.org"'}}, "begins with https://"),
        ({"telegram": {"webhook_url": '"https://x.org"'}}, "path ends with /telegram"),
        ({"telegram": {"webhook_url": '"https://x.org/telegram/hook"'}}, "path ends with /telegram"),
        ({"telegram": {"webhook_url": '"https://x.org:8080/telegram"'}}, "one of the ports 443, 80, 88 and 8443"),
        ({"telegram": {"webhook_url": '"https://x.org:999999/telegram"'}}, "one of the ports 443, 80, 88 and 8443"),
        ({"telegram": {"poll_s": "0"}}, "[telegram] poll_s must be greater than 0, not 0"),
        ({"web": {"trusted_proxies": '["proxy"]'}}, "an IP address or network"),
        ({"web": {"listen": '"8080"'}}, "[web] listen must be host:port"),
        ({"web": {"listen": "8080"}}, "[web] listen must be host:port"),
        ({"web": {"listen": '"127.0.0.1:0"'}}, "[web] listen must be host:port"),
        ({"web": {"listen": '"256.1.1.1:80"'}}, "[web] listen must be host:port"),
        (
            {"web": {"public_url": '"https://x.org/spine"'}},
            "[web] public_url must be a web address with nothing",
        ),
        ({"web": {"public_url": '"http://x.org"'}}, "[web] public_url must be a web address that begins with https://"),
        ({"outbox": {"messages_per_second": "0"}}, "[outbox] messages_per_second must be greater than 0"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_its_remedy(changes, says):
    message = refusal(changes)
    assert message.startswith("ours.toml: ")
    assert says in message


@pytest.mark.parametrize(
    ("key", "longest"),
    [
        ("acknowledge_emergency_minutes", 10),
        ("acknowledge_12h_minutes", 30),
        ("urgent_after_minutes", 5),
        ("remind_after_minutes", 15),
        ("expire_after_minutes", 60),
        ("check_back_12h_minutes", 60),
        ("check_back_1w_working_days", 1),
        ("check_back_2w_working_days", 2),
        ("check_in_days", 7),
    ],
)
def test_a_time_may_be_shortened_but_never_lengthened(key, longest):
    load(write({"times": {key: str(longest)}}), {})
    message = refusal({"times": {key: str(longest + 1)}})
    assert f"[times] {key} must be at most {longest}, not {longest + 1}" in message
    assert "it may be shortened, never lengthened" in message


def test_a_check_does_not_end_before_its_reminder():
    assert "expire_after_minutes must be above remind_after_minutes" in refusal(
        {"times": {"expire_after_minutes": "15"}}
    )


def test_every_problem_is_told_at_once():
    message = refusal({"clinic": {"name": None}, "numbers": {"always": None, "day": '"x"'}})
    assert [line.split(": ")[1].split(" is ")[0].split(" must")[0] for line in message.splitlines()] == [
        "[clinic] name",
        "[numbers] day",
        "[numbers] always",
    ]


def test_what_is_not_toml_is_refused_with_the_line():
    Path("ours.toml").write_text("[clinic\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"ours.toml: is not TOML: .*line 1"):
        load(Path("ours.toml"), {})


def saved(change: Callable[[str], bytes]) -> Path:
    """The smallest file as something else saves it."""
    path = write()
    path.write_bytes(change(path.read_text(encoding="utf-8")))
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
    ],
    ids=["byte order mark", "CR LF", "CR"],
)
def test_what_notepad_and_old_editors_save_is_read(change):
    assert load(saved(change), {}).clinic.name == "St. Anna"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.encode("utf-16"), "ours.toml: is saved as UTF-16; save it again as UTF-8"),
        (lambda text: text.encode("utf-16-be"), "ours.toml: is saved as UTF-16; save it again as UTF-8"),
        (lambda text: text.encode("utf-32"), "ours.toml: is saved as UTF-32; save it again as UTF-8"),
        (
            lambda text: text.replace("St. Anna", "Sté. Anne").encode("latin-1"),
            "ours.toml: is not saved as UTF-8 (line 2 has 'é' of an older encoding); save it again as UTF-8",
        ),
        (
            lambda text: text.replace("St. Anna", "Sté. Anne").replace("\n", "\r").encode("cp1252"),
            "ours.toml: is not saved as UTF-8 (line 2 has 'é' of an older encoding); save it again as UTF-8",
        ),
        (lambda text: text.encode() + b"\0" * 30, "ours.toml: has a zero byte in line 10"),
        (lambda text: text.encode() + b"\n[times]\ncheck_in_days = " + b"9" * 5000, "in line 12; write the one that"),
        (lambda text: text.encode() + b"\n[times]\ncheck_in_days = 0x" + b"f" * 5000, "in line 12; write the one that"),
        (lambda text: text.encode() + b"\nmo = " + b"[" * 5000, "too many brackets within brackets in line 11"),
        (lambda text: text.encode() + b"\ntu = " + b"{a = " * 5000, "too many brackets within brackets in line 11"),
        (lambda text: text.encode() + b"\ntu" + b".a" * 5000 + b" = 1", "[hours] tu must be opening hours"),
        (lambda text: text.encode() + b"\ntu = '" + b"x" * 5000 + b"'", "[hours] tu must be opening hours"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_why_in_one_short_line(change, says):
    with pytest.raises(ConfigError) as refused:
        load(saved(change), {})
    message = str(refused.value)
    assert says in message
    assert len(message) < 300
    assert "\n" not in message
    assert "cordwatch init" not in message


def test_a_file_that_is_not_this_user_s_is_not_to_be_written_anew():
    Path("ours.toml").mkdir()
    with pytest.raises(ConfigError, match=r"ours\.toml: cannot be read \(Is a directory\); give the path"):
        load(Path("ours.toml"), {})


@pytest.mark.parametrize(
    ("zone", "place"),
    [
        ("Etc/GMT+1", "Europe/Amsterdam"),
        ("Etc/GMT-5", "America/New_York"),
        ("Etc/UTC", "Europe/London"),
        ("UTC", "Europe/London"),
        ("GMT0", "Europe/London"),
        ("CET", "Europe/Amsterdam"),
        ("EET", "Europe/Athens"),
        ("EST", "America/New_York"),
        ("PST8PDT", "America/Los_Angeles"),
        ("Factory", "Europe/London"),
        ("localtime", "Europe/London"),
        ("Zulu", "Europe/London"),
        ("amsterdam", "Europe/Amsterdam"),
        ("New York", "America/New_York"),
        ("europe/paris", "Europe/Paris"),
    ],
)
def test_a_time_zone_that_is_no_place_is_refused_with_one_that_is(zone, place):
    with pytest.raises(ValueError, match="a time zone") as refused:
        time_zone(zone)
    assert repr(place) in str(refused.value)


def test_every_zone_that_is_accepted_lies_somewhere():
    """Whatever names the database gets: without a slash only those of countries and cities, never Etc/."""
    accepted = {zone for zone in available_timezones() if is_accepted(zone)}
    assert {zone.partition("/")[0] for zone in accepted if "/" in zone} == set(REGIONS.split())
    assert not {"CET", "EST", "Factory", "GMT", "HST", "UTC", "Zulu", "localtime"} & accepted
    assert {"Europe/Amsterdam", "Poland", "Asia/Kolkata"} <= accepted


def is_accepted(zone: str) -> bool:
    try:
        return time_zone(zone) == zone
    except ValueError:
        return False


def test_opening_hours_become_the_calendar():
    calendar = load(
        write({"hours": {"we": '"8:30-12:30, 13:00-24:00"', "su": '""', "holidays": "[2026-12-25]"}}), {}
    ).clinic.calendar
    assert calendar.hours[2] == ((time(8, 30), time(12, 30)), (time(13), time(0)))
    assert calendar.holidays == {date(2026, 12, 25)}
    assert not calendar.hours[6]


@pytest.mark.parametrize(
    "url",
    ["https://api.telegram.org", "https://API.Telegram.org.", "https://api.telegram.org:443", "http://telegram.org"],
)
def test_the_demo_clinic_is_never_served_on_the_real_telegram(url):
    with pytest.raises(ConfigError, match=r"the demo clinic is not served on .*cordwatch init"):
        refuse_unreal_numbers(load(None, {**REAL, "BOT_TELEGRAM_API_URL": url}))


def test_the_demo_clinic_may_talk_to_a_test_server_or_to_nobody():
    refuse_unreal_numbers(load(None, {**REAL, "BOT_TELEGRAM_API_URL": "http://127.0.0.1:8081"}))
    refuse_unreal_numbers(load(None, {}))
    refuse_unreal_numbers(load(write(), REAL))


def test_a_file_with_a_number_of_the_demo_is_a_demo_clinic_too():
    config = load(write({"numbers": {"always": '"+31 20-555 01 00"'}}), REAL)
    assert config.is_demo
    assert config.clinic.is_demo
    with pytest.raises(ConfigError, match=r"the demo clinic \(ours\.toml bears its numbers\) is not served"):
        refuse_unreal_numbers(config)


def test_a_telegram_look_alike_is_not_the_real_one():
    assert not Telegram(api_url="https://telegram.org.example.net").is_real
