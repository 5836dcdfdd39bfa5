"""Latency buckets."""

import math

from hypothesis import given
from hypothesis import strategies as st

from loadtest.worker.latency import EMPTY, GROWTH, bucket, histogram, merge, middle_ms

LATENCIES = st.floats(0.0011, 1e6)


@given(LATENCIES)
def test_a_bucket_is_off_by_half_its_growth_at_most(latency_ms: float):
    """One per cent wide, so half a per cent from its middle (and rounding at its edge)."""
    assert abs(middle_ms(bucket(latency_ms)) / latency_ms - 1) <= (GROWTH - 1) / 2 + 1e-3


@given(st.lists(LATENCIES, min_size=1, max_size=200), st.floats(0.001, 1))
def test_a_quantile_is_that_of_the_sorted_list_within_one_per_cent(latencies: list[float], q: float):
    """Nearest rank, on the buckets as on the values."""
    exact_ms = sorted(latencies)[math.ceil(q * len(latencies)) - 1]
    seen_ms = histogram((bucket(value), 1) for value in latencies).quantile_ms(q)

    assert seen_ms is not None
    assert abs(seen_ms / exact_ms - 1) <= GROWTH - 1


def test_merging_adds_counts_up():
    """Workers' histograms become the swarm's."""
    left, right = histogram([(5, 2), (7, 1)]), histogram([(7, 4)])

    assert merge([left, right, EMPTY]).counts == ((5, 2), (7, 5))


def test_an_empty_histogram_has_no_quantile():
    """None, not zero."""
    assert EMPTY.quantile_ms(0.5) is None
    assert EMPTY.mean_ms() is None
