"""Whether the load was what was asked for, in words."""

from analysis.arm.caveats import of_run
from loadtest.record import LoadSeen
from loadtest.worker.tally import WorkerTally
from tests.loadtest.test_rundir import record


def failed(*workers: tuple[tuple[str, int], ...]) -> str:
    """What is said of workers with these errors, of ten requests each."""
    tallies = tuple(
        WorkerTally(worker=f"w{at}", zone="a", node="n", requests=10, failures=4, errors=errors)
        for at, errors in enumerate(workers)
    )
    (found,) = [
        one.text
        for one in of_run(record(), LoadSeen(seconds=10.0, workers=tallies))
        if one.code == "failures"
    ]
    return found


def test_failures_are_named_most_frequent_first():
    """Over all workers, three kinds at most; none where an older record has none."""
    assert failed((("HTTP 401", 4),), (("HTTP 401", 3), ("timeout", 1))) == (
        "8 of 20 requests failed: HTTP 401 (7), timeout (1)."
    )
    assert failed(tuple((f"HTTP {code}", 1) for code in (500, 501, 502, 503))) == (
        "4 of 10 requests failed: HTTP 500 (1), HTTP 501 (1), HTTP 502 (1)."
    )
    assert failed(()) == "4 of 10 requests failed."
