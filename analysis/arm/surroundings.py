"""What stands around the pairs: zones that records state themselves, and dependencies that send none."""

from collections import Counter
from collections.abc import Iterable

from analysis.model import Dependency, Placed, Workload, ZoneCheck
from analysis.placement import Timeline
from analysis.source.interface import Leaf, Sample


def zone_check(sample: Sample, timeline: Timeline) -> ZoneCheck | None:
    """Compare the zone each sampled record carries with the zone of its pod; None without a sample.

    The record's zone comes from the pod's own environment or the collector, the pod's zone from the
    Kubernetes API: two ways to the same fact.
    """
    if not sample.traces:
        return None
    agree = disagree = silent = 0
    for one in sample.zones:
        place = timeline.place(one.name)
        if not isinstance(place, Placed):
            continue
        if one.zone is None:
            silent += 1
        elif one.zone == place.zone:
            agree += 1
        else:
            disagree += 1
    return ZoneCheck(
        traces=sample.traces,
        segments=agree + disagree + silent,
        agree=agree,
        disagree=disagree,
        silent=silent,
    )


def dependencies(leaves: Iterable[Leaf], timeline: Timeline) -> tuple[Dependency, ...]:
    """Leaves by the workload and zone that called them, most calls first."""
    found: Counter[tuple[Workload, str | None, str, str]] = Counter()
    for leaf in leaves:
        place = timeline.place(leaf.client)
        zone = place.zone if isinstance(place, Placed) else None
        found[timeline.workload(leaf.client), zone, leaf.name, leaf.type] += leaf.count
    return tuple(
        Dependency(client=client, client_zone=zone, name=name, type=kind, calls=calls)
        for (client, zone, name, kind), calls in sorted(
            found.items(), key=lambda one: (-one[1], one[0][0], one[0][1] or "", *one[0][2:])
        )
    )
