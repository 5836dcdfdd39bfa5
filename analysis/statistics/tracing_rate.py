"""Sampled tracing, told from loss: the generator made more requests than were traced.

A sampler keeps or drops whole traces, each by chance. So what is there has no gaps inside, every worker of
the generator keeps the same share, and the traces kept are spread over the whole window. A collector that
stops for a while or loses batches breaks at least one of these.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from scipy import special

from analysis.statistics import stats
from analysis.statistics.interval import Interval

MOST: Final = 0.75
"""Nobody samples more than that; what is missing then is loss."""
LEAST_TRACED: Final = 20
"""Requests below which nothing about their spread can be said."""
UNLIKELY: Final = 0.001
"""The p-value below which what is missing is no chance; one sampled run in 500 is then called lossy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """What one of the generator's workers made, and how much of it was traced."""

    made: int
    traced: int


def tracing_rate(
    workers: Sequence[Traced], *, starts: Sequence[float], broken: bool, level: float = stats.LEVEL
) -> Interval | None:
    """The share of requests that was traced, by Wilson; None where that is no sampling.

    *starts*: when traced requests began, as a part of the load's time, 0 to 1; without them nobody knows.
    *broken*: documents are missing inside the traces that are there, which is loss.
    """
    made, traced = sum(one.made for one in workers), sum(one.traced for one in workers)
    if broken or not LEAST_TRACED <= traced <= MOST * made or len(starts) < LEAST_TRACED:
        return None
    if min(_even(workers, traced / made), _spread(starts)) < UNLIKELY:
        return None
    return stats.wilson(traced, made, level=level)


def _even(workers: Sequence[Traced], rate: float) -> float:
    """The p-value of Pearson's chi-squared: workers differ only by chance."""
    known = [one for one in workers if one.made]
    if len(known) < 2:  # noqa: PLR2004 - one worker cannot differ
        return 1.0
    chi_squared = math.fsum(
        (one.traced - one.made * rate) ** 2 / (one.made * rate * (1 - rate)) for one in known
    )
    return float(special.chdtrc(len(known) - 1, chi_squared))


def _spread(starts: Sequence[float]) -> float:
    """A bound of the p-value of the longest gap: n uniform points leave n + 1 gaps, each beyond g with
    probability (1 - g)^n (W. Feller, An Introduction to Probability Theory II (1971) I.7).
    """
    points = [0.0, *sorted(min(1.0, max(0.0, one)) for one in starts), 1.0]
    longest = max(right - left for left, right in pairwise(points))
    n = len(starts)
    return min(1.0, (n + 1) * (1 - longest) ** n)
