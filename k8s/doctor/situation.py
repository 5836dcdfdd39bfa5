"""One Service in its place, looked at once: what the diagnoses ask about."""

from collections import Counter
from dataclasses import dataclass, field, replace

from k8s.doctor.place import IndexedPlace
from k8s.doctor.shares import EndpointTally, tally_of
from k8s.doctor.stray_knobs import StrayKnob, stray_knobs
from k8s.errors import UsageError
from k8s.model.near_services import near_names
from k8s.predict.clients import pods_of
from k8s.predict.starting_point import differing_ports, sorted_families
from k8s.routing.allocation import Allocation, Refusal, ZoneCounts, allocate
from k8s.routing.hints import (
    DISABLED_REASON,
    ENABLED_REASON,
    NEWEST_MINOR,
    effective_mode,
    is_owned,
    is_processed,
)
from k8s.routing.modes import RoutingMode, mode_of, settings_of
from k8s.routing.proxy import OFF_VALUES
from k8s.topology import Endpoint, EndpointSlice, Event, Node, Pod, PodName, Service, ServiceKey, Zone

_FAILED = frozenset({"FailedToUpdateEndpointSlices", "FailedToListPods", "FailedToListEndpointSlices"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A ready endpoint, and where it is written down."""

    slice: EndpointSlice
    number: int
    """Its index in the slice."""
    endpoint: Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The endpoints of one address family."""

    address_type: str
    slices: tuple[EndpointSlice, ...]
    ready: int
    """N, as the controller counts: strictly ready, in the slices it manages."""
    not_ready: int
    """Of the slices it manages: those that may become ready."""
    terminating: int
    """Those that will not."""
    usable: int
    """Ready as clients read it (not told otherwise), whoever manages the slice."""
    unhinted: tuple[Placed, ...]
    """Usable ones without a hint for a zone."""
    node_hinted: tuple[Placed, ...]
    zoneless: tuple[Placed, ...]
    """Of those that make N, the ones without a zone."""
    moved: tuple[Placed, ...]
    """Usable ones whose slice tells another zone than their node's label."""
    lost: tuple[Placed, ...]
    """Usable ones on a node that does not exist."""
    have: ZoneCounts
    """Hints by zone of those that make N."""
    pods_by_zone: ZoneCounts
    """Where the usable ones physically are."""
    allocation: Allocation
    """What ``Auto`` makes of N here."""

    @property
    def hinted(self) -> bool:
        """Whether every usable endpoint has a zone hint, so that kube-proxy heeds them."""
        return self.usable > 0 and not self.unhinted

    @property
    def bare(self) -> bool:
        """Whether no usable endpoint has a zone hint."""
        return len(self.unhinted) == self.usable


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A Service, what it asks for, and what it has."""

    place: IndexedPlace
    service: Service
    mode: RoutingMode
    """What the knobs say."""
    acts: RoutingMode
    """What a control plane of this version makes of them."""
    wanted: RoutingMode
    """What was evidently meant: TAR also where an annotation is misspelt."""
    families: tuple[Family, ...]
    """The Service's own first family first; empty where there is no slice."""
    clients: tuple[Pod, ...]
    """The pods that ``client`` names; empty: no particular client."""
    stray: tuple[StrayKnob, ...]
    """Settings that nobody reads."""
    ports: tuple[str, ...]
    """Names of its ports, where not all are served by the same endpoints of the first family."""
    tally: EndpointTally
    """Of the first family, and the first of *ports*."""
    client: ServiceKey | None = None
    store_pools: bool | None = None
    """Whether the clients keep their connections open; None: not known."""

    @property
    def key(self) -> ServiceKey:
        """``namespace/name``."""
        return self.service.key

    @property
    def subject(self) -> str:
        """What evidence calls the Service."""
        return f"Service {self.service.key}"

    @property
    def hinted(self) -> bool:
        """Whether every family is hinted throughout."""
        return bool(self.families) and all(family.hinted for family in self.families)

    @property
    def processed(self) -> bool:
        """Whether the controller looks after the Service at all."""
        return is_processed(self.service)

    @property
    def client_nodes(self) -> tuple[Node, ...]:
        """The nodes of the clients that were named."""
        nodes = self.place.nodes
        found = {pod.node: nodes[pod.node] for pod in self.clients if pod.node and pod.node in nodes}
        return tuple(found.values())

    @property
    def events(self) -> tuple[Event, ...] | None:
        """The controller's events about hints, newest first; None where events were not read."""
        if self.place.events is None:
            return None
        reasons = (ENABLED_REASON, DISABLED_REASON)
        return tuple(one for one in self.place.events.get(self.key, ()) if one.reason in reasons)

    @property
    def sync_failures(self) -> tuple[Event, ...]:
        """What the controller says of slices that it could not write, newest first."""
        events = (self.place.events or {}).get(self.key, ())
        return tuple(one for one in events if one.reason in _FAILED)

    def event_of(self, address_type: str) -> Event | None:
        """The newest such event for a family; None also where events were not read."""
        suffix = f"addressType: {address_type}"
        return next((one for one in self.events or () if one.message.endswith(suffix)), None)

    def label(self, family: Family) -> str:
        """What evidence calls the endpoints: with the family where there are two."""
        return f"{self.subject} ({family.address_type})" if len(self.families) > 1 else self.subject


def situation_of(
    place: IndexedPlace, key: ServiceKey, client: ServiceKey | None = None, *, store_pools: bool | None = None
) -> Situation:
    """The Service in its place; UsageError where it, or the client, is not there."""
    service = place.services.get(key)
    if service is None:
        near = near_names(key, sorted(place.services))
        raise UsageError(f"examining Service {key}: not in {place.scene.source}{near}")
    mode = mode_of(service)
    minor = place.scene.server_minor
    families = _families(place, service)
    first = families[0].slices if families else ()
    ports = differing_ports(service, first)
    stray = stray_knobs(place, service)
    wanted = mode
    if mode is RoutingMode.OFF:
        wanted = RoutingMode.TAR if misspelt(service) else stray[0].means if stray else mode
    return Situation(
        place=place,
        service=service,
        mode=mode,
        acts=effective_mode(service, NEWEST_MINOR if minor is None else minor),
        wanted=wanted,
        families=families,
        clients=_clients(place, client),
        stray=stray,
        ports=ports,
        tally=tally_of(place, first, next(iter(ports), None)),
        client=client,
        store_pools=store_pools,
    )


def misspelt(service: Service) -> bool:
    """Whether an annotation asks for something, be it in words that the controller does not know."""
    settings = settings_of(service)
    return settings.topology_mode not in OFF_VALUES or settings.topology_aware_hints not in OFF_VALUES


def _clients(place: IndexedPlace, client: ServiceKey | None) -> tuple[Pod, ...]:
    if client is None:
        return ()
    exact = place.pods.get((client.namespace, PodName(client.name)))
    found = (exact,) if exact else pods_of(place.scene.snapshot, client)
    if not found:
        known = [ServiceKey(namespace=namespace, name=name) for namespace, name in place.pods]
        named = {replace(one, name=one.name.rsplit("-", 2)[0]) for one in known} | {*place.services}
        raise UsageError(
            f"examining for client {client}: no pod or workload of that name in {place.scene.source}"
            + near_names(client, sorted(named))
        )
    if not any(pod.ready and pod.node for pod in found):
        raise UsageError(f"examining for client {client}: no pod of it is ready, so it calls nobody")
    return found


def _families(place: IndexedPlace, service: Service) -> tuple[Family, ...]:
    slices = place.slices.get(service.key, ())
    types = sorted_families(service, {one.address_type for one in slices if one.endpoints})
    return tuple(
        _family(place, address_type, tuple(one for one in slices if one.address_type == address_type))
        for address_type in types
    )


@dataclass(slots=True)
class _Groups:
    """The endpoints of a family, sorted into those that somebody asks about."""

    ready: int = 0
    not_ready: int = 0
    terminating: int = 0
    usable: int = 0
    unhinted: list[Placed] = field(default_factory=list)
    node_hinted: list[Placed] = field(default_factory=list)
    zoneless: list[Placed] = field(default_factory=list)
    moved: list[Placed] = field(default_factory=list)
    lost: list[Placed] = field(default_factory=list)
    have: Counter[Zone] = field(default_factory=Counter)
    physical: Counter[Zone] = field(default_factory=Counter)


def _family(place: IndexedPlace, address_type: str, slices: tuple[EndpointSlice, ...]) -> Family:
    groups = _Groups()
    for one in slices:
        owned = is_owned(one)
        for number, endpoint in enumerate(one.endpoints):
            if endpoint.ready is False:
                leaves = endpoint.terminating is True
                groups.terminating += owned and leaves
                groups.not_ready += owned and not leaves
                continue
            _sort_in(groups, place, one, number, owned=owned)
    return Family(
        address_type=address_type,
        slices=slices,
        ready=groups.ready,
        not_ready=groups.not_ready,
        terminating=groups.terminating,
        usable=groups.usable,
        unhinted=tuple(groups.unhinted),
        node_hinted=tuple(groups.node_hinted),
        zoneless=tuple(groups.zoneless),
        moved=tuple(groups.moved),
        lost=tuple(groups.lost),
        have=tuple(sorted(groups.have.items())),
        pods_by_zone=tuple(sorted(groups.physical.items())),
        allocation=allocate(place.cpu, groups.ready),
    )


def _sort_in(groups: _Groups, place: IndexedPlace, one: EndpointSlice, number: int, *, owned: bool) -> None:
    """One usable endpoint."""
    endpoint = one.endpoints[number]
    into: list[list[Placed]] = []
    groups.usable += 1
    if not endpoint.zone_hints:
        into.append(groups.unhinted)
    if endpoint.node_hints:
        into.append(groups.node_hinted)
    if endpoint.zone:
        groups.physical[endpoint.zone] += 1
    if endpoint.node and place.nodes:
        node = place.nodes.get(endpoint.node)
        if node is None or (node.zone != endpoint.zone and node.zone and endpoint.zone):
            into.append(groups.lost if node is None else groups.moved)
    if endpoint.ready and owned:
        groups.ready += 1
        for hint in endpoint.zone_hints:
            groups.have[hint] += 1
        if not endpoint.zone:
            into.append(groups.zoneless)
    _put(into, one, number)


def _put(into: list[list[Placed]], one: EndpointSlice, number: int) -> None:
    if into:
        placed = Placed(slice=one, number=number, endpoint=one.endpoints[number])
        for group in into:
            group.append(placed)


def is_foreign(one: EndpointSlice) -> bool:
    """Whether the EndpointSlice controller neither counts nor writes this slice."""
    return not is_owned(one)


def refusal_of(event: Event | None) -> Refusal | None:
    """The refusal that an event tells; None for no event, or one of another kind."""
    return Refusal.of_message(event.message) if event is not None else None
