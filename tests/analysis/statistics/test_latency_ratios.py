"""Ratios of response times: known answers, what few connections cannot say, coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import latency_ratios
from analysis.statistics.latency_ratios import Latencies


def arm(rng: np.random.Generator, connections: int, calls: int, *, slower: float = 1.0) -> Latencies:
    """Log-normal calls of about 3 ms; two connections of three cross zones and take 1.2 ms more."""
    cluster = np.repeat(np.arange(connections), calls)
    crosses = rng.random(connections) < 2 / 3
    values = slower * (np.exp(rng.normal(-6, 0.4, connections * calls)) + 0.0012 * crosses[cluster])
    values = np.round(values, 5)
    return Latencies(cluster=cluster, value_s=values, count=np.ones(len(values)), clusters=connections)


def test_histograms_become_columns():
    """One histogram a connection; those without calls are left out."""
    found = latency_ratios.latencies([[(0.001, 2), (0.002, 1)], [], [(0.003, 0)], [(0.002, 4)]])

    assert found.clusters == 2
    assert found.calls == 7
    assert found.cluster.tolist() == [0, 0, 1]


def test_the_quantile_ratio_is_that_of_the_nearest_ranks():
    """Median 1 ms against 2 ms: exactly 2, and the interval holds it."""
    left = latency_ratios.latencies([[(0.001, 6), (0.005, 4)]] * 20)
    right = latency_ratios.latencies([[(0.002, 6), (0.005, 4)]] * 20)

    found = latency_ratios.quantile_ratio(left, right, 0.5, seed=1)

    assert found is not None
    assert found.estimate == pytest.approx(2.0)
    assert found.interval is not None
    assert found.interval.low < 2 < found.interval.high


def test_rounding_to_a_millisecond_widens():
    """Equal medians of 1 ms that were rounded may be 0.5 and 1.5 ms: no interval of length zero."""
    same = latency_ratios.latencies([[(0.001, 10)]] * 20)

    coarse = latency_ratios.quantile_ratio(same, same, 0.5, seed=1)

    assert coarse is not None
    assert coarse.interval is not None
    assert coarse.interval.high - coarse.interval.low > 1


@pytest.mark.parametrize(("connections", "calls"), [(1, 1000), (10, 1)])
def test_few_connections_say_nothing_of_the_tail(connections, calls):
    """One connection, or ten calls, bound no p99: no interval, and a caveat."""
    rng = np.random.default_rng(1)

    found = latency_ratios.quantile_ratio(
        arm(rng, connections, calls), arm(rng, connections, calls), 0.99, seed=1
    )

    assert found is not None
    assert found.interval is None
    assert found.log_standard_error is None
    assert [caveat.code for caveat in found.caveats] == ["few-tail-calls"]


def test_one_connection_has_no_mean_interval():
    """A variance needs two."""
    one = latency_ratios.latencies([[(0.001, 5), (0.002, 5)]])

    found = latency_ratios.mean_ratio(one, one)

    assert found is not None
    assert (found.estimate, found.interval) == (pytest.approx(1.0), None)


def test_no_calls_no_ratio():
    """Nothing to divide."""
    none, some = latency_ratios.latencies([]), latency_ratios.latencies([[(0.001, 1)]])

    assert latency_ratios.quantile_ratio(none, some, 0.5, seed=1) is None
    assert latency_ratios.mean_ratio(none, some) is None


def test_the_seed_decides():
    """The same seed gives the same interval, another one another."""
    rng = np.random.default_rng(2)
    left, right = arm(rng, 60, 10), arm(rng, 60, 10)

    first, again, other = (latency_ratios.quantile_ratio(left, right, 0.5, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert first != other


@given(st.floats(0.5, 3.0), st.sampled_from([0.5, 0.9]))
def test_scaling_scales(factor, q):
    """Response times times a factor give that factor, with the interval around it."""
    rng = np.random.default_rng(3)
    left = arm(rng, 40, 5)
    right = Latencies(
        cluster=left.cluster, value_s=left.value_s * factor, count=left.count, clusters=left.clusters
    )

    means = latency_ratios.mean_ratio(left, right)
    quantiles = latency_ratios.quantile_ratio(left, right, q, seed=1, draws=99, resolution_s=0)

    for found in (means, quantiles):
        assert found is not None
        assert found.estimate == pytest.approx(factor)
        assert found.interval is not None
        assert found.interval.low < factor < found.interval.high


@pytest.mark.simulation
@pytest.mark.parametrize(("connections", "calls"), [(30, 30), (200, 5)])
def test_intervals_cover(connections, calls):
    """Mean ratios hold the truth in 93 to 97 of 100, bootstrapped quantile ratios in 91 to 99."""
    rng = np.random.default_rng(4)
    means, medians, tails, many, few = 0, 0, 0, 600, 120

    for number in range(many):
        left, right = arm(rng, connections, calls), arm(rng, connections, calls, slower=1.1)
        mean = latency_ratios.mean_ratio(left, right)
        assert mean is not None
        assert mean.interval is not None
        means += mean.interval.low <= 1.1 <= mean.interval.high
        if number < few:
            found = [
                latency_ratios.quantile_ratio(left, right, q, seed=number, draws=199, resolution_s=0)
                for q in (0.5, 0.95)
            ]
            assert found[0] is not None
            assert found[1] is not None
            assert found[0].interval is not None
            assert found[1].interval is not None
            medians += found[0].interval.low <= 1.1 <= found[0].interval.high
            tails += found[1].interval.low <= 1.1 <= found[1].interval.high

    assert 0.93 <= means / many <= 0.97
    assert 0.91 <= medians / few <= 0.99
    assert 0.91 <= tails / few <= 0.99


def test_many_connections_are_grouped():
    """Five thousand connections of distinct values take the grouped way and still find the factor."""
    rng = np.random.default_rng(6)

    found = latency_ratios.quantile_ratio(
        arm(rng, 5000, 1), arm(rng, 5000, 1, slower=1.2), 0.5, seed=1, draws=199, resolution_s=0
    )

    assert found is not None
    assert found.interval is not None
    assert found.interval.low < 1.2 < found.interval.high
    assert found.interval.high / found.interval.low < 1.15
