"""Arms in interleaved blocks: their order, the difference over blocks, and what an A/A run must show.

A block measures every arm once, shortly after one another, so that what drifts over hours hits all of them.

The interval has two parts. *Within* blocks, the connections' own randomness gives each block's standard
error. *Between* blocks, something may have changed that the connections do not show. With B blocks and

    R = variance of the blocks' differences / mean of their squared standard errors,

the half-width is that of the pooled connections, times max(1, t sqrt(R) / z) with t on B - 1 degrees of
freedom if R > 1 (the t test on blocks), or 1 if R <= 1: a preliminary test, in the manner of R. T. Birge,
Physical Review 40 (1932) 207. Below FEW blocks the wider of the two is taken. Chosen by integrating the false
"changed" rate over R, at a nominal 5 %:

======  ==========================  =============================================
blocks  no variance between blocks  worst ratio of the variance between to within
======  ==========================  =============================================
2       0.7 %                       4.9 %
3       1.3 %                       5.0 %
4       3.1 %                       5.9 %
6       3.0 %                       5.2 %
12      3.4 %                       5.0 %
======  ==========================  =============================================

The t test alone is exact but needs 12.7 standard errors with two blocks and 3.2 with four; the pooled
interval alone is wrong by any factor once blocks differ; Satterthwaite's sum of both errs up to 10 % with
four blocks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist
from typing import Final

import numpy as np
from scipy import special

from analysis.statistics import shares, stats
from analysis.statistics.arrays import Numbers
from analysis.statistics.clusters import ArmShare
from analysis.statistics.interval import Interval
from k8s.errors import UsageError
from loadtest.record import Caveat

FEW: Final = 4
"""Below this many blocks the wider of the two intervals is taken."""
NULL_MARGIN: Final = 0.05
"""An A/A run must show its difference to be smaller than this: five points of share, 5 % of a log ratio."""
NULL_BLOCKS: Final = 4
"""A/A blocks it takes to certify."""
NULL_LEVEL: Final = 0.9
"""Two one-sided tests at 5 % each."""
REFUSAL_LEVEL: Final = 0.99
"""At this level equal arms have to differ by more than the margin to refuse: few choices do not."""
NULL_SPREAD: Final = 0.01
"""Below this p-value the A/A differences are larger than their standard errors say."""
_NORMAL: Final = NormalDist()


def schedule(arms: Sequence[str], blocks: int) -> tuple[tuple[str, ...], ...]:
    """The order of the arms in each block; of shape (blocks, arms).

    Two arms alternate as A B, B A. More follow a design in which every arm is as often in each place, and as
    often just after each other one: E. J. Williams, Australian J. Scientific Research A 2 (1949) 149. It is
    balanced after ``cycle(len(arms))`` blocks.
    """
    n = len(arms)
    if n < 2 or len(set(arms)) < n or blocks < 1:  # noqa: PLR2004 - a comparison takes two
        raise UsageError(f"planning blocks of {', '.join(arms)}: give two or more different arms, and blocks")
    # 0, 1, n - 1, 2, n - 2, ...: neighbours differ by every amount once.
    first = [(place + 1) // 2 if place % 2 else (n - place // 2) % n for place in range(n)]
    rows = [[(place + turn) % n for place in first] for turn in range(n)]
    if n % 2:
        rows = [order for row in rows for order in (row, row[::-1])]
    return tuple(tuple(arms[one] for one in rows[block % len(rows)]) for block in range(blocks))


def cycle(arms: int) -> int:
    """After how many blocks the schedule is balanced."""
    return 2 * arms if arms % 2 else arms


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDifference:
    """One block's difference of two arms: of shares, or of the log of any positive number."""

    estimate: float
    standard_error: float
    """From the connections of this block; above 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How the blocks differ among each other."""

    blocks: int
    ratio: float
    """R of this module's head; 1 where the connections' randomness explains all. 1 with one block, too."""
    p_value: float
    """Of all blocks having one true difference (Cochran's Q); 1 with one block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockResult:
    """The difference over all blocks."""

    interval: Interval
    p_value: float
    """Two-sided, of no difference."""
    spread: Spread
    blocks: tuple[BlockDifference, ...]
    caveats: tuple[Caveat, ...] = ()

    @property
    def standard_error(self) -> float:
        """Half of the interval's width over the normal quantile."""
        return (self.interval.high - self.interval.low) / 2 / _NORMAL.inv_cdf(0.5 + self.interval.level / 2)


def spread(blocks: Sequence[BlockDifference]) -> Spread:
    """R and its test; UsageError without blocks."""
    if not blocks or min(block.standard_error for block in blocks) <= 0:
        raise UsageError("combining blocks: give at least one, each with a standard error above 0")
    size = len(blocks)
    if size == 1:
        return Spread(blocks=1, ratio=1.0, p_value=1.0)
    within = math.fsum(block.standard_error**2 for block in blocks) / size
    mean = math.fsum(block.estimate for block in blocks) / size
    between = math.fsum((block.estimate - mean) ** 2 for block in blocks) / (size - 1)
    weights = [1 / block.standard_error**2 for block in blocks]
    centre = math.fsum(w * block.estimate for w, block in zip(weights, blocks, strict=True)) / sum(weights)
    q = math.fsum(w * (block.estimate - centre) ** 2 for w, block in zip(weights, blocks, strict=True))
    return Spread(blocks=size, ratio=between / within, p_value=float(special.chdtrc(size - 1, q)))


def stretch(ratio: Numbers, blocks: int, *, level: float = stats.LEVEL) -> Numbers:
    """By how much the pooled half-width is multiplied at each R; 1 for one block."""
    if blocks < 2:  # noqa: PLR2004 - a variance between blocks needs two
        return np.ones_like(ratio)
    quantile = float(special.stdtrit(blocks - 1, 0.5 + level / 2))
    wider = np.maximum(1.0, quantile * np.sqrt(ratio) / _NORMAL.inv_cdf(0.5 + level / 2))
    return wider if blocks < FEW else np.where(ratio > 1, wider, 1.0)


def _stretched(interval: Interval, seen: Spread, limit: float) -> Interval:
    if seen.blocks == 1:
        return interval
    factor = float(stretch(np.array([seen.ratio]), seen.blocks, level=interval.level)[0])
    return replace(
        interval,
        low=max(-limit, interval.estimate - factor * (interval.estimate - interval.low)),
        high=min(limit, interval.estimate + factor * (interval.high - interval.estimate)),
        method=f"{interval.method}; {seen.blocks} blocks"
        + (", as far apart as their connections say" if factor == 1 else f", widened {factor:.2f} times"),
    )


def _stretched_p(pooled: float, seen: Spread) -> float:
    """The level at which the stretched interval touches 0."""
    if seen.blocks < 2 or (seen.blocks >= FEW and seen.ratio <= 1):  # noqa: PLR2004 - as in stretch
        return pooled
    if seen.ratio <= 0:
        return pooled
    distance = -_NORMAL.inv_cdf(max(pooled, 1e-300) / 2) / math.sqrt(seen.ratio)
    return max(pooled, 2 * float(special.stdtr(seen.blocks - 1, -distance)))


def combine(blocks: Sequence[BlockDifference], *, level: float = stats.LEVEL) -> BlockResult:
    """The mean of the blocks' differences, each weighing the same; UsageError without blocks."""
    seen = spread(blocks)
    mean = math.fsum(block.estimate for block in blocks) / len(blocks)
    error = math.sqrt(math.fsum(block.standard_error**2 for block in blocks)) / len(blocks)
    half = _NORMAL.inv_cdf(0.5 + level / 2) * error
    interval = Interval(
        estimate=mean,
        low=mean - half,
        high=mean + half,
        level=level,
        n=len(blocks),
        method="mean of blocks",
    )
    return BlockResult(
        interval=_stretched(interval, seen, math.inf),
        p_value=_stretched_p(math.erfc(abs(mean) / error / math.sqrt(2)), seen),
        spread=seen,
        blocks=tuple(blocks),
    )


def share_difference(
    blocks: Sequence[tuple[ArmShare, ArmShare]], *, level: float = stats.LEVEL, at_baseline: bool = False
) -> BlockResult:
    """Right minus left over (left, right) blocks, *at_baseline* as in ``shares``; UsageError without blocks.

    The connections of all blocks together, each block's strata on their own, so that a share of 0 or 1 keeps
    the width of all its connections; then stretched.
    """
    found = [shares.difference(left, right, at_baseline=at_baseline) for left, right in blocks]
    differences = tuple(
        BlockDifference(estimate=one.interval.estimate, standard_error=one.standard_error) for one in found
    )
    seen = spread(differences)
    paired = [shares.aligned(left, right, at_baseline=at_baseline) for left, right in blocks]
    before, after = pooled([left for left, _, _ in paired]), pooled([right for _, right, _ in paired])
    whole = shares.difference(before, after, level=level, at_baseline=at_baseline)
    caveats = {caveat.code: caveat for one in found for caveat in one.caveats}
    if seen.blocks > 1 and seen.p_value < NULL_SPREAD:
        text = f"Blocks differ more than their connections explain (p = {seen.p_value:.2g})."
        caveats["blocks-differ"] = Caveat(code="blocks-differ", text=text)
    return BlockResult(
        interval=_stretched(whole.interval, seen, 1.0),
        p_value=_stretched_p(shares.p_value(before, after, at_baseline=at_baseline), seen),
        spread=seen,
        blocks=differences,
        caveats=tuple(caveats.values()),
    )


def pooled(arms: Sequence[ArmShare]) -> ArmShare:
    """Several windows of one arm together, each window's strata on their own."""
    strata = [
        replace(one, stratum=f"{number}/{one.stratum}")
        for number, arm in enumerate(arms)
        for one in arm.strata
    ]
    return ArmShare(unit=arms[0].unit, strata=tuple(strata))


class Certificate(StrEnum):
    """What an A/A run says of the instrument."""

    CERTIFIED = "certified"
    REFUSED = "refused"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class NullCheck:
    """An A/A run, judged."""

    certificate: Certificate
    reasons: tuple[str, ...]
    """One clause each; what was shown, or what is missing."""
    interval: Interval
    """Of a difference that is known to be 0, at 90 %."""
    spread_p_value: float
    """Of the differences being as large as their standard errors say."""
    margin: float


def certify(
    null: Sequence[BlockDifference], *, margin: float = NULL_MARGIN, least_blocks: int = NULL_BLOCKS
) -> NullCheck:
    """Judge blocks whose two arms were the same; UsageError without blocks.

    Certified if the 90 % interval lies within -margin..margin (two one-sided tests: D. J. Schuirmann, J.
    Pharmacokinetics and Biopharmaceutics 15 (1987) 657), from *least_blocks* or more, and sum((d / se)^2) is
    no larger than chi-squared with one degree a block allows (p >= 0.01). Refused if that sum is larger, or
    the 99 % interval lies outside the margin; undecided otherwise. A true instrument is refused in 1 of 100
    runs; one whose bias is the margin is certified in 5 of 100.
    """
    interval = combine(null, level=NULL_LEVEL).interval
    q = math.fsum((block.estimate / block.standard_error) ** 2 for block in null)
    spread_p = float(special.chdtrc(len(null), q))
    refused, missing = [], []
    if spread_p < NULL_SPREAD:
        refused.append(f"differences of equal arms are larger than their errors say (p = {spread_p:.2g})")
    surely = combine(null, level=REFUSAL_LEVEL).interval
    if surely.low > margin or surely.high < -margin:
        refused.append(f"equal arms differ by more than {margin:g}")
    elif interval.low < -margin or interval.high > margin:
        missing.append(f"a difference of {margin:g} is not excluded: measure longer")
    if len(null) < least_blocks:
        missing.append(f"{len(null)} blocks, {least_blocks} are needed")
    certificate = Certificate.CERTIFIED
    if refused or missing:
        certificate = Certificate.REFUSED if refused else Certificate.UNDECIDED
    shown = (f"equal arms differ by less than {margin:g} and as their errors say",)
    return NullCheck(
        certificate=certificate,
        reasons=tuple(refused + missing) or shown,
        interval=interval,
        spread_p_value=spread_p,
        margin=margin,
    )
