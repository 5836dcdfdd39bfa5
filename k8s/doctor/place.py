"""A scene with its look-ups made once, so that a thousand Services cost a thousand times one Service."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from k8s.model.agents import repository_of
from k8s.model.scene import Agent, Scene
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

_AGENT_IMAGES = {
    "kube-proxy": "*/kube-proxy",
    "Cilium": "*/cilium",
    "Istio ambient": "*/ztunnel",
    "Linkerd": "*linkerd/*",
}
"""Data plane: the form of its agent's image, tag taken off."""
_UNDOCUMENTED = frozenset(
    {("eks.amazonaws.com/compute-type", "fargate"), ("eks.amazonaws.com/compute-type", "auto")}
)
"""Node labels of kinds of nodes whose proxy AWS does not document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
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
    zoneless: tuple[Node, ...]
    """Ready nodes without a zone, of whatever role."""
    zones: frozenset[Zone]
    """Zones with a ready node, of whatever role: where clients may be."""
    proxies: Mapping[int, tuple[NodeName, ...]]
    """Nodes by the minor version of their kube-proxy, where known."""
    proxies_unknown: tuple[NodeName, ...]
    data_planes: Mapping[str, tuple[Agent, ...]]
    """Agents by what they are: ``kube-proxy``, ``Cilium``, ..."""
    undocumented: tuple[str, ...]
    """Kinds of nodes here whose proxy AWS does not document, as ``label=value``, sorted."""


def place_of(scene: Scene) -> Place:
    """The scene, indexed; linear in its size."""
    snapshot = scene.snapshot
    nodes = {node.name: node for node in snapshot.nodes}
    proxies: dict[int, list[NodeName]] = defaultdict(list)
    for name, minor in scene.proxy_minors:
        proxies[minor].append(name)
    known = {name for name, _ in scene.proxy_minors}
    return Place(
        scene=scene,
        cpu=cpu_ratios(snapshot.nodes),
        nodes=nodes,
        services={service.key: service for service in snapshot.services},
        slices=_slices(snapshot.slices),
        events=_events(scene),
        pods={(pod.namespace, pod.name): pod for pod in snapshot.pods},
        zoneless=tuple(node for node in snapshot.nodes if node.ready and not node.zone),
        zones=frozenset(node.zone for node in snapshot.nodes if node.zone and node.ready),
        proxies={minor: tuple(sorted(proxies[minor])) for minor in sorted(proxies)},
        proxies_unknown=tuple(name for name in sorted(nodes) if name not in known),
        data_planes=_data_planes(scene.agents),
        undocumented=tuple(sorted({kind for node in snapshot.nodes for kind in undocumented(node)})),
    )


def undocumented(node: Node) -> tuple[str, ...]:
    """The labels, as ``label=value``, that say a node is of such a kind."""
    return tuple(f"{key}={value}" for key, value in node.labels if (key, value) in _UNDOCUMENTED)


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
        found[one.service].append(one.event)
    return {
        key: tuple(sorted(some, key=lambda event: event.last_seen_s, reverse=True))
        for key, some in found.items()
    }


def _data_planes(agents: Iterable[Agent]) -> dict[str, tuple[Agent, ...]]:
    found: dict[str, list[Agent]] = defaultdict(list)
    for one in agents:
        image = f"/{repository_of(one.image)}"
        for name, form in _AGENT_IMAGES.items():
            if fnmatchcase(image, form):
                found[name].append(one)
    return {name: tuple(found[name]) for name in _AGENT_IMAGES if name in found}
