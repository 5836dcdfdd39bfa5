"""A rate as an option says it."""

import pytest

from k8s.errors import UsageError
from loadtest.asking.rate_text import parse, rate_of
from loadtest.worker.arrivals import RateStep
from loadtest.worker.plan import LoadPlan


@pytest.mark.parametrize("text", ["50", "0.5", "ramp:10-100/30s", "ramp:0-7.5/1s", "steps:20x10s,50x10s"])
def test_a_rate_is_said_as_it_was_given(text: str):
    """A command that is printed can be typed; a plan knows what it was asked for by."""
    rate = parse(text)
    assert str(rate) == text
    assert rate_of(LoadPlan(rate_per_s=rate.per_s, steps=rate.steps)) == rate


def test_what_a_ramp_and_steps_are():
    """In a straight line, and at once."""
    assert parse("ramp:10-100/30").steps == (RateStep(begin_per_s=10, end_per_s=100, seconds=30),)
    assert parse("steps:20x10s,50x5s").steps == (
        RateStep(begin_per_s=20, end_per_s=20, seconds=10),
        RateStep(begin_per_s=50, end_per_s=50, seconds=5),
    )


@pytest.mark.parametrize(
    "text",
    ["0", "-5", "nan", "inf", "", "fast", "ramp:10-100", "ramp:5-0/3s", "steps:", "steps:1x2s,", "step:1x2s"],
)
def test_what_is_no_rate_is_refused(text: str):
    """One line that says what to give."""
    with pytest.raises(UsageError, match=r"--rate .*: (give|a profile)"):
        parse(text)
