"""What one Locust worker did, as it tells its master, and what the master knows of one that was lost."""

from dataclasses import dataclass

from loadtest.worker.latency import EMPTY, LatencyHistogram

NO_SEAT = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTally:
    """Requests of one page."""

    page: str
    requests: int
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTally:
    """What one Locust worker did since the last start of the swarm; counts are cumulative."""

    worker: str
    """The worker's pod name; also the name of its node in the X-Ray graph."""
    zone: str
    node: str
    requests: int = 0
    """Finished requests, failed ones included."""
    failures: int = 0
    connections: int = 0
    """TCP connections opened to the UI."""
    in_flight: int = 0
    pages: tuple[PageTally, ...] = ()
    latency: LatencyHistogram = EMPTY
    """From the actual start of each request to its end, successful ones."""
    latency_intended: LatencyHistogram = EMPTY
    """From the intended start of each request: what a stall really costs (coordinated omission)."""
    lateness: LatencyHistogram = EMPTY
    """Actual minus intended start: the generator's own lag."""
    spans_made: int = 0
    spans_delivered: int = 0
    """Accepted by the collector (HTTP 200)."""
    spans_dropped: int = 0
    """Given up: queue full, or refused by the collector."""
    spans_again: int = 0
    """Posted again though an earlier post may have arrived: no answer came, or one that does not say."""
    cpu_percent_max: float = 0.0
    """The highest CPU use of the worker process over a second, 100 = one core."""
    first_s: float = 0.0
    """When the first request started, seconds since the epoch; 0 before it."""
    last_s: float = 0.0
    """When the last request started: first to last, over requests - 1 intervals, is the achieved rate."""
    errors: tuple[tuple[str, int], ...] = ()
    """(what went wrong, count), most frequent first, at most 20."""
    process: int = 0
    """The worker's process id where it runs: tells a new process of the same pod from the one before it."""
    seat: int = NO_SEAT
    """Which share of the load it sends, from 1; 0 for none, and where nobody told."""
    turn: int = 0
    """0 for the worker that had the seat when the window began, 1 for who took it over, and so on."""
    skipped: int = 0
    """Arrivals of its seat that were due before it came: those of an earlier turn, and those of nobody."""
    redirects: int = 0
    """Of the requests, those that a client sent of itself: redirects it followed, and repetitions.

    A locustfile's own statistics count a request once, with all of them.
    """
    lean: int = 0
    """Of the requests, those that the lean client sent; Locust's FastHttpUser sent the others."""
    untraced: int = 0
    """What a locustfile's users sent besides: to other hosts, or by clients without headers; not requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLoss:
    """A worker that was gone while load was wanted: its zone's load was missing for so long."""

    worker: str
    """Its pod name."""
    zone: str
    seat: int
    turn: int
    lost_s: float
    """When it was last heard of, seconds since the epoch; it may have worked for another second."""
    back_s: float = 0.0
    """When its arrivals were sent again, seconds since the epoch; 0 if they were not in this window."""
    replaced_by: str = ""
    """Pod name of who took over, its own for a new process of the same pod; empty if it came back itself."""
    missing: int = 0
    """Arrivals that were due in between and that nobody is known to have sent."""
    untold: int = 0
    """At most so many requests were sent after its last word, or have spans that died with it."""
