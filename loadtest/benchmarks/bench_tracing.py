"""What tracing costs the generator: ``python -m loadtest.benchmarks.bench_tracing``.

One worker at a constant rate against nginx, or a minimal server where it is not installed, with and without
tracing in turn (ABAB...), so that whatever else the machine does hits both alike. Latencies run from the
actual start of each request; the figures are medians over the repetitions, the verdict is about ratios. Exit
code 1 when tracing costs more than it may or a span is missing.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from loadtest.benchmarks.served import serving, serving_pages, worker_of
from loadtest.swarm.interface import Phase
from loadtest.swarm.local_swarm import LocalSwarm
from loadtest.worker.plan import LoadPlan, Page
from loadtest.worker.tally import WorkerTally

RATES = (500.0, 5_000.0)
"""Requests a second of the one worker, one after the other."""
MOST_RATIO = 1.3
"""Tracing may multiply p50 and p99 by this much."""
_PAGES = (Page(name="home", path="/home", weight=1), Page(name="catalog", path="/catalog", weight=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One repetition."""

    tracing: bool
    p50_ms: float
    p99_ms: float
    rate_per_s: float
    tally: WorkerTally


def sample(swarm: LocalSwarm, plan: LoadPlan, *, seconds: float, tracing: bool) -> Sample:
    """Load for *seconds*, and what it looked like to the only worker."""
    swarm.start(plan, run_id="bench", phase=Phase.MEASURE)
    time.sleep(seconds)
    swarm.stop()
    (tally,) = swarm.tallies()
    return Sample(
        tracing=tracing,
        p50_ms=tally.latency.quantile_ms(0.5) or 0.0,
        p99_ms=tally.latency.quantile_ms(0.99) or 0.0,
        rate_per_s=(tally.requests - 1) / (tally.last_s - tally.first_s),
        tally=tally,
    )


def measure(plan: LoadPlan, *, seconds: float, pairs: int) -> tuple[Sample, ...]:
    """*pairs* repetitions with and without tracing, interleaved; the first of each is thrown away."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="samezone-bench-")))
        store, collector = stack.enter_context(serving_pages(folder)), stack.enter_context(serving())
        swarms = {}
        for tracing in (False, True):
            worker = worker_of(store, collector, tracing=tracing)
            swarms[tracing] = LocalSwarm((worker,), folder / str(tracing))
            stack.callback(swarms[tracing].close)
            swarms[tracing].open()
        samples = []
        for repetition in range(pairs + 1):
            for tracing, swarm in swarms.items():
                taken = sample(swarm, plan, seconds=seconds if repetition else 1.0, tracing=tracing)
                if repetition:
                    samples.append(taken)
                    print(_line(taken), flush=True)
    return tuple(samples)


def _line(taken: Sample) -> str:
    tally = taken.tally
    return (
        f"tracing {'on ' if taken.tracing else 'off'}  "
        f"p50 {taken.p50_ms:6.3f} ms  p99 {taken.p99_ms:6.3f} ms  "
        f"late p99 {tally.lateness.quantile_ms(0.99) or 0:6.3f} ms  {taken.rate_per_s:7.2f}/s  "
        f"cpu {tally.cpu_percent_max:3.0f} %  {tally.requests} requests, {tally.failures} failed, "
        f"{tally.spans_delivered} of {tally.spans_made} spans"
    )


def verdict(samples: Sequence[Sample], rate_per_s: float) -> tuple[str, ...]:
    """What is wrong; nothing if tracing is cheap enough and nothing was lost."""
    faults = []
    for name in ("p50_ms", "p99_ms"):
        off, on = _medians(samples, name)
        if on > off * MOST_RATIO:
            faults.append(f"{name} with tracing is {on / off:.2f} times that without; at most {MOST_RATIO}")
    for taken in samples:
        tally = taken.tally
        wanted = tally.requests if taken.tracing else 0
        if not wanted == tally.spans_made == tally.spans_delivered:
            faults.append(f"{tally.spans_delivered} of {tally.spans_made} spans for {wanted} requests")
        if tally.failures or abs(taken.rate_per_s / rate_per_s - 1) > 0.01:  # noqa: PLR2004  one per cent
            faults.append(
                f"{taken.rate_per_s:.1f}/s with {tally.failures} failures instead of {rate_per_s:g}/s"
            )
    return tuple(faults)


def _medians(samples: Sequence[Sample], name: str) -> tuple[float, float]:
    """The median of a latency without and with tracing."""
    off, on = (
        statistics.median(float(getattr(taken, name)) for taken in samples if taken.tracing is tracing)
        for tracing in (False, True)
    )
    return off, on


def main(arguments: Sequence[str]) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.benchmarks.bench_tracing", description="What tracing costs."
    )
    parser.add_argument(
        "--rate", type=float, action="append", help="requests a second; may be repeated (500 and 5000)"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="of each repetition (%(default)g)")
    parser.add_argument("--pairs", type=int, default=8, help="repetitions of each kind (%(default)d)")
    options = parser.parse_args(arguments)
    faults = [
        f"at {rate_per_s:g}/s {fault}"
        for rate_per_s in options.rate or RATES
        for fault in _at(rate_per_s, seconds=options.seconds, pairs=options.pairs)
    ]
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


def _at(rate_per_s: float, *, seconds: float, pairs: int) -> tuple[str, ...]:
    """Measure at one rate, print, and return what is wrong."""
    plan = LoadPlan(rate_per_s=rate_per_s, users=20, requests_per_connection=1_000_000, pages=_PAGES)
    samples = measure(plan, seconds=seconds, pairs=pairs)
    for name in ("p50_ms", "p99_ms"):
        off, on = _medians(samples, name)
        print(f"{rate_per_s:g}/s, median {name}: off {off:.3f}, on {on:.3f}, ratio {on / off:.2f}")
    return verdict(samples, rate_per_s)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
