"""How much a worker sends with one core, beside others: ``python -m loadtest.benchmarks.bench_peers``.

In one run and in turn, so that whatever else the machine does hits all alike: a worker of ours (traced, not
traced, with a new connection a request, and by Locust's FastHttpUser), and of ``hey``, ``wrk`` and
``locust --otel`` those that are installed. Each has a core of its own and 20 connections; the server, nginx
where it is installed, and the collector have another. The figure is requests a second of CPU time: what a
core does when nobody disturbs it, and what a busy machine changes least. The verdict is about ratios within a
turn, their medians: a machine that others share is faster in some turns than in others.

Exit code 1 where a ratio is worse than it may be or a span is missing.
"""

import argparse
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from loadtest.benchmarks.served import HOME, TOO_MUCH_PER_S, cpu_s, serving, serving_pages, worker_of
from loadtest.swarm.interface import Phase
from loadtest.swarm.local_swarm import LocalSwarm
from loadtest.worker.plan import LoadPlan

USERS: Final = 20
KEPT, FRESH = 1_000_000, 1
"""Requests a connection."""
TRACED, UNTRACED, ANEW = "samezone", "samezone, not traced", "samezone, new connections"
BY_LOCUST, OTEL = "samezone by FastHttpUser", "locust --otel"
HEY, HEY_ANEW, WRK = "hey", "hey, new connections", "wrk"
LEAST: Final = ((TRACED, OTEL, 15.0), (TRACED, HEY, 0.5), (ANEW, HEY_ANEW, 0.6), (TRACED, UNTRACED, 0.9))
"""(who, beside whom, at least so many times as much)."""
_OTEL_FILE = """
import json, time
from locust import HttpUser, events, task

class Caller(HttpUser):
    @task
    def home(self):
        self.client.get("/home")

@events.test_start.add_listener
def begin(**_):
    Caller.mark = time.perf_counter(), time.process_time()

@events.test_stop.add_listener
def end(environment, **_):
    seconds, cpu = time.perf_counter() - Caller.mark[0], time.process_time() - Caller.mark[1]
    print("TAKEN " + json.dumps([environment.stats.total.num_requests, seconds, cpu]), flush=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one generator did in one turn."""

    requests: int
    seconds: float
    cpu_s: float
    failures: int = 0
    spans_missing: int = 0

    @property
    def per_cpu_s(self) -> float:
        """Requests a second of CPU time."""
        return self.requests / self.cpu_s if self.cpu_s else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """Who runs where; the same core for all on a machine that has one."""

    generator: int
    server: int
    collector: int

    @contextmanager
    def on(self, core: int) -> Iterator[None]:
        """What is started in it is pinned to *core* from its first instruction on."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)


def cores() -> Cores:
    """The first cores that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    last = len(usable) - 1
    return Cores(generator=usable[0], server=usable[min(1, last)], collector=usable[min(2, last)])


@contextmanager
def awake(core: int) -> Iterator[None]:
    """Keep *core* from going to sleep, with a process that gives way to every other one.

    On a virtual machine to wake a core costs who sends to it microseconds, and how often it has to be woken
    is chance: it would be counted for whoever happens to leave the server more idle.
    """
    parent = os.getpid()
    turning = f"import os\nwhile os.getppid() == {parent}:\n    for _ in range(100_000):\n        pass\n"
    spinner = subprocess.Popen([sys.executable, "-c", turning])
    try:
        os.sched_setaffinity(spinner.pid, {core})
        os.sched_setscheduler(spinner.pid, os.SCHED_IDLE, os.sched_param(0))
        yield
    finally:
        spinner.kill()
        spinner.wait()


def by_swarm(swarm: LocalSwarm, per_connection: int, seconds: float, *, traced: bool) -> Taken:
    """As much as the only worker of *swarm* can send."""
    plan = LoadPlan(
        rate_per_s=TOO_MUCH_PER_S, users=USERS, requests_per_connection=per_connection, pages=HOME
    )
    process = swarm.tallies()[0].process
    swarm.start(plan, run_id="bench", phase=Phase.MEASURE)
    before_s = cpu_s(process)  # the first request is due now; making the users does not count
    time.sleep(seconds)
    swarm.stop()
    used_s = cpu_s(process) - before_s
    (tally,) = swarm.tallies()
    return Taken(
        requests=tally.requests,
        seconds=tally.last_s - tally.first_s,
        cpu_s=used_s,
        failures=tally.failures,
        spans_missing=tally.requests - tally.spans_delivered if traced else 0,
    )


def by_command(command: Sequence[str], pattern: str, seconds: float) -> Taken:
    """What a program says that it sent; *pattern* finds the number in what it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(requests=int(re.findall(pattern, done.stdout)[0]), seconds=seconds, cpu_s=used_s)


def by_otel(folder: Path, url: str, collector: str, seconds: float) -> Taken:
    """Locust with the instrumentation of OpenTelemetry, over OTLP/HTTP; its start does not count."""
    locustfile = folder / "otel_caller.py"
    locustfile.write_text(_OTEL_FILE)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "locust", "--otel", "-f", str(locustfile), "--headless"),
            *("--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{seconds:g}s"),
            *("--host", url),
        ],
        env=os.environ
        | {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    (told,) = re.findall(r"^TAKEN (.*)$", done.stdout, re.MULTILINE)
    requests, taken_s, used_s = json.loads(told)
    return Taken(requests=requests, seconds=taken_s, cpu_s=used_s)


def has_otel() -> bool:
    """Whether ``locust --otel`` has what it needs."""
    try:
        return find_spec("opentelemetry.instrumentation.requests") is not None
    except ModuleNotFoundError:
        return False


def peers(folder: Path, url: str, collector: str, seconds: float) -> dict[str, Callable[[], Taken]]:
    """The generators that are installed, by name."""
    found: dict[str, Callable[[], Taken]] = {}
    hey = ("hey", "-z", f"{seconds:g}s", "-c", str(USERS))
    responses = r"\[200\]\s+(\d+) responses"
    if shutil.which("hey"):
        found[HEY] = lambda: by_command((*hey, url + "/home"), responses, seconds)
        found[HEY_ANEW] = lambda: by_command((*hey, "-disable-keepalive", url + "/home"), responses, seconds)
    if shutil.which("wrk"):
        # wrk takes whole seconds.
        whole_s = max(1, round(seconds))
        wrk = ("wrk", "-t1", f"-c{USERS}", f"-d{whole_s}s", url + "/home")
        found[WRK] = lambda: by_command(wrk, r"(\d+) requests in", whole_s)
    if has_otel():
        found[OTEL] = lambda: by_otel(folder, url, collector, seconds)
    return found


def ours(stack: ExitStack, folder: Path, url: str, collector: str, seconds: float) -> dict[str, Any]:
    """Our worker in its ways, by name; its swarms run until *stack* ends."""
    swarms = {}
    place = cores()
    for name, lean, tracing in (
        (TRACED, True, True),
        (UNTRACED, True, False),
        (BY_LOCUST, False, True),
    ):
        worker = worker_of(url, collector, tracing=tracing, lean=lean)
        swarm = swarms[name] = LocalSwarm((worker,), folder / name)
        stack.callback(swarm.close)
        with place.on(place.collector):
            (tally,) = swarm.open()
        os.sched_setaffinity(tally.process, {place.generator})
    return {
        TRACED: lambda: by_swarm(swarms[TRACED], KEPT, seconds, traced=True),
        UNTRACED: lambda: by_swarm(swarms[UNTRACED], KEPT, seconds, traced=False),
        ANEW: lambda: by_swarm(swarms[TRACED], FRESH, seconds, traced=True),
        BY_LOCUST: lambda: by_swarm(swarms[BY_LOCUST], KEPT, seconds, traced=True),
    }


def measure(*, seconds: float, turns: int) -> dict[str, list[Taken]]:
    """All generators in turn, so often; a first turn of each is thrown away."""
    place = cores()
    taken: defaultdict[str, list[Taken]] = defaultdict(list)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="samezone-bench-")))
        with place.on(place.server):
            url = stack.enter_context(serving_pages(folder))
        with place.on(place.collector):
            collector = stack.enter_context(serving())
        everyone = ours(stack, folder, url, collector, seconds) | peers(folder, url, collector, seconds)
        if place.server != place.generator:
            stack.enter_context(awake(place.server))
        for turn in range(turns + 1):
            for name, generator in everyone.items():
                with place.on(place.generator):
                    one = generator()
                if turn:
                    taken[name].append(one)
                    print(
                        f"{name:26} {one.requests / one.seconds:9.0f}/s {one.per_cpu_s:9.0f} a CPU second",
                        flush=True,
                    )
    return dict(taken)


def medians(taken: Mapping[str, Sequence[Taken]]) -> dict[str, float]:
    """Requests a second of CPU time, by generator."""
    return {name: statistics.median(one.per_cpu_s for one in turns) for name, turns in taken.items()}


def times_as_much(taken: Mapping[str, Sequence[Taken]], who: str, peer: str) -> float:
    """How many times as much as *peer* *who* does of a CPU second, within a turn; the median of the turns."""
    return statistics.median(
        one.per_cpu_s / other.per_cpu_s if other.per_cpu_s else 0.0
        for one, other in zip(taken[who], taken[peer], strict=True)
    )


def verdict(taken: Mapping[str, Sequence[Taken]]) -> tuple[str, ...]:
    """What is wrong; nothing where we are fast enough beside whoever is here, and nothing was lost."""
    faults = [
        f"{who} does {ratio:.2f} times what {peer} does; at least {least:g}"
        for who, peer, least in LEAST
        if who in taken and peer in taken and (ratio := times_as_much(taken, who, peer)) < least
    ]
    for name, turns in taken.items():
        if missing := sum(one.spans_missing for one in turns):
            faults.append(f"{name}: {missing} spans were not delivered")
        if failed := sum(one.failures for one in turns):
            faults.append(f"{name}: {failed} requests failed")
    return tuple(faults)


def as_json(taken: Mapping[str, Sequence[Taken]]) -> dict[str, Any]:
    """Everything that was measured, and where."""
    middle = medians(taken)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "requests_per_cpu_second": middle,
        "times_as_much_as": {peer: times_as_much(taken, TRACED, peer) for peer in taken},
        "turns": {name: [asdict(one) for one in turns] for name, turns in taken.items()},
    }


def main(arguments: Sequence[str]) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.benchmarks.bench_peers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each turn (%(default)g)")
    parser.add_argument("--turns", type=int, default=5, help="of each generator (%(default)d)")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    taken = measure(seconds=options.seconds, turns=options.turns)
    middle = medians(taken)
    print(f"\n{'requests a CPU second, medians':36}{'samezone, times as much':>24}")
    for name, figure in sorted(middle.items(), key=lambda one: -one[1]):
        print(f"{name:26} {figure:9.0f}{times_as_much(taken, TRACED, name):24.2f}")
    if options.json:
        options.json.write_text(json.dumps(as_json(taken), indent=1) + "\n")
    faults = verdict(taken)
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
