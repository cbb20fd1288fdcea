"""What a new check may believe of earlier ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dialogs.beginning import believed
from dialogs.protocol import load
from tests.kit.driver import MONDAY

PROTOCOL = load()


@pytest.mark.parametrize(
    ("days", "holds", "symptoms"), [(30, 30, ("weakness",)), (31, 30, ()), (3, 2, ()), (2, 2, ("weakness",))]
)
def test_a_confirmed_baseline_is_believed_for_the_days_of_the_protocol(days: int, holds: int, symptoms: tuple) -> None:
    protocol = replace(PROTOCOL, baseline_holds=timedelta(days=holds))
    assert believed({"weakness": MONDAY - timedelta(days=days)}, protocol, MONDAY) == symptoms
