"""What the Locust master, its workers and we tell each other, as values."""

from dataclasses import dataclass

from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerLoss, WorkerTally
from loadtest.worker.typed_json import decode

REPORT = "samezone-report"
"""The custom Locust message a worker sends; its data holds a WorkerReport as JSON."""
DISMISSAL = "samezone-dismissal"
"""The custom Locust message to a worker whose seat another one has taken: no more requests in this window."""
OURS_HEADER = "Samezone-Ours"
"""Carries what the master's environment has in OURS_VARIABLE: programs of ours need no login."""
OURS_VARIABLE = "SAMEZONE_WEB_KEY"
TALLIES_PATH = "/samezone/tallies"
"""Where the master's web app serves its SwarmView."""
UI_RUN = "-web"
"""Run ids of loads that a person started in the web UI end so."""
ORDER_OPTION = "samezone_order"
"""The parsed option that carries an Order as JSON; Locust copies it to the workers with its spawn message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One start of the swarm: what the workers shall do together."""

    generation: int
    """Counts the starts of this master: 1, 2, ..."""
    run_id: str
    phase: str
    plan: LoadPlan
    start_at_s: float
    """When the schedule begins, seconds since the epoch; the same for all, so that arrivals interleave."""
    seats: tuple[tuple[str, int], ...]
    """(Locust client id, index of the worker's share); a worker without a seat sends nothing."""
    late_s: float = 0.0
    """For who takes a seat later: seconds since the schedule began, by the master's clock; 0 at the start."""

    @property
    def is_from_ui(self) -> bool:
        """Whether a person started it in the web UI."""
        return self.run_id.endswith(UI_RUN)

    def seat(self, client_id: str) -> int | None:
        """The index of a worker's share, or None for one that joined too late."""
        return dict(self.seats).get(client_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """What a worker tells the master about once a second."""

    generation: int
    """The start it counts for; 0 before the first."""
    idle: bool
    """It sends nothing, no request is in flight and no span waits."""
    tally: WorkerTally
    problem: str = ""
    """Why it cannot send what the order asks for; then nobody is to send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmView:
    """The answer of ``GET /samezone/tallies``."""

    state: str
    """Locust's state of the master: ready, spawning, running, stopping, stopped."""
    generation: int
    workers: int
    """Connected workers."""
    idle: int
    """Connected workers with nothing left to do or to deliver: ready for a start."""
    lost: tuple[str, ...]
    """Pod names of workers that are gone and whose seat of the last start nobody has taken."""
    problem: str
    """Why the last start was refused, by the master or by a worker; empty if it was not."""
    lead_s: float
    """Seconds until the first arrival of the last start; 0 once it is past."""
    tallies: tuple[WorkerTally, ...]
    """One a worker known, sorted by zone and pod; counts since the last start, lost ones included."""
    losses: tuple[WorkerLoss, ...] = ()
    """Who was lost since the last start while load was wanted, in order."""
    untold: int = 0
    """Workers with a seat that have not told yet whether they can send what the last start asks for."""
    master: str = ""
    """Tells this master's process from others."""
    order: Order | None = None
    """The last start; None before the first."""


def read_order(raw: str) -> Order:
    """Raises ValueError."""
    return decode(raw, Order)


def read_report(raw: bytes) -> WorkerReport:
    """Raises ValueError."""
    return decode(raw, WorkerReport)
