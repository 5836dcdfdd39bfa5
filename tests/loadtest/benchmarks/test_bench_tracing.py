"""The benchmark's judgement."""

import pytest

from loadtest.benchmarks.bench_tracing import Sample, verdict
from loadtest.worker.tally import WorkerTally


def sample(
    *, tracing: bool, p50_ms: float = 1.0, p99_ms: float = 2.0, lost: int = 0, rate: float = 500
) -> Sample:
    """A repetition of 100 requests."""
    spans = 100 if tracing else 0
    tally = WorkerTally(
        worker="w", zone="z", node="n", requests=100, spans_made=spans, spans_delivered=spans - lost
    )
    return Sample(tracing=tracing, p50_ms=p50_ms, p99_ms=p99_ms, rate_per_s=rate, tally=tally)


def test_cheap_and_complete_passes():
    """1.3 times is the border."""
    samples = (sample(tracing=False), sample(tracing=True, p50_ms=1.29, p99_ms=2.59))

    assert verdict(samples, 500) == ()


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"p50_ms": 1.31}, "p50_ms with tracing is 1.31 times"),
        ({"p99_ms": 3.0}, "p99_ms with tracing is 1.50 times"),
        ({"lost": 1}, "99 of 100 spans for 100 requests"),
        ({"rate": 480}, "480.0/s with 0 failures instead of 500/s"),
    ],
    ids=["p50", "p99", "span", "rate"],
)
def test_each_fault_is_named(changed: dict[str, float], fault: str):
    """One line a fault."""
    (said,) = verdict((sample(tracing=False), sample(tracing=True, **changed)), 500)

    assert fault in said


def test_one_bad_repetition_is_outvoted():
    """Medians: this machine is not ours alone."""
    samples = [sample(tracing=False)] * 3 + [sample(tracing=True)] * 2 + [sample(tracing=True, p99_ms=90)]

    assert verdict(samples, 500) == ()
