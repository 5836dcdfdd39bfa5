"""A scene with its look-ups made once, so that a thousand Services cost a thousand times one Service."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from k8s.doctor.assumed import AssumedClients, assumed_clients
from k8s.model.scene import Agent, AgentKind, Scene
from k8s.predict.carriage import Carriage, carriage_of
from k8s.routing import carriers
from k8s.routing.allocation import CpuRatios, cpu_ratios
from k8s.topology import (
    EndpointSlice,
    Event,
    Node,
    NodeName,
    Pod,
    PodName,
    Service,
    ServiceKey,
    Zone,
)

_COMBINED = "(combined from similar events): "


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedPlace:
    """What all Services of a scene share."""

    scene: Scene
    cpu: CpuRatios
    nodes: Mapping[NodeName, Node]
    services: Mapping[ServiceKey, Service]
    slices: Mapping[ServiceKey, tuple[EndpointSlice, ...]]
    """In the order of their names."""
    events: Mapping[ServiceKey, tuple[Event, ...]] | None
    """Newest first; None where events were not read."""
    pods: Mapping[tuple[str, PodName], Pod]
    knobbed: tuple[Pod, ...]
    """Those that carry what looks like a setting of zone routing."""
    zoneless: tuple[Node, ...]
    """Ready nodes without a zone, of whatever role."""
    zones: frozenset[Zone]
    """Zones with a ready node, of whatever role: where clients may be."""
    proxies: Mapping[int, tuple[NodeName, ...]]
    """Nodes by the minor version of their kube-proxy, where known."""
    minors: Mapping[NodeName, int]
    """The same by node."""
    proxies_unknown: tuple[NodeName, ...]
    """Ready nodes that kube-proxy may serve in a version that is not known."""
    carriage: Carriage
    """What carries the connections of whom."""
    assumed: AssumedClients | None
    """Clients of every Service alike, where nobody is named; None where nothing can be assumed."""

    @property
    def proxy_agents(self) -> tuple[Agent, ...]:
        """The pods of kube-proxy."""
        return self.carriage.agents.get(AgentKind.KUBE_PROXY, ())

    def missing(self, word: str) -> bool:
        """Whether objects of that kind (as kubectl calls it) were not read, or only some of them."""
        return any(gap.startswith(f"{word}:") for gap in self.scene.gaps)


def place_of(scene: Scene) -> IndexedPlace:
    """The scene, indexed; linear in its size."""
    snapshot = scene.snapshot
    carriage = carriage_of(scene)
    known = {name for name, _ in scene.proxy_minors}
    proxies: dict[int, list[NodeName]] = defaultdict(list)
    for name, minor in scene.proxy_minors:
        proxies[minor].append(name)
    return IndexedPlace(
        scene=scene,
        cpu=cpu_ratios(snapshot.nodes),
        nodes={node.name: node for node in snapshot.nodes},
        services={service.key: service for service in snapshot.services},
        slices=_slices(snapshot.slices),
        events=_events(scene),
        pods={(pod.namespace, pod.name): pod for pod in snapshot.pods},
        knobbed=tuple(pod for pod in snapshot.pods if pod.knobs),
        zoneless=tuple(node for node in snapshot.nodes if node.ready and not node.zone),
        zones=frozenset(node.zone for node in snapshot.nodes if node.zone and node.ready),
        proxies={minor: tuple(sorted(proxies[minor])) for minor in sorted(proxies)},
        minors=dict(scene.proxy_minors),
        proxies_unknown=tuple(
            name
            for name in carriage.ready
            if name not in known and carriage.of_node(name) in (carriers.KUBE_PROXY, carriers.UNSEEN)
        ),
        carriage=carriage,
        assumed=assumed_clients(scene, carriage),
    )


def _slices(slices: Iterable[EndpointSlice]) -> dict[ServiceKey, tuple[EndpointSlice, ...]]:
    found: dict[tuple[str, str], list[EndpointSlice]] = defaultdict(list)
    for one in slices:
        if one.service and one.address_type != "FQDN":
            found[one.namespace, one.service].append(one)
    return {
        ServiceKey(namespace=namespace, name=name): tuple(sorted(some, key=lambda one: one.name))
        for (namespace, name), some in found.items()
    }


def _events(scene: Scene) -> dict[ServiceKey, tuple[Event, ...]] | None:
    if scene.events is None:
        return None
    found: dict[ServiceKey, list[Event]] = defaultdict(list)
    for one in scene.events:
        found[one.service].append(_as_said(one.event))
    return {
        key: tuple(sorted(some, key=lambda event: event.last_seen_s, reverse=True))
        for key, some in found.items()
    }


def _as_said(event: Event) -> Event:
    """Without what client-go puts before a message that stands for more than ten similar ones."""
    if not event.message.startswith(_COMBINED):
        return event
    return replace(event, message=event.message.removeprefix(_COMBINED))
