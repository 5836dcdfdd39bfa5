"""The share of requests that failed, where failures come in clumps: of an endpoint, of a client pod."""

import math
from collections.abc import Sequence
from dataclasses import replace

from analysis.statistics import stats
from analysis.statistics.interval import Interval

Tally = tuple[float, float]
"""(calls, failed ones) of one cluster."""


def dispersion(clusters: Sequence[Tally]) -> float:
    """How many times as much clusters differ as independent failures would; 1 or more.

    Pearson's chi-squared over its degrees of freedom (P. McCullagh and J. A. Nelder, Generalized Linear
    Models (1989) 4.5). 1 where all or no calls failed: then nothing clumps.
    """
    used = [(calls, failed) for calls, failed in clusters if calls > 0]
    total = math.fsum(calls for calls, _ in used)
    share = math.fsum(failed for _, failed in used) / total if total else 0.0
    if len(used) < 2 or not 0 < share < 1:  # noqa: PLR2004 - a spread needs two clusters
        return 1.0
    chi_squared = math.fsum(
        (failed - share * calls) ** 2 / (share * (1 - share) * calls) for calls, failed in used
    )
    return max(1.0, chi_squared / (len(used) - 1))


def failed_share(requests: int, failed: int, times: float, *, level: float = stats.LEVEL) -> Interval | None:
    """Failed over all requests, as if there were *times* fewer of them; None without requests."""
    worth = max(1, math.floor(requests / times + 1e-9)) if requests else 0
    found = stats.wilson(failed / max(requests, 1) * worth, worth, level=level)
    if found is None or times <= 1:
        return found
    return replace(found, method=f"{found.method}, failures clump {times:.1f} times")
