"""Read X-Ray until the graph is final: stable, and reconciled with the load generator's own count.

X-Ray promises no time after which a window is complete, so the graph is polled until two reads in a row are
equal and hold every request the generator made; the polls are kept as evidence.
"""

import json
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from analysis.model import Placed, ZoneCheck
from analysis.placement import Timeline
from analysis.source import graph
from analysis.source.graph import GraphCalls
from analysis.source.xray import ThrottledError
from k8s.errors import InvalidRunError, UsageError
from loadtest.record import RunRecord, Window

SCHEMA: Final = 1
MOST_TRACE_IDS: Final = 20_000
"""Ids to draw the sample from; X-Ray charges for the traces that it looks through."""

Raw = Mapping[str, Any]


class GraphSource(Protocol):
    """What collecting needs of X-Ray."""

    def preflight(self) -> None:
        """Refuse where the graph would not be complete."""

    def graph(self, window: Window) -> tuple[tuple[Raw, ...], ...]:
        """GetServiceGraph: one tuple of pages a query."""

    def trace_ids(self, window: Window, expression: str, *, limit: int) -> tuple[str, ...]:
        """Ids of matching traces."""

    def traces(self, ids: tuple[str, ...]) -> tuple[Raw, ...]:
        """Traces by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long to poll. X-Ray on AWS takes tens of seconds; the stand-in none."""

    poll_s: float
    least_s: float
    most_s: float
    traces: int
    """Traces to read, for zones and connections; five a call."""


LAB_PATIENCE: Final = Patience(poll_s=0.5, least_s=0.0, most_s=60.0, traces=1_000)
CLOUD_PATIENCE: Final = Patience(poll_s=30.0, least_s=60.0, most_s=600.0, traces=500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One read of the graph."""

    at_s: float
    calls: int
    """Sum over all edges between pods."""
    requests: int
    """Requests of the load generator's workers as the graph counts them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFile:
    """``graph.json``."""

    schema: int = SCHEMA
    window: Window
    """The window asked for."""
    queries: tuple[tuple[dict[str, Any], ...], ...]
    """Pages of each query, as received."""
    polls: tuple[Poll, ...]
    stable: bool
    reconciled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What collecting leaves: two artifacts."""

    graph: GraphFile
    traces: tuple[Raw, ...]


def collect(
    source: GraphSource,
    record: RunRecord,
    patience: Patience,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    on_poll: Callable[[Poll, int], None] = lambda *_: None,
) -> Collected:
    """Poll the graph of the measured window until it is final or patience ends, then sample traces."""
    if record.measured is None or record.seen.measured is None:
        raise UsageError(
            f"collecting run {record.run_id}: it has no measured window, so there is nothing to ask"
        )
    source.preflight()
    window = query_window(record.measured, quiet_s=record.asked.plan.quiet_s)
    expected = record.seen.measured.requests
    workers = {worker.worker for worker in record.seen.measured.workers}
    began_s = clock()
    polls: list[Poll] = []
    while True:
        try:
            queries = source.graph(window)
        except ThrottledError:
            # Others read the same X-Ray; polling has time.
            if clock() - began_s >= patience.most_s:
                raise
            sleep(patience.poll_s)
            continue
        polls.append(_poll(graph.calls_of(queries), workers, clock()))
        on_poll(polls[-1], expected)
        waited_s = clock() - began_s
        stable = len(polls) > 1 and _same(polls[-1], polls[-2])
        reconciled = polls[-1].requests == expected
        if (stable and reconciled and waited_s >= patience.least_s) or waited_s >= patience.most_s:
            break
        sleep(patience.poll_s)
    if not polls[-1].requests:
        raise InvalidRunError(
            f"collecting run {record.run_id}: the X-Ray graph shows none of its {expected} requests after "
            f"{waited_s:.0f} s; do the workers reach the collector, and the collector X-Ray?"
        )
    expression = f'annotation.run_id = "{record.run_id}" AND annotation.phase = "measure"'
    ids = draw(
        source.trace_ids(window, expression, limit=MOST_TRACE_IDS), patience.traces, seed=record.run_id
    )
    return Collected(
        graph=GraphFile(
            window=window,
            queries=tuple(tuple(dict(page) for page in query) for query in queries),
            polls=tuple(polls),
            stable=stable,
            reconciled=reconciled,
        ),
        traces=source.traces(ids),
    )


def draw(ids: Sequence[str], count: int, *, seed: str) -> tuple[str, ...]:
    """*count* of the ids at random, the same ones each time; in the order given.

    X-Ray answers the newest first; a sample of those alone would see few calls of each connection's life.
    """
    if len(ids) <= count:
        return tuple(ids)
    chosen = random.Random(seed).sample(range(len(ids)), count)  # noqa: S311 - a sample, no secret
    return tuple(ids[index] for index in sorted(chosen))


def query_window(measured: Window, *, quiet_s: float) -> Window:
    """The window in whole seconds, as X-Ray keeps times; cut inside the quiet time if that is long enough."""
    if quiet_s < 1:
        return measured
    return Window(start_s=math.ceil(measured.start_s), end_s=math.floor(measured.end_s))


def _poll(seen: GraphCalls, workers: set[str], at_s: float) -> Poll:
    return Poll(
        at_s=at_s,
        calls=sum(call.count for call in seen.calls),
        requests=sum(count for pod, count in seen.entries if pod in workers),
    )


def _same(left: Poll, right: Poll) -> bool:
    return (left.calls, left.requests) == (right.calls, right.requests)


def zone_check(traces: Iterable[Raw], timeline: Timeline) -> ZoneCheck | None:
    """Compare the zone each sampled segment carries with the zone of its pod; None without traces.

    The span's zone comes from the pod's own environment or the collector, the pod's zone from the Kubernetes
    API: two ways to the same fact.
    """
    agree = disagree = silent = count = 0
    for trace in traces:
        count += 1
        for segment in trace.get("Segments", ()):
            document = json.loads(segment["Document"])
            place = timeline.place(str(document.get("name")))
            if document.get("inferred") or not isinstance(place, Placed):
                continue
            zone = ((document.get("aws") or {}).get("ec2") or {}).get("availability_zone")
            if not zone:
                silent += 1
            elif zone == place.zone:
                agree += 1
            else:
                disagree += 1
    if not count:
        return None
    return ZoneCheck(
        traces=count, segments=agree + disagree + silent, agree=agree, disagree=disagree, silent=silent
    )
