"""When requests are due: a rate that may change in time, its arrivals, and each seat's share of them.

Pure arithmetic; two starts of the same plan have the same schedule to the bit.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from k8s.errors import UsageError
from loadtest.worker.scramble import scramble

EVEN: Final = "even"
POISSON: Final = "poisson"
ARRIVALS: Final = (EVEN, POISSON)
"""How arrivals follow each other: evenly spaced over all seats, or by chance, seeded."""
MOST_PER_S: Final = 100_000.0
_MOST_STEPS = 1000
_AT_ONCE = 256
"""Gaps that are drawn at a time."""
_MANTISSA = 53
_SALT = 0x0A881
"""Keeps when requests come independent of which pages they open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateStep:
    """A part of a profile, in which the rate goes from one value to another in a straight line."""

    begin_per_s: float
    end_per_s: float
    seconds: float

    @property
    def arrivals(self) -> float:
        """Arrivals that are due in it."""
        return (self.begin_per_s + self.end_per_s) / 2 * self.seconds


@dataclass(frozen=True, slots=True)
class Profile:
    """A rate over time: steps from the start of the load on; the last rate goes on for ever."""

    steps: tuple[RateStep, ...]
    _starts_s: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _before: tuple[float, ...] = field(init=False, repr=False, compare=False)
    """Arrivals before each step, and before what comes after the last one."""

    def __post_init__(self) -> None:
        rates = [rate for step in self.steps for rate in (step.begin_per_s, step.end_per_s)]
        fine = 0 < len(self.steps) <= _MOST_STEPS and all(0 <= rate <= MOST_PER_S for rate in rates)
        if not fine or not all(0 < step.seconds <= 24 * 3600 for step in self.steps):
            raise UsageError(
                f"load plan: a profile has 1 to {_MOST_STEPS} steps of more than 0 s and at most a day, with "
                f"rates from 0 to {MOST_PER_S:g}"
            )
        if not rates[-1]:
            raise UsageError("load plan: a profile's last rate goes on, so it is above 0")
        object.__setattr__(self, "_starts_s", (0.0, *accumulate(step.seconds for step in self.steps)))
        object.__setattr__(self, "_before", (0.0, *accumulate(step.arrivals for step in self.steps)))

    @property
    def peak_per_s(self) -> float:
        """The greatest rate."""
        return max(max(step.begin_per_s, step.end_per_s) for step in self.steps)

    def arrivals_until(self, elapsed_s: float) -> float:
        """How many arrivals are due within *elapsed_s* seconds after the start, on average."""
        if elapsed_s <= 0:
            return 0.0
        index = bisect_right(self._starts_s, elapsed_s) - 1
        into_s = elapsed_s - self._starts_s[index]
        if index == len(self.steps):
            return self._before[index] + into_s * self.steps[-1].end_per_s
        step = self.steps[index]
        slope = (step.end_per_s - step.begin_per_s) / step.seconds
        return self._before[index] + into_s * (step.begin_per_s + slope * into_s / 2)

    def reached_s(self, arrivals: float) -> float:
        """Seconds after the start until so many arrivals are due: the inverse of ``arrivals_until``."""
        index = bisect_right(self._before, arrivals) - 1
        into = arrivals - self._before[index]
        if index == len(self.steps):
            return self._starts_s[index] + into / self.steps[-1].end_per_s
        step = self.steps[index]
        slope = (step.end_per_s - step.begin_per_s) / step.seconds
        # The root that does not subtract; at the foot of a ramp from 0 both numbers are 0.
        speed = step.begin_per_s + math.sqrt(max(0.0, step.begin_per_s**2 + 2 * slope * into))
        return self._starts_s[index] + (min(step.seconds, 2 * into / speed) if speed else 0.0)


class _Chance:
    """Arrival times of a Poisson process of one arrival a unit, drawn as far as they are asked for."""

    def __init__(self, key: int) -> None:
        self._key = key
        self._sums: list[float] = []

    def at(self, slot: int) -> float:
        """When arrival number *slot* comes."""
        while len(self._sums) <= slot:
            self._draw()
        return self._sums[slot]

    def until(self, reach: float) -> int:
        """How many come up to *reach*."""
        while not self._sums or self._sums[-1] <= reach:
            self._draw()
        return bisect_right(self._sums, reach)

    def _draw(self) -> None:
        reached, first = self._sums[-1] if self._sums else 0.0, len(self._sums)
        for slot in range(first, first + _AT_ONCE):
            # Uniform on (0, 1], with all bits that a float has.
            uniform = ((scramble(self._key + slot) >> (64 - _MANTISSA)) + 1) / (1 << _MANTISSA)
            reached -= math.log(uniform)
            self._sums.append(reached)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerShare:
    """One seat's part of the load: an absolute schedule of arrivals."""

    profile: Profile
    """Of all seats together."""
    seats: int
    seat: int
    chance: _Chance | None = field(default=None, compare=False)
    """None for even arrivals."""

    @property
    def peak_per_s(self) -> float:
        """The seat's greatest rate."""
        return self.profile.peak_per_s / self.seats

    def intended_s(self, slot: int) -> float:
        """Seconds after the start at which the seat's arrival number *slot* (0, 1, ...) is due."""
        if self.chance is not None:
            return self.profile.reached_s(self.chance.at(slot) * self.seats)
        # The seats take turns: every arrival of the profile is one seat's.
        return self.profile.reached_s(slot * self.seats + self.seat)

    def due(self, elapsed_s: float) -> int:
        """How many arrivals are due within *elapsed_s* seconds after the start; the next slot's number."""
        if elapsed_s < 0:
            return 0
        arrivals = self.profile.arrivals_until(elapsed_s)
        if self.chance is not None:
            return self.chance.until(arrivals / self.seats)
        return max(0, math.floor((arrivals - self.seat) / self.seats) + 1)

    def most_within(self, seconds: float) -> int:
        """At most so many arrivals are due in so long a time, but for a chance in 10,000."""
        mean = seconds * self.peak_per_s
        return math.ceil(mean if self.chance is None else mean + 4 * math.sqrt(mean) + 2)


def shares(profile: Profile, seats: int, *, arrivals: str = EVEN, seed: int = 1) -> tuple[WorkerShare, ...]:
    """Split a load over *seats*: evenly spaced together, or each by a chance of its own, Poisson together."""
    return tuple(
        WorkerShare(
            profile=profile,
            seats=seats,
            seat=seat,
            chance=_Chance(scramble(scramble(seed) + _SALT + seat)) if arrivals == POISSON else None,
        )
        for seat in range(seats)
    )


def constant(rate_per_s: float) -> Profile:
    """The same rate all the time."""
    return Profile((RateStep(begin_per_s=rate_per_s, end_per_s=rate_per_s, seconds=1.0),))
