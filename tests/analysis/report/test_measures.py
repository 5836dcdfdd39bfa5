"""Guards, requirements and gates in a reader's units."""

from dataclasses import replace

import pytest

from analysis.report import measures
from analysis.report.measures import Scale
from analysis.statistics.interval import Interval
from analysis.verdict import guards, requirements
from analysis.verdict.guards import Guard, Guarded, GuardName, Margins
from analysis.verdict.judged import Gate, GateName, Null
from analysis.verdict.requirements import Metric

NB = "\u00a0"
CANDIDATE = "The same-zone share after the change is 90.0 % [88.0, 92.0]"


def interval(estimate: float, low: float, high: float) -> Interval:
    return Interval(estimate=estimate, low=low, high=high, level=0.95, n=100, method="test")


def judged(**changes: Interval | None) -> dict[GuardName, Guard]:
    """Guards by name, of a candidate that is fine but for *changes*."""
    values = {
        "share_difference": interval(0.6, 0.58, 0.62),
        "p99_ratio": interval(1.0, 0.96, 1.04),
        "error_difference": interval(0.0, -0.001, 0.001),
        "skew": interval(1.05, 1.0, 1.1),
    }
    return {one.name: one for one in guards.judge(Guarded(**(values | changes))).guards}


@pytest.mark.parametrize(
    ("changes", "name", "sentence"),
    [
        ({}, GuardName.SHARE, "The same-zone share rose by +60.0 points [+58.0, +62.0]."),
        (
            {"share_difference": interval(0.01, -0.01, 0.03)},
            GuardName.SHARE,
            "Cannot tell whether the same-zone share rose: +1.0 points [\u22121.0, +3.0].",
        ),
        (
            {"share_difference": interval(-0.1, -0.2, -0.05)},
            GuardName.SHARE,
            "The same-zone share did not rise: \u221210.0 points [\u221220.0, \u22125.0].",
        ),
        (
            {"p99_ratio": interval(1.3, 1.2, 1.4)},
            GuardName.P99,
            (
                "The slowest 1 % of calls (p99) take 1.30\u00d7 [1.20, 1.40] the baseline's time, over the "
                "limit of 1.10\u00d7."
            ),
        ),
        (
            {"p99_ratio": None},
            GuardName.P99,
            (
                "Cannot tell whether the slowest 1 % of calls (p99) take at most 1.10\u00d7 the baseline's "
                "time: no interval could be made."
            ),
        ),
        (
            {"error_difference": interval(0.03, 0.02, 0.04)},
            GuardName.ERRORS,
            "The share of failed requests rose by +3.0 points [+2.0, +4.0], over the limit of +0.5 points.",
        ),
        (
            {},
            GuardName.SKEW,
            "The busiest endpoint gets 1.05\u00d7 [1.00, 1.10] the mean load; the limit is 1.30\u00d7.",
        ),
    ],
)
def test_guard_sentences(changes, name, sentence):
    """One sentence with figure, interval and limit in the guard's own unit."""
    assert sentence == measures.guard_sentence(judged(**changes)[name]).replace(NB, " ")


def test_a_margin_of_the_share_is_named():
    """Where a rise of some size was asked for, the sentence says so."""
    found = guards.judge(
        Guarded(
            share_difference=interval(0.04, 0.02, 0.06), p99_ratio=None, error_difference=None, skew=None
        ),
        Margins(share=0.05),
    ).guards[0]

    assert measures.guard_sentence(found).replace(NB, " ") == (
        "Cannot tell whether the same-zone share rose by more than +5.0 points: +4.0 points [+2.0, +6.0]."
    )


@pytest.mark.parametrize(
    ("scale", "seen", "against", "text"),
    [
        (Scale.POINTS, interval(0.004, 0.002, 0.00504), 0.005, "+0.400 points [+0.200, +0.504]"),
        (Scale.POINTS, interval(0.004, 0.002, 0.0053), 0.005, "+0.40 points [+0.20, +0.53]"),
        (Scale.TIMES, interval(1.05, 1.0, 1.102), 1.1, "1.050\u00d7 [1.000, 1.102]"),
        (Scale.POINTS, interval(0.0, -0.0004, 0.0004), None, "0.00 points [\u22120.04, +0.04]"),
        (Scale.SHARE, interval(0.9, 0.88, 0.92), None, "90.0 % [88.0, 92.0]"),
        (Scale.SHARE, interval(1.0, 1.0, 1.0), None, "100.0 %"),
        (Scale.USD, interval(12.3, 12.0, 12.6), None, "$12.30 a month [12.00, 12.60]"),
        (Scale.USD, interval(0.0, 0.0, 0.0039), 1.0, "$0.00 a month [0.00, <0.01]"),
        (Scale.USD, interval(1.0, 0.99, 1.004), 1.0, "$1.000 a month [0.990, 1.004]"),
        (
            Scale.USD_CHANGE,
            interval(-12.3, -12.6, -12.0),
            None,
            "\u2212$12.30 a month [\u221212.60, \u221212.00]",
        ),
    ],
)
def test_enough_decimals(scale, seen, against, text):
    """As few decimals as tell the ends apart, and show on which side of a bound they lie."""
    assert text == measures.figure(scale, seen, against).replace(NB, " ")


@pytest.mark.parametrize("metric", list(Metric))
def test_every_metric_has_words(metric):
    """A requirement on any metric is told in its unit, and never by its bare name alone."""
    requirement = requirements.parse(f"{metric}>=0.5")
    found = requirements.judge(requirement, {metric: interval(0.75, 0.7, 0.8)})

    assert metric != measures.requirement_title(requirement)
    assert measures.requirement_sentence(found).endswith(f"as required: {measures.requirement_limit(found)}.")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("same_zone>=95%", f"{CANDIDATE}, which misses what is required: at least 95.0 %."),
        ("same_zone>0.91", f"{CANDIDATE}, so it cannot be told whether it is as required: more than 91.0 %."),
        (
            "skew<=2",
            "The busiest endpoint's load over the mean was not measured; required is at most 2.00\u00d7.",
        ),
    ],
)
def test_requirement_sentences(text, sentence):
    """Missed, undecided, not measured."""
    found = requirements.judge(requirements.parse(text), {Metric.SAME_ZONE: interval(0.9, 0.88, 0.92)})

    assert sentence == measures.requirement_sentence(found).replace(NB, " ")


def test_gate_sentence():
    """What has to hold, where it did not, what was seen and what is allowed."""
    gate = Gate(
        name=GateName.RATE, passed=False, seen="40.0 of 50 requests/s asked for", bound="5% off", where="off"
    )

    assert measures.gate_sentence(gate) == (
        "The load has to be what was asked for, and alike (off): 40.0 of 50 requests/s asked for; "
        "allowed: 5% off."
    )


CERTIFIED = Null(
    certified=True,
    pairs=1,
    interval=replace(interval(0.002, -0.016, 0.02), level=0.9),
    margin=0.05,
    reasons=("equal arms differ by less than 0.05 and as their errors say",),
)
UNDECIDED = Null(
    certified=False,
    pairs=2,
    interval=replace(interval(0.02, -0.04, 0.08), level=0.9),
    margin=0.05,
    reasons=("a difference of 0.05 is not excluded: measure longer",),
)


@pytest.mark.parametrize(
    ("null", "sentence"),
    [
        (
            None,
            (
                "No two equal arms were measured, so nobody knows what difference measuring alone "
                "makes: measure the baseline twice."
            ),
        ),
        (
            CERTIFIED,
            (
                "One pair of equal arms differs by +0.2 points [\u22121.6, +2.0], where the true difference "
                "is 0; allowed: at most \u00b15.0 points (90 % interval). The check is passed."
            ),
        ),
        (
            UNDECIDED,
            (
                "The check with two equal arms is not passed. 2 pairs of equal arms differ by +2.0 points "
                "[\u22124.0, +8.0], where the true difference is 0; allowed: at most \u00b15.0 points (90 % "
                "interval): a difference of 5.0 points is not excluded: measure longer."
            ),
        ),
    ],
    ids=["none", "certified", "undecided"],
)
def test_null_sentence(null, sentence):
    """What two equal arms showed, in points."""
    assert sentence == measures.null_sentence(null).replace(NB, " ")
