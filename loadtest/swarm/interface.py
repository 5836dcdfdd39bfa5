"""The swarm: a Locust master and one worker set a zone, as a run sees them.

A run knows this Protocol only. ``local_swarm.py`` runs the processes on this machine; on a cluster
the same web API of the Locust master is driven over a port-forward.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from loadtest.worker.live_view import Handover, LiveView
from loadtest.worker.messages import Order
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerLoss, WorkerTally

BUSY = ("running", "spawning")
"""States of a Locust master that sends."""


class Phase(StrEnum):
    """Which part of a run the requests belong to; also an annotation of their spans."""

    WARMUP = "warmup"
    MEASURE = "measure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The swarm at one moment, for the progress bar and the watchdog."""

    requests: int
    failures: int
    workers: int
    """Connected workers."""
    lost: tuple[str, ...] = ()
    """Pod names of workers that are gone and not replaced yet: their zone's load is missing."""
    given_up: tuple[str, ...] = ()
    """Those of them that should have been replaced long ago."""
    losses: tuple[WorkerLoss, ...] = ()
    """Who was lost since the start while load was wanted, those that are back included, in order."""
    spans_pending: int = 0
    """Spans made and not yet delivered or dropped."""
    in_flight: int = 0
    tallies: tuple[WorkerTally, ...] = ()
    """What each worker has told, the last word of lost ones included: what is kept should the master go."""
    state: str = ""
    """Locust's state of the master; empty where nobody told."""
    idle: int = 0
    """Connected workers with nothing left to do or to deliver."""
    order: Order | None = None
    """The last start, whoever made it; None before the first."""

    @property
    def is_over(self) -> bool:
        """Nothing is sent, and all that was is counted and delivered."""
        return self.state not in BUSY and self.idle == self.workers


class Swarm(Protocol):
    """Drives load; methods that need the master raise UnreachableError when it does not answer."""

    @property
    def web_url(self) -> str:
        """Where the Locust web UI is."""

    def open(self) -> tuple[WorkerTally, ...]:
        """Start, wait until the workers of every zone are connected; one (zeroed) tally a worker."""

    def start(self, plan: LoadPlan, *, run_id: str, phase: Phase) -> None:
        """Begin to send requests; counters start from zero."""

    def progress(self) -> Progress:
        """Where it stands."""

    def stop(self) -> None:
        """Stop sending, let requests in flight end, and wait until every span is delivered or dropped."""

    def show(self, view: LiveView) -> Handover:
        """Hand the Zones tab what it is to show; what was asked for there."""

    def tallies(self) -> tuple[WorkerTally, ...]:
        """What each worker did since ``start``; complete after ``stop``.

        Where the master no longer answers: what it said last, which is ``silent_s`` old.
        """

    def losses(self) -> tuple[WorkerLoss, ...]:
        """Who was lost since ``start`` while load was wanted, as the master said last."""

    @property
    def silent_s(self) -> float:
        """How old the master's last word is, where it does not answer any more; 0 while it does."""

    def close(self) -> None:
        """End all processes; safe to call twice and after a failure."""
