"""Ages as kubectl shows them."""

import pytest

from k8s.lab.apiserver.durations import age, human
from tests.k8s.lab.apiserver.samples import NOW

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86_400, 365 * 86_400


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "<invalid>"),
        (-0.5, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (2 * MINUTE, "2m"),
        (3 * MINUTE + 20, "3m20s"),
        (10 * MINUTE + 20, "10m"),
        (179 * MINUTE, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 5 * MINUTE, "3h5m"),
        (8 * HOUR + 5 * MINUTE, "8h"),
        (47 * HOUR, "47h"),
        (2 * DAY, "2d"),
        (5 * DAY + 2 * HOUR, "5d2h"),
        (8 * DAY + 2 * HOUR, "8d"),
        (729 * DAY, "729d"),
        (2 * YEAR, "2y"),
        (3 * YEAR + 14 * DAY, "3y14d"),
        (9 * YEAR + 14 * DAY, "9y"),
    ],
)
def test_durations_have_at_most_two_units(seconds: float, expected: str) -> None:
    """The steps of upstream's ``HumanDuration``."""
    assert expected == human(seconds)


@pytest.mark.parametrize("stamp", [None, "", "yesterday", "2026-01-02T03:04:05", 12])
def test_an_unreadable_stamp_has_no_known_age(stamp: object) -> None:
    """As upstream says of a zero time."""
    assert age(stamp, NOW) == "<unknown>"


def test_an_age_is_counted_from_now() -> None:
    """With fractions of a second and other zones understood."""
    assert age("2026-01-02T03:03:00Z", NOW) == "65s"
    assert age("2026-01-02T03:04:05.5+01:00", NOW) == "59m"
