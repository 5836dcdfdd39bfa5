"""What any source of calls answers, in domain values, and what it may raise.

A source says how many calls went from whom to whom between two moments. Its JSON, its queries and its filter
strings stay in its own files: ``collect`` stores what it received as it came, and a ``Reader`` turns that
into ``Counts``, now or years later. To add a source: one file or folder here with a ``Reader`` and a
``Source``, and a line in ``registry.py``.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Protocol

from analysis.model import Workload
from analysis.placement import Timeline
from analysis.source.facts import Facts
from k8s.errors import UnreachableError
from k8s.topology import Zone
from loadtest.record import Window

Raw = Mapping[str, Any]
"""One JSON object as the source answered it."""

Answers = tuple[tuple[Raw, ...], ...]
"""Of each query its pages."""


class RefusedError(UnreachableError):
    """The source answered that it will not: credentials, permissions, a query that it does not take."""


class ThrottledError(UnreachableError):
    """The source answers too many requests even after the client's own retries; polling has time."""


class IncompleteError(UnreachableError):
    """The source has the question but not yet the whole answer; polling has time."""


class CountUnit(StrEnum):
    """What a source counts: every number of calls in its ``Counts`` is in this unit."""

    REQUESTS = "requests"
    CONNECTIONS = "connections"
    BYTES = "bytes"


class Grain(StrEnum):
    """What the names in a source's ``Counts`` stand for."""

    POD = "pod"
    WORKLOAD = "workload"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the numbers and names of a source's counts stand for."""

    title: str = "X-Ray"
    """The source's name for people."""
    unit: CountUnit = CountUnit.REQUESTS
    grain: Grain = Grain.POD
    members_only: bool = False
    """See ``Counts``."""

    @property
    def names_pods(self) -> bool:
        """Whether a name in the counts is a pod's."""
        return self.grain is Grain.POD

    def workload(self, name: str, timeline: Timeline) -> Workload:
        """What a name in the counts belongs to."""
        if self.names_pods or (self.grain is Grain.SERVICE and timeline.has(name)):
            return timeline.workload(name)
        return timeline.workload_called(name)


PODS: Final = Basis()
"""Requests between pods, as traces have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """All calls from one client to one server in a window; between pods, one edge of the X-Ray graph."""

    client: str
    """The caller as the source names it: its pod's name where the grain is the pod."""
    server: str
    """The callee."""
    count: int
    faults: int = 0
    """5xx, or no answer."""
    errors: int = 0
    """4xx."""
    total_s: float = 0.0
    """Sum of the response times as the caller saw them, seconds."""
    histogram: tuple[tuple[float, int], ...] = ()
    """(response time in seconds, as fine as the source keeps it; count), sorted."""
    client_zone: Zone | None = None
    """The caller's zone as the source itself states it; used where the name is no pod of the timeline."""
    server_zone: Zone | None = None
    """The callee's."""
    connections: int | None = None
    """Distinct connections that carried them; None where the source does not count those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Requests that entered what the source sees: nobody's record says who made them."""

    name: str
    """Where they entered: a worker of the load generator, or a pod whose caller was lost."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """Calls to something that never could have answered for itself: a database, a cloud service, an API."""

    client: str
    name: str
    type: str
    """In the source's words, e.g. ``Database::SQL``; empty where it has none."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One side of a sampled call, beyond its name: what its document says of where it was sent from."""

    counted_as: str = ""
    """Under which name the counts hold it; empty: the same as in the sample."""
    zone: Zone | None = None
    """Of the node that it names, by the topology; for a side whose pod is not known."""
    lacks: str = ""
    """Why its pod is not known, and what to set; empty where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledCall:
    """One call of a sample."""

    client: str
    """The caller's pod; where nothing names it, the caller as the counts name it."""
    server: str
    """The callee's."""
    connection: int | None
    """Names the connection among those of the client, e.g. its source port; None where it is not known."""
    duration_s: float
    """As the caller saw it."""
    start_s: float | None = None
    """When the caller sent it, seconds since the epoch; None where it is not known."""
    trace: int = 0
    """Which trace of the sample it is in; calls of one trace came into the sample together."""
    client_end: End = End()
    server_end: End = End()
    is_fault: bool = False
    """5xx, or no answer."""
    is_error: bool = False
    """4xx."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedZone:
    """The zone that one record of a sample carries itself; None where it carries none."""

    name: str
    zone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledRoot:
    """Where a trace of a sample began."""

    trace: int
    name: str
    """As the counts name it."""
    start_s: float | None = None
    run_id: str = ""
    """Whose request it was, where its record says so."""
    is_broken: bool = False
    """A record of the trace is missing: one names a caller that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Single calls, drawn at random from the window; empty where a source has aggregates alone."""

    traces: int = 0
    """What was drawn."""
    calls: tuple[SampledCall, ...] = ()
    zones: tuple[StatedZone, ...] = ()
    roots: tuple[SampledRoot, ...] = ()
    """One of each trace that shows where it began."""
    misnamed: int = 0
    """Calls whose caller names one pod itself, while its address, as the callee saw it, is another pod's."""


class FlawKind(StrEnum):
    """What is not as it has to be; of each kind there is a gate of that name."""

    PAGES = "pages"
    """Some of what it answered is not there."""
    COUNTS = "counts"
    """What it counted contradicts itself."""
    WINDOW = "window"
    """It answered for another window."""
    TOPOLOGY = "topology"
    """Where the pods were is not known for all of them and all of the time."""
    SAMPLE = "sample"
    """Single calls are missing, or another run's."""
    LOAD = "load"
    """The load generator's own figures contradict themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A contradiction in what a source answered, or between the artifacts of a run."""

    kind: FlawKind
    text: str
    """What is off, where, and what to do; a clause."""
    is_slight: bool = False
    """Too small for a figure to be wrong by it; a caveat is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a source says of one window."""

    title: str
    """The source's name for people, e.g. ``X-Ray``."""
    unit: CountUnit = CountUnit.REQUESTS
    grain: Grain = Grain.POD
    calls: Sequence[Call] = ()
    """Sorted by client and server; ``Calls`` where there may be a million of them."""
    entries: tuple[Entry, ...] = ()
    """Sorted by name."""
    lost: tuple[Call, ...] = ()
    """Calls whose callee could have answered for itself and did not; *server* is its workload, or all that
    is known of it. Sorted."""
    leaves: tuple[Leaf, ...] = ()
    """Sorted by client, name and type."""
    window: Window | None = None
    """Of which time the counts really are, where that is not the window asked for: from the earliest to the
    latest of the scrapes that flank it."""
    unattributed: int = 0
    """What the source says it dropped or could not pair, of nobody in particular: its own loss meter."""
    repeated: int = 0
    """Deliveries of one and the same request beyond the first that the source shows; not in *entries*."""
    sample: Sample = Sample()
    flaws: tuple[Flaw, ...] = ()
    """None from a source that says nothing twice."""
    members_only: bool = False
    """It counts what its members do, whoever's load that is, and begins nowhere: a mesh, an agent. A load
    generator that is none of them is in no count, and everybody's traffic is in all of them."""
    loss_meter: str = ""
    """By what it tells how much it lost, in a clause; empty where it tells by *lost* and *entries*."""
    queries: tuple[str, ...] = ()
    """What it was asked, as it was sent; empty where the pages say that themselves."""

    @property
    def basis(self) -> Basis:
        """What the numbers and names stand for."""
        return Basis(title=self.title, unit=self.unit, grain=self.grain, members_only=self.members_only)

    def entered(self, names: Iterable[str]) -> int:
        """Requests that entered at these."""
        wanted = frozenset(names)
        return sum(one.count for one in self.entries if one.name in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What collecting asks: a window of one run, or everything in a window."""

    window: Window
    run_id: str | None
    """Whose traces; None asks for all that the source has of the window, whoever's they are."""
    phase: str = "measure"
    """What the load generator marked its traces of this window with."""
    others: bool = False
    """Ask for traces that are not the run's instead; says nothing where there is no run."""
    quiet_s: float = 0.0
    """How long after the window's start, and before its end, the load generator sends nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a source answered, as it came."""

    answers: Answers
    """The counts."""
    rows: tuple[Raw, ...] = ()
    """The sample."""
    window: Window | None = None
    """What it was asked for; None where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long to poll, and how large a sample to take."""

    poll_s: float
    least_s: float
    """No answer before this counts as final."""
    most_s: float
    traces: int
    """Traces, or single calls, to read for zones and connections."""
    still_s: float = math.inf
    """Counts that miss requests and have not moved for so long are not waited for any more."""
    most_traces: int = 0
    """Of them, where all of the run are needed; above it a random sample is taken. 0: never more."""
    price: str = ""
    """What reading them costs, in a clause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A sample as the source answered it."""

    rows: tuple[Raw, ...]
    """Single traces or calls."""
    left_out: tuple[str, ...] = ()
    """A sentence on what they were not drawn from; none where it was everything that was asked for."""


class Reader(Protocol):
    """Reads stored answers of one source; pure, so that a run can be read without the source."""

    def read(self, received: Received, facts: Facts) -> Counts:
        """The answers as domain values; UsageError where they are not this source's."""


class Source(Protocol):
    """What collecting needs of a source. Besides what each method names, all may raise UnreachableError."""

    @property
    def name(self) -> str:
        """The reader's key in ``registry.READERS``; stored beside the answers."""

    @property
    def title(self) -> str:
        """For people."""

    @property
    def patience(self) -> Patience:
        """How long this source takes until a window is complete."""

    @property
    def reader(self) -> Reader:
        """Reads what this source answers."""

    def preflight(self) -> None:
        """Refuse, by InvalidRunError, where the counts would not be complete."""

    def ask(self, question: Question) -> Answers:
        """The counts of a window; ThrottledError or IncompleteError where asking again later may help."""

    def sample(self, question: Question, most: int) -> Drawn:
        """Up to *most* single traces or calls of the window, drawn at random; the same ones each time."""


def add(left: Call, right: Call) -> Call:
    """Counts, times and histograms of both; names and zones are *left*'s."""
    counts: Counter[float] = Counter()
    for value, count in (*left.histogram, *right.histogram):
        counts[value] += count
    return replace(
        left,
        count=left.count + right.count,
        faults=left.faults + right.faults,
        errors=left.errors + right.errors,
        total_s=math.fsum((left.total_s, right.total_s)),
        histogram=tuple(sorted(counts.items())),
        connections=None
        if left.connections is None or right.connections is None
        else left.connections + right.connections,
    )
