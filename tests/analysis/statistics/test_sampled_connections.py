"""Reuse of connections from a sample of calls: by hand, at the ends, and as properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import sampled_connections
from analysis.statistics.clusters import Unit
from analysis.statistics.pair_table import SampledPair
from analysis.statistics.sampled_connections import SampledArm
from k8s.errors import UsageError


def pair(calls: int, sampled: tuple[int, ...] = (), *, same: bool = False, name: str = "s1", zone: str = "a"):
    return SampledPair(client="c1", server=name, stratum=zone, calls=calls, same_zone=same, sampled=sampled)


def found(*pairs: SampledPair) -> SampledArm:
    arm = sampled_connections.sampled_arm(pairs)
    assert arm is not None
    return arm


def codes(arm: SampledArm) -> list[str]:
    return [caveat.code for caveat in arm.arm.caveats]


pairs = st.lists(
    st.builds(
        lambda sampled, rest, same, name: pair(sum(sampled) + rest, tuple(sampled), same=same, name=name),
        st.lists(st.integers(1, 9), max_size=6),
        st.integers(0, 200),
        st.booleans(),
        st.text("xyz", min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=6,
).filter(lambda some: any(one.calls for one in some))


def test_a_full_sample_is_exact():
    """All calls sampled: the sum of squares is known, and there is no caveat."""
    arm = found(pair(40, (10, 10, 20)))

    assert arm.design_effect == arm.design_effect_limit == 15
    assert arm.arm.effective_n == pytest.approx(1600 / 600)
    assert codes(arm) == []


def test_the_estimate_by_hand():
    """1000 calls, 4 of them sampled, two of these on one connection: 1000 + 1000 * 999 / 12 * 2."""
    arm = found(pair(1000, (2, 1, 1)))

    assert arm.design_effect == pytest.approx(1 + 999 / 12 * 2)
    assert arm.design_effect < arm.design_effect_limit <= 1000
    assert codes(arm) == ["connections-sampled"]


def test_no_coincidence_is_the_rule_of_three():
    """50 sampled calls on 50 connections: reuse is bounded by three coincidences, not by none."""
    arm = found(pair(1000, (1,) * 50))

    assert arm.design_effect == 1.0
    assert arm.design_effect_limit == pytest.approx(1 + 2.9957 * 2 * 999 / (50 * 49), rel=1e-4)


def test_without_a_sample_each_pair_is_one_connection():
    """The widest interval that the counts allow, and it says so."""
    arm = found(pair(30, same=True), pair(10, name="s2"))

    assert arm.arm.unit is Unit.PAIR
    assert arm.arm.effective_n == pytest.approx(1600 / 1000)
    assert arm.arm.share == 0.75
    assert arm.unsampled_pairs == 2
    assert codes(arm) == ["connections-unknown"]


def test_a_single_call_says_nothing_of_the_others():
    """One pair of a single call beside one of thirty without a sample: connections stay unknown."""
    arm = found(pair(30, same=True), pair(1, name="s2"))

    assert arm.arm.unit is Unit.PAIR
    assert codes(arm) == ["connections-unknown"]


def test_pairs_without_a_sample_are_told():
    """One pair of two was not sampled: it is one connection, and the caveat counts it."""
    arm = found(pair(30, (1,) * 20), pair(30, (1,), name="s2"))

    assert arm.unsampled_pairs == 1
    assert arm.design_effect >= 30 * 30 / 60
    assert "1 of 2 pod pairs" in arm.arm.caveats[0].text


def test_one_connection_is_recognised():
    """All sampled calls on one connection: the limit is that all calls are."""
    assert found(pair(500, (25,))).design_effect == pytest.approx(500)


def test_no_calls_no_arm():
    """Nothing to say."""
    assert sampled_connections.sampled_arm([pair(0)]) is None


def test_a_sample_of_another_window_is_refused():
    """More sampled calls than calls."""
    with pytest.raises(UsageError, match="c1 to s1"):
        sampled_connections.sampled_arm([pair(3, (4,))])


@given(pairs)
def test_the_limit_is_between_the_estimate_and_one_connection_a_pair(some):
    """Never below the estimate, never beyond all calls of each pair on one connection."""
    arm = found(*some)
    calls = sum(one.calls for one in some)

    assert arm.design_effect + 1e-9 >= 1
    assert arm.design_effect <= arm.design_effect_limit + 1e-9
    assert arm.design_effect_limit <= sum(one.calls**2 for one in some) / calls + 1e-9
    assert arm.arm.calls == calls
    assert arm.arm.effective_n >= 1 - 1e-9


def test_the_limit_holds_in_nineteen_of_twenty():
    """Over random samples of 8 % the limit lies above the true design effect in 95 % or more."""
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 40, size=60)
    true, held = (sizes**2).sum() / sizes.sum(), 0

    for _ in range(400):
        seen = rng.multivariate_hypergeometric(sizes, int(sizes.sum() * 0.08))
        arm = found(pair(int(sizes.sum()), tuple(int(one) for one in seen if one)))
        held += arm.design_effect_limit >= true

    assert held / 400 >= 0.95
