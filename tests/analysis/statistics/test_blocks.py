"""Blocks: their order, their interval, and what certifies the instrument."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import blocks, shares
from analysis.statistics.blocks import BlockDifference, Certificate
from analysis.statistics.clusters import ALL, ArmShare, StratumShare, Unit
from k8s.errors import UsageError


def difference(estimate: float, standard_error: float = 0.01) -> BlockDifference:
    return BlockDifference(estimate=estimate, standard_error=standard_error)


def arm(share: float, n: float = 100.0) -> ArmShare:
    one = StratumShare(stratum=ALL, calls=n, share=share, effective_n=n, clusters=int(n))
    return ArmShare(unit=Unit.CONNECTION, strata=(one,))


differences = st.lists(
    st.builds(difference, st.floats(-1, 1), st.floats(0.001, 0.5)), min_size=1, max_size=12
)


def test_two_arms_go_there_and_back():
    """A B, B A, A B, B A: what drifts in a straight line cancels."""
    assert blocks.schedule(("off", "tar"), 4) == (("off", "tar"), ("tar", "off")) * 2


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 7])
def test_a_cycle_is_balanced(size):
    """Every arm is as often in each place, and as often just after each other arm."""
    arms = tuple(f"arm-{number}" for number in range(size))
    count = blocks.cycle(size)

    orders = blocks.schedule(arms, count)

    places = Counter((place, one) for order in orders for place, one in enumerate(order))
    follows = Counter(pair for order in orders for pair in pairwise(order))
    assert all(sorted(order) == sorted(arms) for order in orders)
    assert set(places.values()) == {count // size}
    assert len(places) == size * size
    assert set(follows.values()) == {count // size}
    assert len(follows) == size * (size - 1)


@pytest.mark.parametrize(("arms", "count"), [(("off",), 4), (("off", "off"), 4), (("off", "tar"), 0)])
def test_no_blocks_without_two_arms(arms, count):
    """One arm, the same one twice, or no block is refused."""
    with pytest.raises(UsageError, match="planning blocks"):
        blocks.schedule(arms, count)


def test_blocks_that_agree_are_as_good_as_their_connections():
    """R <= 1 in four blocks: the half-width is 1.96 standard errors of their mean."""
    result = blocks.combine([difference(0.10), difference(0.11), difference(0.10), difference(0.09)])

    assert result.interval.estimate == pytest.approx(0.10)
    assert result.interval.high - 0.10 == pytest.approx(1.959964 * 0.005, rel=1e-6)
    assert result.spread.ratio == pytest.approx(2 / 3)


def test_blocks_that_differ_get_the_t_interval():
    """R > 1: exactly the one-sample t interval of the blocks' differences."""
    values = np.array([0.0, 0.1, 0.2, 0.3, 0.15])

    result = blocks.combine([difference(value) for value in values])

    half = 2.7764451 * values.std(ddof=1) / math.sqrt(5)
    assert (result.interval.low, result.interval.high) == pytest.approx((0.15 - half, 0.15 + half), rel=1e-6)
    assert result.spread.p_value < 1e-6


def test_few_blocks_take_the_wider_one():
    """Three blocks with a spread just under R = 1 still get t with two degrees of freedom."""
    agreeing = [difference(0.1), difference(0.1172), difference(0.1)]

    result = blocks.combine(agreeing)

    assert result.spread.ratio < 1
    assert result.interval.high - result.interval.estimate > 2 * 1.96 * 0.01 / math.sqrt(3)


def test_one_block_is_its_own_interval():
    """Nothing is known between blocks, so nothing is added."""
    result = blocks.share_difference([(arm(0.3), arm(0.5))])

    expected = shares.difference(arm(0.3), arm(0.5))
    assert (result.interval.low, result.interval.high) == (expected.interval.low, expected.interval.high)
    assert result.p_value == shares.p_value(arm(0.3), arm(0.5))


def test_blocks_at_one_are_not_without_width():
    """Ideal routing in four blocks: as wide as all their connections, never of length zero."""
    pairs = [(arm(1.0), arm(1.0))] * 4

    result = blocks.share_difference(pairs)

    expected = shares.difference(arm(1.0, 400), arm(1.0, 400)).interval
    assert (result.interval.low, result.interval.high) == pytest.approx((expected.low, expected.high))


def test_blocks_that_differ_are_told():
    """A caveat where connections do not explain the spread."""
    result = blocks.share_difference([(arm(0.3), arm(share)) for share in (0.1, 0.9, 0.2, 0.8)])

    assert [caveat.code for caveat in result.caveats] == ["blocks-differ"]


@pytest.mark.parametrize("bad", [[], [difference(0.1, 0.0)]])
def test_no_blocks_no_result(bad):
    """Without blocks, or with a block that claims to know exactly, there is no interval."""
    with pytest.raises(UsageError, match="combining blocks"):
        blocks.combine(bad)


@given(differences)
def test_p_value_and_interval_agree(found):
    """The p-value is below 0.05 if and only if the 95 % interval excludes zero."""
    result = blocks.combine(found)

    if abs(result.p_value - 0.05) > 1e-6:
        assert (result.p_value < 0.05) == (not result.interval.low <= 0 <= result.interval.high)
    assert result.interval.low < result.interval.high
    assert 0 <= result.p_value <= 1


@given(differences)
def test_swapping_arms_mirrors(found):
    """Left minus right is minus right minus left."""
    result = blocks.combine(found)
    back = blocks.combine([difference(-one.estimate, one.standard_error) for one in found])

    assert (back.interval.low, back.interval.high) == pytest.approx(
        (-result.interval.high, -result.interval.low), abs=1e-12
    )


@pytest.mark.parametrize(
    ("values", "error", "expected"),
    [
        ([0.01, -0.01, 0.0, 0.005], 0.01, Certificate.CERTIFIED),
        ([0.01, -0.01, 0.0, 0.005], 0.1, Certificate.UNDECIDED),
        ([0.01, -0.01], 0.005, Certificate.UNDECIDED),
        ([0.1, 0.11, 0.09, 0.1], 0.01, Certificate.REFUSED),
        ([0.04, -0.04, 0.04, -0.04], 0.001, Certificate.REFUSED),
    ],
)
def test_what_certifies(values, error, expected):
    """Small differences, known to be small, as small as their errors say, in four blocks."""
    check = blocks.certify([difference(value, error) for value in values])

    assert check.certificate is expected
    assert check.reasons
    assert check.interval.level == 0.9
