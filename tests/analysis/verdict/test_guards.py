"""Guards on interval bounds, and the skew of endpoints' load."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.interval import Interval
from analysis.verdict import guards
from analysis.verdict.guards import Guard, Guarded, GuardName, Outcome


def interval(low: float, high: float) -> Interval:
    return Interval(estimate=(low + high) / 2, low=low, high=high, level=0.95, n=100, method="m")


GOOD = {
    "share_difference": interval(0.3, 0.4),
    "p99_ratio": interval(0.9, 1.05),
    "error_difference": interval(-0.001, 0.0005),
    "skew": interval(1.0, 1.25),
}


def test_all_guards_passing_passes():
    """Every interval on the good side of its margin."""
    found = guards.judge(Guarded(**GOOD))

    assert found.outcome is Outcome.PASS
    assert len(found.guards) == 4


@pytest.mark.parametrize(
    ("field", "low", "high", "expected"),
    [
        ("share_difference", -0.2, -0.1, Outcome.FAIL),
        ("share_difference", -0.1, 0.0, Outcome.FAIL),
        ("share_difference", -0.1, 0.1, Outcome.INCONCLUSIVE),
        ("p99_ratio", 1.0, 1.10, Outcome.PASS),
        ("p99_ratio", 1.0, 1.2, Outcome.INCONCLUSIVE),
        ("p99_ratio", 1.2, 1.3, Outcome.FAIL),
        ("error_difference", 0.006, 0.008, Outcome.FAIL),
        ("error_difference", 0.0, 0.008, Outcome.INCONCLUSIVE),
        ("skew", 1.35, 1.6, Outcome.FAIL),
        ("skew", 1.0, 3.0, Outcome.INCONCLUSIVE),
    ],
)
def test_one_guard_decides(field, low, high, expected):
    """The whole is as good as its worst guard, and the reason names the numbers."""
    found = guards.judge(Guarded(**{**GOOD, field: interval(low, high)}))

    assert found.outcome is expected
    (guard,) = [one for one in found.guards if one.interval == interval(low, high)]
    assert guard.outcome is expected
    assert f"{low:.4g} to {high:.4g}" in guard.reason


@pytest.mark.parametrize("field", list(GOOD))
def test_what_has_no_interval_is_inconclusive(field):
    """Nothing passes unmeasured."""
    found = guards.judge(Guarded(**{**GOOD, field: None}))

    assert found.outcome is Outcome.INCONCLUSIVE
    assert "no interval" in next(one.reason for one in found.guards if one.interval is None)


def test_a_failure_outweighs_what_is_unknown():
    """Fail if one fails, though another is inconclusive."""
    found = guards.judge(Guarded(**{**GOOD, "p99_ratio": None, "skew": interval(3, 4)}))

    assert found.outcome is Outcome.FAIL


def test_margins_can_be_set():
    """A stricter margin turns a pass."""
    found = guards.judge(Guarded(**GOOD), guards.Margins(p99_ratio=1.0))

    assert found.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("same-zone share gained", GuardName.SHARE),
        ("p99 ratio", GuardName.P99),
        ("error rate gained", GuardName.ERRORS),
        ("busiest endpoint over the mean", GuardName.SKEW),
        ("skew", GuardName.SKEW),
    ],
)
def test_artifacts_that_hold_phrases_are_still_read(written, name):
    """Guards once were named by their phrases; anything else is refused, and the key is named."""
    guard = guards.judge(Guarded(**GOOD)).guards[0]
    stored = msgspec.json.encode({**msgspec.to_builtins(guard), "name": written})

    assert msgspec.json.decode(stored, type=Guard).name is name
    with pytest.raises(msgspec.ValidationError, match=r"\$.name"):
        msgspec.json.decode(stored.replace(written.encode(), b"retries"), type=Guard)


def test_even_load_is_one():
    """Equal endpoints: estimate 1, low end 1, high end above."""
    found = guards.load_skew({"a": 100, "b": 100, "c": 100}, 300)

    assert found is not None
    assert (found.estimate, found.low) == (1.0, 1.0)
    assert 1.1 < found.high < 1.4


def test_all_load_on_one_of_four():
    """Four times the mean, known to be more than three from a hundred connections."""
    found = guards.load_skew({"a": 100, "b": 0, "c": 0, "d": 0}, 100)

    assert found is not None
    assert found.estimate == 4.0
    assert 3 < found.low < 4.0 <= found.high <= 4.0 + 1e-9


def test_no_load_no_skew():
    """Without calls, or connections, there is none."""
    assert guards.load_skew({"a": 0, "b": 0}, 10) is None
    assert guards.load_skew({}, 10) is None
    assert guards.load_skew({"a": 5}, 0.5) is None


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8).filter(any), st.integers(1, 5000))
def test_skew_lies_between_even_and_all_on_one(calls, n):
    """1 <= low <= estimate <= high, and no estimate above the number of endpoints."""
    found = guards.load_skew({str(index): count for index, count in enumerate(calls)}, n)

    assert found is not None
    assert 1 <= found.low <= found.estimate + 1e-9
    assert found.estimate <= found.high + 1e-9
    assert found.estimate <= len(calls) + 1e-9


def test_the_skew_interval_covers():
    """The true skew of uneven endpoints is held in 95 % or more; the plain estimate is too high by chance."""
    rng = np.random.default_rng(8)
    true, held = np.array([0.35, 0.25, 0.2, 0.2]), 0

    for _ in range(400):
        counts = rng.multinomial(200, true)
        found = guards.load_skew({str(index): int(count) for index, count in enumerate(counts)}, 200)
        assert found is not None
        held += found.low <= 4 * 0.35 <= found.high

    assert held / 400 >= 0.95
