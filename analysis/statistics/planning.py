"""How long to measure: blocks for a wanted precision or power, and what a run of fixed length would give.

What counts is effective connections (``analysis/statistics/clusters.py``). Clients that keep their
connections choose once a block, however long it is: then more blocks help and longer ones do not.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from analysis.statistics import blocks, sequential, shares, stats
from analysis.statistics.arrays import Numbers
from analysis.statistics.clusters import ALL, ArmShare, StratumShare, Unit
from k8s.errors import UsageError

LEAST_BLOCKS: Final = blocks.FEW
MOST_BLOCKS: Final = 48
LONGEST_S: Final = 24 * 3600.0
"""Of one arm in one block, and of a run of fixed length."""
_MOST_N: Final = 1e9
_MIDDLES: Final = (np.arange(512) + 0.5) / 512
"""Quantiles over which the clients' rates and the spread between blocks are averaged."""
_EXPERIMENTS: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What one arm's calls are like while it is measured."""

    calls_per_s: float
    design_effect: float | None = None
    """Calls-weighted mean calls of a connection (or those after which it is renewed); None if connections
    last as long as a block.
    """
    clients: int | None = None
    """Who may hold a connection at a time: users, or pods times pool size; needed if connections are kept,
    and of use where a block holds few calls of each.
    """
    unevenness: float = 0.0
    """Squared coefficient of variation of the clients' rates."""

    def __post_init__(self) -> None:
        if self.design_effect is None and self.clients is None:
            raise UsageError("planning: give the design effect, or the clients that keep their connections")
        if self.calls_per_s <= 0 or (self.design_effect or 1) < 1 or (self.clients or 1) < 1:
            raise UsageError("planning: rate above 0, design effect and clients of at least 1, please")

    def effective_n(self, seconds: float) -> float:
        """Independent choices of an endpoint in so many seconds that begin with new connections."""
        calls = self.calls_per_s * seconds
        if self.clients is None:
            return calls / (self.design_effect or 1.0)
        return calls / _connection_size(calls / self.clients, self.unevenness, self.design_effect)


def _connection_size(mean: float, unevenness: float, renewed_after: float | None) -> float:
    """sum(n^2) / sum(n) over connections of clients that make *mean* calls each.

    Clients' calls are Poisson with gamma rates; a gamma of the same mean and variance stands for them.
    """
    shape = mean / (1 + unevenness * mean)
    made = np.round(special.gammaincinv(shape, _MIDDLES) * (mean / shape))
    if not made.any():
        return 1.0
    keep = renewed_after or float(made.max())
    whole = np.floor(made / keep)
    squares = whole * keep**2 + (made - whole * keep) ** 2
    return max(1.0, float(squares.sum() / made.sum()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """The difference's interval is to be at most this wide to either side, on average."""

    half_width: float
    """Of the difference of shares, a fraction."""
    baseline: float = 1 / 3
    candidate: float = 1 / 3
    """Expected shares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A change of this size is to be found with this probability."""

    shift: float
    """Candidate minus baseline share; a fraction, not 0."""
    power: float = 0.8
    baseline: float = 1 / 3

    def __post_init__(self) -> None:
        if not 0 <= self.baseline + self.shift <= 1 or not self.shift or not 0 < self.power < 1:
            raise UsageError(
                f"planning: a shift of {self.shift:g} from {self.baseline:g} at power {self.power:g}: shares "
                "and power lie between 0 and 1, and no shift cannot be found"
            )


Goal = Precision | Detection


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What blocks cost."""

    arms: int = 2
    settle_s: float = 30.0
    """Without measurement before each arm of each block: hints, new connections, warm-up."""
    least_block_s: float = 10.0
    """Shortest measurement of an arm in a block."""
    looks: int = 1
    """Evenly over the blocks (``looks_after``); more than one lets the experiment stop early."""
    seed: int = 1
    """Of the Monte Carlo that finds the power of more than one look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPlan:
    """The shortest experiment that reaches the goal."""

    blocks: int
    block_s: float
    """Measurement of one arm in one block."""
    total_s: float
    """All arms of all blocks, settling included, if no look stops it."""
    load_s: float
    """Measurement of one arm over all blocks."""
    effective_n: float
    """Of one arm over all blocks."""
    half_width: float
    """Expected, of the difference of two arms."""
    power: float | None
    """Promised, for a Detection; None for a Precision."""
    looks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedRun:
    """One uninterrupted run of each arm."""

    seconds: float
    """Of one arm."""
    effective_n: float
    half_width: float
    """Of the difference; without what drifts between the runs, which one run each cannot tell."""


def fixed_run(
    traffic: Traffic, seconds: float, *, baseline: float = 1 / 3, candidate: float = 1 / 3
) -> FixedRun:
    """How precise one run of each arm of so many seconds would be."""
    n = traffic.effective_n(seconds)
    half = half_width(n, baseline, candidate)
    return FixedRun(seconds=seconds, effective_n=n, half_width=half)


def fixed_seconds(traffic: Traffic, goal: Precision) -> FixedRun | None:
    """The shortest run of each arm that is as precise; None if even a day is not."""

    def enough(seconds: float) -> bool:
        return half_width(traffic.effective_n(seconds), goal.baseline, goal.candidate) <= goal.half_width

    seconds = _least(enough, 1 / traffic.calls_per_s, LONGEST_S)
    if seconds is None:
        return None
    return fixed_run(traffic, seconds, baseline=goal.baseline, candidate=goal.candidate)


def half_width(n: float, baseline: float, candidate: float, *, level: float = stats.LEVEL) -> float:
    """Of the difference of shares from *n* effective connections in each arm (Newcombe)."""
    arms = [
        ArmShare(
            unit=Unit.CONNECTION,
            strata=(StratumShare(stratum=ALL, calls=n, share=share, effective_n=max(1.0, n), clusters=1),),
        )
        for share in (baseline, candidate)
    ]
    interval = shares.difference(arms[0], arms[1], level=level).interval
    return (interval.high - interval.low) / 2


def power(n: float, count: int, goal: Detection, *, level: float = stats.LEVEL) -> float:
    """Probability of finding the shift with *n* effective connections an arm over *count* blocks.

    Normal approximation, averaged over how far the blocks fall apart by chance, since that widens the
    interval (``blocks.stretch``).
    """
    candidate = goal.baseline + goal.shift
    variance = goal.baseline * (1 - goal.baseline) + candidate * (1 - candidate)
    error = math.sqrt(max(variance, 1e-12) / n)
    half = half_width(n, goal.baseline, candidate, level=level) * _stretches(count, level)
    found = special.ndtr((abs(goal.shift) - half) / error)
    return float(np.mean(found + special.ndtr((-abs(goal.shift) - half) / error)))


def power_of_looks(n: float, count: int, looks: int, goal: Detection, *, seed: int) -> float:
    """The same with looks after ``looks_after(count, looks)`` blocks, by Monte Carlo of the blocks."""
    candidate = goal.baseline + goal.shift
    variance = goal.baseline * (1 - goal.baseline) + candidate * (1 - candidate)
    error = math.sqrt(max(variance, 1e-12) / n * count)
    rng = np.random.default_rng(seed)
    drawn = rng.standard_normal((_EXPERIMENTS, count)) * error + goal.shift
    after = looks_after(count, looks)
    limits = sequential.boundaries(tuple(one / count for one in after))
    found = np.zeros(_EXPERIMENTS, dtype=bool)
    for seen, limit in zip(after, limits, strict=True):
        level = math.erf(limit / math.sqrt(2))
        ratio = drawn[:, :seen].var(axis=1, ddof=1) / error**2
        half = half_width(n * seen / count, goal.baseline, candidate, level=level)
        found |= np.abs(drawn[:, :seen].mean(axis=1)) > half * blocks.stretch(ratio, seen, level=level)
    return float(found.mean())


def looks_after(count: int, looks: int) -> tuple[int, ...]:
    """After how many blocks to look: evenly, the last after all; UsageError if the first is before two.

    With one block nothing is known of what differs between blocks, and a look then errs too often.
    """
    if count < 2 * looks:
        raise UsageError(f"planning {looks} looks at {count} blocks: a look takes two blocks")
    return tuple(round(count * (one + 1) / looks) for one in range(looks))


def _stretches(count: int, level: float) -> Numbers:
    if count < 2:  # noqa: PLR2004 - one block has no spread
        return np.ones(1)
    return blocks.stretch(special.chdtri(count - 1, 1 - _MIDDLES) / (count - 1), count, level=level)


def plan(goal: Goal, traffic: Traffic, limits: Limits | None = None) -> BlockPlan:
    """The number and length of blocks that reach the goal in the least time; UsageError if none can."""
    limits = limits or Limits()
    cycle = blocks.cycle(limits.arms)
    found = []
    for count in range(cycle, MOST_BLOCKS + 1, cycle):
        if count < max(LEAST_BLOCKS, 2 * limits.looks):
            continue
        needed = _needed(goal, count, limits)

        def enough(seconds: float, count: int = count, needed: float = needed) -> bool:
            return count * traffic.effective_n(seconds) >= needed

        seconds = _least(enough, limits.least_block_s, LONGEST_S)
        if seconds is not None:
            found.append(_made(goal, traffic, limits, count, seconds))
    if not found:
        most = MOST_BLOCKS * traffic.effective_n(LONGEST_S)
        raise UsageError(
            f"planning: {MOST_BLOCKS} blocks of a day give {most:.0f} effective connections an arm, not "
            "enough; give clients more connections, renew them, or ask for less"
        )
    return min(found, key=lambda one: one.total_s)


def _made(goal: Goal, traffic: Traffic, limits: Limits, count: int, seconds: float) -> BlockPlan:
    n = count * traffic.effective_n(seconds)
    candidate = goal.candidate if isinstance(goal, Precision) else goal.baseline + goal.shift
    wide = half_width(n, goal.baseline, candidate) * float(_stretches(count, stats.LEVEL).mean())
    promised = None
    if isinstance(goal, Detection):
        promised = _power(n, count, goal, limits)
    return BlockPlan(
        blocks=count,
        block_s=seconds,
        total_s=limits.arms * count * (seconds + limits.settle_s),
        load_s=count * seconds,
        effective_n=n,
        half_width=wide,
        power=promised,
        looks=limits.looks,
    )


def _power(n: float, count: int, goal: Detection, limits: Limits) -> float:
    if limits.looks < 2:  # noqa: PLR2004 - a single look is no looking
        return power(n, count, goal)
    return power_of_looks(n, count, limits.looks, goal, seed=limits.seed)


def _needed(goal: Goal, count: int, limits: Limits) -> float:
    """Effective connections of an arm over all blocks."""
    stretch = float(_stretches(count, stats.LEVEL).mean())

    def enough(n: float) -> bool:
        if isinstance(goal, Precision):
            return half_width(n, goal.baseline, goal.candidate) * stretch <= goal.half_width
        return _power(n, count, goal, limits) >= goal.power

    n = _least(enough, 1.0, _MOST_N)
    return math.inf if n is None else n


def _least(enough: Callable[[float], bool], low: float, high: float) -> float | None:
    """The least number between that is enough, to a thousandth; None if the greatest is not."""
    if enough(low):
        return low
    if not enough(high):
        return None
    while high > low * 1.001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
