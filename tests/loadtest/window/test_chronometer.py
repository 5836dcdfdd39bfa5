"""Time of a run: seconds by the clock that only goes forward, steps of the other one noticed and named."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.record import ClockStep
from loadtest.window.chronometer import STEP_S, Chronometer, told


@dataclass
class Clocks:
    """Two clocks, of which one can be set."""

    monotonic_s: float = 50.0
    ahead_s: float = 1_000_000.0
    held_up_s: float = 0.0
    """How long the process is held up at the next reading of the wall clock."""

    def wall(self) -> float:
        self.monotonic_s, self.held_up_s = self.monotonic_s + self.held_up_s, 0.0
        return self.monotonic_s + self.ahead_s

    def chronometer(self) -> Chronometer:
        return Chronometer(clock=self.wall, monotonic=lambda: self.monotonic_s)


@given(
    waits=st.lists(st.floats(min_value=0.01, max_value=3600), max_size=10),
    slews=st.lists(st.floats(min_value=-STEP_S / 20, max_value=STEP_S / 20), max_size=10),
)
def test_seconds_are_counted_and_small_corrections_are_no_steps(waits: list[float], slews: list[float]):
    """However long: the time is the first reading plus the seconds since."""
    clocks = Clocks()
    time = clocks.chronometer()
    for wait_s, slew_s in zip(waits, slews, strict=False):
        clocks.monotonic_s += wait_s
        clocks.ahead_s += slew_s
        assert time.look("measuring") is None
    assert time.now_s() == pytest.approx(clocks.monotonic_s + 1_000_000.0)
    assert time.steps == []


@given(step_s=st.floats(min_value=-1e6, max_value=1e6).filter(lambda one: abs(one) > STEP_S + 0.001))
def test_a_step_is_told_once_with_its_size(step_s: float):
    """By the old time; then the new one is gone by."""
    clocks = Clocks()
    time = clocks.chronometer()
    clocks.monotonic_s += 10
    clocks.ahead_s += step_s

    step = time.look("measuring")

    assert step is not None
    assert step.step_s == pytest.approx(step_s)
    assert step.at_s == pytest.approx(1_000_060.0)
    assert time.look("measuring") is None
    assert time.now_s() == pytest.approx(1_000_060.0 + step_s)
    assert time.steps == [step]


def test_small_steps_add_up():
    """Half a second each goes unnoticed once, not three times."""
    clocks = Clocks()
    time = clocks.chronometer()
    seen = []
    for _ in range(3):
        clocks.ahead_s += 0.5
        seen.append(time.look("measuring"))
    assert [one is None for one in seen] == [True, True, False]


def test_a_process_that_is_held_up_between_two_readings_sees_no_step():
    """Stopped for ten seconds in the middle of a look, e.g. by Ctrl-Z: both clocks went on."""
    clocks = Clocks()
    time = clocks.chronometer()
    clocks.held_up_s = 10.0

    assert time.look("measuring") is None


def test_words():
    """Which way, how far; a clock that went on may be one of a machine that slept."""
    back = ClockStep(at_s=1.0, step_s=-600.04, during="measuring")
    forward = ClockStep(at_s=1.0, step_s=5.0, during="measuring")
    assert told(back) == "the wall clock of this machine was set back by 600.0 s"
    assert told(forward).endswith("was set forward by 5.0 s, or the machine slept")
