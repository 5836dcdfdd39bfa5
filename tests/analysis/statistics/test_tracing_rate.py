"""Sampling keeps whole traces evenly; anything else that is missing is loss."""

import numpy as np
import pytest

from analysis.statistics.tracing_rate import Traced, tracing_rate


def spread(size: int, seed: int = 1) -> list[float]:
    return list(np.random.default_rng(seed).random(size))


EVEN = [Traced(made=1000, traced=52), Traced(made=1000, traced=48)]


def test_five_percent():
    """The rate with its interval."""
    found = tracing_rate(EVEN, starts=spread(100), broken=False)

    assert found is not None
    assert found.estimate == pytest.approx(0.05)
    assert found.low < 0.05 < found.high


@pytest.mark.parametrize(
    ("workers", "starts", "broken"),
    [
        (EVEN, spread(100), True),
        ([Traced(made=1000, traced=100), Traced(made=1000, traced=1)], spread(101), False),
        (EVEN, [one / 2 for one in spread(100)], False),
        ([Traced(made=1000, traced=900)], spread(900), False),
        ([Traced(made=1000, traced=5)], spread(5), False),
        (EVEN, [], False),
    ],
    ids=[
        "broken traces",
        "one worker's alone",
        "half of the window",
        "a tenth missing",
        "too few",
        "no times",
    ],
)
def test_what_is_no_sampling(workers, starts, broken):
    """Each is loss, or nobody can tell: then the gates stay as they are."""
    assert tracing_rate(workers, starts=starts, broken=broken) is None


def test_true_sampling_is_rarely_called_loss():
    """At most one of a hundred sampled runs."""
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(500):
        kept = rng.random((3, 500)) < 0.05
        starts = list(np.tile((np.arange(500) + 0.5) / 500, (3, 1))[kept])
        workers = [Traced(made=500, traced=int(row.sum())) for row in kept]
        missed += tracing_rate(workers, starts=starts, broken=False) is None

    assert missed <= 5
