"""`cordwatch check`: what it passes starts, and what it refuses would not have started."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.cli.test_init import flags
from tests.kit.command import cordwatch

KOLKATA = ZoneInfo("Asia/Kolkata")


def test_check_says_what_time_it_is_at_the_clinic():
    assert cordwatch("init", *flags(time_zone="Asia/Kolkata")).exit_code == 0
    before = datetime.now(UTC)
    shown = cordwatch("check").stdout
    now = [before + timedelta(minutes=minutes) for minutes in range(2)]
    assert any(f"time {at.astimezone(KOLKATA):%A %H:%M} at the clinic (Asia/Kolkata)" in shown for at in now)


def test_check_refuses_a_time_zone_that_is_no_place():
    assert cordwatch("init", *flags()).exit_code == 0
    path = Path("clinic.toml")
    path.write_text(path.read_text(encoding="utf-8").replace("Europe/Amsterdam", "Etc/GMT+1"), encoding="utf-8")
    result = cordwatch("check")
    assert result.exit_code == 1
    assert "time_zone must be a time zone with a place such as 'Europe/Amsterdam'" in result.stderr
