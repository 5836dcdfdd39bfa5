"""What the candidate changed, over one or more blocks: every figure a verdict judges, with its interval."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from analysis.statistics import blocks, chance, failures, latency_ratios, mix, shares, stats
from analysis.statistics.blocks import BlockResult
from analysis.statistics.chance import Chosen
from analysis.statistics.clusters import ArmShare, Unit
from analysis.statistics.interval import Interval
from analysis.statistics.latency_ratios import Latencies, Ratio
from analysis.statistics.mix import MixCheck, MixOf
from analysis.verdict import guards
from analysis.verdict.guards import GuardName
from analysis.verdict.judged import Effects
from analysis.verdict.windows import Measured
from loadtest.record import Caveat

RESOLUTION_S = 1e-6
"""Traces hold times in microseconds; it is the graph's histograms that X-Ray rounds to 1 ms."""

Block = tuple[Measured, Measured]
"""Baseline and candidate, measured one after the other in either order."""


def effects(
    measured: Sequence[Block], *, chosen: Chosen | None = None, level: float = stats.LEVEL, seed: int = 1
) -> Effects:
    """All figures over blocks; UsageError without any.

    *chosen* is the unit of chance, by default as these windows say; give it where others say more.
    """
    before, after = [left for left, _ in measured], [right for _, right in measured]
    chosen = chosen or unit_of([*before, *after])
    unit = chosen.unit
    left, right = latencies_of(before, unit), latencies_of(after, unit)
    ratios = {
        "p50": latency_ratios.quantile_ratio(
            left, right, 0.5, seed=seed, level=level, resolution_s=RESOLUTION_S
        ),
        "p99": latency_ratios.quantile_ratio(
            left, right, 0.99, seed=seed, level=level, resolution_s=RESOLUTION_S
        ),
        "mean": latency_ratios.mean_ratio(left, right, level=level),
    }
    unseen = {name: why for one in (*before, *after) for name, why in one.unseen.items()}
    error_rates = [
        None if GuardName.ERRORS in unseen else _errors(arm, unit, level) for arm in (before, after)
    ]
    checks = mix.checks([one.mix for one in before], [one.mix for one in after])
    moved = any(one.differs for one in checks if one.of is MixOf.ZONES)
    share = gain(measured, unit, level=level, at_baseline=moved)
    gap_s = _mean_interval([one.pair.cross_minus_same_s for one in before])
    return Effects(
        share_before=shares.share_interval(_pooled(before, unit), level=level),
        share_after=shares.share_interval(_after(before, after, unit, moved=moved), level=level),
        share=share,
        design_effect_before=_design_effect(before),
        design_effect_after=_design_effect(after),
        p50_ratio=_interval(ratios["p50"]),
        p99_ratio=_interval(ratios["p99"]),
        mean_ratio=_interval(ratios["mean"]),
        error_rate=error_rates[1],
        error_gain=stats.difference_of_shares(*error_rates),
        skew=_skew(after, unit, level),
        skew_before=_skew(before, unit, level),
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
        caveats=_caveats(measured, chosen, share, ratios, checks),
        unit=unit,
        why_unit=chosen.why,
        mix=checks,
        unseen=tuple(unseen.items()),
        seconds=min(math.fsum(one.seconds for one in arm) for arm in (before, after)),
    )


def unit_of(windows: Sequence[Measured]) -> Chosen:
    """The unit of chance that these windows call for."""
    return chance.chosen([one.chance for one in windows])


def gain(
    measured: Sequence[Block], unit: Unit, *, level: float = stats.LEVEL, at_baseline: bool = False
) -> BlockResult:
    """Candidate minus baseline share over blocks, by *unit*."""
    arms = [(left.chance.share(unit), right.chance.share(unit)) for left, right in measured]
    return blocks.share_difference(arms, level=level, at_baseline=at_baseline)


def zones_moved(measured: Sequence[Block]) -> bool:
    """Whether the arms' calls came from the zones in other proportions."""
    before, after = [left.mix for left, _ in measured], [right.mix for _, right in measured]
    return any(one.differs for one in mix.checks(before, after) if one.of is MixOf.ZONES)


def _interval(ratio: Ratio | None) -> Interval | None:
    return None if ratio is None else ratio.interval


def _caveats(
    measured: Sequence[Block],
    chosen: Chosen,
    share: BlockResult,
    ratios: Mapping[str, Ratio | None],
    checks: Sequence[MixCheck],
) -> tuple[Caveat, ...]:
    windows = [one for block in measured for one in block]
    found = {caveat.code: caveat for one in windows for caveat in one.chance.share(chosen.unit).caveats}
    if chosen.unit is Unit.CLIENT_POD:
        found["client-pod-clusters"] = Caveat(code="client-pod-clusters", text=chosen.why)
    for one in checks:
        if one.differs:
            found[f"{one.of.name.lower()}-differ"] = _mix_caveat(one)
    if len(measured) == 1:
        text = (
            "One window of each arm: what drifts from window to window, and clients that come back to their "
            "endpoint too rarely to show, are not in the interval; samezone experiment alternates the arms."
        )
        found["single-pair"] = Caveat(code="single-pair", text=text)
    found |= {caveat.code: caveat for caveat in share.caveats}
    found |= {caveat.code: caveat for ratio in ratios.values() if ratio for caveat in ratio.caveats}
    return tuple(found.values())


def _mix_caveat(check: MixCheck) -> Caveat:
    then = "times and failures may differ for that alone"
    if check.of is MixOf.ZONES:
        then = "shares are compared at the baseline's mix of zones"
    text = (
        f"The arms differ in their {check.of.value}: {check.part} had {100 * check.before:.1f} % in the "
        f"baseline and {100 * check.after:.1f} % in the candidate; {then}."
    )
    return Caveat(code=f"{check.of.name.lower()}-differ", text=text)


def _pooled(windows: Sequence[Measured], unit: Unit) -> ArmShare:
    return blocks.pooled([one.chance.share(unit) for one in windows])


def _after(before: Sequence[Measured], after: Sequence[Measured], unit: Unit, *, moved: bool) -> ArmShare:
    """The candidate's share; at the baseline's mix of zones where the arms' mixes differ."""
    if not moved:
        return _pooled(after, unit)
    found = []
    for left, right in zip(before, after, strict=True):
        mine, other = left.chance.share(unit), right.chance.share(unit)
        same = [one.stratum for one in mine.strata] == [one.stratum for one in other.strata]
        found.append(shares.at_mix(other, [one.calls for one in mine.strata]) if same else other)
    return blocks.pooled(found)


def _design_effect(windows: Sequence[Measured]) -> float:
    """Weighted by calls."""
    calls = math.fsum(one.pair.calls for one in windows)
    return math.fsum(one.chance.design_effect * one.pair.calls for one in windows) / max(calls, 1.0)


def latencies_of(windows: Sequence[Measured], unit: Unit) -> Latencies:
    """Several windows together; connections, or pods, of different windows are different ones."""

    def joined(left: Latencies, right: Latencies) -> Latencies:
        return Latencies(
            cluster=np.concatenate([left.cluster, right.cluster + left.clusters]),
            value_s=np.concatenate([left.value_s, right.value_s]),
            count=np.concatenate([left.count, right.count]),
            clusters=left.clusters + right.clusters,
        )

    by_client = unit is Unit.CLIENT_POD
    return reduce(joined, (one.latencies_by_client if by_client else one.latencies for one in windows))


def _errors(windows: Sequence[Measured], unit: Unit, level: float) -> Interval | None:
    """By connection where all of a pod pair's fail alike, or by client pod, as they were seen to clump."""
    requests, failed = sum(one.requests for one in windows), sum(one.failures for one in windows)
    hops: dict[str, dict[tuple[str, ...], tuple[int, int]]] = {}
    for one in windows:
        for seen in one.failed_calls:
            pods = (seen.client,) if unit is Unit.CLIENT_POD else (seen.client, seen.server)
            tallies = hops.setdefault(seen.hop, {})
            calls, bad = tallies.get((one.label, *pods), (0, 0))
            tallies[one.label, *pods] = (calls + seen.calls, bad + seen.failed)
    times = max((failures.dispersion(list(one.values())) for one in hops.values()), default=1.0)
    return failures.failed_share(requests, failed, times, level=level)


def _skew(windows: Sequence[Measured], unit: Unit, level: float) -> Interval | None:
    calls: Counter[str] = Counter()
    for one in windows:
        calls.update(dict(one.endpoint_calls))
    return guards.load_skew(
        calls, math.fsum(one.chance.share(unit).effective_n for one in windows), level=level
    )


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
