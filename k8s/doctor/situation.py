"""One Service in its place, looked at once: what the diagnoses ask about."""

from collections import Counter
from dataclasses import dataclass

from k8s.doctor.place import Place
from k8s.errors import UsageError
from k8s.predict.clients import pods_of
from k8s.predict.prediction import CONTROLLER
from k8s.routing.allocation import Allocation, Refusal, ZoneCounts, allocate
from k8s.routing.hints import DISABLED_REASON, ENABLED_REASON, NEWEST_MINOR, effective_mode, is_processed
from k8s.routing.modes import RoutingMode, mode_of, settings_of
from k8s.topology import Endpoint, EndpointSlice, Event, Node, Pod, PodName, Service, ServiceKey, Zone

OFF_VALUES = frozenset({None, "", "disabled", "Disabled"})
"""Annotation values with which nobody asks for anything; kube-proxy 1.27-1.30 reads them so, too."""


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
    usable: int
    """Ready as clients read it (not told otherwise), whoever manages the slice."""
    unhinted: tuple[Placed, ...]
    """Usable ones without a hint for a zone."""
    node_hinted: tuple[Placed, ...]
    zoneless: tuple[Placed, ...]
    """Of those that make N, the ones without a zone."""
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

    place: Place
    service: Service
    mode: RoutingMode
    """What the knobs say."""
    acts: RoutingMode
    """What a control plane of this version makes of them."""
    wanted: RoutingMode
    """What was evidently meant: TAR also where an annotation is misspelt."""
    families: tuple[Family, ...]
    """IPv4 first; empty where there is no slice."""
    clients: tuple[Pod, ...]
    """The pods that ``client`` names; empty: no particular client."""
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

    def event_of(self, address_type: str) -> Event | None:
        """The newest such event for a family; None also where events were not read."""
        suffix = f"addressType: {address_type}"
        return next((one for one in self.events or () if one.message.endswith(suffix)), None)

    def label(self, family: Family) -> str:
        """What evidence calls the endpoints: with the family where there are two."""
        return f"{self.subject} ({family.address_type})" if len(self.families) > 1 else self.subject


def situation_of(
    place: Place, key: ServiceKey, client: ServiceKey | None = None, *, store_pools: bool | None = None
) -> Situation:
    """The Service in its place; UsageError where it, or the client, is not there."""
    service = place.services.get(key)
    if service is None:
        near = ", ".join(sorted(str(one) for one in place.services if one.name == key.name))
        hint = f"; there is {near}" if near else ""
        raise UsageError(f"examining Service {key}: not in {place.scene.source}{hint}")
    mode = mode_of(service)
    minor = place.scene.server_minor
    return Situation(
        place=place,
        service=service,
        mode=mode,
        acts=effective_mode(service, NEWEST_MINOR if minor is None else minor),
        wanted=RoutingMode.TAR if mode is RoutingMode.OFF and misspelt(service) else mode,
        families=_families(place, key),
        clients=_clients(place, client),
        client=client,
        store_pools=store_pools,
    )


def annotation_of(service: Service) -> str | None:
    """The annotation that counts: the old key's where it is set, whatever its value."""
    settings = settings_of(service)
    return settings.topology_mode if settings.topology_aware_hints is None else settings.topology_aware_hints


def misspelt(service: Service) -> bool:
    """Whether an annotation asks for something, be it in words that the controller does not know."""
    settings = settings_of(service)
    return settings.topology_mode not in OFF_VALUES or settings.topology_aware_hints not in OFF_VALUES


def _clients(place: Place, client: ServiceKey | None) -> tuple[Pod, ...]:
    if client is None:
        return ()
    exact = place.pods.get((client.namespace, PodName(client.name)))
    found = (exact,) if exact else pods_of(place.scene.snapshot, client)
    if not found:
        raise UsageError(
            f"examining for client {client}: no pod or workload of that name in {place.scene.source}"
        )
    return found


def _families(place: Place, key: ServiceKey) -> tuple[Family, ...]:
    slices = place.slices.get(key, ())
    types = sorted({one.address_type for one in slices if one.endpoints})
    return tuple(
        _family(place, address_type, tuple(one for one in slices if one.address_type == address_type))
        for address_type in types
    )


def _family(place: Place, address_type: str, slices: tuple[EndpointSlice, ...]) -> Family:
    ready = not_ready = usable = 0
    unhinted: list[Placed] = []
    node_hinted: list[Placed] = []
    zoneless: list[Placed] = []
    have: Counter[Zone] = Counter()
    physical: Counter[Zone] = Counter()
    for one in slices:
        own = not is_foreign(one)
        for number, endpoint in enumerate(one.endpoints):
            if endpoint.ready is False:
                not_ready += own
                continue
            usable += 1
            if not endpoint.zone_hints:
                unhinted.append(Placed(slice=one, number=number, endpoint=endpoint))
            if endpoint.node_hints:
                node_hinted.append(Placed(slice=one, number=number, endpoint=endpoint))
            if endpoint.zone:
                physical[endpoint.zone] += 1
            if endpoint.ready and own:
                ready += 1
                have.update(endpoint.zone_hints)
                if not endpoint.zone:
                    zoneless.append(Placed(slice=one, number=number, endpoint=endpoint))
    return Family(
        address_type=address_type,
        slices=slices,
        ready=ready,
        not_ready=not_ready,
        usable=usable,
        unhinted=tuple(unhinted),
        node_hinted=tuple(node_hinted),
        zoneless=tuple(zoneless),
        have=tuple(sorted(have.items())),
        pods_by_zone=tuple(sorted(physical.items())),
        allocation=allocate(place.cpu, ready),
    )


def is_foreign(one: EndpointSlice) -> bool:
    """Whether somebody else than the EndpointSlice controller writes this slice."""
    return one.managed_by not in ("", CONTROLLER)


def refusal_of(event: Event | None) -> Refusal | None:
    """The refusal that an event tells; None for no event, or one of another kind."""
    return Refusal.of_message(event.message) if event is not None else None
