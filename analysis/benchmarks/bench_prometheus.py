"""What reading Prometheus' tables of pairs costs: ``python -m analysis.benchmarks.bench_prometheus [pairs]``.

The answer is made as the engine would send it, decoded as the client decodes it and read as a run is read,
each size in a process of its own. The bound is one of processor time: others may be busy here.
"""

import subprocess
import sys
import time
from typing import Final

import msgspec

from analysis.source.facts import Facts
from analysis.source.interface import Raw, Received
from analysis.source.prometheus.profiles import ZTUNNEL
from analysis.source.prometheus.prometheus_reader import PrometheusReader
from analysis.source.prometheus.promql import Span
from analysis.source.prometheus.stored_answers import About, Family, Piece, PromQuery, about_page, query_pages
from k8s.bench.peak import peak_mib
from k8s.errors import SamezoneError
from loadtest.record import Window

PAIRS: Final = 100_000
SIZES: Final = (0.25, 0.5, 1.0)
LONGEST_S: Final = 5.0
MOST_RSS_MIB: Final = 500.0
ZONES: Final = ("eu-west-1a", "eu-west-1b", "eu-west-1c")


class TooSlowError(SamezoneError):
    """Reading took longer, or more memory, than it may."""


def body(pairs: int) -> bytes:
    """The engine's answer for so many pairs, each of a client and a server of its own."""
    rows = [
        {
            "metric": {
                "source_workload": f"client-{at}",
                "source_workload_namespace": "shop",
                "source_zone": ZONES[at % 3],
                "destination_workload": f"server-{at}",
                "destination_workload_namespace": "shop",
                "destination_zone": ZONES[at // 3 % 3],
            },
            "value": [1_764_000_000.0, str(at + 1)],
        }
        for at in range(pairs)
    ]
    return msgspec.json.encode({"status": "success", "data": {"resultType": "vector", "result": rows}})


def answers(table: Raw) -> tuple[tuple[Raw, ...], ...]:
    """As a run stores them."""
    span = Span(start_s=1_764_000_000.0, end_s=1_764_000_060.0)
    window = Window(start_s=span.start_s, end_s=span.end_s)
    about = About(profile=ZTUNNEL, window=window, quiet_s=1.0, span=span)
    asked = PromQuery(
        family=Family.CALLS, part=Piece.TABLE, metric=ZTUNNEL.metric, query="sum by (...)", at_s=span.end_s
    )
    return about_page(about), query_pages(asked, table)


def once(pairs: int) -> tuple[float, float, float, int]:
    """Seconds by the clock and of processor time, MiB of this process at most, and calls counted."""
    received = body(pairs)
    began_s, busy_s = time.monotonic(), time.process_time()
    table: Raw = msgspec.json.decode(received)
    counts = PrometheusReader().read(Received(answers=answers(table)), Facts())
    took_s, busy_s = time.monotonic() - began_s, time.process_time() - busy_s
    rss_mib = peak_mib()
    if len(counts.calls) != pairs:
        raise TooSlowError(f"reading {pairs} pairs: {len(counts.calls)} came out")
    return took_s, busy_s, rss_mib, sum(call.count for call in counts.calls)


def main(arguments: list[str]) -> int:
    """Each size by itself, so that the memory of one is not that of another."""
    if arguments[:1] == ["once"]:
        print(*once(int(arguments[1])))
        return 0
    pairs = int(arguments[0]) if arguments else PAIRS
    for share in SIZES:
        size = round(pairs * share)
        done = subprocess.run(
            [sys.executable, "-m", "analysis.benchmarks.bench_prometheus", "once", str(size)],
            capture_output=True,
            text=True,
            check=True,
        )
        took_s, busy_s, rss_mib, _ = (float(word) for word in done.stdout.split())
        print(f"{size:9,} pairs: {took_s:5.2f} s, {busy_s:5.2f} s of processor time, {rss_mib:4.0f} MiB")
    if pairs <= PAIRS and (busy_s > LONGEST_S or rss_mib > MOST_RSS_MIB):
        print(f"more than {LONGEST_S:g} s or {MOST_RSS_MIB:g} MiB")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
