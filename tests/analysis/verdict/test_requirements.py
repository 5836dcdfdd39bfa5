"""The requirement language: what it reads, what it refuses, what it finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.interval import Interval
from analysis.verdict import requirements
from analysis.verdict.requirements import Met, Metric, Requirement, Sign
from k8s.errors import UsageError


def interval(low: float, high: float) -> Interval:
    return Interval(estimate=(low + high) / 2, low=low, high=high, level=0.95, n=100, method="m")


@pytest.mark.parametrize(
    ("text", "metric", "sign", "bound"),
    [
        ("same_zone>=0.95", "same_zone", ">=", 0.95),
        (" same_zone >= 95% ", "same_zone", ">=", 0.95),
        ("p99_ratio<=1.05", "p99_ratio", "<=", 1.05),
        ("error_gain<1e-3", "error_gain", "<", 0.001),
        ("same_zone_gain>-0.5", "same_zone_gain", ">", -0.5),
    ],
)
def test_what_is_read(text, metric, sign, bound):
    """Metric, sign, number, per cent if wanted."""
    assert requirements.parse(text) == Requirement(metric=metric, sign=sign, bound=pytest.approx(bound))


@pytest.mark.parametrize(
    "text",
    ["", "same_zone", "same_zone=0.9", "same_zone>=", "same_zone>=x", "same_zone>=1.2.3", "zone>=0.9", ">=1"],
)
def test_what_is_refused(text):
    """One line that lists every metric there is."""
    with pytest.raises(UsageError) as error:
        requirements.parse(text)

    assert "\n" not in str(error.value)
    assert all(metric in str(error.value) for metric in Metric)


@pytest.mark.parametrize(
    ("text", "low", "high", "expected"),
    [
        ("same_zone>=0.95", 0.95, 0.99, Met.MET),
        ("same_zone>0.95", 0.95, 0.99, Met.UNDECIDED),
        ("same_zone>=0.95", 0.90, 0.99, Met.UNDECIDED),
        ("same_zone>=0.95", 0.80, 0.94, Met.NOT_MET),
        ("same_zone>=0.95", 0.80, 0.95, Met.UNDECIDED),
        ("p99_ratio<=1.05", 0.90, 1.05, Met.MET),
        ("p99_ratio<1.05", 0.90, 1.05, Met.UNDECIDED),
        ("p99_ratio<=1.05", 1.06, 1.20, Met.NOT_MET),
    ],
)
def test_bounds_decide(text, low, high, expected):
    """Met by the whole interval, not met by none of it, undecided between."""
    requirement = requirements.parse(text)

    found = requirements.judge(requirement, {requirement.metric: interval(low, high)})

    assert found.met is expected
    assert f"{low:.4g} to {high:.4g}" in found.reason


@pytest.mark.parametrize("measured", [{}, {"same_zone": None}])
def test_what_was_not_measured_is_undecided(measured):
    """No interval, no decision."""
    found = requirements.judge(requirements.parse("same_zone>=0.95"), measured)

    assert (found.met, found.interval) == (Met.UNDECIDED, None)


@given(st.sampled_from(Metric), st.sampled_from(Sign), st.integers(-9999, 9999))
def test_text_and_back(metric, sign, thousandths):
    """What is printed can be read."""
    requirement = Requirement(metric=metric, sign=sign, bound=thousandths / 1000)

    assert requirements.parse(str(requirement)) == requirement


@given(st.floats(-2, 2), st.floats(0, 1), st.floats(-2, 2))
def test_opposite_requirements_are_never_both_met(low, width, bound):
    """``>=`` and ``<`` of one bound: one met and the other not, or both undecided."""
    measured = {Metric.SAME_ZONE: interval(low, low + width)}
    found = {
        requirements.judge(Requirement(metric=Metric.SAME_ZONE, sign=sign, bound=bound), measured).met
        for sign in (Sign.AT_LEAST, Sign.LESS_THAN)
    }

    assert found in ({Met.MET, Met.NOT_MET}, {Met.UNDECIDED})
