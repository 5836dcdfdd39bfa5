"""Planning: textbook sample sizes, connections that are kept, plans that reach their goal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.statistics import blocks, planning
from analysis.statistics.planning import Detection, Limits, Precision, Traffic
from k8s.errors import UsageError
from tests.analysis.statistics import simulation
from tests.analysis.statistics.simulation import EVERYWHERE, Load

FRESH = Traffic(calls_per_s=50.0, design_effect=1.0)
KEPT = Traffic(calls_per_s=50.0, clients=12)


@pytest.mark.parametrize(("n", "expected"), [(100, 0.129), (1000, 0.0413), (10_000, 0.01307)])
def test_half_widths_are_the_textbooks(n, expected):
    """1.96 sqrt(2 p q / n) at p = 1/3, for the difference of two arms."""
    assert planning.half_width(n, 1 / 3, 1 / 3) == pytest.approx(expected, rel=0.01)


def test_power_is_the_textbooks():
    """Fleiss: 0.33 against 0.43 at 80 % takes about 366 a group."""
    assert planning.power(366, 1, Detection(shift=0.1, baseline=0.33)) == pytest.approx(0.80, abs=0.01)


@pytest.mark.parametrize(
    ("users", "requests", "per_connection", "unevenness"),
    [
        (40, 7.5, 10, 1 / 3),
        (40, 20, 10, 1 / 3),
        (30, 300, None, 1 / 3),
        (30, 300, 10, 1 / 3),
        (100, 5, 3, 1.0),
    ],
)
def test_effective_n_is_the_simulated_one(users, requests, per_connection, unevenness):
    """Within four per cent of what drawn connections are worth, short blocks and uneven clients included."""
    load = Load(users=users, requests=requests, per_connection=per_connection, unevenness=unevenness)
    rng = np.random.default_rng(31)
    drawn = [
        one.calls.sum() ** 2 / (one.calls**2).sum()
        for one in simulation.arms(load, EVERYWHERE, simulation.rates(load, rng, 200), rng)
    ]
    traffic = Traffic(
        calls_per_s=users * requests, design_effect=per_connection, clients=users, unevenness=unevenness
    )

    assert traffic.effective_n(1.0) == pytest.approx(float(np.mean(drawn)), rel=0.04)


def test_kept_connections_choose_once_however_long_the_run():
    """An hour of twelve clients that keep their connections is worth twelve choices, as is a minute."""
    hour, minute = planning.fixed_run(KEPT, 3600), planning.fixed_run(KEPT, 60)

    assert hour.effective_n == pytest.approx(12, rel=0.02)
    assert minute.effective_n == pytest.approx(12, rel=0.02)
    assert hour.half_width > 0.3


def test_no_run_is_long_enough_for_kept_connections():
    """Five points cannot be had from one run; blocks, each with new connections, can give them."""
    assert planning.fixed_seconds(KEPT, Precision(half_width=0.08)) is None
    found = planning.plan(Precision(half_width=0.12), KEPT, Limits(settle_s=5))
    assert found.blocks >= 8
    assert found.half_width <= 0.12


@given(st.floats(0.01, 0.2))
def test_the_fixed_run_and_its_reverse_agree(half_width):
    """The seconds found give the precision asked for, and a tenth less does not."""
    found = planning.fixed_seconds(FRESH, Precision(half_width=half_width))

    assert found is not None
    assert found.half_width <= half_width
    assert planning.fixed_run(FRESH, 0.9 * found.seconds).half_width > half_width


@settings(max_examples=15)
@given(st.floats(0.03, 0.3), st.sampled_from([0.8, 0.9]), st.sampled_from([2, 3, 4]))
def test_a_plan_reaches_its_goal(shift, power, arms):
    """The promise is kept on paper, the blocks are balanced, and the times add up."""
    limits = Limits(arms=arms, settle_s=20, least_block_s=15)

    found = planning.plan(Detection(shift=shift, power=power), FRESH, limits)

    assert found.power is not None
    assert found.power >= power
    assert found.blocks % blocks.cycle(arms) == 0
    assert found.blocks >= planning.LEAST_BLOCKS
    assert found.block_s >= limits.least_block_s
    assert found.total_s == pytest.approx(arms * found.blocks * (found.block_s + limits.settle_s))


def test_more_reuse_takes_longer():
    """Ten calls a connection take ten times the load."""
    fresh, reused = (
        planning.fixed_seconds(Traffic(calls_per_s=50, design_effect=one), Precision(half_width=0.03))
        for one in (1.0, 10.0)
    )

    assert fresh is not None
    assert reused is not None
    assert reused.seconds == pytest.approx(10 * fresh.seconds, rel=0.01)


def test_costly_switching_makes_fewer_and_longer_blocks():
    """The plan trades the width that few blocks cost against the time that settling costs."""
    goal = Detection(shift=0.05)
    quick = planning.plan(goal, FRESH, Limits(settle_s=1))
    slow = planning.plan(goal, FRESH, Limits(settle_s=300))

    assert slow.blocks <= quick.blocks
    assert slow.block_s >= quick.block_s


def test_looks_come_after_two_blocks_at_the_earliest():
    """Evenly, the last after all; more looks than half of the blocks are refused."""
    assert planning.looks_after(8, 4) == (2, 4, 6, 8)
    assert planning.looks_after(10, 3) == (3, 7, 10)
    with pytest.raises(UsageError, match="a look takes two blocks"):
        planning.looks_after(6, 4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Traffic(calls_per_s=50), "design effect, or the clients"),
        (lambda: Traffic(calls_per_s=0, design_effect=1), "rate above 0"),
        (lambda: Detection(shift=0.9), "between 0 and 1"),
        (lambda: Detection(shift=0.0), "no shift"),
        (lambda: planning.plan(Precision(half_width=0.001), KEPT), "not enough"),
    ],
)
def test_what_cannot_be_planned_is_refused(make, message):
    """One line that says what to give instead."""
    with pytest.raises(UsageError, match=message):
        make()
