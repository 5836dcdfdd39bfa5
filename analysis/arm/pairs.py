"""Calls + placements -> what one workload's calls to another did."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.model import (
    EndpointLoad,
    Latency,
    PairResult,
    Placed,
    Placement,
    PodFlow,
    Unplaced,
    Workload,
    ZoneCell,
)
from analysis.placement import Timeline
from analysis.source import interface
from analysis.source.interface import Call
from analysis.statistics import stats
from analysis.statistics.interval import Interval
from k8s.topology import Zone

Pair = tuple[Workload, Workload]


@dataclass(frozen=True, slots=True, kw_only=True)
class LostCalls:
    """Calls of a pair of which only one side is known; they count as unknown."""

    reason: str
    count: int


def grouped(calls: Sequence[Call], timeline: Timeline) -> dict[Pair, list[Call]]:
    """The calls of each workload pair."""
    found: dict[Pair, list[Call]] = {}
    for call in calls:
        pair = (timeline.workload(call.client), timeline.workload(call.server))
        found.setdefault(pair, []).append(call)
    return found


def result(
    pair: Pair,
    calls: Sequence[Call],
    timeline: Timeline,
    *,
    lost: Sequence[LostCalls] = (),
) -> PairResult:
    """Every number of one pair; its share's interval as if each call were a connection of its own."""
    same: list[Call] = []
    cross: list[Call] = []
    cells: Counter[tuple[str | None, str | None]] = Counter()
    reasons: Counter[str] = Counter({one.reason: one.count for one in lost if one.count})
    flows = []
    for call in calls:
        client, server = ends(call, timeline)
        client_zone = client.zone if isinstance(client, Placed) else None
        server_zone = server.zone if isinstance(server, Placed) else None
        cells[client_zone, server_zone] += call.count
        flows.append(_flow(call, client_zone, server_zone))
        if isinstance(client, Unplaced):
            reasons[f"caller {call.client}: {client.reason}"] += call.count
        elif isinstance(server, Unplaced):
            reasons[f"callee {call.server}: {server.reason}"] += call.count
        else:
            (same if client_zone == server_zone else cross).append(call)
    for one in lost:
        cells[None, None] += one.count
    n_same, n_cross = _count(same), _count(cross)
    known, unknown = n_same + n_cross, sum(reasons.values())
    everything = known + unknown
    return PairResult(
        client=pair[0],
        server=pair[1],
        same_zone=n_same,
        cross_zone=n_cross,
        unknown=unknown,
        unknown_reasons=tuple(reasons.most_common()),
        share=stats.wilson(n_same, known),
        share_bounds=(n_same / everything, (n_same + unknown) / everything) if everything else None,
        coverage=known / everything if everything else None,
        expected_even_share=_expected(calls, timeline, pair[1]),
        cells=tuple(
            ZoneCell(client_zone=client_zone, server_zone=server_zone, calls=count)
            for (client_zone, server_zone), count in sorted(cells.items(), key=_cell_order)
            if count
        ),
        flows=tuple(sorted(flows, key=lambda one: (one.client, one.server))),
        same_latency=_latency(same),
        cross_latency=_latency(cross),
        cross_minus_same_s=stats.difference_of_means(mean_of(same), mean_of(cross)),
        loads=_loads(calls, timeline, pair[1]),
    )


def ends(call: Call, timeline: Timeline) -> tuple[Placement, Placement]:
    """Where both sides of a call are: by the timeline, or as the source states it of what is no pod."""
    return (
        _place(timeline.place(call.client), call.client_zone),
        _place(timeline.place(call.server), call.server_zone),
    )


def _place(found: Placement, stated: Zone | None) -> Placement:
    return Placed(zone=stated) if isinstance(found, Unplaced) and stated is not None else found


def _cell_order(item: tuple[tuple[str | None, str | None], int]) -> tuple[bool, str, bool, str]:
    (client_zone, server_zone), _ = item
    return (client_zone is None, client_zone or "", server_zone is None, server_zone or "")


def _count(calls: Sequence[Call]) -> int:
    return sum(call.count for call in calls)


def _flow(call: Call, client_zone: str | None, server_zone: str | None) -> PodFlow:
    return PodFlow(
        client=call.client,
        client_zone=client_zone,
        server=call.server,
        server_zone=server_zone,
        calls=call.count,
        faults=call.faults,
        mean_s=call.total_s / call.count if call.count else None,
    )


def _summed(calls: Sequence[Call]) -> Call | None:
    if not calls:
        return None
    total = calls[0]
    for call in calls[1:]:
        total = interface.add(total, call)
    return total


def mean_of(calls: Sequence[Call]) -> Interval | None:
    """Mean response time over all these calls; None for fewer than two."""
    total = _summed(calls)
    return None if total is None else stats.mean(total.total_s, total.histogram)


def _latency(calls: Sequence[Call]) -> Latency:
    total = _summed(calls)
    histogram = () if total is None else total.histogram
    return Latency(
        calls=_count(calls),
        mean_s=mean_of(calls),
        p50_s=stats.quantile(histogram, 0.5),
        p99_s=stats.quantile(histogram, 0.99),
    )


def _expected(calls: Sequence[Call], timeline: Timeline, server: Workload) -> float | None:
    """Sum over zones of (share of calls made from the zone) x (share of server pods in the zone)."""
    made: Counter[str] = Counter()
    for call in calls:
        place, _ = ends(call, timeline)
        if isinstance(place, Placed):
            made[place.zone] += call.count
    pods = Counter(place.zone for _, place in timeline.pods(server) if isinstance(place, Placed))
    # A source may list a pair that made no call in the window.
    if not made.total() or not pods:
        return None
    return math.fsum(
        made[zone] / made.total() * pods[zone] / pods.total()  # type: ignore[index]
        for zone in made
    )


def _loads(calls: Sequence[Call], timeline: Timeline, server: Workload) -> tuple[EndpointLoad, ...]:
    received: Counter[str] = Counter()
    for call in calls:
        received[call.server] += call.count
    places = dict(timeline.pods(server))
    if server in received and server not in places:
        return ()  # the source names workloads, not pods: nobody knows which pod took how many
    names = sorted(set(places) | set(received))
    mean = received.total() / len(names) if names else 0.0
    loads = []
    for name in names:
        place = places.get(name)
        zone = place.zone if isinstance(place, Placed) else None
        times_mean = received[name] / mean if mean else 0.0
        loads.append(EndpointLoad(pod=name, zone=zone, calls=received[name], times_mean=times_mean))
    return tuple(sorted(loads, key=lambda one: (one.zone is None, one.zone or "", one.pod)))
