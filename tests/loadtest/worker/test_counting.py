"""What a worker counts."""

from loadtest.worker.counting import LoadCounter
from loadtest.worker.latency import bucket
from loadtest.worker.tally import PageTally


def test_successes_and_failures_are_counted_apart():
    """Failed requests count as requests, and have no latency."""
    counter = LoadCounter()
    for _ in range(3):
        counter.begin(late_ms=0.5, at_s=100.0)
    counter.succeed("home", latency_ms=2.0, late_ms=0.5)
    counter.fail("catalog", "HTTP 503")
    tally = counter.tally(worker="w", zone="z", node="n", spans=(2, 1, 0, 1))

    assert (tally.requests, tally.failures, tally.in_flight) == (2, 1, 1)
    assert tally.pages == (
        PageTally(page="catalog", requests=1, failures=1),
        PageTally(page="home", requests=1, failures=0),
    )
    assert tally.latency.counts == ((bucket(2.0), 1),)
    assert tally.latency_intended.counts == ((bucket(2.5), 1),)
    assert tally.lateness.total == 3
    assert tally.errors == (("HTTP 503", 1),)
    assert (tally.spans_made, tally.spans_delivered, tally.spans_dropped, tally.spans_again) == (2, 1, 0, 1)


def test_first_and_last_start_bracket_the_load():
    """The achieved rate can be computed from them."""
    counter = LoadCounter()
    for at_s in (10.0, 10.5, 11.0):
        counter.begin(late_ms=0, at_s=at_s)
    tally = counter.tally(worker="w", zone="z", node="n")

    assert (tally.first_s, tally.last_s) == (10.0, 11.0)


def test_distinct_errors_are_bounded():
    """A server that words each failure anew cannot grow the tally."""
    counter = LoadCounter()
    for number in range(1000):
        counter.begin(late_ms=0, at_s=1.0)
        counter.fail("home", f"error {number}")
    tally = counter.tally(worker="w", zone="z", node="n")

    assert len(tally.errors) == 20
    assert tally.errors[0] == ("other errors", 800)
