"""Intervals of same-zone shares and of their difference, from what ``clusters.py`` says of an arm.

Wilson's interval on the effective n (recommended for clustered samples by N. Dean and M. Pagano, J. Survey
Statistics and Methodology 3 (2015) 484), stratified by client zone after X. Yan and X. G. Su, Statistics in
Biopharmaceutical Research 2 (2010) 329; differences are Newcombe's on them (same paper). With one stratum and
one call a connection they *are* Wilson's and Newcombe's. A share of 0 or 1 keeps Wilson's width for its
effective n, so that no interval has length zero.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final, cast

from scipy import optimize

from analysis.statistics import stats
from analysis.statistics.clusters import ArmShare, StratumShare, together
from analysis.statistics.interval import Interval
from loadtest.record import Caveat

_NORMAL: Final = NormalDist()
LEAST_STRATUM: Final = 5.0
"""Effective connections of a stratum below which all are taken together: with one connection a zone (client
pods that keep a single one) the stratified interval calls one pair of equal arms in six changed."""
_FARTHEST_Z: Final = 37.0
"""A p-value of 1e-299: where inverting an interval gives up and says 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Right minus left."""

    interval: Interval
    """Of the difference at one mix of strata: where calls come from is no routing."""
    standard_error: float
    """From shares of (x + 1/2) / (n + 1), so that it is never 0; to compare blocks, not to make an interval.
    """
    raw: float
    """The plain difference of the two shares, at each arm's own mix."""
    caveats: tuple[Caveat, ...] = ()


def share_interval(arm: ArmShare, *, level: float = stats.LEVEL) -> Interval:
    """The arm's share with its stratified Wilson interval."""
    arm = together(arm) if _few(arm) else arm
    low, high = _bounds(arm, [one.calls for one in arm.strata], _NORMAL.inv_cdf(0.5 + level / 2))
    whole = max(1, math.floor(arm.effective_n + 1e-9))
    simple = stats.wilson(arm.share * whole, whole, level=level)
    return Interval(
        estimate=arm.share,
        low=min(low, arm.share),
        high=max(high, arm.share),
        level=level,
        n=whole,
        method=f"stratified Wilson, {arm.unit.value} clusters",
        least_n=None if simple is None else simple.least_n,
    )


def _bounds(arm: ArmShare, weights: Sequence[float], z: float) -> tuple[float, float]:
    """Yan and Su's interval of the weighted mean of the strata's shares: Wilson's at a common, smaller z.

    The z is such that equal strata give the Wilson interval of their sum. Its standard errors use (x + 1/2) /
    (n + 1), since a stratum at 0 or 1 is not without variance.
    """
    total = math.fsum(weights)
    squares = sums = 0.0
    for one, weight in zip(arm.strata, weights, strict=True):
        error = weight * math.sqrt(_variance(one))
        squares += error * error
        sums += error
    z2 = z * z * squares / (sums * sums)
    low = high = 0.0
    for one, weight in zip(arm.strata, weights, strict=True):
        n, p = one.effective_n, one.share
        half = math.sqrt(max(0.0, z2 * (p * (1 - p) / n + z2 / (4 * n * n))))
        centre, scale = p + z2 / (2 * n), total * (1 + z2 / n)
        low += weight * (centre - half) / scale
        high += weight * (centre + half) / scale
    return max(0.0, low), min(1.0, high)


def _variance(one: StratumShare) -> float:
    guess = (one.share * one.effective_n + 0.5) / (one.effective_n + 1)
    return guess * (1 - guess) / one.effective_n


def _few(*arms: ArmShare) -> bool:
    """Whether a stratum is too small to stand on its own."""
    return any(one.effective_n < LEAST_STRATUM for arm in arms for one in arm.strata)


def at_mix(arm: ArmShare, mix: Sequence[float]) -> ArmShare:
    """The arm as if its calls came from its strata in these proportions."""
    scale = arm.calls / math.fsum(mix)
    strata = (replace(one, calls=part * scale) for one, part in zip(arm.strata, mix, strict=True) if part)
    return replace(arm, strata=tuple(strata))


def aligned(
    left: ArmShare, right: ArmShare, *, at_baseline: bool = False
) -> tuple[ArmShare, ArmShare, tuple[Caveat, ...]]:
    """Both with the same strata; each as one stratum, at one mix, where those are small.

    Where the strata differ there is no common mix: each arm as it is, with a caveat.
    """
    names = [[one.stratum for one in arm.strata] for arm in (left, right)]
    if names[0] == names[1]:
        if _few(left, right):
            mix = _mix(left, right, at_baseline=at_baseline)
            return together(at_mix(left, mix)), together(at_mix(right, mix)), ()
        return left, right, ()
    text = "The arms' calls do not come from the same zones, so the difference is not adjusted for them."
    return together(left), together(right), (Caveat(code="strata-differ", text=text),)


def difference(
    left: ArmShare, right: ArmShare, *, level: float = stats.LEVEL, at_baseline: bool = False
) -> Difference:
    """Right minus left, at the common mix of strata (each weighs as its calls of both arms).

    *at_baseline* takes the left arm's mix instead.
    """
    raw = right.share - left.share
    left, right, caveats = aligned(left, right, at_baseline=at_baseline)
    weights = _mix(left, right, at_baseline=at_baseline)
    z = _NORMAL.inv_cdf(0.5 + level / 2)
    interval = _newcombe(left, right, weights, z, level)
    return Difference(
        interval=interval,
        standard_error=_standard_error((left, right), weights),
        raw=raw,
        caveats=tuple({one.code: one for one in (*left.caveats, *right.caveats, *caveats)}.values()),
    )


def _mix(left: ArmShare, right: ArmShare, *, at_baseline: bool) -> list[float]:
    """What each stratum weighs."""
    if at_baseline:
        return [one.calls for one in left.strata]
    return [a.calls + b.calls for a, b in zip(left.strata, right.strata, strict=True)]


def _standard_error(arms: tuple[ArmShare, ArmShare], weights: list[float]) -> float:
    total = math.fsum(weights)
    parts = [
        (w / total) ** 2 * _variance(one) for arm in arms for w, one in zip(weights, arm.strata, strict=True)
    ]
    return math.sqrt(math.fsum(parts))


def equal_error(left: ArmShare, right: ArmShare) -> float:
    """The difference's standard error if both arms have one share a stratum, known from both together.

    Of a few connections, all of one arm may stay and none of the other; each by itself then seems certain.
    """
    left, right, _ = aligned(left, right)
    weights = _mix(left, right, at_baseline=False)
    total = math.fsum(weights)
    parts = []
    for weight, a, b in zip(weights, left.strata, right.strata, strict=True):
        n = a.effective_n + b.effective_n
        share = (a.share * a.effective_n + b.share * b.effective_n + 0.5) / (n + 1)
        parts.append((weight / total) ** 2 * share * (1 - share) * (1 / a.effective_n + 1 / b.effective_n))
    return math.sqrt(math.fsum(parts))


def _newcombe(left: ArmShare, right: ArmShare, weights: list[float], z: float, level: float) -> Interval:
    total = math.fsum(weights)
    sides = []
    for arm in (left, right):
        mean = math.fsum(w * one.share for w, one in zip(weights, arm.strata, strict=True)) / total
        low, high = _bounds(arm, weights, z)
        n = max(1, math.floor(arm.effective_n + 1e-9))
        side = Interval(estimate=mean, low=min(low, mean), high=max(high, mean), level=level, n=n, method="")
        sides.append(side)
    # None is for a missing side, and both are there.
    found = cast("Interval", stats.difference_of_shares(sides[0], sides[1]))
    return Interval(
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        level=level,
        n=found.n,
        method=f"stratified Newcombe, {left.unit.value} clusters",
    )


def p_value(left: ArmShare, right: ArmShare, *, at_baseline: bool = False) -> float:
    """Two-sided, of no difference: the level at which the interval of ``difference`` touches 0."""
    left, right, _ = aligned(left, right, at_baseline=at_baseline)
    weights = _mix(left, right, at_baseline=at_baseline)
    gap = _newcombe(left, right, weights, 1.0, 0.0).estimate
    if abs(gap) < 1e-12:  # noqa: PLR2004 - a rounding error is no difference
        return 1.0

    def reach(z: float) -> float:
        interval = _newcombe(left, right, weights, z, 0.0)
        return interval.low if gap > 0 else -interval.high

    if reach(_FARTHEST_Z) > 0:
        return 0.0
    root = optimize.brentq(reach, 1e-9, _FARTHEST_Z, xtol=1e-7)
    return math.erfc(float(root) / math.sqrt(2))
