"""The file that `cordwatch init` writes: it says what was given, and keeps the demo clinic's remarks."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.clinic import values
from bot.clinic.new_clinic import SETTINGS, clinic_toml, write
from bot.clinic.settings import DEMO, Config, load

GIVEN = {
    "name": "St. Anna",
    "time_zone": "Europe/Amsterdam",
    "country": "NL",
    "emergency": "112",
    "crisis_line": "113",
    "day": "+31 20 123 4567",
    "always": "+31 20 123 4568",
    "hours": "mo-th 09:00-17:00; fr 09:00-12:00",
    "holidays": "2026-12-26 2026-12-25",
    "languages": "nl en",
}
TEXT = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")) | st.sampled_from("\"'\\{}#=[]$%"))


def written(**changes: str) -> str:
    """The file for these answers."""
    answers = GIVEN | changes
    found = {(one.section, key): value for one in SETTINGS for key, value in one.read(answers[one.option], {}).items()}
    return clinic_toml(found | {("clinic", "unreviewed_languages"): ["nl"]})


def loaded(text: str) -> Config:
    """The settings of a file, by way of the disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clinic.toml"
        write(path, text, is_forced=False)
        return load(path, {})


def is_name(text: str) -> bool:
    try:
        values.name(text)
    except ValueError:
        return False
    return True


@settings(deadline=None)
@given(TEXT.filter(is_name))
def test_any_name_comes_back_as_it_was_given(name):
    assert loaded(written(name=name)).clinic.name == values.name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Kliniek {afdeling}",
        "{{0}} ${x} %s",
        'De "Linde"',
        "Sint 'Jan'",
        "C:\\new\\table",
        '"""',
        "\\",
        "Óscar – 骨 🏥",
    ],
)
def test_a_name_with_signs_that_mean_something_elsewhere_comes_back(name):
    assert loaded(written(name=name)).clinic.name == name


def test_every_answer_comes_back():
    clinic = loaded(written()).clinic
    assert (clinic.always_number, len(clinic.calendar.holidays)) == ("+31 20 123 4568", 2)
    assert (clinic.languages, clinic.unreviewed_languages) == (("nl", "en"), ("nl",))
    assert [days for days, _ in clinic.calendar.week()] == [(0, 1, 2, 3), (4,)]


def test_the_demo_clinic_s_remarks_stay_where_they_stood():
    remarks = re.findall(r"^(\[?\w+\]?)[^#\n]*?( +# .+)$", DEMO.read_text(encoding="utf-8"), re.MULTILINE)
    text = written()
    assert len(remarks) > 15
    for setting, remark in remarks:
        assert re.search(rf"^{re.escape(setting)}.*{re.escape(remark)}$", text, re.MULTILINE), setting


def test_nothing_of_the_demo_clinic_s_own_heading_is_left():
    text = written()
    assert "demo clinic" not in text
    assert "Left out here" not in text


def test_a_setting_that_the_demo_clinic_does_not_show_is_not_dropped_silently():
    with pytest.raises(KeyError, match=r"clinic\.motto"):
        clinic_toml({("clinic", "motto"): "Care"})
