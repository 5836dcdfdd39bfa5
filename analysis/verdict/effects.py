"""What the candidate changed, over one or more blocks: every figure a verdict judges, with its interval."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from analysis.statistics import blocks, latency_ratios, shares, stats
from analysis.statistics.blocks import BlockResult
from analysis.statistics.interval import Interval
from analysis.statistics.latency_ratios import Latencies, Ratio
from analysis.verdict import guards
from analysis.verdict.judged import Effects
from analysis.verdict.windows import Measured
from loadtest.record import Caveat

RESOLUTION_S = 1e-6
"""Traces hold times in microseconds; it is the graph's histograms that X-Ray rounds to 1 ms."""

Block = tuple[Measured, Measured]
"""Baseline and candidate, measured one after the other in either order."""


def effects(measured: Sequence[Block], *, level: float = stats.LEVEL, seed: int = 1) -> Effects:
    """All figures over blocks; UsageError without any."""
    before, after = [left for left, _ in measured], [right for _, right in measured]
    left, right = latencies_of(before), latencies_of(after)
    ratios = {
        "p50": latency_ratios.quantile_ratio(
            left, right, 0.5, seed=seed, level=level, resolution_s=RESOLUTION_S
        ),
        "p99": latency_ratios.quantile_ratio(
            left, right, 0.99, seed=seed, level=level, resolution_s=RESOLUTION_S
        ),
        "mean": latency_ratios.mean_ratio(left, right, level=level),
    }
    error_rates = [_errors(arm, level) for arm in (before, after)]
    share = blocks.share_difference([(a.share, b.share) for a, b in measured], level=level)
    gap_s = _mean_interval([one.pair.cross_minus_same_s for one in before])
    return Effects(
        share_before=_share(before, level),
        share_after=_share(after, level),
        share=share,
        design_effect_before=_design_effect(before),
        design_effect_after=_design_effect(after),
        p50_ratio=_interval(ratios["p50"]),
        p99_ratio=_interval(ratios["p99"]),
        mean_ratio=_interval(ratios["mean"]),
        error_rate=error_rates[1],
        error_gain=stats.difference_of_shares(*error_rates),
        skew=_skew(after, level),
        skew_before=_skew(before, level),
        coverage=min((one.pair.coverage or 0.0 for one in (*before, *after)), default=None),
        usd_before=_mean_interval([one.usd_per_month for one in before]),
        usd_after=_mean_interval([one.usd_per_month for one in after]),
        usd_gain=stats.difference_of_means(
            _mean_interval([one.usd_per_month for one in before]),
            _mean_interval([one.usd_per_month for one in after]),
        ),
        counterfactual_s=gap_s,
        predicted_mean_s=_predicted(gap_s, share.interval),
        observed_mean_s=stats.difference_of_means(_mean_of(before), _mean_of(after)),
        caveats=_caveats(before, after, share, ratios),
    )


def _interval(ratio: Ratio | None) -> Interval | None:
    return None if ratio is None else ratio.interval


def _caveats(
    before: Sequence[Measured],
    after: Sequence[Measured],
    share: BlockResult,
    ratios: Mapping[str, Ratio | None],
) -> tuple[Caveat, ...]:
    found = {caveat.code: caveat for one in (*before, *after) for caveat in one.caveats}
    found |= {caveat.code: caveat for caveat in share.caveats}
    found |= {caveat.code: caveat for ratio in ratios.values() if ratio for caveat in ratio.caveats}
    return tuple(found.values())


def _share(windows: Sequence[Measured], level: float) -> Interval:
    return shares.share_interval(blocks.pooled([one.share for one in windows]), level=level)


def _design_effect(windows: Sequence[Measured]) -> float:
    """Weighted by calls."""
    calls = math.fsum(one.share.calls for one in windows)
    return math.fsum(one.design_effect * one.share.calls for one in windows) / calls


def latencies_of(windows: Sequence[Measured]) -> Latencies:
    """Several windows together; connections of different windows are different ones."""

    def joined(left: Latencies, right: Latencies) -> Latencies:
        return Latencies(
            cluster=np.concatenate([left.cluster, right.cluster + left.clusters]),
            value_s=np.concatenate([left.value_s, right.value_s]),
            count=np.concatenate([left.count, right.count]),
            clusters=left.clusters + right.clusters,
        )

    return reduce(joined, (one.latencies for one in windows))


def _errors(windows: Sequence[Measured], level: float) -> Interval | None:
    requests, failures = sum(one.requests for one in windows), sum(one.failures for one in windows)
    return stats.wilson(failures, requests, level=level)


def _skew(windows: Sequence[Measured], level: float) -> Interval | None:
    calls: Counter[str] = Counter()
    for one in windows:
        calls.update(dict(one.endpoint_calls))
    return guards.load_skew(calls, math.fsum(one.share.effective_n for one in windows), level=level)


def _mean_interval(intervals: Sequence[Interval | None]) -> Interval | None:
    """Mean of independent estimates; None where one is missing."""
    known = [one for one in intervals if one is not None]
    if not known or len(known) < len(intervals):
        return None
    size = len(known)
    centre = math.fsum(one.estimate for one in known) / size
    low = math.sqrt(math.fsum((one.estimate - one.low) ** 2 for one in known)) / size
    high = math.sqrt(math.fsum((one.high - one.estimate) ** 2 for one in known)) / size
    return replace(
        known[0],
        estimate=centre,
        low=centre - low,
        high=centre + high,
        n=sum(one.n for one in known),
        method=known[0].method if size == 1 else f"mean of {size}: {known[0].method}",
        least_n=None,
    )


def _mean_of(windows: Sequence[Measured]) -> Interval | None:
    """Mean response time of all calls, same- and cross-zone ones by their numbers."""
    return _mean_interval([_mean_in(one) for one in windows])


def _mean_in(one: Measured) -> Interval | None:
    parts = [
        (part.mean_s, part.calls)
        for part in (one.pair.same_latency, one.pair.cross_latency)
        if part.mean_s is not None
    ]
    calls = sum(count for _, count in parts)
    if not calls:
        return None
    centre = math.fsum(mean.estimate * count for mean, count in parts) / calls
    half = math.sqrt(math.fsum(((mean.high - mean.estimate) * count / calls) ** 2 for mean, count in parts))
    return replace(parts[0][0], estimate=centre, low=centre - half, high=centre + half, n=calls)


def _predicted(gap_s: Interval | None, gain: Interval) -> Interval | None:
    """The product, by the delta method."""
    if gap_s is None:
        return None
    centre = -gap_s.estimate * gain.estimate
    half = math.hypot(
        (gap_s.high - gap_s.low) / 2 * gain.estimate, (gain.high - gain.low) / 2 * gap_s.estimate
    )
    return replace(
        gap_s,
        estimate=centre,
        low=centre - half,
        high=centre + half,
        method="cross minus same times share gained",
    )
