"""Failures that clump are worth fewer requests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import failures, stats


def test_failures_of_one_endpoint_clump():
    """Ten endpoints, fifty failures on one of them: chi-squared over its freedom by hand."""
    clusters = [(100.0, 50.0), *[(100.0, 0.0)] * 9]

    expected = ((50 - 5) ** 2 + 9 * 25) / (0.05 * 0.95 * 100) / 9
    assert failures.dispersion(clusters) == pytest.approx(expected)


def test_spread_failures_are_worth_all_requests():
    """As many on each: nothing clumps, and the interval is Wilson's."""
    assert failures.dispersion([(100.0, 2.0)] * 5) == 1.0
    assert failures.failed_share(500, 10, 1.0) == stats.wilson(10, 500)


@pytest.mark.parametrize("clusters", [[], [(10.0, 0.0)] * 4, [(10.0, 10.0)] * 4, [(10.0, 3.0)]])
def test_where_nothing_can_clump(clusters):
    """No, all, or one cluster's failures: each request counts."""
    assert failures.dispersion(clusters) == 1.0


def test_no_requests_no_share():
    """Nothing to divide by."""
    assert failures.failed_share(0, 0, 1.0) is None


@given(st.integers(1, 5000), st.floats(1, 50), st.floats(0, 1))
def test_clumps_only_widen(requests, times, part):
    """The interval of clumped failures is as wide or wider, and holds its estimate."""
    failed = round(part * requests)
    plain, clumped = (failures.failed_share(requests, failed, one) for one in (1.0, times))

    assert plain is not None
    assert clumped is not None
    assert clumped.low - 1e-9 <= failed / requests <= clumped.high + 1e-9
    assert clumped.high - clumped.low >= plain.high - plain.low - 1e-9


def test_equal_arms_with_a_bad_endpoint_do_not_differ():
    """One endpoint of six fails a fifth of its calls: counting requests errs too often, clumps do not."""
    rng = np.random.default_rng(43)
    naive = clumped = 0
    for _ in range(400):
        arms = []
        for _arm in range(2):
            calls = rng.multinomial(60, np.full(6, 1 / 6)) * 20.0  # sixty kept connections of twenty calls
            failed = rng.binomial(calls.astype(int), [0.2, 0, 0, 0, 0, 0])
            times = failures.dispersion(list(zip(calls.tolist(), failed.tolist(), strict=True)))
            arms.append((int(calls.sum()), int(failed.sum()), times))
        for by_clump in (False, True):
            sides = [failures.failed_share(n, bad, times if by_clump else 1.0) for n, bad, times in arms]
            gap = stats.difference_of_shares(*sides)
            assert gap is not None
            changed = not gap.low <= 0 <= gap.high
            naive += changed and not by_clump
            clumped += changed and by_clump

    assert naive / 400 > 0.15
    assert clumped / 400 < 0.07
