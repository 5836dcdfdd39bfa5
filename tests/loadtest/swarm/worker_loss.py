"""How soon a lost worker's zone has its load again, and with which mix of zones: figures.

``python -m tests.loadtest.swarm.worker_loss [tries] [SIGKILL|SIGTERM|SIGSTOP]``: each try is a swarm of its
own, with a real store and collector on loopback.
"""

import os
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from loadtest.swarm.interface import Phase
from tests.loadtest.swarm.test_local_swarm import PLAN, STORES, ZONES, opened

BACK_S = 10.0
_SHARE = 1 / len(ZONES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One lost worker."""

    worker: str
    zone: str
    back_after_s: float
    """From the signal to the zone's next arrival."""
    missing: int
    untold: int
    mix_off: float
    """Largest distance of a zone's share of the requests from its share of the plan, once it was back."""
    mix_off_all: float
    """The same over the whole window, the gap included."""
    window_s: float
    counted: int
    arrived: int
    failures: int

    def __str__(self) -> str:
        return (
            f"{self.worker} ({self.zone}): back after {self.back_after_s:.2f} s, {self.missing} requests "
            f"missing; zone mix off by {100 * self.mix_off:.2f} points once back, "
            f"{100 * self.mix_off_all:.2f} over {self.window_s:.0f} s; counted {self.counted} of "
            f"{self.arrived} (at most {self.untold} untold), {self.failures} failed"
        )


def try_loss(logs: Path, number: signal.Signals, *, after_s: float, victim: int = 2) -> Tried:
    """Signal one worker in the middle of the load; look for *after_s* seconds once it is back."""
    with opened(logs) as scene:
        scene.swarm.start(PLAN, run_id="r", phase=Phase.MEASURE)
        began_s = time.monotonic()
        _look(scene.swarm.progress, 3.0)
        store = STORES[victim - 1]
        before = _hits(scene.memory.hits)
        struck_s = time.monotonic()
        os.kill(scene.swarm._members[victim].process.pid, number)
        deadline_s = struck_s + 60
        while time.monotonic() < deadline_s:
            progress = scene.swarm.progress()
            if progress.losses and progress.losses[0].back_s and not progress.lost:
                break
            time.sleep(0.2)
        loss = progress.losses[0]
        back_s = loss.back_s - (time.time() - time.monotonic()) - struck_s
        back = _hits(scene.memory.hits)
        _look(scene.swarm.progress, after_s)
        end = _hits(scene.memory.hits)
        window_s = time.monotonic() - began_s
        scene.swarm.stop()
        tallies, losses = scene.swarm.tallies(), scene.swarm.losses()
        arrived = len(scene.memory.shop_hits())
    assert before[store] > 0
    return Tried(
        worker=losses[0].worker,
        zone=losses[0].zone,
        back_after_s=back_s,
        missing=losses[0].missing,
        untold=losses[0].untold,
        mix_off=_off(end - back),
        mix_off_all=_off(end),
        window_s=window_s,
        counted=sum(tally.requests for tally in tallies),
        arrived=arrived,
        failures=sum(tally.failures for tally in tallies),
    )


def _look(progress: object, seconds: float) -> None:
    """As a run does, twice a second."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        progress()  # type: ignore[operator]
        time.sleep(0.5)


def _hits(hits: list) -> Counter[str]:
    return Counter(hit.server_ip for hit in list(hits))


def _off(counts: Counter[str]) -> float:
    total = counts.total()
    return max(abs(counts[store] / total - _SHARE) for store in STORES)


def main(tries: int, number: signal.Signals) -> None:
    """Print one line a try."""
    for _ in range(tries):
        with tempfile.TemporaryDirectory() as logs:
            print(f"{number.name}: {try_loss(Path(logs), number, after_s=10.0)}", flush=True)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if sys.argv[1:] else 10,
        signal.Signals[sys.argv[2]] if sys.argv[2:] else signal.SIGKILL,
    )
