"""Intervals: against scipy and statsmodels' published figures, and their coverage by simulation."""

import random

import pytest
from scipy.stats import binomtest

from analysis.statistics import stats
from analysis.statistics.interval import Interval


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (333, 1000), (4000, 4000)])
def test_wilson_equals_scipy(k: int, n: int):
    """The same interval as scipy.stats.binomtest(...).proportion_ci(method="wilson")."""
    expected = binomtest(k, n).proportion_ci(method="wilson")

    found = stats.wilson(k, n)

    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.low <= found.estimate <= found.high


@pytest.mark.parametrize("share", [0.0, 1 / 3, 0.5, 1.0])
def test_least_n_is_the_least(share: float):
    """With least_n observations the half-width is five points at most, with one fewer it is more."""
    found = stats.wilson(share * 1000, 1000)
    assert found is not None
    assert found.least_n is not None

    def half_width(n: int) -> float:
        bounds = binomial_wilson(share, n)
        return (bounds[1] - bounds[0]) / 2

    assert half_width(found.least_n) <= 0.05 < half_width(found.least_n - 1)


def binomial_wilson(share: float, n: int) -> tuple[float, float]:
    """The roots of |share - p| = z sqrt(p (1 - p) / n), Wilson's own definition."""
    z = 1.959963984540054
    a, b, c = 1 + z * z / n, -(2 * share + z * z / n), share * share
    root = (b * b - 4 * a * c) ** 0.5
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def test_wilson_without_observations():
    """No call, no interval."""
    assert stats.wilson(0, 0) is None


@pytest.mark.parametrize(
    ("before", "after", "low", "high"),
    [
        # Newcombe 1998, table II, method 10: p1 - p2 of (56/70, 48/80), (9/10, 3/10), (10/10, 0/20).
        ((48, 80), (56, 70), 0.0524, 0.3339),
        ((3, 10), (9, 10), 0.1705, 0.8090),
        ((0, 20), (10, 10), 0.6791, 1.0000),
    ],
)
def test_difference_of_shares_gives_newcombes_figures(before, after, low: float, high: float):
    """The worked examples of the paper come out to its four decimals."""
    found = stats.difference_of_shares(stats.wilson(*before), stats.wilson(*after))

    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_covers_at_its_level():
    """Of 2,000 simulated baselines, 93 to 97 in a hundred intervals hold the true share."""
    draw = random.Random(7)
    hits = 0
    for _ in range(2000):
        same = sum(draw.random() < 1 / 3 for _ in range(400))
        interval = stats.wilson(same, 400)
        assert interval is not None
        hits += interval.low <= 1 / 3 <= interval.high

    assert 0.93 <= hits / 2000 <= 0.97


def test_mean_and_its_difference():
    """Means come from exact totals, the difference is right minus left."""
    left = stats.mean(100 * 0.002, [(0.001, 50), (0.003, 50)])
    right = stats.mean(100 * 0.004, [(0.003, 50), (0.005, 50)])

    gap = stats.difference_of_means(left, right)

    assert left is not None
    assert gap is not None
    assert left.estimate == pytest.approx(0.002)
    assert left.high - left.estimate == pytest.approx(1.96 * 0.001005 / 10, rel=1e-3)
    assert gap.estimate == pytest.approx(0.002)
    assert gap.low < 0.002 < gap.high


def test_mean_of_one_value_has_no_interval():
    """A variance needs two values."""
    assert stats.mean(0.001, [(0.001, 1)]) is None


@pytest.mark.parametrize(("q", "expected"), [(0.5, 0.002), (0.99, 0.003), (0.0, 0.001), (1.0, 0.004)])
def test_quantile_is_by_nearest_rank(q: float, expected: float):
    """One hundred values: 1 ms x 1, 2 ms x 60, 3 ms x 38, 4 ms x 1."""
    assert stats.quantile([(0.001, 1), (0.002, 60), (0.003, 38), (0.004, 1)], q) == expected


def test_complement_swaps_the_ends():
    """The cross-zone share's interval mirrors the same-zone share's."""
    share = Interval(estimate=0.3, low=0.2, high=0.5, level=0.95, n=10, method="m")

    other = stats.complement(share)

    assert other is not None
    assert (other.estimate, other.low, other.high) == pytest.approx((0.7, 0.5, 0.8))
