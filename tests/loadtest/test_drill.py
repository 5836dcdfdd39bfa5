"""What a drill shows: the share that failed, and when the last one did."""

from dataclasses import replace

import pytest

from loadtest.drill import Drill, Tick


def drill(*failures: int, failed_at_s: float = 2.0) -> Drill:
    """A tick a second with ten requests each; cumulative failures as given."""
    return Drill(
        mode="tar",
        zone="a",
        failed_at_s=failed_at_s,
        noticed_after_s=1.5,
        timeout_s=2.0,
        ticks=tuple(
            Tick(at_s=float(index), requests=10 * index, failures=count)
            for index, count in enumerate(failures)
        ),
        requests=10 * (len(failures) - 1),
        failures=failures[-1],
    )


def test_failures_before_the_zone_fails_do_not_count():
    """Three of the twenty before, four of the forty after it."""
    found = drill(0, 3, 3, 5, 7, 7, 7)
    assert found.failed_share == pytest.approx(4 / 40)
    assert found.recovered_after_s == 2.0


def test_nothing_fails():
    """Every connection found another endpoint: recovered at once."""
    found = drill(0, 0, 0, 0, 0)
    assert (found.failed_share, found.recovered_after_s) == (0.0, 0.0)


def test_failing_to_the_end_is_no_recovery():
    """The last tick still brought failures."""
    assert drill(0, 0, 0, 2, 4, 6).recovered_after_s is None


def test_a_window_that_ended_with_the_failure_says_nothing():
    """No request after it: no share."""
    assert replace(drill(0, 0, 0), requests=20, failures=0).failed_share is None
