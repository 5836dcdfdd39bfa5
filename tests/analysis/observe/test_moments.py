"""Windows in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.observe import moments
from k8s.errors import UsageError

NOW_S = 1_800_000_000.0  # 2027-01-15T08:00:00Z


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172_800), ("0.5h", 1800)]
)
def test_lengths(text: str, seconds: float):
    """A number with its unit, or several."""
    assert moments.span_s("--for", text) == seconds


@pytest.mark.parametrize(
    "text", ["", "10", "m", "10 m", "-5m", "0s", "31d", "1y", "99999999999m", "\u0661\u0660m"]
)
def test_what_is_no_length(text: str):
    """One line that names the option."""
    with pytest.raises(UsageError, match="--since"):
        moments.span_s("--since", text)


@given(st.integers(1, 2_000_000), st.floats(1e9, 2e9))
def test_the_last_seconds_end_now(length_s: int, now_s: float):
    """In whole seconds, as X-Ray keeps times, and never in the future."""
    found = moments.since(length_s, now_s)

    assert found.end_s <= now_s < found.end_s + 1
    assert found.length_s == length_s


def test_two_moments():
    """RFC 3339 with any offset."""
    found = moments.window("2027-01-15T07:00:00Z/2027-01-15T08:30:00+01:00", NOW_S)

    assert (found.start_s, found.end_s) == (NOW_S - 3600, NOW_S - 1800)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2027-01-15T07:00:00Z", "give FROM/TO"),
        ("2027-01-15T07:30:00Z/2027-01-15T07:00:00Z", "it ends before it starts"),
        ("2027-01-15T07:30:00Z/2027-01-15T07:30:00Z", "it ends before it starts"),
        (
            "2027-01-15T07:30:00Z/2027-01-15T09:00:00Z",
            "it ends in the future \\(now is 2027-01-15T08:00:00Z\\)",
        ),
        ("2026-01-15T07:30:00Z/2027-01-15T07:00:00Z", "more than 30 days ago"),
        ("2027-01-15T07:30:00/2027-01-15T07:40:00Z", "has no offset"),
        ("yesterday/today", "'yesterday' is no time of RFC 3339"),
        ("/", "no time of RFC 3339"),
    ],
)
def test_what_is_no_window(text: str, message: str):
    """Each says what is off."""
    with pytest.raises(UsageError, match=message):
        moments.window(text, NOW_S)
