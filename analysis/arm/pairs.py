"""Calls + placements -> what one workload's calls to another did."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.arm import placing
from analysis.model import EndpointLoad, Latency, PairResult, Placed, Workload, ZoneCell
from analysis.placement import Timeline
from analysis.source.calls import Calls, Summed
from analysis.source.interface import PODS, Basis, Call, CountUnit
from analysis.statistics import stats
from analysis.statistics.interval import Interval
from k8s.topology import Zone

Pair = tuple[Workload, Workload]


@dataclass(frozen=True, slots=True, kw_only=True)
class LostCalls:
    """Calls of a pair of which only one side is known; they count as unknown."""

    reason: str
    count: int


def grouped(calls: Sequence[Call], timeline: Timeline, basis: Basis = PODS) -> dict[Pair, Calls]:
    """The calls of each workload pair."""
    every = Calls.of(calls)
    if not len(every):
        return {}
    used = every.used_codes
    whose = {int(code): basis.workload(every.names[code], timeline) for code in used}
    workloads = sorted(set(whose.values()))
    at = {workload: code for code, workload in enumerate(workloads)}
    code = np.zeros(len(every.names), np.int64)
    code[used] = [at[whose[one]] for one in used.tolist()]
    key = code[every.client] * len(workloads) + code[every.server]
    order = np.argsort(key, kind="stable")
    pairs, begins = np.unique(key[order], return_index=True)
    rows = np.split(order, begins[1:])
    return {
        (workloads[pair // len(workloads)], workloads[pair % len(workloads)]): every.take(mine)
        for pair, mine in zip(pairs.tolist(), rows, strict=True)
    }


def result(
    pair: Pair,
    calls: Sequence[Call],
    timeline: Timeline,
    *,
    lost: Sequence[LostCalls] = (),
    basis: Basis = PODS,
) -> PairResult:
    """Every number of one pair; its share's interval as if each call were a connection of its own.

    Bytes are no random choices however they are counted, so their share has no interval.
    """
    every = Calls.of(calls)
    placed = placing.placed(every, timeline, basis)
    is_same, is_cross = placed.is_known & placed.is_same, placed.is_known & ~placed.is_same
    reasons: Counter[str] = Counter({one.reason: one.count for one in lost if one.count})
    for reason, count in placed.unknown():
        reasons[reason] += count
    cells = placed.cells()
    for one in lost:
        cells[None, None] += one.count
    n_same, n_cross = every.total_of(is_same), every.total_of(is_cross)
    known, unknown = n_same + n_cross, sum(reasons.values())
    everything = known + unknown
    same_sum, cross_sum = every.summed(is_same), every.summed(is_cross)
    return PairResult(
        client=pair[0],
        server=pair[1],
        same_zone=n_same,
        cross_zone=n_cross,
        unknown=unknown,
        unknown_reasons=tuple(reasons.most_common()),
        share=None if basis.unit is CountUnit.BYTES else stats.wilson(n_same, known),
        share_bounds=(n_same / everything, (n_same + unknown) / everything) if everything else None,
        coverage=known / everything if everything else None,
        expected_even_share=_expected(placed.made(), timeline, pair[1]),
        cells=tuple(
            ZoneCell(client_zone=client_zone, server_zone=server_zone, calls=count)
            for (client_zone, server_zone), count in sorted(cells.items(), key=_cell_order)
            if count
        ),
        flows=placed.flows(),
        same_latency=_latency(n_same, same_sum),
        cross_latency=_latency(n_cross, cross_sum),
        cross_minus_same_s=stats.difference_of_means(_mean(same_sum), _mean(cross_sum)),
        unit=basis.unit.value,
        grain=basis.grain.value,
        loads=_loads(every, timeline, pair[1]) if basis.names_pods else (),
    )


def _cell_order(item: tuple[tuple[str | None, str | None], int]) -> tuple[bool, str, bool, str]:
    (client_zone, server_zone), _ = item
    return (client_zone is None, client_zone or "", server_zone is None, server_zone or "")


def mean_of(calls: Calls) -> Interval | None:
    """Mean response time over all these calls; None for fewer than two."""
    return _mean(calls.summed())


def _mean(total: Summed | None) -> Interval | None:
    return None if total is None else stats.mean(*total)


def _latency(calls: int, total: Summed | None) -> Latency:
    histogram = () if total is None else total[1]
    return Latency(
        calls=calls,
        mean_s=_mean(total),
        p50_s=stats.quantile(histogram, 0.5),
        p99_s=stats.quantile(histogram, 0.99),
    )


def _expected(made: Counter[Zone], timeline: Timeline, server: Workload) -> float | None:
    """Sum over zones of (share of calls made from the zone) x (share of server pods in the zone)."""
    pods = Counter(place.zone for _, place in timeline.pods(server) if isinstance(place, Placed))
    # A source may list a pair that made no call in the window.
    if not made.total() or not pods:
        return None
    return math.fsum(made[zone] / made.total() * pods[zone] / pods.total() for zone in made)


def _loads(calls: Calls, timeline: Timeline, server: Workload) -> tuple[EndpointLoad, ...]:
    received = Counter(calls.by_server())
    places = dict(timeline.pods(server))
    if server in received and server not in places:
        return ()  # known by its workload alone: nobody knows which pod took how many
    names = sorted(set(places) | set(received))
    mean = received.total() / len(names) if names else 0.0
    loads = []
    for name in names:
        place = places.get(name)
        zone = place.zone if isinstance(place, Placed) else None
        times_mean = received[name] / mean if mean else 0.0
        loads.append(EndpointLoad(pod=name, zone=zone, calls=received[name], times_mean=times_mean))
    return tuple(sorted(loads, key=lambda one: (one.zone is None, one.zone or "", one.pod)))
