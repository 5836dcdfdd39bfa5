"""Every result that ``topology-mode: Auto`` may have for one and the same cluster state.

The controller breaks ties by Go's map order. Which single endpoint is moved hardly matters; how many
endpoints each zone ends up with does, and it can differ (CPU 2:1:1 with 3/3/3 pods: 4/2/3 or 4/3/2).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from k8s.routing.allocation import CpuRatios, ZoneCounts, allocate
from k8s.routing.hints import (
    SliceLists,
    count_ready,
    endpoints_by_zone,
    hints_before_moves,
    keep_unchanged,
    lacks_zone,
    own_zone_counts,
)
from k8s.routing.transfers import reachable_moves
from k8s.topology import Zone


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class HintOutcome:
    """Hints per zone after one pass."""

    hinted: ZoneCounts
    """Ready endpoints hinted to each zone; empty: no hints at all."""
    own: ZoneCounts
    """Of those, the ones that are in the zone they are hinted to."""


def outcomes(cpu: CpuRatios, slices: SliceLists) -> tuple[HintOutcome, ...]:
    """The distinct per-zone outcomes of one pass under Auto over all choices, sorted; never empty.

    Complete, and nothing else, for the given order of slices and endpoints. A refusal is one outcome
    without hints. *slices* are those of one Service and address family, as for ``hints.reconcile``.
    """
    allocation = allocate(cpu, count_ready(slices.every))
    sorted_out = slices if allocation.refusal else keep_unchanged(slices, allocation)
    if allocation.refusal or lacks_zone(sorted_out):
        return (HintOutcome(hinted=(), own=()),)
    have = hints_before_moves(sorted_out)
    movable = endpoints_by_zone(sorted_out)
    # A zone that gives receives nothing, so what it keeps of its own is what it had less what it gave.
    own_before = Counter(dict(own_zone_counts(sorted_out.unchanged)))
    own_before.update(movable)
    return tuple(
        sorted(
            {
                HintOutcome(
                    hinted=_moved(have, moves),
                    own=_moved(own_before, {zone: by for zone, by in moves.items() if by < 0}),
                )
                for moves in reachable_moves(allocation, have, movable)
            }
        )
    )


def _moved(counts: Counter[Zone], moves: Mapping[Zone, int]) -> ZoneCounts:
    total = {zone: counts[zone] + moves.get(zone, 0) for zone in {*counts, *moves}}
    return tuple(sorted((zone, count) for zone, count in total.items() if count))
