"""What shares are worth when only a sample of traces says where calls went.

Traces are drawn at random, and with a trace all its calls: they have the same caller, so which callers came
into the sample is a choice of the trace, while where each call went is the choice of its connection. The two
ways in which calls belong together cross each other. The variance of a share is then the one over
connections, plus the one over traces, minus the one over single calls, which both of them hold (A. C.
Cameron, J. B. Gelbach and D. L. Miller, J. Business & Economic Statistics 29 (2011) 238). The first comes
from ``clusters.py``; the second is the linearised variance of a ratio over traces (W. G. Cochran, Sampling
Techniques (1977) 6.4).

The intervals are of the routing's share. The share that the window really had is nearer to the sample's the
more of the window the sample holds, so for it they are on the safe side; ``of_window`` takes that into
account.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

from analysis.statistics import stats
from analysis.statistics.clusters import ArmShare, StratumShare, together
from analysis.statistics.interval import Interval

_STRATA_STAND: Final = 0.5
"""Strata are kept unless their sizes, known from the sample alone, bring in more variance than routing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedCalls:
    """The calls of one trace that are of the pair under study; both zones of each are known."""

    calls: int
    """At least one."""
    hits: int
    """How many of them have what is asked for: both ends in one zone, or one pair of pods."""


def with_sampling(arm: ArmShare, traces: Sequence[TracedCalls]) -> ArmShare:
    """The arm with its strata's effective n made smaller by what drawing traces adds to the variance.

    *traces* may be some of those that hold the arm's calls: a mean over more of them varies less by as much.
    """
    routed = _variance(together(arm).strata)
    part = min(1.0, sum(one.calls for one in traces) / arm.calls)
    total = routed + part * _excess(traces)
    if not total:
        return arm
    kept = _variance(arm.strata) / total
    if kept >= _STRATA_STAND:
        factor = min(1.0, kept)
        return replace(
            arm,
            strata=tuple(replace(one, effective_n=max(1.0, one.effective_n * factor)) for one in arm.strata),
        )
    whole = together(arm)
    (only,) = whole.strata
    factor = routed / total
    return replace(whole, strata=(replace(only, effective_n=max(1.0, only.effective_n * factor)),))


def of_window(seen: Sequence[TracedCalls], *, counted: int, level: float = stats.LEVEL) -> Interval | None:
    """The share that the window's *counted* calls had, of which the traces hold some; None without one.

    Wilson's interval at the effective n of the traces, with the finite population's correction: where the
    traces hold every call it has no width.
    """
    calls = sum(one.calls for one in seen)
    if not calls:
        return None
    share = math.fsum(one.hits for one in seen) / calls
    unseen = max(0.0, 1 - calls / counted) if counted else 0.0
    if not unseen:
        return Interval(estimate=share, low=share, high=share, level=level, n=calls, method="counted")
    binomial = share * (1 - share) / calls
    variance = binomial + _excess(seen)
    n = calls * binomial / variance if variance > 0 else float(calls)
    low, high = _wilson(share, n / unseen, NormalDist().inv_cdf(0.5 + level / 2))
    return Interval(
        estimate=share,
        low=min(low, share),
        high=max(high, share),
        level=level,
        n=max(1, math.floor(n)),
        method="Wilson score, trace clusters, finite population",
    )


def _excess(traces: Sequence[TracedCalls]) -> float:
    """What the share's variance over traces has beyond that over single calls; never negative."""
    size, calls = len(traces), sum(one.calls for one in traces)
    if size < 2:  # noqa: PLR2004 - a variance needs two traces
        return 0.0
    share = math.fsum(one.hits for one in traces) / calls
    squares = math.fsum((one.hits - share * one.calls) ** 2 for one in traces)
    return max(0.0, squares * size / (size - 1) / calls**2 - share * (1 - share) / calls)


def _variance(strata: Sequence[StratumShare]) -> float:
    """Of the strata's common share, their sizes taken as known."""
    total = math.fsum(one.calls for one in strata)
    return math.fsum(
        (one.calls / total) ** 2 * one.share * (1 - one.share) / one.effective_n for one in strata
    )


def _wilson(share: float, n: float, z: float) -> tuple[float, float]:
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
