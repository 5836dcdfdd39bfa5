"""What a prediction starts from: one Service and one address family, its clients, and versions (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from k8s.errors import UsageError
from k8s.model import figures
from k8s.model.near_services import near_names
from k8s.model.scene import IN_PART, Scene
from k8s.predict.carriage import Carriage, carriage_of
from k8s.predict.clients import Clients, outside
from k8s.routing.carriers import AMBIENT, KUBE_PROXY, LINKERD, Carrier, Use
from k8s.routing.hints import NEWEST_MINOR, is_owned, is_processed
from k8s.routing.modes import RoutingMode
from k8s.topology import Endpoint, EndpointSlice, Node, NodeName, Service, ServiceKey, Snapshot, Zone

_COUNTED = tuple(f"{word}: {IN_PART}" for word in ("nodes", "pods", "endpointslices"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingPoint:
    """What a prediction starts from."""

    service: Service
    slices: tuple[EndpointSlice, ...]
    """All of the Service and one address family, with their present hints, in stored order."""
    nodes: tuple[Node, ...]
    clients: Clients
    minor: int = NEWEST_MINOR
    """The EndpointSlice controller's version 1.x."""
    proxy_minor: int = NEWEST_MINOR
    """kube-proxy's, on nodes not in *proxy_minors*."""
    proxy_minors: tuple[tuple[NodeName, int], ...] = ()
    port: str | None = None
    """The port whose endpoints count, where the slices' ports differ; None: they do not."""
    other_ports: tuple[str, ...] = ()
    """Names of ports that other endpoints serve."""
    shift: Zone | None = None
    """The zone that traffic is shifted away from."""
    notes: tuple[str, ...] = ()
    """What the numbers do not tell, one sentence each."""

    @property
    def address_type(self) -> str:
        """The family predicted."""
        return self.slices[0].address_type


def starting_point(
    scene: Scene, key: ServiceKey, clients: Clients, *, family: str | None = None
) -> StartingPoint:
    """The Service *key* of a scene as a prediction needs it.

    Without *family* it is the Service's first one that has slices. UsageError where Service, nodes or
    endpoints are not there.
    """
    snapshot = scene.snapshot
    service = next((one for one in snapshot.services if one.key == key), None)
    if service is None:
        known = [one.key for one in snapshot.services]
        raise UsageError(f"predicting Service {key}: not in {scene.source}{near_names(key, known)}")
    if not snapshot.nodes:
        raise UsageError(f"predicting Service {key}: no nodes in {scene.source}; save them too")
    families = families_of(service, snapshot)
    chosen = family or next(iter(families), None)
    used = _slices(snapshot, key, chosen)
    if not any(one.endpoints for one in used):
        wanted = f"{family} " if family else ""
        raise UsageError(f"predicting Service {key}: it has no {wanted}endpoints in {scene.source}")
    known_minors = dict(scene.proxy_minors)
    minor = scene.server_minor or max(known_minors.values(), default=NEWEST_MINOR)
    port, *others = differing_ports(service, used) or (None,)
    return StartingPoint(
        service=service,
        slices=used,
        nodes=snapshot.nodes,
        clients=clients,
        minor=minor,
        proxy_minor=minor,
        proxy_minors=scene.proxy_minors,
        port=port,
        other_ports=tuple(one for one in others if one is not None),
        notes=(
            *_in_part(scene),
            *_notes(service, families, used),
            *carrier_notes(clients, carriage_of(scene)),
        ),
    )


def families_of(service: Service, snapshot: Snapshot) -> tuple[str, ...]:
    """The families in which the Service has endpoints, its first one first, else in the order of names."""
    return sorted_families(
        service,
        {
            one.address_type
            for one in snapshot.slices
            if (one.namespace, one.service) == (service.namespace, service.name) and one.endpoints
        },
    )


def sorted_families(service: Service, found: set[str]) -> tuple[str, ...]:
    """*found*, which the Service's own order sorts; names of hosts (FQDN) are left out."""
    order = {family: at for at, family in enumerate(service.ip_families)}
    return tuple(sorted(found - {"FQDN"}, key=lambda family: (order.get(family, len(order)), family)))


def _slices(snapshot: Snapshot, key: ServiceKey, family: str | None) -> tuple[EndpointSlice, ...]:
    found = [
        one
        for one in snapshot.slices
        if (one.namespace, one.service, one.address_type) == (key.namespace, key.name, family)
    ]
    return tuple(sorted(found, key=lambda one: one.name))


def with_port(slices: tuple[EndpointSlice, ...], port: str | None) -> tuple[EndpointSlice, ...]:
    """Those that serve *port*: kube-proxy looks at each port of a Service by itself.

    A slice that names no ports serves all, and without *port* all count.
    """
    if port is None:
        return slices
    return tuple(one for one in slices if not one.ports or any(name == port for name, _ in one.ports))


def differing_ports(service: Service, slices: tuple[EndpointSlice, ...]) -> tuple[str, ...]:
    """The Service's ports in its order where not all are served by the same slices; else none."""
    filled = tuple(one for one in slices if one.endpoints)
    serving = {
        port.name: frozenset(one.name for one in with_port(filled, port.name)) for port in service.ports
    }
    return tuple(serving) if len(set(serving.values())) > 1 else ()


def _in_part(scene: Scene) -> Iterator[str]:
    """What the numbers count, and of which some was lost."""
    for gap in scene.gaps:
        if gap.startswith(_COUNTED):
            yield f"the numbers lack what was not read: {gap}"


def _notes(service: Service, families: Sequence[str], used: Sequence[EndpointSlice]) -> Iterator[str]:
    others = [one for one in families if one != used[0].address_type]
    if others:
        yield f"{used[0].address_type} is predicted; {service.key} has slices of {' and '.join(others)} too"
    if not is_processed(service):
        yield f"Service {service.key} has no selector: no controller writes its hints, no mode changes them"
    if service.cluster_ip == "None":
        yield f"Service {service.key} is headless: its clients choose by DNS, hints are not used"
    if service.session_affinity != "None":
        yield "session affinity pins each client to one endpoint: the shares hold over many clients only"
    if service.internal_traffic_policy == "Local":
        yield "internalTrafficPolicy is Local: hints are not used, a node without an endpoint refuses"
    strangers = sorted(one.name for one in used if not is_owned(one) and one.endpoints)
    if strangers and is_processed(service):
        yield (
            f"slices that the controller does not count and kube-proxy reads all the same: "
            f"{', '.join(strangers)}"
        )


def carrier_notes(clients: Clients, carriage: Carriage) -> Iterator[str]:
    """What is not kube-proxy, or not known, of what carries the connections."""
    shares: dict[Carrier, Fraction] = {}
    for one in clients.nodes:
        shares[one.carrier] = shares.get(one.carrier, Fraction(0)) + one.share
    in_mesh = {AMBIENT: carriage.ambient, LINKERD: carriage.linkerd}
    for mesh, here in in_mesh.items():
        if here and any(not carrier.by_pod for carrier in shares):
            shares.setdefault(mesh, Fraction(0))
    for carrier, share in shares.items():
        if carrier is KUBE_PROXY:
            continue
        said = dict.fromkeys(carrier.says(mode) for mode in (RoutingMode.TAR, RoutingMode.PREFER_SAME_ZONE))
        uses = {carrier.use_of(mode) for mode in (RoutingMode.TAR, RoutingMode.PREFER_SAME_ZONE)}
        supposed = "; the numbers suppose that it heeds them" if Use.UNKNOWN in uses else ""
        who = f"{figures.percent(share)} of the connections" if share else "clients in a mesh"
        yield f"{who}: {'. '.join(said)}{supposed}"


def shifted(start: StartingPoint, zone: Zone) -> StartingPoint:
    """The same under a zonal shift away from *zone*.

    Its endpoints leave the slices, its clients call no more, and its nodes stay: they are only cordoned, so
    the controller goes on counting them. A slice that changes is written anew, without its former hints.
    UsageError where there is no such zone, or nothing is left without it.
    """
    known = sorted({node.zone for node in start.nodes if node.zone})
    if zone not in known:
        raise UsageError(
            f"shift away from {zone!r}: no node is in it; zones are: {', '.join(known) or 'none'}"
        )
    slices = _all_without(start, zone)
    if not any(one.endpoints for one in slices):
        raise UsageError(f"shift away from {zone}: Service {start.service.key} has no endpoint elsewhere")
    return replace(start, slices=slices, clients=outside(start.clients, zone), shift=zone)


def serves_outside(start: StartingPoint, zone: Zone) -> bool:
    """Whether an endpoint is left without *zone*."""
    return any(one.endpoints for one in _all_without(start, zone))


def _all_without(start: StartingPoint, zone: Zone) -> tuple[EndpointSlice, ...]:
    zones = {node.name: node.zone for node in start.nodes}
    return tuple(_without(one, zone, zones) for one in start.slices)


def _without(one: EndpointSlice, zone: Zone, zones: Mapping[NodeName, Zone | None]) -> EndpointSlice:
    def here(endpoint: Endpoint) -> bool:
        return ((zones.get(endpoint.node) if endpoint.node else None) or endpoint.zone) == zone

    kept = tuple(endpoint for endpoint in one.endpoints if not here(endpoint))
    if len(kept) == len(one.endpoints):
        return one
    if is_owned(one):
        kept = tuple(replace(endpoint, zone_hints=(), node_hints=()) for endpoint in kept)
    return replace(one, endpoints=kept)
