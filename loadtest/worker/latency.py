"""Latencies as counts in logarithmic buckets: small, mergeable, and exact to one per cent.

Locust keeps whole milliseconds, which hides what a zone costs (0.3-1 ms one way); these buckets keep the
relative error of any quantile under ``GROWTH - 1``. The idea is HdrHistogram's (G. Tene) and DDSketch's
(Masson et al., VLDB 2019): a bucket's width is proportional to its value.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

GROWTH = 1.01
_LOG_GROWTH = math.log(GROWTH)
_LEAST_MS = 0.001


def bucket(latency_ms: float) -> int:
    """Bucket index of a latency in milliseconds; anything under a microsecond is in bucket 0."""
    if latency_ms <= _LEAST_MS:
        return 0
    return 1 + int(math.log(latency_ms / _LEAST_MS) / _LOG_GROWTH)


def middle_ms(index: int) -> float:
    """The geometric middle of a bucket, in milliseconds."""
    if index <= 0:
        return _LEAST_MS
    return _LEAST_MS * math.exp((index - 0.5) * _LOG_GROWTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyHistogram:
    """Counts per bucket."""

    counts: tuple[tuple[int, int], ...] = ()
    """(bucket index, count) pairs, sorted by index."""

    @property
    def total(self) -> int:
        """How many latencies were counted."""
        return sum(count for _, count in self.counts)

    def quantile_ms(self, q: float) -> float | None:
        """The *q*-quantile (0..1) in milliseconds by nearest rank, or None for an empty histogram."""
        total = self.total
        if not total:
            return None
        rank = max(1, math.ceil(q * total))
        seen = 0
        for index, count in self.counts:
            seen += count
            if seen >= rank:
                return middle_ms(index)
        return middle_ms(self.counts[-1][0])

    def mean_ms(self) -> float | None:
        """The mean in milliseconds (to a bucket's width), or None for an empty histogram."""
        total = self.total
        if not total:
            return None
        return math.fsum(middle_ms(index) * count for index, count in self.counts) / total


EMPTY = LatencyHistogram()


def histogram(counts: Iterable[tuple[int, int]]) -> LatencyHistogram:
    """Build from (bucket, count) pairs in any order; equal buckets are added up."""
    summed: Counter[int] = Counter()
    for index, count in counts:
        summed[index] += count
    return LatencyHistogram(counts=tuple(sorted(summed.items())))


def merge(parts: Iterable[LatencyHistogram]) -> LatencyHistogram:
    """Add histograms up."""
    return histogram(pair for part in parts for pair in part.counts)
