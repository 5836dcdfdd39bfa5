"""Looking: boundaries against published tables, total error by integration, the judgement."""

import pytest

from analysis.statistics import sequential
from analysis.statistics.interval import Interval
from analysis.statistics.sequential import Action
from k8s.errors import UsageError


def evenly(looks: int) -> tuple[float, ...]:
    return tuple((one + 1) / looks for one in range(looks))


def normal(estimate: float, error: float = 1.0):
    """The interval of a normal estimate, at any level."""

    def at(level: float) -> Interval:
        half = error * sequential._NORMAL.inv_cdf(0.5 + level / 2)
        return Interval(
            estimate=estimate, low=estimate - half, high=estimate + half, level=level, n=100, method="normal"
        )

    return at


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        # D. M. Reboussin, D. L. DeMets, K. Kim and K. K. G. Lan, Controlled Clinical Trials 21 (2000) 190.
        (1, (1.9600,)),
        (2, (2.9626, 1.9686)),
        (3, (3.7103, 2.5114, 1.9930)),
        (4, (4.3326, 2.9631, 2.3590, 2.0141)),
        (5, (4.8769, 3.3569, 2.6803, 2.2898, 2.0310)),
    ],
)
def test_boundaries_are_the_published_ones(looks, expected):
    """Lan and DeMets' O'Brien-Fleming boundaries for a two-sided 5 %."""
    assert sequential.boundaries(evenly(looks)) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(("fraction", "expected"), [(0.0, 0.0), (0.5, 0.00305), (1.0, 0.05), (2.0, 0.05)])
def test_little_is_spent_early(fraction, expected):
    """Two in a thousand at half, all at the end, nothing beyond."""
    assert sequential.spent(fraction) == pytest.approx(expected, abs=1e-5)


def test_the_last_look_spends_what_is_left():
    """An experiment that ends early by plan keeps the whole 5 %."""
    early = sequential.boundaries((0.3, 0.7), last=True)

    assert early[0] == sequential.boundaries((0.3, 0.7))[0]
    assert early[1] < sequential.boundaries((0.3, 0.7))[1]
    assert early[1] == pytest.approx(1.96, abs=0.01)


@pytest.mark.parametrize("fractions", [(), (0.5, 0.5), (0.5, 0.4), (0.0, 1.0), (0.5, 1.2)])
def test_fractions_must_rise_to_one(fractions):
    """Anything else is no plan."""
    with pytest.raises(UsageError, match="information fraction"):
        sequential.boundaries(fractions)


@pytest.mark.parametrize(
    ("fractions", "z", "action", "reason"),
    [
        ((0.2,), 3.0, Action.CONTINUE, "neither a change nor its absence is shown yet"),
        ((0.2,), 5.0, Action.STOP, "a change is shown: zero lies outside its interval"),
        ((0.2, 0.6), 2.5, Action.CONTINUE, "neither a change nor its absence is shown yet"),
        ((0.2, 0.6), -3.0, Action.STOP, "a change is shown: zero lies outside its interval"),
        ((0.2, 0.6, 1.0), 1.9, Action.STOP, "the plan is done"),
    ],
)
def test_the_judgement(fractions, z, action, reason):
    """Three standard errors are nothing at a fifth of the way, and enough at three fifths."""
    found = sequential.look(fractions, normal(z))

    assert (found.action, found.reason) == (action, reason)
    assert found.interval.high - z == pytest.approx(found.boundary_z)
    assert found.interval.level == 0.95


def test_wanted_precision_stops():
    """The repeated interval holds at every look, so stopping because it is narrow is allowed."""
    found = sequential.look((0.5,), normal(0.001, 0.01), wanted_half_width=0.03)

    assert (found.action, found.reason) == (Action.STOP, "the interval is as narrow as wanted")


def test_a_plan_that_is_cut_short_ends():
    """The last look stops, whatever its fraction, and has the whole error to spend."""
    found = sequential.look((0.4, 0.5), normal(1.0), last=True)

    assert (found.action, found.spent) == (Action.STOP, pytest.approx(0.05))
