"""The record of a run: what was asked, what was seen, zone by zone.

``record.json`` is written by the run and read by everything after it; its schema number decides how it is
read. History of the schema:

1. first version. Added since, each with a value that stands for "not told": ``clock_steps``,
   ``checkpoint_s``, and the status ``running``; ``losses`` of a load, ``seat``, ``turn``, ``skipped``,
   ``process`` and ``lean`` of a worker; ``also``, ``callers`` and ``traffic`` of what was asked, ``others``
   and ``breach`` of what was seen; the status ``breached``.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from k8s.topology import Event, HintsSeen, Recycled, Service, ServiceKey
from loadtest.worker.placement import NAMESPACE
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import NO_SEAT, WorkerLoss, WorkerTally

SCHEMA = 1
CUT_OFF_S = 15.0
"""A checkpoint is renewed every few seconds: one this old is of a run that no longer goes on."""


class RunStatus(StrEnum):
    """How a run ended, or that it has not."""

    RUNNING = "running"
    """A checkpoint: the run goes on, or it was cut off without a chance to say so (SIGKILL, power).

    Windows, loads and hints are those seen until ``checkpoint_s``. A run renews its checkpoint every few
    seconds, so a record that is older than ``CUT_OFF_S`` is of a run that was cut off.
    """
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    """By a person; what was measured until then is in the record."""
    FAILED = "failed"
    """By something else; what was measured until then is in the record."""
    BREACHED = "breached"
    """By a guard: under the mode the live traffic fared worse than is allowed, so it was taken back."""


class Traffic(StrEnum):
    """Whose requests are measured."""

    DRIVEN = "driven"
    """The load generators'."""
    LIVE = "live"
    """Whatever there is: nothing is sent, and the mode is watched while it is in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A guard that live traffic broke through while a mode was in force."""

    at_s: float
    """When it was seen, seconds since the epoch."""
    text: str
    """Which guard, with its numbers; a clause."""
    restored_s: float | None = None
    """When every Service had again what it had before; None where that could not be done at once."""

    @property
    def told(self) -> str:
        """The breach, and how soon the mode was taken back."""
        if self.restored_s is None:
            return self.text
        return f"{self.text}; put back after {self.restored_s - self.at_s:.1f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of wall-clock time, seconds since the epoch."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """Its length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep:
    """The wall clock of the machine that measured was set, or went on while the machine slept."""

    at_s: float
    """When it was noticed, seconds since the epoch by the clock as it was before the step."""
    step_s: float
    """By how much it was set: above 0 forward, below 0 back."""
    during: str
    """What the run was doing: ``warming up``, ``measuring``, or ``looking again`` after the load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """A warning that travels with the numbers it touches and becomes a footnote of the report."""

    code: str
    """Short and stable, e.g. ``worker-lost``."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSeen:
    """What the generator achieved in one window."""

    seconds: float
    """From the first to the last second of load."""
    workers: tuple[WorkerTally, ...] = ()
    """One a worker, and two or more a seat where a worker was lost and replaced."""
    losses: tuple[WorkerLoss, ...] = ()
    """Workers that were lost in the window, those that were replaced included."""

    @property
    def requests(self) -> int:
        """Finished requests over all workers."""
        return sum(worker.requests for worker in self.workers)

    @property
    def failures(self) -> int:
        """Failed requests over all workers."""
        return sum(worker.failures for worker in self.workers)

    @property
    def rate_per_s(self) -> float:
        """Requests a second: the sum of the seats' own rates, from first to last start.

        The length of the window would count the time that the swarm takes to begin and to end. A seat that
        was vacant for a while was slower by that, and one that was vacant at the end by all of it.
        """
        vacant = {loss.seat for loss in self.losses if not loss.back_s}
        return sum(
            sum(worker.requests for worker in workers) / self.seconds
            if seat in vacant and self.seconds > 0
            else _rate_per_s(workers, self.seconds)
            for seat, workers in self._by_seat()
        )

    def asked_per_s(self, plan: LoadPlan) -> float | None:
        """The rate that the plan's schedule had for a window of this length; None where users set it."""
        if plan.is_closed_loop:
            return None
        seats = len({worker.seat for worker in self.workers if worker.seat != NO_SEAT}) or len(self.workers)
        return plan.due_per_s(self.seconds, seats)

    @property
    def untold(self) -> int:
        """At most so many requests were sent by workers that were lost before they could tell of them."""
        return sum(loss.untold for loss in self.losses)

    def zone_mix_off(self) -> float:
        """Largest distance of a zone's share of the requests from its share of the workers, 0 to 1.

        Workers have equal shares of the load; who replaces another one has that one's.
        """
        seats = Counter(worker.zone for worker in self.workers if not worker.turn)
        sent: Counter[str] = Counter()
        for worker in self.workers:
            sent[worker.zone] += worker.requests
        if not self.requests or not seats:
            return 0.0
        return max(abs(sent[zone] / self.requests - seats[zone] / seats.total()) for zone in seats | sent)

    def _by_seat(self) -> Iterator[tuple[int, tuple[WorkerTally, ...]]]:
        """Workers that did the same share of the load in turn; each for itself where nobody told."""
        seats = sorted({worker.seat for worker in self.workers} - {NO_SEAT})
        for seat in seats:
            yield seat, tuple(worker for worker in self.workers if worker.seat == seat)
        for worker in self.workers:
            if worker.seat == NO_SEAT:
                yield NO_SEAT, (worker,)


def _rate_per_s(workers: tuple[WorkerTally, ...], seconds: float) -> float:
    requests = sum(worker.requests for worker in workers)
    begun = [worker for worker in workers if worker.first_s > 0]
    spread_s = max((one.last_s for one in begun), default=0.0) - min(
        (one.first_s for one in begun), default=0.0
    )
    if spread_s > 0:
        return (requests - 1) / spread_s
    return requests / seconds if seconds > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which place was measured."""

    platform: str
    """``lab`` or ``cluster``."""
    context: str
    """The kubeconfig context."""
    server: str
    """The API server's address."""
    version: str
    """The API server's gitVersion."""
    region: str
    zones: tuple[str, ...]
    cross_zone_delay_s: float | None = None
    """Extra one-way latency between zones that the lab emulates; None on a real cluster."""
    data_plane: tuple[str, ...] = ()
    """What carries Service traffic on the nodes, as far as it shows, e.g. ``kube-proxy 1.35 on 3 nodes``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user asked for."""

    mode: str
    """A RoutingMode's value: off, tar, prefer-close, prefer-same-zone, prefer-same-node."""
    service: ServiceKey
    """The Service whose routing is studied."""
    client: ServiceKey
    """The Service whose pods call it."""
    plan: LoadPlan
    also: tuple[ServiceKey, ...] = ()
    """Further Services that get the same mode, and are judged with it."""
    callers: tuple[ServiceKey, ...] = ()
    """The Services whose pods call those, in the same order, as far as somebody told; else it is whoever
    calls them most."""
    traffic: Traffic = Traffic.DRIVEN
    """With live traffic nothing of *plan* counts but its lengths."""

    @property
    def services(self) -> tuple[ServiceKey, ...]:
        """All that get the mode, the one that the client calls first."""
        return (self.service, *self.also)

    @property
    def is_live(self) -> bool:
        """Whether nothing is sent: what is measured is the traffic that there is."""
        return self.traffic is Traffic.LIVE

    def due_per_s(self, load: LoadSeen) -> float | None:
        """Requests a second that were asked for in that window; None where somebody else sets the rate."""
        return None if self.is_live else load.asked_per_s(self.plan)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Of the Services, of who calls them, and of the load generators, if there are any."""
        named = (self.service, self.client, *self.also, *self.callers)
        ours = () if self.is_live else (NAMESPACE,)
        return tuple(dict.fromkeys((*(key.namespace for key in named), *ours)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSeen:
    """What was found of one further Service."""

    service_before: Service
    """As it was before the run changed anything."""
    service_during: Service
    hints_start: HintsSeen
    hints_end: HintsSeen
    events: tuple[Event, ...] = ()
    """The Service's events since the mode was set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was found."""

    service_before: Service
    """The Service as it was before the run changed anything."""
    service_during: Service
    hints_start: HintsSeen
    hints_end: HintsSeen
    events: tuple[Event, ...] = ()
    """The Service's events since the mode was set."""
    warmup: LoadSeen | None = None
    measured: LoadSeen | None = None
    recycled: Recycled | None = None
    """Client pods that were replaced before the load, so that no connection is older than the mode."""
    others: tuple[ServiceSeen, ...] = ()
    """Of the further Services, in the order in which they were asked for."""
    breach: Breach | None = None
    """Why live traffic had the mode taken back, where it had."""

    @property
    def services(self) -> tuple[ServiceSeen, ...]:
        """Of every Service that got the mode, the one that the client calls first."""
        first = ServiceSeen(
            service_before=self.service_before,
            service_during=self.service_during,
            hints_start=self.hints_start,
            hints_end=self.hints_end,
            events=self.events,
        )
        return (first, *self.others)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One arm, measured once."""

    schema: int = SCHEMA
    run_id: str
    arm: str
    """The arm's label; the mode's name unless given."""
    status: RunStatus
    created_s: float
    """Seconds since the epoch."""
    place: Place
    asked: Asked
    seen: Seen
    warmup: Window | None = None
    measured: Window | None = None
    """Covers the quiet time on both sides of the measured load: the window to ask X-Ray for."""
    versions: tuple[tuple[str, str], ...] = ()
    caveats: tuple[Caveat, ...] = ()
    clock_steps: tuple[ClockStep, ...] = ()
    """Steps of the wall clock, in order; the measured window ends at the first one in it."""
    counting: tuple[tuple[str, str], ...] = ()
    """By which options its calls are counted, names and values without secrets; none in older files."""
    checkpoint_s: float | None = None
    """When this was written, seconds since the epoch, where the status is ``running``; else None."""
