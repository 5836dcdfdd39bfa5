"""The expected same-zone share by zone counts: linear, for a thousand Services at once.

The same rules as ``k8s/predict/prediction.py``, which is exact and says why, but asks once a node and mode:
too slow for a survey. Clients are one a node, weighted by allocatable CPU. kube-proxy treats the nodes of a
zone and version alike, so endpoints are counted by zone; only hints for nodes need a look at single nodes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from k8s.doctor.place import Place
from k8s.doctor.situation import OFF_VALUES, Family, Situation, annotation_of, is_foreign
from k8s.predict.prediction import with_mode
from k8s.routing.allocation import cpu_ratios
from k8s.routing.hints import NEWEST_MINOR, SliceLists, effective_mode
from k8s.routing.modes import RoutingMode
from k8s.routing.outcomes import HintOutcome, outcomes
from k8s.routing.proxy import OLDEST_MINOR
from k8s.topology import Endpoint, NodeName, Service, Zone

_ANNOTATION_UNTIL = 30
_NODE_HINTS_SINCE = 34

Range = tuple[float, float]
"""Least and greatest expected share, 0 to 1; they differ only where the controller leaves it to chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Clients of every Service alike: one a ready worker, weighted by its CPU."""

    groups: Mapping[tuple[Zone, int], float]
    """Share of the connections by (zone, kube-proxy's minor version); sums to 1."""
    nodes: Mapping[NodeName, tuple[Zone, int, float]]
    """(zone, version, share) of each."""


def clients_of(place: Place) -> Clients | None:
    """The assumed clients; None where no node can be one, or a kube-proxy is too old to be modelled."""
    workers = [
        node
        for node in place.nodes.values()
        if node.ready and node.zone and node.cpu_allocatable_milli and not node.is_control_plane
    ]
    total = sum(milli for _, milli in cpu_ratios(workers).cpu_milli_by_zone)
    known = {name: minor for minor, nodes in place.proxies.items() for name in nodes}
    usual = place.scene.server_minor or max(known.values(), default=NEWEST_MINOR)
    nodes: dict[NodeName, tuple[Zone, int, float]] = {}
    groups: dict[tuple[Zone, int], float] = defaultdict(float)
    for node in workers:
        minor, share = known.get(node.name, usual), node.cpu_allocatable_milli / total
        if node.zone is None or minor < OLDEST_MINOR:
            return None
        nodes[node.name] = (node.zone, minor, share)
        groups[node.zone, minor] += share
    return Clients(groups=groups, nodes=nodes) if nodes else None


@dataclass(slots=True)
class Tally:
    """The usable endpoints of one family, counted."""

    total: int = 0
    physical: Counter[Zone | None] = field(default_factory=Counter)
    hinted: Counter[Zone] = field(default_factory=Counter)
    own: Counter[Zone] = field(default_factory=Counter)
    """By hint: those that are physically there."""
    complete: bool = True
    nodes_complete: bool = True
    by_node: dict[NodeName, list[Zone | None]] = field(default_factory=dict)
    """By hint for a node: the zones of the endpoints."""
    local: dict[NodeName, list[Zone | None]] = field(default_factory=dict)


def tally_of(situation: Situation) -> Tally:
    """The first family's usable endpoints, one an address."""
    tally, place = Tally(), situation.place
    seen: set[str] = set()
    for one in situation.families[0].slices if situation.families else ():
        for endpoint in one.endpoints:
            if endpoint.ready is False or endpoint.addresses[0] in seen:
                continue
            seen.add(endpoint.addresses[0])
            _count(tally, endpoint, place)
    return tally


def _count(tally: Tally, endpoint: Endpoint, place: Place) -> None:
    node = place.nodes.get(endpoint.node) if endpoint.node else None
    zone = (node.zone if node else None) or endpoint.zone
    tally.total += 1
    tally.physical[zone] += 1
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


def share_now(situation: Situation, clients: Clients | None, tally: Tally) -> float | None:
    """The expected share under the hints that are there; None where nothing can be said."""
    if clients is None or not tally.total:
        return None
    if situation.service.internal_traffic_policy == "Local":
        return _share_local(tally, clients)
    shown = tally.complete and situation.service.cluster_ip != "None"
    heeded = tally.nodes_complete and situation.service.cluster_ip != "None"
    option = HintOutcome(
        hinted=tuple(tally.hinted.items()) if shown else (), own=tuple(tally.own.items()) if shown else ()
    )
    return _under(clients, tally, situation.service, option, tally.by_node if heeded else {})


def _share_local(tally: Tally, clients: Clients) -> float | None:
    """Of the connections that are not refused."""
    same = served = 0.0
    for name, zones in tally.local.items():
        if name in clients.nodes:
            zone, _, weight = clients.nodes[name]
            served += weight
            same += weight * zones.count(zone) / len(zones)
    return same / served if served else None


def _reads_hints(service: Service) -> Callable[[int], bool]:
    """Whether a kube-proxy of a version heeds hints for zones of this Service."""
    asked = annotation_of(service) not in OFF_VALUES
    return lambda minor: asked or minor > _ANNOTATION_UNTIL


def shares_by_mode(
    situation: Situation, clients: Clients | None, tally: Tally
) -> tuple[tuple[RoutingMode, Range], ...]:
    """What each mode would bring, from the hints there are now; empty where nothing can be said."""
    if clients is None or not tally.total or not situation.processed:
        return ()
    return tuple((mode, _of_mode(situation, clients, tally, mode)) for mode in RoutingMode)


def _of_mode(situation: Situation, clients: Clients, tally: Tally, mode: RoutingMode) -> Range:
    if situation.service.internal_traffic_policy == "Local":
        local = _share_local(tally, clients) or 0.0
        return (local, local)
    service = with_mode(situation.service, mode)
    minor = situation.place.scene.server_minor or NEWEST_MINOR
    acts = effective_mode(service, minor)
    family = situation.families[0]
    foreign = any(is_foreign(one.slice) for one in family.unhinted)
    off = acts is RoutingMode.OFF or foreign or service.cluster_ip == "None"
    options: Sequence[HintOutcome] = (HintOutcome(hinted=(), own=()),)
    if not off and acts is RoutingMode.TAR:
        options = auto_outcomes(situation.place, family)
    elif not off and not family.zoneless:
        options = (HintOutcome(hinted=family.pods_by_zone, own=family.pods_by_zone),)
    nodes = tally.local if acts is RoutingMode.PREFER_SAME_NODE and not off else {}
    if sum(map(len, nodes.values())) < tally.total:
        # An endpoint on no node gets no hint for one, and then those of the others are ignored.
        nodes = {}
    found = [_under(clients, tally, service, option, nodes) for option in options]
    return (min(found), max(found))


def auto_outcomes(place: Place, family: Family) -> tuple[HintOutcome, ...]:
    """What Auto may come to from here; an empty one alone is a refusal."""
    own = tuple(one for one in family.slices if not is_foreign(one))
    return outcomes(place.cpu, SliceLists(unchanged=own))


def _under(
    clients: Clients,
    tally: Tally,
    service: Service,
    option: HintOutcome,
    nodes: Mapping[NodeName, list[Zone | None]],
) -> float:
    """The share under hints for zones as *option* counts them, and for *nodes*."""
    hinted, own = dict(option.hinted), dict(option.own)
    reads = _reads_hints(service)
    share, remaining = _on_nodes(clients, nodes)
    for (zone, minor), weight in remaining.items():
        if hinted.get(zone) and reads(minor):
            share += weight * own.get(zone, 0) / hinted[zone]
        else:
            share += weight * tally.physical[zone] / tally.total
    return share


def _on_nodes(
    clients: Clients, nodes: Mapping[NodeName, list[Zone | None]]
) -> tuple[float, dict[tuple[Zone, int], float]]:
    """What hints for nodes keep in the zone, and the clients that they leave to the hints for zones."""
    share, remaining = 0.0, dict(clients.groups)
    for name in nodes.keys() & clients.nodes.keys():
        zone, minor, weight = clients.nodes[name]
        if minor >= _NODE_HINTS_SINCE:
            share += weight * nodes[name].count(zone) / len(nodes[name])
            remaining[zone, minor] -= weight
    return share, remaining
