"""What a use-case is given by whoever calls it, instead of a terminal and a clock of its own.

Everywhere here ``clock`` is the wall clock, seconds since the epoch, for stamps: it can be set, by a person
or by NTP, and goes on while a machine sleeps. ``monotonic`` only goes forward, by seconds of no particular
origin: whatever is waited for, or takes time, is measured with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Say = Callable[[str], None]
"""Takes one line for a person."""
Agree = Callable[[Sequence[str]], None]
"""Shows lines and asks; UsageError when the answer is no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """How a use-case speaks with a person."""

    say: Say
    agree: Agree


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an effect is waited for, in seconds, and by whose clocks."""

    timeout_s: float
    clock: Callable[[], float]
    """Stamps what is seen."""
    monotonic: Callable[[], float]
    """Measures the wait."""
    sleep: Callable[[float], None]


def steady(clock: Callable[[], float], monotonic: Callable[[], float]) -> Callable[[], float]:
    """The wall clock as it is now, and as it would go on if nobody set it: for stamps and waits alike."""
    ahead_s = clock() - monotonic()
    return lambda: monotonic() + ahead_s
