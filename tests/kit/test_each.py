"""A loop inside a test hides nothing."""

from __future__ import annotations

import inspect

import pytest

from tests.kit.each import each


@each("language", ["en", "nl", "tr"])
@each("hour", ["open", "night"])
def is_short(hour: str, language: str, limit: int) -> None:
    assert len(hour + language) < limit


def test_every_value_is_tried_and_every_fault_is_named():
    is_short(limit=8)
    with pytest.raises(AssertionError) as caught:
        is_short(limit=7)
    assert str(caught.value).count("hour night") == 3
    assert all(f"language {one}" in str(caught.value) for one in ("en", "nl", "tr"))


def test_what_is_not_looped_over_is_still_asked_for():
    assert [*inspect.signature(is_short).parameters] == ["limit"]


def test_a_loop_over_nothing_is_refused():
    with pytest.raises(AssertionError, match="no language to try"):
        each("language", [])
