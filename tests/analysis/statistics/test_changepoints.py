"""Changes in a history of runs: found where they are, and only with runs enough."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.statistics import changepoints
from analysis.statistics.interval import Interval


def history(estimates, half: float = 0.01) -> list[Interval]:
    return [
        Interval(estimate=float(one), low=one - half, high=one + half, level=0.95, n=100, method="m")
        for one in estimates
    ]


def noisy(levels: list[float], runs: int, seed: int = 1) -> np.ndarray:
    return np.repeat(levels, runs) + np.random.default_rng(seed).normal(0, 0.01, runs * len(levels))


def test_one_change_is_found_where_it_is():
    """Hints were lost at run 10: the share falls from 0.95 to 0.33."""
    found = changepoints.changes(history(noisy([0.95, 0.33], 10)), seed=1)

    (change,) = found.changes
    assert change.index == 10
    assert (change.before, change.after) == pytest.approx((0.95, 0.33), abs=0.01)
    assert change.shift == pytest.approx(-0.62, abs=0.02)
    assert change.p_value <= 0.001


def test_several_changes_are_found():
    """There and back again."""
    found = changepoints.changes(history(noisy([0.33, 0.95, 0.33], 12)), seed=1)

    assert [one.index for one in found.changes] == [12, 24]
    assert found.changes[1].before == pytest.approx(0.95, abs=0.01)


def test_a_steady_history_has_none():
    """Equal runs, down to the last digit, are no change."""
    assert changepoints.changes(history([0.5] * 30), seed=1).changes == ()


def test_one_odd_run_is_no_change():
    """An outlier is not two changes."""
    estimates = noisy([0.9], 30)
    estimates[14] = 0.2

    assert changepoints.changes(history(estimates), seed=1).changes == ()


@pytest.mark.parametrize(("runs", "enough"), [(0, False), (7, False), (8, True)])
def test_few_runs_are_not_judged(runs, enough):
    """Fewer than eight runs have no order rare enough."""
    found = changepoints.changes(history([0.1] * (runs // 2) + [0.9] * (runs - runs // 2)), seed=1)

    assert (found.enough, found.runs) == (enough, runs)
    assert bool(found.changes) == enough


def test_the_seed_decides():
    """The same seed finds the same."""
    runs = history(noisy([0.5, 0.51], 10))

    assert changepoints.changes(runs, seed=3) == changepoints.changes(runs, seed=3)


def test_wide_runs_weigh_less():
    """A run that knows nothing moves the level by less than one that does."""
    steady = history(noisy([0.9], 10)) + history(noisy([0.3], 10))
    vague = [*steady[:9], *history([0.5], half=0.4), *steady[10:]]

    (change,) = changepoints.changes(vague, seed=1).changes

    assert change.before == pytest.approx(0.895, abs=0.01)


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=8, max_size=30), st.integers(0, 99))
def test_changes_are_apart_and_explain_the_level(estimates, seed):
    """Indices rise with two runs on each side; every change's p-value is within the alarm rate."""
    found = changepoints.changes(history(estimates), seed=seed, permutations=99)

    edges = [0, *(one.index for one in found.changes), len(estimates)]
    assert all(after - before >= 2 for before, after in pairwise(edges))
    assert all(one.p_value <= found.alarm for one in found.changes)
    assert all(0 <= one.before <= 1 and 0 <= one.after <= 1 for one in found.changes)


def test_permutations_in_parts_are_those_of_one_piece():
    """A long history is tested as a short one is: the same orders, the same p-value."""
    values = noisy([0.5, 0.502], 700)
    weights = np.ones(len(values))
    found = [
        changepoints._split(values, weights, np.random.default_rng(5), 1999, level) for level in (1.0, 0.9999)
    ]

    assert found[0] == found[1]
    assert found[0][1] > 0.0005


def test_a_long_history_is_judged_as_its_parts_call_for():
    """Five thousand runs: both falls are found, the short one too, and no other."""
    runs = history(np.concatenate([noisy([0.9, 0.6], 2400), noisy([0.9], 200, seed=2)]))
    found = changepoints.changes(runs, seed=1)

    assert [one.index for one in found.changes] == [2400, 4800]
    assert changepoints.changes(history(noisy([0.9], 5000)), seed=1).changes == ()
