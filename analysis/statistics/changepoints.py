"""When the same-zone share of a history of runs changed.

Binary segmentation (A. J. Scott and M. Knott, Biometrics 30 (1974) 507) of the weighted CUSUM statistic, each
split tested by permutation (J. Antoch and M. Huskova, Statistics and Probability Letters 53 (2001) 37), as
performance tests in continuous integration do it (D. Daly et al., ICPE 2020, 67). Runs are taken for
exchangeable, not for normal, and their spread may be any: the history itself shows it, beyond what the
intervals say.

False alarms: each part of the history is tested at *alarm* (5 %) times its share of the runs. So one is
raised with that probability where nothing changed, and with no more anywhere between the changes of a history
that has some; permutations make that exact but for their number. In 6 runs no order is rare enough, so fewer
than LEAST_RUNS are not judged.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Final

import numpy as np

from analysis.statistics.arrays import Numbers
from analysis.statistics.interval import Interval

ALARM: Final = 0.05
PERMUTATIONS: Final = 1999
LEAST_RUNS: Final = 8
LONG: Final = 1000
"""Above so many runs permutations are made in parts: no more of them than the answer takes, or than fit."""
FINE: Final = 10.0
"""Of a long history's short parts, which are tested at a small level: permutations for one chance alarm."""
_ROOM: Final = 1_000_000
"""Numbers of permuted runs that are held at a time."""
SIDE: Final = 2
"""Runs on either side of a change; one odd run is an outlier, not a change."""
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change between two runs."""

    index: int
    """The first run after it, 0-based."""
    before: float
    """Weighted mean of the runs since the change before (or the start)."""
    after: float
    """... until the next change (or the end)."""
    p_value: float
    """Of the permutation test of this split."""

    @property
    def shift(self) -> float:
        """After minus before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The changes of a history."""

    changes: tuple[Change, ...]
    """By index."""
    runs: int
    enough: bool
    """Whether there were runs enough to find any."""
    alarm: float
    """Probability of finding any change where there is none."""


def changes(
    runs: Sequence[Interval], *, seed: int, alarm: float = ALARM, permutations: int = PERMUTATIONS
) -> History:
    """The changes in runs in the order of time; the same seed finds the same.

    Runs weigh with the inverse square of their interval's width, but none more than ten times the lightest.
    """
    size = len(runs)
    if size < LEAST_RUNS:
        return History(changes=(), runs=size, enough=False, alarm=alarm)
    values = np.array([run.estimate for run in runs])
    weights = _weights(runs)
    rng = np.random.default_rng(seed)
    found: dict[int, float] = {}
    open_ = [(0, size)]
    while open_:
        start, end = open_.pop()
        part = slice(start, end)
        level = alarm * (end - start) / size
        tries = permutations if size <= LONG else max(permutations, math.ceil(FINE / level))
        split, p_value = _split(values[part], weights[part], rng, tries, level if size > LONG else 1.0)
        if split is None or p_value > level:
            continue
        found[start + split] = p_value
        open_ += [(start, start + split), (start + split, end)]
    return History(changes=_described(found, values, weights), runs=size, enough=True, alarm=alarm)


def _weights(runs: Sequence[Interval]) -> Numbers:
    errors = [(run.high - run.low) / 2 / _NORMAL.inv_cdf(0.5 + run.level / 2) for run in runs]
    squares = np.maximum(np.square(errors), 1e-12)
    # An interval cannot know of what differs between runs, so no run may outweigh all others.
    return np.asarray(np.minimum(squares.max() / squares, 10.0), dtype=float)


def _cusum(values: Numbers, weights: Numbers) -> Numbers:
    """|weighted difference of the means after and before| in its own scale, for each allowed split.

    Of shape (..., splits); the first split has SIDE runs before it.
    """
    below = np.cumsum(weights, axis=-1)
    total = below[..., -1:]
    centre = (weights * values).sum(axis=-1, keepdims=True) / total
    walk = np.cumsum(weights * (values - centre), axis=-1)
    scale = np.sqrt(below * (total - below) / total)
    inner = slice(SIDE - 1, values.shape[-1] - SIDE)
    return np.asarray(np.abs(walk[..., inner]) / np.maximum(scale[..., inner], 1e-300), dtype=float)


def _split(
    values: Numbers, weights: Numbers, rng: np.random.Generator, permutations: int, level: float
) -> tuple[int | None, float]:
    """The best split and the p-value of there being none; where that is above *level*, any such one."""
    size = len(values)
    if size < 2 * SIDE or np.ptp(values) < 1e-12:  # noqa: PLR2004 - a rounding error is no change
        return None, 1.0
    seen = _cusum(values, weights)
    as_far, tried = 0, 0
    # Rows are shuffled one after the other, so that the parts make what one piece would.
    rows = max(1, _ROOM // size) if level < 1 else permutations
    while tried < permutations:
        count = min(rows, permutations - tried)
        order = rng.permuted(np.tile(np.arange(size), (count, 1)), axis=1)
        chance = _cusum(values[order], weights[order]).max(axis=-1)
        as_far += int((chance >= seen.max() - 1e-12).sum())
        tried += count
        if (as_far + 1) / (permutations + 1) > level:
            break
    # The history as it was is one of the orders (B. Phipson and G. K. Smyth, SAGMB 9 (2010) 39).
    return int(seen.argmax()) + SIDE, (as_far + 1) / (permutations + 1)


def _described(found: dict[int, float], values: Numbers, weights: Numbers) -> tuple[Change, ...]:
    edges = [0, *sorted(found), len(values)]
    means = [
        math.fsum(weights[start:end] * values[start:end]) / math.fsum(weights[start:end])
        for start, end in pairwise(edges)
    ]
    return tuple(
        Change(index=index, before=means[place], after=means[place + 1], p_value=found[index])
        for place, index in enumerate(sorted(found))
    )
