"""The clock on the wall against one that nobody sets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.health.clock import ClockWatch
from tests.kit.clinic import Clock

HOUR = timedelta(hours=1)


class Clocks:
    """One on the wall, which somebody may set, and one that only goes on."""

    def __init__(self) -> None:
        self.wall, self.steady_s = Clock(), 1000.0
        self.watch = ClockWatch(self.wall, lambda: self.steady_s)

    def pass_by(self, duration: timedelta) -> None:
        self.wall.move(duration)
        self.steady_s += duration.total_seconds()


@pytest.mark.parametrize("step", [-2 * HOUR, 24 * HOUR, timedelta(seconds=90)])
def test_a_clock_that_was_set_is_off_by_so_much_until_it_is_set_right(step, caplog):
    clocks = Clocks()
    clocks.wall.move(step)
    assert clocks.watch.off() == step
    clocks.pass_by(10 * HOUR)
    assert clocks.watch.off() == step
    clocks.wall.move(-step)
    assert clocks.watch.off() == timedelta(0)
    assert caplog.text.count("the clock was set by") == 2


def test_a_clock_that_is_kept_right_in_small_steps_never_is_off():
    clocks = Clocks()
    for _ in range(1000):
        clocks.pass_by(HOUR)
        clocks.wall.move(timedelta(seconds=1))
        assert clocks.watch.off() == timedelta(0)


def test_a_clock_behind_what_the_database_knows_is_off_from_the_start_on():
    clocks = Clocks()
    clocks.watch.known = clocks.wall() + 2 * HOUR
    assert clocks.watch.off() == -2 * HOUR
    clocks.wall.move(2 * HOUR + timedelta(minutes=5))
    assert clocks.watch.off() == timedelta(0)
    clocks.wall.move(-2 * HOUR)
    assert clocks.watch.off() < -HOUR
