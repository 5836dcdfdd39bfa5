"""The hints that ``topology-mode: Auto`` can leave on slices, over everything left to chance (pure).

Chance is the order in which the controller's cache lists slices, and Go's map order among equal zones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from k8s.routing.allocation import Allocation, CpuRatios
from k8s.routing.hints import (
    SliceLists,
    counts_as_ready,
    endpoints_by_zone,
    hints_before_moves,
    keep_unchanged,
    without_hints,
)
from k8s.routing.outcomes import HintOutcome, outcomes
from k8s.topology import Endpoint, EndpointSlice, Zone

_MOST_REORDERED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One result that can come out."""

    outcome: HintOutcome
    parted: SliceLists
    """Which slices were redone (update), and which kept as they were (unchanged)."""


def assignments(cpu: CpuRatios, lists: SliceLists, allocation: Allocation) -> tuple[Assignment, ...]:
    """Every distinct result of one pass that is not refused, on slices that all are unchanged so far."""
    return tuple(
        Assignment(outcome=outcome, parted=parted)
        for parted in _partings(lists, allocation)
        for outcome in outcomes(cpu, parted)
    )


def _partings(lists: SliceLists, allocation: Allocation) -> Iterator[SliceLists]:
    """Which slices are kept, for every order they may come in.

    Hints only add up, so whatever the order, what is kept is a set that fits the maximums and to which no
    further slice fits. With many slices only the order given is looked at.
    """
    parted = keep_unchanged(lists, allocation)
    fitting = [one for one in lists.unchanged if _fits((one,), allocation)]
    if len(fitting) == len(parted.unchanged) or len(fitting) > _MOST_REORDERED:
        yield parted
        return
    reached: list[set[int]] = []
    for size in range(len(fitting), 0, -1):
        for chosen in map(set, combinations(range(len(fitting)), size)):
            if any(chosen < greater for greater in reached):
                continue
            if _fits([fitting[at] for at in sorted(chosen)], allocation):
                reached.append(chosen)
                kept = tuple(fitting[at] for at in sorted(chosen))
                redone = tuple(one for one in lists.unchanged if one not in kept)
                yield SliceLists(update=redone, unchanged=kept)


def _fits(slices: Sequence[EndpointSlice], allocation: Allocation) -> bool:
    """Whether all these are kept as they are."""
    return not keep_unchanged(SliceLists(unchanged=tuple(slices)), allocation).update


def realised(assignment: Assignment) -> tuple[EndpointSlice, ...]:
    """Slices that show it: the first endpoints of a giving zone go, to any of the receiving ones."""
    parted, hinted = assignment.parted, dict(assignment.outcome.hinted)
    if not hinted:
        return without_hints(parted).every
    have = hints_before_moves(parted)
    give = {zone: count - hinted.get(zone, 0) for zone, count in have.items()}
    receivers = iter([zone for zone in sorted(hinted) for _ in range(hinted[zone] - have[zone])])

    def hint(endpoint: Endpoint) -> Endpoint:
        if not counts_as_ready(endpoint) or endpoint.zone is None:
            return endpoint
        zone = endpoint.zone
        if give.get(zone, 0) > 0:
            give[zone] -= 1
            zone = next(receivers)
        return replace(endpoint, zone_hints=(zone,), node_hints=())

    written = tuple(replace(one, endpoints=tuple(map(hint, one.endpoints))) for one in parted.written)
    return written + parted.unchanged


def extremes(found: Sequence[Assignment], weights: Mapping[Zone, float]) -> tuple[Assignment, ...]:
    """Those with the least and the greatest same-zone share, and with the idlest and the busiest endpoint.

    *weights* are the clients' shares by zone. The counts alone decide, which is right wherever kube-proxy
    uses the zone hints on every node.
    """
    # Whatever is redone or kept, it is the same endpoints that everybody falls back to.
    at_home = endpoints_by_zone(SliceLists(update=found[0].parted.every))
    scores = [(_share(one.outcome, at_home, weights), *_loads(one.outcome, weights)) for one in found]
    numbers = range(len(found))
    picked = {
        min(numbers, key=lambda at: scores[at][0]),
        max(numbers, key=lambda at: scores[at][0]),
        min(numbers, key=lambda at: scores[at][1]),
        max(numbers, key=lambda at: scores[at][2]),
    }
    return tuple(found[at] for at in sorted(picked))


def _share(outcome: HintOutcome, at_home: Mapping[Zone, int], weights: Mapping[Zone, float]) -> float:
    hinted, own = dict(outcome.hinted), dict(outcome.own)
    ready = sum(hinted.values())
    return sum(
        weight * (own.get(zone, 0) / hinted[zone] if zone in hinted else at_home.get(zone, 0) / ready)
        for zone, weight in weights.items()
    )


def _loads(outcome: HintOutcome, weights: Mapping[Zone, float]) -> tuple[float, float]:
    """Least and greatest load of an endpoint."""
    hinted = dict(outcome.hinted)
    fallback = sum(weight for zone, weight in weights.items() if zone not in hinted)
    everybody = fallback / sum(hinted.values())
    each = [weights.get(zone, 0.0) / count + everybody for zone, count in hinted.items()]
    return min(each), max(each)
