"""The answer as values: where each end of a call is, and every number of an arm."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType

from analysis.statistics.interval import Interval
from analysis.statistics.stretches import Course
from k8s.topology import Event, HintsSeen, Recycled, Zone
from loadtest.record import Caveat, Window

Workload = NewType("Workload", str)
"""What a pod belongs to, e.g. ``ui``, ``catalog``, ``locust-worker``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A pod whose zone is known."""

    zone: Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """A name in the graph whose zone is not known; its calls are counted as unknown."""

    reason: str


Placement = Placed | Unplaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What the source lost, from both ends: the marks it leaves, and the load generator's own count.

    Marks are X-Ray's inferred nodes and entries at pods (developer guide, "inferred segments"). Losses are
    correlated: a collector's batch mixes callers and callees, and where both are gone there is no mark.
    """

    lost_callees: int
    """Calls whose server's document never arrived: in X-Ray they end in an inferred ``remote`` node."""
    orphans: int
    """Requests that entered at a pod which is no entry point: the caller's document never arrived."""
    generator_requests: int
    """Requests of the measured window by the load generator's own count."""
    graph_requests: int
    """The same requests as counted by the graph."""
    spans_dropped: int
    """Spans the load generator gave up."""
    unattributed: int = 0
    """What the source itself says it dropped or could not pair."""
    repeated: int = 0
    """Requests that the source holds more than once; each is counted once."""
    calls_share: float = 0.0
    """Estimated share of the calls of the pair under study that is lost, those without any mark included."""
    is_sampled: bool = False
    """Requests are missing on purpose: tracing is sampled."""
    unit: str = "requests"
    """Of *generator_requests* and *graph_requests*: what the source counts."""
    is_reconcilable: bool = True
    """The generator counts the same thing, and the source sees it; else both counts say nothing."""

    @property
    def requests_share(self) -> float:
        """Share of the generator's requests that the source lost; 0 where tracing is sampled.

        0, too, where nothing of the generator's can be held against the source's counts.
        """
        if self.is_sampled or not self.is_reconcilable:
            return 0.0
        missing = self.generator_requests - self.graph_requests
        return max(0.0, missing / self.generator_requests) if self.generator_requests else 0.0

    @property
    def share(self) -> float:
        """The larger one of requests and calls."""
        return max(self.requests_share, self.calls_share)

    @property
    def documents(self) -> int:
        """All that is known to be missing between the pods."""
        return self.lost_callees + self.orphans + self.unattributed


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """Calls of one workload, from one zone, to something that sends no documents: no loss."""

    client: Workload
    client_zone: str | None
    """None where it is not known."""
    name: str
    type: str
    """As the source says, e.g. ``Database::SQL``; empty where it says nothing."""
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCalls:
    """Calls in the window that were not the run's, by the names under which they were counted."""

    client: str
    server: str
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherTraffic:
    """What others did in the window; in no figure of the arm."""

    requests: int
    """That entered elsewhere than at the load generator."""
    calls: tuple[OtherCalls, ...]
    is_estimate: bool
    """Told apart by a sample of the run's traces, not by all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneCell:
    """Calls from one zone to another; None is an unknown zone."""

    client_zone: str | None
    server_zone: str | None
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFlow:
    """Calls between two pods."""

    client: str
    client_zone: str | None
    server: str
    server_zone: str | None
    calls: int
    faults: int
    mean_s: float | None
    """Mean response time as the caller saw it, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Response times of a group of calls as their clients saw them."""

    calls: int
    mean_s: Interval | None
    p50_s: float | None
    """Quantiles are good to 1 ms: X-Ray rounds its histograms."""
    p99_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLoad:
    """Calls that one server pod received."""

    pod: str
    zone: str | None
    calls: int
    times_mean: float
    """Its calls over the mean of all the Service's ready pods; 1.0 is an even load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResult:
    """The calls of one workload to another in one arm."""

    client: Workload
    server: Workload
    same_zone: int
    cross_zone: int
    unknown: int
    unknown_reasons: tuple[tuple[str, int], ...]
    """(reason, calls), most first."""
    share: Interval | None
    """same_zone / (same_zone + cross_zone); None when no call has both zones known."""
    share_bounds: tuple[float, float] | None
    """The same-zone share if every unknown call crossed, and if none did; None without calls."""
    coverage: float | None
    """Known / all calls, of those in the sample where it takes one; None without calls."""
    expected_even_share: float | None
    """What random routing would give: sum over zones of client share times server-pod share."""
    why_unit: str = ""
    """What its interval takes for one random choice of an endpoint, and why; empty in older files."""
    cells: tuple[ZoneCell, ...]
    flows: Sequence[PodFlow]
    """A tuple once it was stored; until then there may be a million of them, in columns."""
    same_latency: Latency
    cross_latency: Latency
    cross_minus_same_s: Interval | None
    """Difference of mean response times within this arm."""
    loads: tuple[EndpointLoad, ...]
    unit: str = "requests"
    """What its numbers count; a call is one of these."""
    grain: str = "pod"
    """What the names of its flows stand for."""
    unsampled: int = 0
    """Calls that were counted, but of which no sampled trace says from where to where: in none of the above.
    The others are a random sample of all, and the interval of the share is so wide."""

    def __post_init__(self) -> None:
        """A list, as JSON is read, becomes a tuple as everything else here."""
        if isinstance(self.flows, list):
            object.__setattr__(self, "flows", tuple(self.flows))

    @property
    def same_share(self) -> float | None:
        """The counted same-zone share, whether it has an interval or not; None where no zone is known."""
        if self.share is not None:
            return self.share.estimate
        known = self.same_zone + self.cross_zone
        return self.same_zone / known if known else None

    @property
    def calls(self) -> int:
        """All calls, unknown and unsampled ones included."""
        return self.same_zone + self.cross_zone + self.unknown + self.unsampled


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneClients:
    """What the load generator's workers of one zone saw of the UI."""

    zone: str
    workers: int
    requests: int
    failures: int
    rate_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    p99_intended_ms: float | None
    """From the intended start: what a stall really costs."""
    lag_p99_ms: float | None
    """The generator's own lateness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneCheck:
    """Zones of a sample of traces, as the spans themselves say, against the zones of the Kubernetes API."""

    traces: int
    segments: int
    agree: int
    disagree: int
    silent: int
    """Segments that carry no zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthCheck:
    """X-Ray against the relays' own connection counters (lab only)."""

    pairs: int
    """Client pod to server pod pairs compared."""
    graph_calls: int
    relay_connections: int
    worst_relative_error: float
    """Largest |graph - relay| / relay over the pairs; 0 is exact."""
    outside: int | None = None
    """Pairs whose relays' count is not in the sample's interval; None where every call was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Money for the bytes of one workload pair that cross zones, at the measured rate."""

    client: Workload
    server: Workload
    calls_per_s: float
    cross_calls_per_s: Interval | None
    request_bytes_per_call: float
    response_bytes_per_call: float
    bytes_source: str
    """Where the bytes come from: ``measured by the relays`` or ``assumed``."""
    usd_per_gb_each_direction: float
    usd_per_month: Interval | None
    """30 days at the measured rate; charged on both sides of the border."""
    price_source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GapShare:
    """A named part of what is missing to a same-zone share of 1."""

    cause: str
    share: float
    """Of all calls with both zones known, 0 to 1."""
    detail: str = ""
    zones: tuple[str, ...] = ()
    """The client zones concerned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The same-zone share that kube-proxy's rule gives under the hints seen, beside the observed one."""

    without_hints: float | None
    """Random routing over all pods."""
    share: float | None
    """Under the hints seen at the start, for calls from where they were measured to come from."""
    gap: tuple[GapShare, ...]
    """Sums up to 1 - share, greatest first."""
    observed_minus_expected: Interval | None
    """Chance, or connections that were opened before the hints."""
    unknown: float | None
    """Share of all calls whose zones are not known, and which are in none of the above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """Everything measured in one arm."""

    run_id: str
    arm: str
    mode: str
    folder: str
    """The run's folder name."""
    window: Window
    load_s: float
    """Seconds of load in the window."""
    requests: int
    failures: int
    rate_per_s: float
    rate_asked_per_s: float | None
    """None where closed-loop users set the rate."""
    hints_start: HintsSeen
    hints_end: HintsSeen
    events: tuple[Event, ...]
    pairs: tuple[PairResult, ...]
    clients: tuple[ZoneClients, ...]
    costs: tuple[Cost, ...]
    loss: Loss
    zone_check: ZoneCheck | None
    truth_check: TruthCheck | None
    caveats: tuple[Caveat, ...]
    expectation: Expectation | None = None
    """Of the focus pair."""
    recycled: Recycled | None = None
    """Client pods that were restarted before the load."""
    data_plane: tuple[str, ...] = ()
    """What carries Service traffic on the nodes; empty where it was not looked at."""
    dependencies: tuple[Dependency, ...] = ()
    """Databases, cloud services and APIs outside that were called, most calls first."""
    source: str = "X-Ray"
    """Who counted the calls."""
    unit: str = "requests"
    """What was counted: ``requests``, ``connections`` or ``bytes``."""
    grain: str = "pod"
    """What names in the counts stand for: ``pod``, ``workload`` or ``service``."""
    loss_meter: str = ""
    """By what the source tells its losses, in a clause; empty in older files, and where its records do."""
    queries: tuple[str, ...] = ()
    """What the source was asked, as it was sent."""
    tracing_rate: Interval | None = None
    """The share of requests that was traced at all; None where every one was meant to be."""
    other: OtherTraffic | None = None
    """Other people's traffic in the window; None where there was none."""
    course: Course | None = None
    """Of the focus pair; None in older files, and where the source samples no single calls."""
