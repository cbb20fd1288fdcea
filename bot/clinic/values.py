"""How one value of clinic.toml or the environment is read. Each raises ValueError that says what it must be."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from bot.clinic.calendar import Span


def name(value: str) -> str:
    """What patients call the clinic: one line of 1 to 80 characters."""
    cleaned = " ".join(value.split())
    if not cleaned or len(cleaned) > 80 or not cleaned.isprintable():
        raise ValueError("one line of 1 to 80 characters, as patients call it")
    return cleaned


COUNTRIES = """
    Cuba Egypt Eire GB GB-Eire Hongkong Iceland Iran Israel Jamaica Japan Kwajalein Libya NZ NZ-CHAT Navajo PRC Poland
    Portugal ROC ROK Singapore Turkey W-SU
"""
"""The names of the time zone database that are a place without a slash. Its others, such as CET, are nobody's clock."""
KNOWN_PLACES = {
    timedelta(hours=-10): "Pacific/Honolulu",
    timedelta(hours=-8): "America/Los_Angeles",
    timedelta(hours=-7): "America/Denver",
    timedelta(hours=-6): "America/Chicago",
    timedelta(hours=-5): "America/New_York",
    timedelta(hours=0): "Europe/London",
    timedelta(hours=1): "Europe/Amsterdam",
    timedelta(hours=2): "Europe/Athens",
    timedelta(hours=3): "Europe/Istanbul",
    timedelta(hours=8): "Asia/Singapore",
    timedelta(hours=9): "Asia/Tokyo",
}
"""A place that many know, by what its clocks are ahead of UTC in winter."""
MIDWINTER = datetime(2026, 1, 15, tzinfo=UTC)


def time_zone(value: object) -> str:
    """A name of the IANA time zone database that is a place, so that clocks show and change what they do there."""
    if not isinstance(value, str) or value not in available_timezones():
        raise ValueError(f"a time zone such as {_near_place(str(value))!r}")
    if not _is_place(value):
        raise ValueError(f"a time zone with a place such as {_place_meant(value)!r}, whose clocks are the clinic's")
    return value


def _is_place(zone: str) -> bool:
    return not zone.startswith("Etc/") if "/" in zone else zone in COUNTRIES.split()


def _near_place(value: str) -> str:
    """The place whose name, or the end of whose name, is most like it."""
    cities = {name.rpartition("/")[2].lower(): name for name in filter(_is_place, available_timezones())}
    wanted = value.strip().replace(" ", "_")
    near = [cities.get(wanted.lower()), *get_close_matches(wanted, cities.values(), 1)]
    return next(filter(None, near), "Europe/Amsterdam")


def _place_meant(zone: str) -> str:
    """Etc/GMT+1 is one hour behind UTC, and whoever writes it means the opposite."""
    ahead = MIDWINTER.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    return KNOWN_PLACES.get(-ahead if zone.startswith("Etc/GMT") else ahead, "Europe/Amsterdam")


def spans(value: object) -> tuple[Span, ...]:
    """Opening hours such as "09:00-12:30, 13:00-17:00"; nothing for closed."""
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


def language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(_[A-Z][A-Za-z]+)?", value):
        raise ValueError("a language code such as 'nl' or 'pt_BR'")
    return value


def web_url(value: str) -> str:
    """An address that begins with http:// or https://."""
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError("a web address such as 'https://check.example.org'")
    return value.rstrip("/")


def public_url(value: str) -> str:
    """Where patients' browsers find the service: https, and nothing behind the host."""
    address = web_url(value)
    url = urlsplit(address)
    if url.scheme != "https" and url.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("a web address that begins with https://, because browsers keep no cookie of ours without it")
    if url.path:
        raise ValueError("a web address with nothing behind the host, such as 'https://check.example.org'")
    return address


def webhook_url(value: str) -> str:
    value = web_url(value)
    if not value.startswith("https://"):
        raise ValueError("a web address that begins with https://, because Telegram calls no other")
    url = urlsplit(value)
    if not re.fullmatch(r"[^:]+|.*\]|.*:(443|80|88|8443)", url.netloc):
        raise ValueError("a web address at one of the ports 443, 80, 88 and 8443, because Telegram calls no other")
    if not url.path.endswith("/telegram"):
        raise ValueError("a web address whose path ends with /telegram, because the service listens there to Telegram")
    return value


def proxy(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError("an IP address or network such as '127.0.0.1' or '10.0.0.0/8'") from None
    return value


def listen_address(value: object) -> tuple[str, int]:
    """Host and port; not port 0, which would be another one at each start."""
    wrong = ValueError("host:port such as '127.0.0.1:8080', with a port from 1 to 65535")
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})", str(value))
    if match is None or not 1 <= int(match[3]) <= 65535:
        raise wrong
    if match[1] or re.fullmatch(r"[0-9.]+", match[2]):
        try:
            ip_address(match[1] or match[2])
        except ValueError:
            raise wrong from None
    return match[1] or match[2], int(match[3])


def duration(value: str) -> timedelta:
    """A whole number of minutes, hours or days."""
    match = re.fullmatch(r"([1-9]\d{0,3})([mhd])", value)
    if match is None:
        raise ValueError("a time such as '5m', '1h' or '1d'")
    unit = {"m": "minutes", "h": "hours", "d": "days"}[match[2]]
    return timedelta(**{unit: int(match[1])})


def every(value: str) -> str:
    """How often, as `duration` reads it; never so seldom that a backup is an old one."""
    if duration(value) > timedelta(days=1):
        raise ValueError("at most '1d'")
    return value
