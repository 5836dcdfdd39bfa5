"""D20-D23: whether this number of ready endpoints can get hints on these nodes."""

from collections.abc import Callable

from k8s.doctor.commands import (
    in_turn,
    kubectl,
    label_zones,
    look_at_pods,
    scale,
    selector,
    touch,
    zone_of_endpoint,
)
from k8s.doctor.cpu import asks_auto, severity_of, still, told
from k8s.doctor.finding import Evidence, Finding, Severity, few, seen
from k8s.doctor.situation import Family, Placed, Situation
from k8s.model import figures
from k8s.routing.allocation import (
    SAFE_COUNT_PER_ZONE,
    FeasibleCounts,
    Refusal,
    ZoneAllocation,
    feasible_counts,
    refused_by_rounding,
)
from k8s.routing.modes import RoutingMode, by_node
from k8s.topology import Node


def nearest(situation: Situation, family: Family) -> FeasibleCounts:
    """Which numbers of ready endpoints would get hints, far enough in both directions to find one."""
    zones = len(situation.place.cpu.by_zone or ())
    span = max(family.ready, SAFE_COUNT_PER_ZONE * zones)
    return feasible_counts(situation.place.cpu, family.ready, span)


def nearest_seen(situation: Situation, family: Family) -> Evidence:
    """That, as evidence."""
    counts = nearest(situation, family)
    below = "none below" if counts.nearest_below is None else f"{counts.nearest_below} below"
    above = "none above" if counts.nearest_above is None else f"{counts.nearest_above} above"
    value = f"{family.ready}; nearest numbers that get hints: {below}, {above}"
    return seen(situation.label(family), "ready endpoints", value)


def _table(family: Family) -> tuple[Evidence, ...]:
    return tuple(
        seen(
            f"zone {one.zone}",
            "CPU share; minimum/desired/maximum",
            f"{figures.percent(one.ratio)}; {one.minimum}/{one.desired:.2f}/{_maximum(one, family)}",
        )
        for one in family.allocation.zones
    )


def _maximum(one: ZoneAllocation, family: Family) -> str:
    # Where the minimums exceed N there is nothing to spare, and no zone could even have its minimum.
    return "-" if family.allocation.refusal else str(one.maximum)


def _count(
    situation: Situation,
    code: str,
    refused: Callable[[Family], bool],
    meaning: Callable[[Family], str],
) -> Finding | None:
    """A refusal because of N, for the families it meets."""
    if not asks_auto(situation):
        return None
    met = [family for family in situation.families if refused(family)]
    if not met:
        return None
    worst = met[0]
    return Finding(
        code=code,
        severity=severity_of(situation),
        evidence=tuple(
            one
            for family in met
            for one in (nearest_seen(situation, family), *_not_ready(situation, family), *_table(family))
        )
        + told(situation),
        meaning=f"{meaning(worst)}{still(situation)}.",
        fix=_enough(situation, worst),
        blocks_hints=True,
    )


def _not_ready(situation: Situation, family: Family) -> tuple[Evidence, ...]:
    label = situation.label(family)
    return (
        *((seen(label, "endpoints not ready", family.not_ready),) if family.not_ready else ()),
        *((seen(label, "endpoints terminating", family.terminating),) if family.terminating else ()),
    )


def _enough(situation: Situation, family: Family) -> str:
    """Get the pods ready if that is enough, else more of them."""
    counts = nearest(situation, family)
    if family.not_ready and family.ready + family.not_ready in counts.accepted:
        return look_at_pods(situation)
    if counts.nearest_above is None:
        return ""
    return scale(situation, family, counts.nearest_above)


def _zones(family: Family) -> int:
    return len(family.allocation.zones)


def d20_fewer_than_zones(situation: Situation) -> Finding | None:
    """Fewer ready endpoints than zones."""
    absent = situation.place.missing("endpointslices")
    if asks_auto(situation) and not situation.families and situation.place.cpu.by_zone and not absent:
        return Finding(
            code="D20",
            severity=Severity.PROBLEM,
            evidence=(seen(situation.subject, "ready endpoints", "0"), *told(situation)),
            meaning="There is no endpoint at all, so there is nothing to give hints to.",
            fix=kubectl("-n", situation.key.namespace, "get", "pods", "-l", selector(situation.service)),
            blocks_hints=True,
        )
    return _count(
        situation,
        "D20",
        lambda family: family.allocation.refusal is Refusal.TOO_FEW_ENDPOINTS,
        lambda family: (
            f"{family.ready} ready endpoints cannot give one to each of {_zones(family)} zones, "
            "so the controller refuses hints"
        ),
    )


def d21_minimums(situation: Situation) -> Finding | None:
    """The zones' minimums sum to more than there are endpoints."""
    return _count(
        situation,
        "D21",
        lambda family: _exceed(family) and not refused_by_rounding(situation.place.cpu, family.ready),
        lambda family: (
            f"To overload no endpoint by more than 20 % the {_zones(family)} zones need at least "
            f"{_minimums(family)} endpoints and there are {family.ready}, so the controller refuses hints, "
            "wherever the pods are"
        ),
    )


def d22_rounding(situation: Situation) -> Finding | None:
    """The same, but only because doubles round up what is exact on paper."""
    return _count(
        situation,
        "D22",
        lambda family: _exceed(family) and refused_by_rounding(situation.place.cpu, family.ready),
        lambda family: (
            f"{family.ready} endpoints would be enough in exact arithmetic, but the controller's "
            f"floating-point numbers round a minimum up, so it asks for {_minimums(family)} and refuses hints"
        ),
    )


def _exceed(family: Family) -> bool:
    return family.allocation.refusal is Refusal.MINIMUMS_EXCEED


def _minimums(family: Family) -> int:
    return sum(one.minimum for one in family.allocation.zones)


def d23_endpoint_without_zone(situation: Situation) -> Finding | None:
    """A ready endpoint is in no zone: Auto refuses, trafficDistribution leaves it without hint."""
    if situation.wanted is RoutingMode.OFF or not situation.processed:
        return None
    met = [placed for family in situation.families for placed in family.zoneless]
    blamed = set(situation.place.cpu.zoneless) if situation.wanted is RoutingMode.TAR else set()
    if all(one.endpoint.node in blamed for one in met):
        # D10 has named these nodes; their endpoints are only what follows.
        return None
    late = not _without_zone(situation, met) and any(_nodes(situation, met))
    then, severity = _zone_needed_for(situation)
    has = "have" if len(met) > 1 else "has"
    by_now = f"; {'their nodes have' if len(met) > 1 else 'its node has'} one by now" if late else ""
    return Finding(
        code="D23",
        severity=severity,
        evidence=few(
            met,
            lambda one: seen(
                f"EndpointSlice {one.slice.namespace}/{one.slice.name}",
                f"endpoints[{one.number}].zone",
                _whose(one),
            ),
        )
        + told(situation),
        meaning=f"{len(met)} ready endpoint{'s' * (len(met) > 1)} {has} no zone: "
        f"{then}{still(situation)}{by_now}.",
        fix=_place(situation, met),
        blocks_hints=not late,
    )


def _zone_needed_for(situation: Situation) -> tuple[str, Severity]:
    """What an endpoint without zone leads to, and how bad that is."""
    if situation.wanted is RoutingMode.TAR:
        return "Auto refuses hints for all", severity_of(situation)
    if by_node(situation.wanted):
        return "clients without an endpoint on their node use those of all zones", Severity.RISK
    return "it gets no hint, and kube-proxy ignores those of the others", severity_of(situation)


def _whose(one: Placed) -> str:
    of = one.endpoint.pod or one.endpoint.addresses[0]
    return f"none ({of} on {f'Node {one.endpoint.node}' if one.endpoint.node else 'no node'})"


def _nodes(situation: Situation, met: list[Placed]) -> list[Node]:
    """The nodes of these endpoints, as far as they are there."""
    found = {
        one.endpoint.node: situation.place.nodes.get(one.endpoint.node) for one in met if one.endpoint.node
    }
    return [node for node in found.values() if node is not None]


def _without_zone(situation: Situation, met: list[Placed]) -> list[Node]:
    return [node for node in _nodes(situation, met) if not node.zone]


def _place(situation: Situation, met: list[Placed]) -> str:
    """Label the nodes; where they have labels by now, have the controller read them."""
    if _nodes(situation, met):
        return in_turn(label_zones(_without_zone(situation, met)), touch(situation.key))
    return zone_of_endpoint(met[0].slice, met[0].number)
