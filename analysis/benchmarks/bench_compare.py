"""What comparing two meshes costs: ``python -m analysis.benchmarks.bench_compare [edges]``.

Run folders of each size are made, and compared by what ``samezone compare`` calls, in a process of its own
so that the peak of its memory is its own: it holds both graphs; and once more with another run of the
baseline's arm beside them, whose graph it holds, too. What it costs is told an edge, by processor time, since
others may be busy here.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from analysis.benchmarks import many_pods
from analysis.benchmarks.many_pods import Mesh
from analysis.jobs.comparing import CompareRequest, compare_runs
from k8s.bench.peak import peak_mib
from loadtest import rundir

EDGES: Final = 1_000_000
SHARES: Final = (0.01, 0.1, 1.0)
LEAST: Final = many_pods.PODS**2
"""Edges from one service to the next."""
MOST_RSS_MIB: Final = 1024.0
MOST_GROWTH: Final = 1.5
"""Times the processor time an edge, of the largest over the middle size: it is not to grow with the graph."""
BASELINE, CANDIDATE, NULL = "1-off", "2-tar", "3-off"


def once(root: Path) -> tuple[float, float, float]:
    """Seconds by the clock and of processor time, and MiB of this process at most."""
    request = CompareRequest(baseline=root / BASELINE, candidate=root / CANDIDATE)
    began_s, busy_s = time.monotonic(), time.process_time()
    compare_runs(request, created_s=time.time(), versions=())
    took_s, busy_s = time.monotonic() - began_s, time.process_time() - busy_s
    return took_s, busy_s, peak_mib()


def measure(edges: int) -> tuple[float, float]:
    """Print two lines; processor time an edge in microseconds, and MiB, of what took more of each."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for number, name in enumerate((BASELINE, CANDIDATE), start=1):
            many_pods.store(root / name, Mesh(edges=edges, mode=name.partition("-")[2], seed=number))
        two = _measured(root, edges, arms=2)
        many_pods.store(root / NULL, Mesh(edges=edges, mode=NULL.partition("-")[2], seed=3))
        three = _measured(root, edges, arms=3)
    return max(two[0], three[0]), max(two[1], three[1])


def _measured(root: Path, edges: int, *, arms: int) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-m", "analysis.benchmarks.bench_compare", "once", str(root)],
        capture_output=True,
        text=True,
        check=True,
    )
    took_s, busy_s, rss_mib = map(float, done.stdout.split())
    read_mib = (root / CANDIDATE / rundir.GRAPH).stat().st_size / 2**20
    written_mib = (root / CANDIDATE / rundir.COMPARISON).stat().st_size / 2**20
    each_us = busy_s / edges / arms * 1e6
    print(
        f"{edges:9,} edges an arm, {arms} arms of {read_mib:3.0f} MiB: {took_s:5.2f} s, {busy_s:5.2f} s of "
        f"processor time ({each_us:4.1f} us an edge), peak {rss_mib:4.0f} MiB, comparison of "
        f"{written_mib:4.1f} MiB",
        flush=True,
    )
    return each_us, rss_mib


def main(arguments: list[str]) -> int:
    """All sizes, and whether memory and growth are within bounds."""
    if arguments[:1] == ["once"]:
        print(*once(Path(arguments[1])))
        return 0
    most = int(arguments[0]) if arguments else EDGES
    found = [measure(max(LEAST, round(most * share))) for share in SHARES]
    (middle_us, _), (largest_us, rss_mib) = found[-2:]
    held = largest_us <= MOST_GROWTH * middle_us and (rss_mib <= MOST_RSS_MIB or most > EDGES)
    print(
        f"{'holds' if held else 'DOES NOT HOLD'}: at most {MOST_RSS_MIB:,.0f} MiB, and no more than "
        f"{MOST_GROWTH:g} times as much an edge as in a tenth of it"
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
