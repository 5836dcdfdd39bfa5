"""Intervals of shares and differences: the classical case, degenerate ones, properties."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import shares, stats
from analysis.statistics.clusters import ALL, ArmShare, StratumShare, Unit


def arm(*strata: tuple[float, float], calls: float | None = None) -> ArmShare:
    """From (share, effective n) for each stratum."""
    return ArmShare(
        unit=Unit.CONNECTION,
        strata=tuple(
            StratumShare(
                stratum=f"zone-{index}" if len(strata) > 1 else ALL,
                calls=calls or n,
                share=share,
                effective_n=n,
                clusters=math.ceil(n),
            )
            for index, (share, n) in enumerate(strata)
        ),
    )


arms = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 1.0]), st.floats(1, 1e6)), min_size=3, max_size=3
).map(lambda strata: arm(*strata))


@pytest.mark.parametrize(("same", "n"), [(0, 10), (3, 10), (10, 10), (333, 1000)])
def test_fresh_connections_give_wilsons_interval(same, n):
    """One call a connection, one stratum: exactly Wilson."""
    expected = stats.wilson(same, n)

    found = shares.share_interval(arm((same / n, float(n))))

    assert expected is not None
    assert (found.low, found.high, found.n, found.least_n) == (
        pytest.approx(expected.low),
        pytest.approx(expected.high),
        n,
        expected.least_n,
    )


@pytest.mark.parametrize(("left", "right"), [((3, 10), (9, 10)), ((48, 80), (56, 70)), ((0, 20), (10, 10))])
def test_fresh_connections_give_newcombes_interval(left, right):
    """One call a connection, one stratum: exactly Newcombe."""
    expected = stats.difference_of_shares(stats.wilson(*left), stats.wilson(*right))

    found = shares.difference(
        arm((left[0] / left[1], left[1])), arm((right[0] / right[1], right[1]))
    ).interval

    assert expected is not None
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (expected.estimate, expected.low, expected.high)
    )


def test_equal_strata_give_the_interval_of_their_sum():
    """Three zones with the same share are as good as one three times as large."""
    apart, together = (
        shares.share_interval(arm((0.3, 40), (0.3, 40), (0.3, 40))),
        shares.share_interval(arm((0.3, 120))),
    )

    assert (apart.low, apart.high) == pytest.approx((together.low, together.high))


def test_strata_at_their_ends_narrow_the_interval():
    """Zones at 0 and 1 carry less variance than a mix of the same share."""
    apart, together = (
        shares.share_interval(arm((1, 100), (1, 100), (0, 100))),
        shares.share_interval(arm((2 / 3, 300))),
    )

    assert apart.high - apart.low < 0.7 * (together.high - together.low)


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize(("n", "least_width"), [(1, 0.79), (3, 0.56), (30, 0.113)])
def test_an_extreme_share_of_few_connections_is_wide(share, n, least_width):
    """A share of 0 or 1 keeps Wilson's width z^2 / (n + z^2), however many calls the connections had."""
    found = shares.share_interval(arm((share, n), calls=100_000))

    assert found.high - found.low == pytest.approx(1.96**2 / (n + 1.96**2), rel=1e-3)
    assert found.high - found.low >= least_width
    assert found.estimate == share


def test_the_difference_is_at_the_common_mix():
    """The same routing with calls from other zones is no difference; the plain one is kept beside."""
    strata = (("a", 1.0), ("b", 0.0))
    left, right = (
        ArmShare(
            unit=Unit.CONNECTION,
            strata=tuple(
                StratumShare(stratum=name, calls=calls, share=share, effective_n=50, clusters=50)
                for (name, share), calls in zip(strata, mix, strict=True)
            ),
        )
        for mix in ((100, 300), (300, 100))
    )

    found = shares.difference(left, right)

    assert found.interval.estimate == pytest.approx(0.0)
    assert found.raw == pytest.approx(0.5)
    assert shares.p_value(left, right) == 1.0
    assert found.caveats == ()


def test_other_strata_are_told():
    """Arms whose calls come from other zones are compared as a whole, with a caveat."""
    found = shares.difference(arm((0.2, 50)), arm((0.5, 20), (0.6, 30)))

    assert [caveat.code for caveat in found.caveats] == ["strata-differ"]
    assert found.interval.estimate == pytest.approx(0.56 - 0.2)


def test_far_apart_is_a_p_value_of_nearly_zero():
    """No root is left to find: 0, or next to it, and never an error."""
    assert shares.p_value(arm((0.0, 1e6)), arm((1.0, 1e6))) < 1e-200


@given(arms, arms)
def test_p_value_and_interval_agree(left, right):
    """The interval at level 1 - p touches zero, so p < 0.05 if and only if the 95 % interval excludes it."""
    found = shares.difference(left, right)

    excluded = not found.interval.low <= 0 <= found.interval.high
    p_value = shares.p_value(left, right)
    if abs(p_value - 0.05) > 1e-6:
        assert excluded == (p_value < 0.05)


@given(arms, arms, st.floats(0.5, 0.999))
def test_intervals_are_never_empty_and_hold_their_estimate(left, right, level):
    """Width above zero, ends in range, standard error above zero, mirrored when the arms swap."""
    found, back = shares.difference(left, right, level=level), shares.difference(right, left, level=level)
    share = shares.share_interval(left, level=level)

    assert 0 <= share.low <= share.estimate <= share.high <= 1
    assert share.low < share.high
    assert -1 <= found.interval.low <= found.interval.estimate <= found.interval.high <= 1
    assert found.standard_error > 0
    assert (back.interval.low, back.interval.high) == pytest.approx(
        (-found.interval.high, -found.interval.low), abs=1e-12
    )


@given(arms, st.floats(0.5, 0.98))
def test_a_higher_level_is_wider(one, level):
    """Intervals of growing level contain each other."""
    narrow, wide = (shares.share_interval(one, level=value) for value in (level, level + 0.01))

    assert wide.low <= narrow.low + 1e-12
    assert wide.high >= narrow.high - 1e-12


@given(arms)
def test_more_connections_are_narrower(one):
    """Four times the connections halve the width, or nearly so; never widen it."""
    more = ArmShare(
        unit=one.unit,
        strata=tuple(
            StratumShare(
                stratum=part.stratum,
                calls=part.calls,
                share=part.share,
                effective_n=4 * part.effective_n,
                clusters=part.clusters,
            )
            for part in one.strata
        ),
    )
    first, second = shares.share_interval(one), shares.share_interval(more)

    assert second.high - second.low < first.high - first.low


def test_the_standard_error_is_the_textbooks():
    """About sqrt(p q / n) of both sides, and never 0."""
    found = shares.difference(arm((0.3, 1000)), arm((0.5, 1000)))

    assert found.standard_error == pytest.approx(math.sqrt(0.21 / 1000 + 0.25 / 1000), rel=1e-3)
    assert shares.difference(arm((1.0, 5)), arm((1.0, 5))).standard_error > 0


def test_equal_arms_of_few_connections_are_not_certain():
    """None of three against two of three: p = 2.5 / 7 for both, so less than two standard errors apart."""
    left, right = arm((0.0, 3)), arm((2 / 3, 3))

    assert shares.equal_error(left, right) == pytest.approx(math.sqrt(2.5 / 7 * 4.5 / 7 * 2 / 3))
    assert shares.equal_error(left, right) > shares.difference(left, right).standard_error


@pytest.mark.parametrize("each", [1, 2, 3])
def test_few_connections_a_zone_call_no_equal_arms_changed_too_often(each: int):
    """Three zones with so many connections each, random routing: every outcome of both arms, weighed."""
    chance = {
        hits: math.comb(each, hits) * (1 / 3) ** hits * (2 / 3) ** (each - hits) for hits in range(each + 1)
    }
    outcomes = [
        (arm(*((hits / each, float(each)) for hits in zones)), math.prod(chance[hits] for hits in zones))
        for zones in product(range(each + 1), repeat=3)
    ]

    changed = sum(
        p * q
        for left, p in outcomes
        for right, q in outcomes
        if not (gain := shares.difference(left, right).interval).low <= 0 <= gain.high
    )

    assert changed < 0.07  # Newcombe's own excess at such numbers
