"""kube-proxy's choice: to which endpoints a node sends the new connections of a Service.

Follows ``CategorizeEndpoints`` of kubernetes/kubernetes (pkg/proxy/topology.go) for traffic to the
ClusterIP, one Service and address family at a time. All endpoints returned are equally likely.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from k8s.errors import UsageError
from k8s.routing.hints import NEWEST_MINOR
from k8s.routing.modes import settings_of
from k8s.topology import Endpoint, EndpointSlice, NodeName, Service, Zone

OLDEST_MINOR = 27
"""kube-proxy 1.26 and older also looked at endpoints that are not ready; that is not modelled."""
IGNORES_ANNOTATION_SINCE = 31
"""From this kube-proxy 1.x on hints are heeded whatever the annotation says."""
NODE_HINTS_SINCE = 34
"""From this kube-proxy 1.x on hints for nodes are read."""
OFF_VALUES = frozenset({None, "", "disabled", "Disabled"})
"""Annotation values with which nobody asks for anything; kube-proxy 1.27-1.30 reads them so, too."""


class ProxyMode(StrEnum):
    """By what the endpoints were chosen."""

    SAME_NODE = "PreferSameNode"
    SAME_ZONE = "PreferSameZone"
    DEFAULT = "default"
    """All ready endpoints of the cluster."""
    LOCAL = "local"
    """``internalTrafficPolicy: Local``: only this node's, come what may."""


class HintsIgnored(StrEnum):
    """Why hints that are there were not used."""

    LOCAL_POLICY = "internalTrafficPolicy is Local"
    ANNOTATION = "kube-proxy older than 1.31 wants a topology annotation, and it is absent or Disabled"
    NODE_HINTS_TOO_NEW = "kube-proxy older than 1.34 does not read hints for nodes"
    NODE_HINT_MISSING = "a ready endpoint has no hint for a node"
    NO_HINT_FOR_NODE = "no endpoint is hinted for this node"
    ZONE_HINT_MISSING = "a ready endpoint has no hint for a zone"
    NODE_WITHOUT_ZONE = "this node has no zone label"
    NO_HINT_FOR_ZONE = "no endpoint is hinted for this node's zone"
    CARRIER = "what carries the connections does not read hints"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """The endpoints that new connections from one node go to, each with the same chance."""

    endpoints: tuple[Endpoint, ...]
    """In the order of the slices; empty: connections are refused."""
    mode: ProxyMode
    ignored: tuple[HintsIgnored, ...] = ()
    """Why node hints, then zone hints, of ready endpoints were passed over; empty where there are none."""
    terminating: bool = False
    """Nothing is ready, so these are endpoints that still serve while they terminate."""


def usable(
    service: Service,
    slices: Iterable[EndpointSlice],
    node: NodeName,
    zone: Zone | None,
    *,
    minor: int = NEWEST_MINOR,
) -> Usable:
    """The endpoints a client on *node* reaches through the ClusterIP; *zone* is the node's label.

    *slices* are all of the Service and one address family, *minor* the node's kube-proxy version 1.x
    (UsageError below 27). A condition that is absent reads as ready, and as serving.
    """
    if minor < OLDEST_MINOR:
        raise UsageError(f"kube-proxy 1.{minor} is not modelled, only 1.{OLDEST_MINOR} and newer; upgrade it")
    endpoints = _distinct(slices, node)
    ready = tuple(one for one in endpoints if _is_ready(one))
    if service.internal_traffic_policy == "Local":
        ignored = (HintsIgnored.LOCAL_POLICY,) if _any_hints(ready) else ()
        local = tuple(one for one in ready if one.node == node)
        leaving = tuple(one for one in endpoints if one.node == node and _serves_while_leaving(one))
        return Usable(
            endpoints=local or leaving,
            mode=ProxyMode.LOCAL,
            ignored=ignored,
            terminating=bool(leaving) and not local,
        )
    if not ready:
        leaving = tuple(one for one in endpoints if _serves_while_leaving(one))
        return Usable(endpoints=leaving, mode=ProxyMode.DEFAULT, terminating=bool(leaving))
    return _by_hints(service, ready, node, zone, minor)


def unhinted(service: Service, slices: Iterable[EndpointSlice], node: NodeName) -> Usable:
    """The endpoints of a client whose connections something carries that does not read hints."""
    found = usable(
        replace(service, annotations=(), traffic_distribution=None), map(_bare, slices), node, None
    )
    if found.mode is not ProxyMode.DEFAULT or found.terminating or not found.endpoints:
        return found
    return replace(found, ignored=(HintsIgnored.CARRIER,))


def own_zone(service: Service, slices: Iterable[EndpointSlice], node: NodeName, zone: Zone | None) -> Usable:
    """Those of a client whose carrier reads the field itself: its own zone's, by where they are, else all."""
    kept = tuple(slices)
    everybody = unhinted(service, kept, node)
    if everybody.mode is not ProxyMode.DEFAULT or everybody.terminating:
        return everybody
    near = tuple(one for one in everybody.endpoints if zone is not None and one.zone == zone)
    if near:
        return Usable(endpoints=near, mode=ProxyMode.SAME_ZONE)
    return replace(everybody, ignored=(HintsIgnored.NO_HINT_FOR_ZONE,))


def _bare(one: EndpointSlice) -> EndpointSlice:
    bare = tuple(replace(each, zone_hints=(), node_hints=()) for each in one.endpoints)
    return replace(one, endpoints=bare)


def _by_hints(
    service: Service, ready: tuple[Endpoint, ...], node: NodeName, zone: Zone | None, minor: int
) -> Usable:
    ignored: list[HintsIgnored] = []
    why = _why_not_node(ready, node, minor)
    if why is None:
        chosen = tuple(one for one in ready if node in one.node_hints)
        return Usable(endpoints=chosen, mode=ProxyMode.SAME_NODE)
    if any(one.node_hints for one in ready):
        ignored.append(why)
    why = _why_not_zone(service, ready, zone, minor)
    if why is None:
        chosen = tuple(one for one in ready if (zone or "") in one.zone_hints)
        return Usable(endpoints=chosen, mode=ProxyMode.SAME_ZONE, ignored=tuple(ignored))
    if any(one.zone_hints for one in ready):
        ignored.append(why)
    return Usable(endpoints=ready, mode=ProxyMode.DEFAULT, ignored=tuple(ignored))


def _why_not_node(ready: tuple[Endpoint, ...], node: NodeName, minor: int) -> HintsIgnored | None:
    if minor < NODE_HINTS_SINCE:
        return HintsIgnored.NODE_HINTS_TOO_NEW
    if not all(one.node_hints for one in ready):
        return HintsIgnored.NODE_HINT_MISSING
    return None if any(node in one.node_hints for one in ready) else HintsIgnored.NO_HINT_FOR_NODE


def _why_not_zone(
    service: Service, ready: tuple[Endpoint, ...], zone: Zone | None, minor: int
) -> HintsIgnored | None:
    if minor < IGNORES_ANNOTATION_SINCE:
        settings = settings_of(service)
        old = settings.topology_aware_hints
        if (settings.topology_mode if old is None else old) in OFF_VALUES:
            return HintsIgnored.ANNOTATION
    if not all(one.zone_hints for one in ready):
        return HintsIgnored.ZONE_HINT_MISSING
    # Since 1.33 an unlabelled node's zone is the empty text, which the empty hints of a 1.30-1.32 controller
    # match; before, such a node never used hints.
    if any((zone or "") in one.zone_hints for one in ready) and (zone or minor >= 33):  # noqa: PLR2004
        return None
    return HintsIgnored.NO_HINT_FOR_ZONE if zone else HintsIgnored.NODE_WITHOUT_ZONE


def _distinct(slices: Iterable[EndpointSlice], node: NodeName) -> tuple[Endpoint, ...]:
    """One endpoint an address, as while one moves between slices; a local one wins over another."""
    found: dict[str, Endpoint] = {}
    for one in slices:
        for endpoint in one.endpoints:
            address = endpoint.addresses[0]
            if address not in found or endpoint.node == node:
                found[address] = endpoint
    return tuple(found.values())


def _is_ready(endpoint: Endpoint) -> bool:
    return endpoint.ready is not False


def _serves_while_leaving(endpoint: Endpoint) -> bool:
    return endpoint.serving is not False and endpoint.terminating is True


def _any_hints(endpoints: tuple[Endpoint, ...]) -> bool:
    return any(one.zone_hints or one.node_hints for one in endpoints)
