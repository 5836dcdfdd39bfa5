"""The expected same-zone share by zone counts: linear, for a thousand Services at once.

The same rules as ``k8s/predict/prediction.py``, which is exact and says why, but asks once a node and mode:
too slow for a survey. kube-proxy treats the nodes of a zone and version alike, so endpoints are counted by
zone; only hints for nodes need a look at single nodes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from k8s.doctor.assumed import AlikeNodes, AssumedClients
from k8s.doctor.place import IndexedPlace
from k8s.predict.prediction import with_mode
from k8s.predict.starting_point import with_port
from k8s.routing.carriers import Carrier, Use
from k8s.routing.hints import NEWEST_MINOR, SliceLists, effective_mode, is_owned
from k8s.routing.modes import RoutingMode, by_node, mode_of, settings_of
from k8s.routing.outcomes import HintOutcome, outcomes
from k8s.routing.proxy import IGNORES_ANNOTATION_SINCE, NODE_HINTS_SINCE, OFF_VALUES
from k8s.topology import Endpoint, EndpointSlice, NodeName, Service, Zone

Range = tuple[float, float]
"""Least and greatest expected share, 0 to 1; they differ only where the controller leaves it to chance."""


def annotation_of(service: Service) -> str | None:
    """The annotation that counts: the old key's where it is set, whatever its value."""
    settings = settings_of(service)
    return settings.topology_mode if settings.topology_aware_hints is None else settings.topology_aware_hints


@dataclass(slots=True)
class EndpointTally:
    """The usable endpoints of one family, counted."""

    total: int = 0
    physical: Counter[Zone | None] = field(default_factory=Counter)
    hinted: Counter[Zone] = field(default_factory=Counter)
    own: Counter[Zone] = field(default_factory=Counter)
    """By hint: those that are physically there."""
    misstated: list[tuple[Zone | None, Zone | None]] = field(default_factory=list)
    """(zone written in the slice, physical one) where the two differ, as after a node was relabelled."""
    complete: bool = True
    nodes_complete: bool = True
    by_node: dict[NodeName, list[Zone | None]] = field(default_factory=dict)
    """By hint for a node: the zones of the endpoints."""
    local: dict[NodeName, list[Zone | None]] = field(default_factory=dict)


def tally_of(place: IndexedPlace, slices: tuple[EndpointSlice, ...], port: str | None) -> EndpointTally:
    """The usable endpoints of one family's slices, one an address."""
    tally = EndpointTally()
    seen: set[str] = set()
    for one in with_port(slices, port):
        for endpoint in one.endpoints:
            if endpoint.ready is False or endpoint.addresses[0] in seen:
                continue
            seen.add(endpoint.addresses[0])
            _count(tally, endpoint, place)
    return tally


def _count(tally: EndpointTally, endpoint: Endpoint, place: IndexedPlace) -> None:
    node = place.nodes.get(endpoint.node) if endpoint.node else None
    zone = (node.zone if node else None) or endpoint.zone
    tally.total += 1
    tally.physical[zone] += 1
    if endpoint.zone != zone:
        tally.misstated.append((endpoint.zone, zone))
    if endpoint.zone_hints:
        for hint in endpoint.zone_hints:
            tally.hinted[hint] += 1
            tally.own[hint] += hint == zone
    else:
        tally.complete = False
    if endpoint.node_hints:
        for name in endpoint.node_hints:
            tally.by_node.setdefault(name, []).append(zone)
    else:
        tally.nodes_complete = False
    if endpoint.node:
        tally.local.setdefault(endpoint.node, []).append(zone)


def share_now(service: Service, clients: AssumedClients | None, tally: EndpointTally) -> float | None:
    """The expected share under the hints that are there; None where nothing can be said."""
    if clients is None or not tally.total:
        return None
    if service.internal_traffic_policy == "Local":
        return _share_local(tally, clients)
    option, nodes = _shown(service, tally)
    return _under(clients, tally, service, option, nodes)


def _shown(
    service: Service, tally: EndpointTally
) -> tuple[HintOutcome, Mapping[NodeName, list[Zone | None]]]:
    """The hints that are there, as far as kube-proxy heeds them."""
    by_name = service.cluster_ip == "None"
    if not tally.complete or by_name:
        option = HintOutcome(hinted=(), own=())
    else:
        option = HintOutcome(hinted=tuple(tally.hinted.items()), own=tuple(tally.own.items()))
    return option, tally.by_node if tally.nodes_complete and not by_name else {}


def _share_local(tally: EndpointTally, clients: AssumedClients) -> float | None:
    """Of the connections that are not refused."""
    same = served = 0.0
    for name, zones in tally.local.items():
        if name in clients.nodes:
            (zone, _, _), weight = clients.nodes[name]
            served += weight
            same += weight * zones.count(zone) / len(zones)
    return same / served if served else None


def _reads_hints(service: Service) -> Callable[[int, Carrier], bool]:
    """Whether hints for zones of this Service are heeded, by a kube-proxy's version and the carrier."""
    asked = annotation_of(service) not in OFF_VALUES
    mode = mode_of(service)
    uses = (Use.HINTS, Use.UNKNOWN)
    return lambda minor, carrier: (
        (asked or minor >= IGNORES_ANNOTATION_SINCE) and carrier.use_of(mode) in uses
    )


def load_now(service: Service, clients: AssumedClients | None, tally: EndpointTally) -> float | None:
    """The expected load of the busiest endpoint under the hints there are, as a multiple of the mean.

    None where nothing can be said.
    """
    if clients is None or not tally.total or service.internal_traffic_policy == "Local":
        return None
    option, nodes = _shown(service, tally)
    hinted, reads = dict(option.hinted), _reads_hints(service)
    everybody, zonal = 0.0, defaultdict[Zone, float](float)
    remaining = dict(clients.groups)
    on_nodes = defaultdict[Zone, float](float)
    for name in nodes.keys() & clients.nodes.keys():
        (zone, minor, carrier), weight = clients.nodes[name]
        if minor >= NODE_HINTS_SINCE and reads(minor, carrier):
            on_nodes[zone] = max(on_nodes[zone], weight / len(nodes[name]))
            remaining[zone, minor, carrier] -= weight
    mode = mode_of(service)
    for (zone, minor, carrier), weight in remaining.items():
        own = carrier.use_of(mode) is Use.FIELD and tally.physical[zone] > 0
        if own:
            zonal[zone] += weight / tally.physical[zone]
        elif hinted.get(zone) and reads(minor, carrier):
            zonal[zone] += weight / hinted[zone]
        else:
            everybody += weight / tally.total
    busiest = max((zonal[zone] + on_nodes[zone] for zone in {*zonal, *on_nodes}), default=0.0)
    return (everybody + busiest) * tally.total


def shares_by_mode(
    place: IndexedPlace, service: Service, slices: tuple[EndpointSlice, ...], tally: EndpointTally
) -> tuple[tuple[RoutingMode, Range], ...]:
    """What each mode would bring, from the hints there are now; empty where nothing can be said."""
    if place.assumed is None or not tally.total:
        return ()
    return tuple((mode, _of_mode(place, service, slices, tally, mode)) for mode in RoutingMode)


def _of_mode(
    place: IndexedPlace,
    before: Service,
    slices: tuple[EndpointSlice, ...],
    tally: EndpointTally,
    mode: RoutingMode,
) -> Range:
    clients = place.assumed
    assert clients is not None  # noqa: S101 - shares_by_mode has looked
    if before.internal_traffic_policy == "Local":
        local = _share_local(tally, clients) or 0.0
        return (local, local)
    service = with_mode(before, mode)
    acts = effective_mode(service, place.scene.server_minor or NEWEST_MINOR)
    strange = any(
        endpoint.ready is not False and not endpoint.zone_hints
        for one in slices
        if not is_owned(one)
        for endpoint in one.endpoints
    )
    off = acts is RoutingMode.OFF or strange or service.cluster_ip == "None"
    options: Sequence[HintOutcome] = (HintOutcome(hinted=(), own=()),)
    if not off and acts is RoutingMode.TAR:
        options = auto_outcomes(place, slices)
    elif not off:
        options = (_own_zone_hints(tally),)
    nodes = tally.local if by_node(acts) and not off else {}
    if sum(map(len, nodes.values())) < tally.total:
        # An endpoint on no node gets no hint for one, and then those of the others are ignored.
        nodes = {}
    found = [_under(clients, tally, service, option, nodes) for option in options]
    return (min(found), max(found))


def _own_zone_hints(tally: EndpointTally) -> HintOutcome:
    """Every endpoint hinted to the zone that its slice tells; none where one tells no zone."""
    own, hinted = Counter(tally.physical), Counter(tally.physical)
    for told, physical in tally.misstated:
        own[physical] -= 1
        hinted[physical] -= 1
        hinted[told] += 1
    if hinted[None]:
        return HintOutcome(hinted=(), own=())
    return HintOutcome(hinted=_counted(hinted), own=_counted(own))


def _counted(counts: Counter[Zone | None]) -> tuple[tuple[Zone, int], ...]:
    return tuple((zone, count) for zone, count in counts.items() if zone is not None and count)


def auto_outcomes(place: IndexedPlace, slices: tuple[EndpointSlice, ...]) -> tuple[HintOutcome, ...]:
    """What Auto may come to from here; an empty one alone is a refusal."""
    return outcomes(place.cpu, SliceLists(unchanged=tuple(one for one in slices if is_owned(one))))


def _under(
    clients: AssumedClients,
    tally: EndpointTally,
    service: Service,
    option: HintOutcome,
    nodes: Mapping[NodeName, list[Zone | None]],
) -> float:
    """The share under hints for zones as *option* counts them, and for *nodes*."""
    hinted, own = dict(option.hinted), dict(option.own)
    reads, mode = _reads_hints(service), mode_of(service)
    share, remaining = _on_nodes(clients, nodes, reads)
    for (zone, minor, carrier), weight in remaining.items():
        if carrier.use_of(mode) is Use.FIELD and tally.physical[zone]:
            share += weight
        elif hinted.get(zone) and reads(minor, carrier):
            share += weight * own.get(zone, 0) / hinted[zone]
        else:
            share += weight * tally.physical[zone] / tally.total
    return share


def _on_nodes(
    clients: AssumedClients,
    nodes: Mapping[NodeName, list[Zone | None]],
    reads: Callable[[int, Carrier], bool],
) -> tuple[float, dict[AlikeNodes, float]]:
    """What hints for nodes keep in the zone, and the clients that they leave to the hints for zones."""
    share, remaining = 0.0, dict(clients.groups)
    for name in nodes.keys() & clients.nodes.keys():
        group, weight = clients.nodes[name]
        zone, minor, carrier = group
        if minor >= NODE_HINTS_SINCE and reads(minor, carrier):
            share += weight * nodes[name].count(zone) / len(nodes[name])
            remaining[group] -= weight
    return share, remaining
