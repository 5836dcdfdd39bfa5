"""The benchmark's judgement of pacing, and of workers in company."""

from dataclasses import replace

import pytest

from loadtest.benchmarks.bench_pacing import Pace, verdict

KEPT = Pace(
    asked_per_s=200,
    workers=1,
    off_percent=0.049,
    late_p50_ms=0.1,
    late_p99_ms=0.9,
    cpu_percent=5,
    machine_percent=9,
    requests=2000,
    failures=0,
    spans_missing=0,
)


def test_a_schedule_that_is_kept_passes():
    """0.05 % is the border at 200/s, and a tenth less in company is none yet."""
    assert verdict([KEPT], [1000.0, 900.0]) == ()


@pytest.mark.parametrize(
    ("pace", "fault"),
    [
        (replace(KEPT, off_percent=0.051), "200/s was 0.051 % off; at most 0.05 %"),
        (replace(KEPT, spans_missing=1), "200/s: 0 requests failed, 1 spans are missing"),
        (replace(KEPT, failures=2), "200/s: 2 requests failed, 0 spans are missing"),
        (replace(KEPT, asked_per_s=20_000, workers=2, off_percent=0.6), "20000/s was 0.600 % off"),
    ],
)
def test_each_fault_is_named(pace: Pace, fault: str):
    """One line a fault."""
    (said,) = verdict([pace], [1000.0])

    assert fault in said


def test_a_rate_beyond_the_machine_is_named_and_not_judged():
    """A worker that gets no core tells nothing about the schedule."""
    beyond = replace(KEPT, off_percent=20.0, machine_percent=99.0)

    assert verdict([beyond], [1000.0]) == ()
    assert str(beyond).endswith("more than this machine can send")


def test_workers_that_are_in_each_others_way_are_named():
    """Two of them, each at 80 % of what one does alone."""
    (said,) = verdict([KEPT], [1000.0, 800.0])

    assert said == "each of 2 workers does 0.80 times what one does alone; at least 0.9"
