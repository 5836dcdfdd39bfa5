"""How well workers keep a schedule, and how they add up: ``python -m loadtest.benchmarks.bench_pacing``.

Two questions to traced workers, beside the server of the other benchmarks:

* **Pacing**: at a constant rate, how far the rate that was kept is from the one that was asked for, by the
  worst worker. A turn in which the machine had nothing left to give, to workers, server, collector and
  whoever else is there, says nothing about the pacing: it is named as such and not judged.
* **Adding up**: as much as one, two, ... workers can send, up to the cores there are. The server needs a core
  too, so requests a second would fall short because of it; requests a second of the workers' own CPU time say
  whether workers are in each other's way.

Exit code 1 where a rate is further off than it may be, or workers in company do much less than alone.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from loadtest.benchmarks.served import HOME, TOO_MUCH_PER_S, cpu_s, serving, serving_pages, worker_of
from loadtest.swarm.interface import Phase
from loadtest.swarm.local_swarm import LocalSwarm
from loadtest.worker.plan import LoadPlan

PACES: Final = ((200.0, 1, 0.05), (2_000.0, 1, 0.5), (20_000.0, 2, 0.5))
"""(requests a second, workers, how many per cent the rate may be off)."""
LEAST_TOGETHER: Final = 0.9
"""What a worker in company does at least, of what it does alone, a second of its CPU time."""
SATURATED: Final = 95.0
"""Per cent of the machine's cores, used by anybody, from which on a schedule cannot be kept."""
_USERS_EACH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How one rate was kept."""

    asked_per_s: float
    workers: int
    off_percent: float
    """Of the worst worker; how far its own rate was from its share."""
    late_p50_ms: float
    late_p99_ms: float
    cpu_percent: float
    """Of a core, by the busiest worker."""
    machine_percent: float
    """Of all cores, by everybody."""
    requests: int
    failures: int
    spans_missing: int

    @property
    def is_judged(self) -> bool:
        """Whether the machine could carry the rate."""
        return self.machine_percent < SATURATED

    def __str__(self) -> str:
        """One line."""
        too_much = "" if self.is_judged else "; more than this machine can send"
        return (
            f"{self.asked_per_s:7.0f}/s by {self.workers}: {self.off_percent:7.4f} % off, late p50 "
            f"{self.late_p50_ms:.3f} ms, p99 {self.late_p99_ms:.3f} ms, {self.cpu_percent:.0f} % of a core, "
            f"{self.machine_percent:.0f} % of the machine, {self.requests} requests, {self.failures} failed, "
            f"{self.spans_missing} spans missing{too_much}"
        )


@contextmanager
def _workers(folder: Path, url: str, collector: str, number: int) -> Iterator[LocalSwarm]:
    placements = tuple(
        replace(worker_of(url, collector, tracing=True), pod=f"locust-worker-bench-{one}")
        for one in range(number)
    )
    swarm = LocalSwarm(placements, folder)
    try:
        swarm.open()
        yield swarm
    finally:
        swarm.close()


def _plan(rate_per_s: float, workers: int) -> LoadPlan:
    return LoadPlan(
        rate_per_s=rate_per_s, users=_USERS_EACH * workers, requests_per_connection=1_000_000, pages=HOME
    )


def _machine_ticks() -> tuple[int, int]:
    """How long the machine's cores had nothing to do, and how long they have been there (proc(5))."""
    first = Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]
    ticks = [int(field) for field in first]
    return ticks[3] + ticks[4], sum(ticks)


def pace(swarm: LocalSwarm, rate_per_s: float, workers: int, seconds: float) -> Pace:
    """Keep *rate_per_s* for *seconds* by all *workers* of *swarm*."""
    before = {one.process: cpu_s(one.process) for one in swarm.tallies()}
    swarm.start(_plan(rate_per_s, workers), run_id="bench", phase=Phase.MEASURE)
    idle_before, all_before = _machine_ticks()
    time.sleep(seconds)
    idle, everything = _machine_ticks()
    busiest_s = max(cpu_s(process) - was for process, was in before.items())
    swarm.stop()
    tallies = swarm.tallies()
    share = rate_per_s / workers
    rates = [(one.requests - 1) / (one.last_s - one.first_s) for one in tallies]
    return Pace(
        asked_per_s=rate_per_s,
        workers=workers,
        off_percent=max(abs(rate / share - 1) for rate in rates) * 100,
        late_p50_ms=max(one.lateness.quantile_ms(0.5) or 0.0 for one in tallies),
        late_p99_ms=max(one.lateness.quantile_ms(0.99) or 0.0 for one in tallies),
        cpu_percent=busiest_s / seconds * 100,
        machine_percent=100 - 100 * (idle - idle_before) / max(1, everything - all_before),
        requests=sum(one.requests for one in tallies),
        failures=sum(one.failures for one in tallies),
        spans_missing=sum(one.requests - one.spans_delivered for one in tallies),
    )


def together(swarm: LocalSwarm, workers: int, seconds: float) -> tuple[float, float]:
    """As much as *workers* can send: (requests a second, requests a second of their CPU time)."""
    before = {one.process: cpu_s(one.process) for one in swarm.tallies()}
    swarm.start(_plan(TOO_MUCH_PER_S, workers), run_id="bench", phase=Phase.MEASURE)
    time.sleep(seconds)
    swarm.stop()
    used_s = sum(cpu_s(process) - was for process, was in before.items())
    tallies = swarm.tallies()
    requests = sum(one.requests for one in tallies)
    return requests / max(one.last_s - one.first_s for one in tallies), requests / used_s


def verdict(paces: Sequence[Pace], per_cpu_s: Sequence[float]) -> tuple[str, ...]:
    """What is wrong; *per_cpu_s* is of one worker, of two, and so on."""
    allowed = {(rate, workers): percent for rate, workers, percent in PACES}
    faults = [
        f"{one.asked_per_s:g}/s was {one.off_percent:.3f} % off; at most "
        f"{allowed[one.asked_per_s, one.workers]:g} %"
        for one in paces
        if one.is_judged and one.off_percent > allowed[one.asked_per_s, one.workers]
    ]
    faults += [
        f"{one.asked_per_s:g}/s: {one.failures} requests failed, {one.spans_missing} spans are missing"
        for one in paces
        if one.failures or one.spans_missing
    ]
    faults += [
        f"each of {number} workers does {figure / per_cpu_s[0]:.2f} times what one does alone; at least "
        f"{LEAST_TOGETHER:g}"
        for number, figure in enumerate(per_cpu_s, 1)
        if figure < LEAST_TOGETHER * per_cpu_s[0]
    ]
    return tuple(faults)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.benchmarks.bench_pacing", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each turn (%(default)g)")
    parser.add_argument("--turns", type=int, default=3, help="of each number of workers (%(default)d)")
    options = parser.parse_args(arguments)
    paces: list[Pace] = []
    per_cpu_s: list[float] = []
    with tempfile.TemporaryDirectory(prefix="samezone-bench-") as name, serving() as collector:
        folder = Path(name)
        with serving_pages(folder) as url:
            for rate_per_s, workers, _ in PACES:
                with _workers(folder / f"pace-{rate_per_s:g}", url, collector, workers) as swarm:
                    paces.append(pace(swarm, rate_per_s, workers, options.seconds))
                    print(paces[-1], flush=True)
            for number in range(1, len(os.sched_getaffinity(0)) + 1):
                with _workers(folder / f"together-{number}", url, collector, number) as swarm:
                    taken = [together(swarm, number, options.seconds / 2) for _ in range(options.turns)]
                per_cpu_s.append(statistics.median(figure for _, figure in taken))
                per_s = statistics.median(figure for figure, _ in taken)
                print(f"{number} workers: {per_s:.0f}/s, {per_cpu_s[-1]:.0f} a CPU second", flush=True)
    faults = verdict(paces, per_cpu_s)
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
