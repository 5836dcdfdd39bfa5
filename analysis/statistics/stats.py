"""Intervals, each named, with its reason.

The unit of randomness is the connection: kube-proxy chooses an endpoint once a connection, so *n* below is
connections. A request-level interval on keep-alive traffic "finds a change" between identical arms in up to
nine of ten cases.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

from analysis.statistics.interval import Interval

LEVEL = 0.95
HALF_WIDTH = 0.05
"""What a share's interval should at least resolve: five percentage points to either side."""


def _z(level: float) -> float:
    return NormalDist().inv_cdf(0.5 + level / 2)


def wilson(successes: float, n: int, *, level: float = LEVEL) -> Interval | None:
    """Wilson score interval for a share; None for n = 0.

    Chosen because it stays inside [0, 1] and keeps its coverage at shares of 0 and 1, where TAR should be and
    where the textbook interval has length zero. E. B. Wilson, JASA 22 (1927) 209; recommended by Brown, Cai
    and DasGupta, Statistical Science 16 (2001) 101.
    """
    if n <= 0:
        return None
    share = successes / n
    centre, half = _wilson(share, n, _z(level))
    return Interval(
        estimate=share,
        # Rounding must not push the estimate out of its own interval at 0 and 1.
        low=min(share, max(0.0, centre - half)),
        high=max(share, min(1.0, centre + half)),
        level=level,
        n=n,
        method="Wilson score",
        least_n=_least_n(share, _z(level)),
    )


def _wilson(share: float, n: int, z: float) -> tuple[float, float]:
    """Centre and half-width."""
    scale = 1 + z * z / n
    spread = math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (share + z * z / (2 * n)) / scale, z / scale * spread


def _least_n(share: float, z: float) -> int:
    """The least n whose half-width is at most HALF_WIDTH; the half-width falls with n, so bisect."""
    low, high = 0, 1
    while _wilson(share, high, z)[1] > HALF_WIDTH:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if _wilson(share, middle, z)[1] > HALF_WIDTH:
            low = middle
        else:
            high = middle
    return high


def difference_of_shares(before: Interval | None, after: Interval | None) -> Interval | None:
    """After minus before, from two Wilson intervals; None where either is missing.

    Newcombe's hybrid score method 10 (Statistics in Medicine 17 (1998) 873): it inherits Wilson's behaviour
    at 0 and 1. Both arms must be independent.
    """
    if before is None or after is None:
        return None
    gap = after.estimate - before.estimate
    low = gap - math.hypot(after.estimate - after.low, before.high - before.estimate)
    high = gap + math.hypot(after.high - after.estimate, before.estimate - before.low)
    return Interval(
        estimate=gap,
        low=max(-1.0, low),
        high=min(1.0, high),
        level=before.level,
        n=min(before.n, after.n),
        method="Newcombe hybrid score",
        least_n=_greatest(before.least_n, after.least_n),
    )


def _greatest(*counts: int | None) -> int | None:
    return max((count for count in counts if count is not None), default=None)


Histogram = Sequence[tuple[float, int]]
"""(value in seconds, count) pairs."""


def mean(total_s: float, histogram: Histogram, *, level: float = LEVEL) -> Interval | None:
    """Mean response time with a large-sample interval; None below two values.

    The mean comes from the exact total, the variance from the histogram (rounded to 1 ms by X-Ray; the
    rounding adds 1/12 ms^2, which only widens the interval).
    """
    n = sum(count for _, count in histogram)
    if n < 2:  # noqa: PLR2004 - a variance needs two values
        return None
    half = _z(level) * math.sqrt(_variance(histogram, n) / n)
    centre = total_s / n
    return Interval(
        estimate=centre, low=centre - half, high=centre + half, level=level, n=n, method="normal mean"
    )


def difference_of_means(left: Interval | None, right: Interval | None) -> Interval | None:
    """Right minus left of two independent means (Welch, unequal variances, large samples)."""
    if left is None or right is None:
        return None
    gap = right.estimate - left.estimate
    half = math.hypot(left.high - left.estimate, right.high - right.estimate)
    return Interval(
        estimate=gap,
        low=gap - half,
        high=gap + half,
        level=left.level,
        n=min(left.n, right.n),
        method="Welch difference of means",
    )


def quantile(histogram: Histogram, q: float) -> float | None:
    """The *q*-quantile (0..1) of a sorted histogram by nearest rank; None when it is empty."""
    n = sum(count for _, count in histogram)
    rank = max(1, math.ceil(q * n))
    seen = 0
    for value, count in histogram:
        seen += count
        if seen >= rank:
            return value
    return None


def scaled(interval: Interval | None, factor: float, method: str) -> Interval | None:
    """The interval of *factor* times the quantity; a negative factor is not meant."""
    if interval is None:
        return None
    return Interval(
        estimate=interval.estimate * factor,
        low=interval.low * factor,
        high=interval.high * factor,
        level=interval.level,
        n=interval.n,
        method=method,
    )


def complement(share: Interval | None) -> Interval | None:
    """The interval of 1 - share."""
    if share is None:
        return None
    return Interval(
        estimate=1 - share.estimate,
        low=1 - share.high,
        high=1 - share.low,
        level=share.level,
        n=share.n,
        method=share.method,
    )


def _variance(histogram: Histogram, n: int) -> float:
    centre = math.fsum(value * count for value, count in histogram) / n
    return math.fsum(count * (value - centre) ** 2 for value, count in histogram) / (n - 1)
