"""The time of a run, by a clock that only goes forward, beside a wall clock that can be set.

X-Ray's time axis is the wall clock: windows are spans of it. Their lengths are not: a wall clock that is set
back by ten minutes must not make the load go on for ten minutes, nor one set forward end it. So the wall
clock is read once, the seconds since then are counted by the monotonic clock, and at each look the wall clock
is compared with where those seconds put it.

A window ends where the clock was set in it. The lab's pods stamp their spans by this machine's clock, so what
they do afterwards is elsewhere on X-Ray's axis; the load generators stamp theirs by the clock as it was when
the window began. A window that covered both would be as long as the step, and hold what others did in that
time. What was before the step is one piece, with the counts that belong to it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from loadtest.record import ClockStep, Window

STEP_S: Final = 1.0
"""How far the wall clock may be from where the seconds put it.

Less is lost in the quiet time around a window (1.5 s), so it moves no call across a border. NTP slews what is
small, which both clocks follow, and steps what is large: ntpd above 0.128 s, chrony above 1 s at its start.
"""
_APART_S: Final = 0.05
_TRIES: Final = 5


@dataclass(slots=True, kw_only=True)
class Chronometer:
    """Tells the wall-clock time as if that clock were never set, and notices when it is."""

    clock: Callable[[], float]
    """Wall clock, seconds since the epoch."""
    monotonic: Callable[[], float]
    """Seconds that only go forward."""
    steps: list[ClockStep] = field(default_factory=list)
    """Those that were noticed, in order."""
    _ahead_s: float = field(init=False)
    """The wall clock minus the monotonic one, as of the last step."""

    def __post_init__(self) -> None:
        self._ahead_s = self._apart_s()

    def now_s(self) -> float:
        """Seconds since the epoch, by the wall clock as it was at the last look."""
        return self.monotonic() + self._ahead_s

    def look(self, during: str) -> ClockStep | None:
        """Compare the clocks; the step, where there was one since the last look.

        A machine that slept is one, too: its monotonic clock stood still, so no load was sent meanwhile.
        """
        step_s = self._apart_s() - self._ahead_s
        if abs(step_s) <= STEP_S:
            return None
        step = ClockStep(at_s=self.now_s(), step_s=step_s, during=during)
        self._ahead_s += step_s
        self.steps.append(step)
        return step

    def _apart_s(self) -> float:
        """Read at one moment: a process that is held up between two readings looks like a step."""
        for _ in range(_TRIES):
            before_s = self.monotonic()
            wall_s = self.clock()
            after_s = self.monotonic()
            if after_s - before_s <= _APART_S:
                break
        return wall_s - after_s


@dataclass(slots=True)
class Timer:
    """A window that begins now, by the wall clock as it is now, and is as long as the seconds since."""

    chronometer: Chronometer
    start_s: float = field(init=False)
    _began_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.start_s = self.chronometer.now_s()
        self._began_s = self.chronometer.monotonic()

    def window(self) -> Window:
        """From its beginning to now."""
        return Window(start_s=self.start_s, end_s=self.start_s + self.chronometer.monotonic() - self._began_s)


def told(step: ClockStep) -> str:
    """The step in words."""
    way = "forward" if step.step_s > 0 else "back"
    slept = ", or the machine slept" if step.step_s > 0 else ""
    return f"the wall clock of this machine was set {way} by {abs(step.step_s):.1f} s{slept}"
