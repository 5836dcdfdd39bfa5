"""The calls under test over the time of their window: share, response time, failures, and what happened.

Made of the sampled calls alone, each in the stretch in which its caller sent it. Nothing is drawn out of
neighbours: a stretch without calls has none.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from analysis.arm import connections
from analysis.arm.inputs import ArmInputs
from analysis.placement import Timeline
from analysis.source.interface import SampledCall
from analysis.statistics import stats
from analysis.statistics.clusters import Unit
from analysis.statistics.stretches import Course, Happening, Stretch
from k8s.topology import EndpointSlice, ServiceKey, Snapshot
from loadtest.record import RunRecord

MOST: Final = 20
"""Stretches of a window: as many as can be told apart on a phone."""
_LENGTHS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400)


def course(inputs: ArmInputs, unit: Unit) -> Course | None:
    """The focus pair's course; None where the source tells of no single call when it was sent.

    *unit*: what the arm's intervals take for one random choice.
    """
    timeline, focus = inputs.timeline, inputs.focus
    found = [
        call
        for call in inputs.counts.sample.calls
        if (timeline.workload(call.client), timeline.workload(call.server)) == focus
    ]
    timed = [(call.start_s, call) for call in found if call.start_s is not None]
    if not timed:
        return None
    return Course(
        stretches=tuple(stretches(timed, timeline, unit)),
        happenings=tuple(sorted(_happenings(inputs.record, inputs.topology), key=lambda one: one.at_s)),
        untimed=len(found) - len(timed),
    )


def stretches(
    timed: Sequence[tuple[float, SampledCall]], timeline: Timeline, unit: Unit
) -> Iterator[Stretch]:
    """*timed* calls by the stretch of their start, from the first call's to the last one's."""
    begin, end = min(at for at, _ in timed), max(at for at, _ in timed)
    length = _length(end - begin)
    by_place: dict[int, list[SampledCall]] = {}
    for at, call in timed:
        by_place.setdefault(int((at - begin) // length), []).append(call)
    for place in range(max(by_place) + 1):
        start = begin + place * length
        yield _stretch(start, length, by_place.get(place, []), timeline, unit)


def _length(span_s: float) -> float:
    """A round length of which no more than ``MOST`` fit."""
    wanted = span_s / MOST
    return float(next((one for one in _LENGTHS_S if one > wanted), math.floor(wanted) + 1))


def _stretch(
    start_s: float, length_s: float, calls: Sequence[SampledCall], timeline: Timeline, unit: Unit
) -> Stretch:
    zones = [connections.zones(call, timeline) for call in calls]
    known = [
        (call, client == server)
        for call, (client, server) in zip(calls, zones, strict=True)
        if client is not None and server is not None
    ]
    same = sum(stayed for _, stayed in known)
    worth = _choices([call for call, _ in known], unit)
    return Stretch(
        start_s=start_s,
        length_s=length_s,
        same_zone=same,
        cross_zone=len(known) - same,
        unknown=len(calls) - len(known),
        failed=sum(call.is_fault for call in calls),
        share=stats.wilson(worth * same / len(known), worth) if known else None,
        mean_s=sum(call.duration_s for call in calls) / len(calls) if calls else None,
    )


def _choices(calls: Sequence[SampledCall], unit: Unit) -> int:
    """How many choices of an endpoint the calls are worth, by Kish's formula: fewer where they share one."""
    shared: Counter[tuple[object, ...]] = Counter()
    for call in calls:
        if unit is Unit.CLIENT_POD:
            shared[(call.client,)] += 1
        elif unit is Unit.PAIR or call.connection is None:
            shared[call.client, call.server] += 1
        else:
            shared[call.client, call.server, call.connection] += 1
    squares = sum(count * count for count in shared.values())
    return max(1, int(len(calls) ** 2 / squares)) if squares else 0


def _happenings(record: RunRecord, topology: Sequence[Snapshot]) -> Iterator[Happening]:
    """What the record and the topology tell of the time of the window."""
    window, load = record.measured, record.seen.measured
    if window is None or load is None:
        return
    for loss in load.losses:
        yield Happening(at_s=loss.lost_s, text=f"Load generator {loss.worker} of {loss.zone} was lost.")
    for event in record.seen.events:
        if window.start_s <= event.last_seen_s <= window.end_s:
            yield Happening(at_s=event.last_seen_s, text=f"{event.reason}: {event.message}")
    yield from (
        one
        for one in endpoint_changes(topology, record.asked.service)
        if window.start_s <= one.at_s <= window.end_s
    )


def endpoint_changes(topology: Sequence[Snapshot], service: ServiceKey) -> Iterator[Happening]:
    """Where a snapshot shows other ready endpoints or other hints of *service* than the one before it."""
    before: tuple[int, int] | None = None
    for snapshot in topology:
        now = _endpoints(
            one
            for one in snapshot.slices
            if (one.namespace, one.service) == (service.namespace, service.name)
        )
        if before is not None and now != before:
            seen = f"{now[0]} endpoints ready, {now[1]} of them hinted"
            yield Happening(at_s=snapshot.taken_at_s, text=f"{seen}; {before[0]} and {before[1]} before.")
        before = now


def _endpoints(slices: Iterable[EndpointSlice]) -> tuple[int, int]:
    """(ready, of these hinted)."""
    ready = [endpoint for one in slices for endpoint in one.endpoints if endpoint.ready is True]
    return len(ready), sum(bool(endpoint.zone_hints) for endpoint in ready)
