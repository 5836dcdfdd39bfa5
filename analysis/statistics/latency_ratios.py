"""Ratios of two arms' response times, with the connection as the unit of randomness.

A connection that crosses zones is slow in all its calls, so calls of one connection are no independent
values.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from scipy import stats as scipy_stats

from analysis.statistics import stats
from analysis.statistics.arrays import Codes, Numbers
from analysis.statistics.interval import Interval
from loadtest.record import Caveat

DRAWS: Final = 999
GROUPS: Final = 400
"""More connections than this are put into so many groups at random, which are then what is drawn."""
DISTINCT: Final = 1000
"""More distinct values than this are rounded to half a per cent."""
_FINE: Final = 0.005
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Latencies:
    """Response times of one arm by column: *count* calls took *value_s* on connection *cluster*."""

    cluster: Codes
    """0-based; shape (rows,)."""
    value_s: Numbers
    count: Numbers
    clusters: int
    """Connections."""

    @property
    def calls(self) -> float:
        """How many response times there are."""
        return float(self.count.sum())


def latencies(connections: Sequence[Sequence[tuple[float, int]]]) -> Latencies:
    """From one histogram of (seconds, count) a connection; connections without calls are left out."""
    used = [one for one in connections if any(count for _, count in one)]
    rows = [(code, value, count) for code, one in enumerate(used) for value, count in one if count]
    return Latencies(
        cluster=np.array([row[0] for row in rows], dtype=np.int64),
        value_s=np.array([row[1] for row in rows], dtype=float),
        count=np.array([row[2] for row in rows], dtype=float),
        clusters=len(used),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Right over left."""

    estimate: float
    interval: Interval | None
    """None where the sample cannot bound the ratio; a caveat says why."""
    log_standard_error: float | None
    """Half of the interval's width on the log scale over the normal quantile."""
    caveats: tuple[Caveat, ...] = ()


def quantile(arm: Latencies, q: float) -> float | None:
    """The *q*-quantile (0..1) in seconds, by nearest rank; None without calls."""
    return _quantile(arm, q) if arm.clusters else None


def mean_ratio(left: Latencies, right: Latencies, *, level: float = stats.LEVEL) -> Ratio | None:
    """Ratio of the mean response times; None without calls or with a mean of 0.

    Delta method on the log of each arm's ratio estimator (W. G. Cochran, Sampling Techniques (1977) 6.4), t
    quantile with Welch's and Satterthwaite's degrees of freedom. No interval from one connection.
    """
    before, after = _log_mean(left), _log_mean(right)
    if before is None or after is None:
        return None
    gap, variance = after.log - before.log, before.variance + after.variance
    if min(left.clusters, right.clusters) < 2:  # noqa: PLR2004 - a variance needs two connections
        caveat = Caveat(code="one-connection", text="One connection has no spread: no interval of the mean.")
        return Ratio(estimate=math.exp(gap), interval=None, log_standard_error=None, caveats=(caveat,))
    freedom = math.inf
    if variance > 0:
        parts = ((before, left), (after, right))
        freedom = variance**2 / sum(one.variance**2 / (arm.clusters - 1) for one, arm in parts)
    half = float(scipy_stats.t.ppf(0.5 + level / 2, freedom)) * math.sqrt(variance)
    return _ratio(gap, (gap - half, gap + half), level, left, right, "log mean ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class _LogMean:
    log: float
    variance: float


def _log_mean(arm: Latencies) -> _LogMean | None:
    total = float((arm.value_s * arm.count).sum())
    if total <= 0:
        return None
    calls = np.bincount(arm.cluster, arm.count, arm.clusters)
    sums = np.bincount(arm.cluster, arm.count * arm.value_s, arm.clusters)
    residual = sums - total / arm.calls * calls
    factor = arm.clusters / max(arm.clusters - 1, 1)
    return _LogMean(log=math.log(total / arm.calls), variance=factor * float((residual**2).sum()) / total**2)


def quantile_ratio(
    left: Latencies,
    right: Latencies,
    q: float,
    *,
    seed: int,
    level: float = stats.LEVEL,
    draws: int = DRAWS,
    resolution_s: float = 0.001,
) -> Ratio | None:
    """Ratio of the *q*-quantiles (0..1) by nearest rank; None without calls or with a quantile of 0.

    Bootstrap of whole connections (A. C. Davison and D. V. Hinkley, Bootstrap Methods (1997) 3.8),
    percentiles of the log ratio widened for few connections (T. Hesterberg, American Statistician 69 (2015)
    371), then by *resolution_s*: values that were rounded to it (X-Ray: 1 ms) may be half of it off. No
    bootstrap can see beyond its sample: where the calls that are worth independent ones are too few for a
    distribution-free limit (q^n > (1 - level) / 2), there is no interval, and a caveat.
    """
    if not left.clusters or not right.clusters:
        return None
    found = [_quantile(arm, q) for arm in (left, right)]
    if min(found) <= 0:
        return None
    gap = math.log(found[1] / found[0])
    name = f"cluster bootstrap, p{100 * q:g} ratio"
    least = math.ceil(math.log((1 - level) / 2) / math.log(max(q, 1 - q)))
    if min(_worth(arm, value) for arm, value in zip((left, right), found, strict=True)) < least:
        text = f"Too few calls for an interval of p{100 * q:g}: it takes {least} independent ones."
        caveat = Caveat(code="few-tail-calls", text=text)
        return Ratio(estimate=math.exp(gap), interval=None, log_standard_error=None, caveats=(caveat,))
    rng = np.random.default_rng(seed)
    logs = [_draw(arm, q, rng, draws) for arm in (left, right)]
    low, high = _expanded(logs[1] - logs[0], min(left.clusters, right.clusters), level)
    blur = math.hypot(*(resolution_s / 2 / value for value in found))
    return _ratio(gap, (min(low, gap) - blur, max(high, gap) + blur), level, left, right, name)


def _expanded(logs: Numbers, n: int, level: float) -> tuple[float, float]:
    """Hesterberg's expanded percentiles: those of a normal whose quantile is sqrt(n / (n - 1)) t."""
    reach = math.sqrt(n / (n - 1)) * float(scipy_stats.t.ppf(0.5 + level / 2, n - 1))
    tail = _NORMAL.cdf(-reach)
    low, high = np.quantile(logs, [tail, 1 - tail])
    return float(low), float(high)


def _ratio(
    gap: float, ends: tuple[float, float], level: float, left: Latencies, right: Latencies, method: str
) -> Ratio:
    """From logs."""
    return Ratio(
        estimate=math.exp(gap),
        interval=Interval(
            estimate=math.exp(gap),
            low=math.exp(ends[0]),
            high=math.exp(ends[1]),
            level=level,
            n=min(left.clusters, right.clusters),
            method=method,
        ),
        log_standard_error=(ends[1] - ends[0]) / 2 / _NORMAL.inv_cdf(0.5 + level / 2),
    )


def _quantile(arm: Latencies, q: float) -> float:
    order = np.argsort(arm.value_s, kind="stable")
    seen = np.cumsum(arm.count[order])
    rank = max(1, math.ceil(q * arm.calls))
    return float(arm.value_s[order][np.searchsorted(seen, rank)])


def _worth(arm: Latencies, value: float) -> float:
    """Independent calls with the same variance of the share above the quantile.

    R. S. Woodruff, JASA 47 (1952) 635, who makes an interval of it.
    Without any such call, or any spread between connections, each connection counts once.
    """
    if arm.clusters < 2:  # noqa: PLR2004 - a variance needs two connections
        return 1.0
    above = np.bincount(arm.cluster, arm.count * (arm.value_s >= value), arm.clusters)
    calls = np.bincount(arm.cluster, arm.count, arm.clusters)
    share = float(above.sum()) / arm.calls
    squares = float(((above - share * calls) ** 2).sum())
    if squares <= 0:
        return float(arm.clusters)
    variance = arm.clusters / (arm.clusters - 1) * squares / arm.calls**2
    least = arm.calls**2 / float((calls**2).sum())
    return min(max(least, share * (1 - share) / variance), arm.calls)


def _draw(arm: Latencies, q: float, rng: np.random.Generator, draws: int) -> Numbers:
    """Log of the quantile of each bootstrap sample."""
    value = arm.value_s
    if len(np.unique(value)) > DISTINCT:
        value = np.exp(np.round(np.log(np.maximum(value, 1e-9)) / _FINE) * _FINE)
    grid, column = np.unique(value, return_inverse=True)
    groups = min(arm.clusters, GROUPS)
    # A random order, dealt out in turn: groups of equal size, of connections that have nothing in common.
    group = rng.permutation(arm.clusters) % groups
    flat = group[arm.cluster] * len(grid) + column
    table = np.bincount(flat, arm.count, groups * len(grid)).reshape(groups, len(grid))
    weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=draws).astype(float)
    # Not with @: a threaded BLAS waits for cores that the measured programs are using.
    seen = np.cumsum(np.einsum("dg,gv->dv", weights, table), axis=1)
    rank = np.maximum(1, np.ceil(q * seen[:, -1] - 1e-9))
    index = (seen < rank[:, None]).sum(axis=1)
    return np.asarray(np.log(grid[np.minimum(index, len(grid) - 1)]), dtype=float)
