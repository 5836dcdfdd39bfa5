"""Shares of sampled traces: the unit is the trace where that decides; nothing is added where it does not."""

import numpy as np
import pytest

from analysis.statistics import sampled_traces, shares
from analysis.statistics.clusters import ArmShare, StratumShare, Unit
from analysis.statistics.sampled_traces import TracedCalls


def arm(*strata: tuple[str, int, float]) -> ArmShare:
    return ArmShare(
        unit=Unit.CONNECTION,
        strata=tuple(
            StratumShare(stratum=name, calls=calls, share=share, effective_n=calls, clusters=calls)
            for name, calls, share in strata
        ),
    )


def test_one_call_a_trace_adds_nothing():
    """Then traces are calls."""
    plain = arm(("a", 60, 0.5), ("b", 60, 0.5))
    seen = [TracedCalls(calls=1, hits=number % 2) for number in range(120)]

    found = sampled_traces.with_sampling(plain, seen)

    assert found.effective_n == pytest.approx(plain.effective_n, rel=0.02)


def test_calls_that_go_together_count_once():
    """Traces of four calls that all stay or all cross are worth a quarter of their calls."""
    plain = arm(("a", 200, 0.5), ("b", 200, 0.5))
    seen = [TracedCalls(calls=4, hits=4 * (number % 2)) for number in range(100)]

    assert sampled_traces.with_sampling(plain, seen).effective_n == pytest.approx(100, rel=0.05)


def test_traces_that_were_read_stand_for_all_that_hold_the_arms_calls():
    """A tenth of the traces read: the arm's share varies as much as by all of them, not ten times as much."""
    plain = arm(("a", 2000, 0.5), ("b", 2000, 0.5))
    every = [TracedCalls(calls=4, hits=4 * (number % 2)) for number in range(1000)]

    some = sampled_traces.with_sampling(plain, every[:100])

    assert some.effective_n == pytest.approx(1000, rel=0.05)
    assert some.effective_n == pytest.approx(sampled_traces.with_sampling(plain, every).effective_n, rel=0.05)


def test_a_share_of_one_keeps_its_width():
    """Nothing varies; the connections' own effective n stays."""
    plain = arm(("a", 50, 1.0))

    assert sampled_traces.with_sampling(plain, [TracedCalls(calls=2, hits=2)] * 25) == plain


def test_intervals_where_zones_differ_and_traces_choose_the_zone():
    """Shares of 0.95 and 0.05: which clients came into the sample moves the share more than routing does."""
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        zones = rng.random(60) < 0.5
        calls = rng.integers(2, 6, 60)
        same = rng.binomial(calls, np.where(zones, 0.95, 0.05))
        strata = [
            (name, int(calls[mask].sum()), float(same[mask].sum() / calls[mask].sum()))
            for name, mask in (("a", zones), ("b", ~zones))
        ]
        seen = [TracedCalls(calls=int(n), hits=int(y)) for n, y in zip(calls, same, strict=True)]
        interval = shares.share_interval(sampled_traces.with_sampling(arm(*strata), seen))
        hits += interval.low <= 0.5 <= interval.high

    assert 0.93 <= hits / 400 <= 0.99


def test_the_windows_own_share():
    """Exact where every call was seen, wider the less was; None without a call."""
    seen = [TracedCalls(calls=2, hits=1)] * 50

    whole = sampled_traces.of_window(seen, counted=100)
    half = sampled_traces.of_window(seen, counted=200)
    little = sampled_traces.of_window(seen, counted=10_000)

    assert whole is not None
    assert half is not None
    assert little is not None
    assert (whole.low, whole.high) == (0.5, 0.5)
    assert 0 < half.high - half.low < little.high - little.low
    assert sampled_traces.of_window([], counted=100) is None
