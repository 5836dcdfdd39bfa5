"""What tracing costs the generator: ``python -m loadtest.benchmarks.bench_tracing``.

One worker at a constant rate against a minimal local server, with and without tracing in turn (ABAB...), so
that whatever else the machine does hits both alike. Latencies run from the actual start of each request; the
figures are medians over the repetitions, the verdict is about ratios. Exit code 1 when tracing costs more
than it may or a span is missing.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from k8s.errors import UnreachableError
from loadtest.swarm.interface import Phase
from loadtest.swarm.local_swarm import LOOPBACK, LocalSwarm
from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.plan import LoadPlan, Page
from loadtest.worker.tally import WorkerTally

MOST_RATIO = 1.3
"""Tracing may multiply p50 and p99 by this much."""
_SPAWN = multiprocessing.get_context("spawn")
_BODY = b'{"items":[' + b",".join(b'{"id":"p-%02d","price":42}' % number for number in range(32)) + b"]}"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_PAGES = (Page(name="home", path="/home", weight=1), Page(name="catalog", path="/catalog", weight=1))


class MinimalHttp(asyncio.Protocol):
    """Answers any GET with a fixed page and any POST with an empty 200, on keep-alive connections."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._buffer += data
        while self._transport is not None:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            length = _content_length(head)
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            page = b"" if head.startswith(b"POST") else _BODY
            self._transport.write(_ANSWER % (len(page), page))


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _serve(ready: Connection) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(MinimalHttp, LOOPBACK, 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def serving() -> Iterator[str]:
    """A minimal server in a process of its own; yields its URL."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()  # or a server that dies would leave us waiting for its port
    try:
        try:
            port = ours.recv()
        except EOFError as error:
            raise UnreachableError("the benchmark's server process ended before it served") from error
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.terminate()
        process.join()


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


def worker_of(url: str, collector: str, *, tracing: bool, lean: bool = True) -> WorkerPlacement:
    """A worker that loads *url* and hands its spans to *collector*."""
    return WorkerPlacement(
        pod="locust-worker-bench",
        zone="zone-a",
        node="node-a-1",
        target_url=url,
        otlp_url=collector,
        region="eu-west-1",
        cluster="bench",
        tracing=tracing,
        lean=lean,
    )


def measure(plan: LoadPlan, *, seconds: float, pairs: int) -> tuple[Sample, ...]:
    """*pairs* repetitions with and without tracing, interleaved; the first of each is thrown away."""
    with ExitStack() as stack:
        store, collector = stack.enter_context(serving()), stack.enter_context(serving())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="samezone-bench-")))
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
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second (%(default)g)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each repetition (%(default)g)")
    parser.add_argument("--pairs", type=int, default=8, help="repetitions of each kind (%(default)d)")
    options = parser.parse_args(arguments)
    plan = LoadPlan(rate_per_s=options.rate, users=20, requests_per_connection=1_000_000, pages=_PAGES)
    samples = measure(plan, seconds=options.seconds, pairs=options.pairs)
    for name in ("p50_ms", "p99_ms"):
        off, on = _medians(samples, name)
        print(f"median {name}: off {off:.3f}, on {on:.3f}, ratio {on / off:.2f}")
    faults = verdict(samples, options.rate)
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
