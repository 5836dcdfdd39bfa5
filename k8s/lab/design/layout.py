"""Which nodes, Services and pods a lab of these settings has, and where they are (pure).

Pod names look as a ReplicaSet makes them, so that nothing can read a zone out of a name.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from k8s.lab.design.addresses import Addresses
from k8s.lab.design.application import Workload
from k8s.lab.design.settings import LabSettings
from k8s.topology import NodeName, PodName, ServiceKey, Zone

NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""What Kubernetes makes name suffixes of (apimachinery, util/rand): no vowels, hence no words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabNode:
    """A node of the lab."""

    number: int
    name: NodeName
    zone: Zone
    ip: str
    cpu_milli: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabPod:
    """A pod of the lab's own."""

    service: ServiceKey
    """The Service that selects it; its name is the label's and its namespace the pod's."""
    workload: Workload
    """What it runs: of the app's workload behind that Service, unless somebody runs its image elsewhere."""
    name: PodName
    node: NodeName
    zone: Zone
    ip: str

    @property
    def replica_set(self) -> str:
        """The ReplicaSet in its name."""
        return self.name.rpartition("-")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Everything that has an address."""

    addresses: Addresses
    nodes: tuple[LabNode, ...]
    pods: tuple[LabPod, ...]

    def node(self, name: NodeName) -> LabNode:
        """The node of that name; KeyError for any other."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def pods_on(self) -> dict[int, int]:
        """Node number -> pods on it."""
        return Counter(self.node(pod.node).number for pod in self.pods)


def lay_out(settings: LabSettings, octet: int, letters: Callable[[int], str]) -> Layout:
    """Place nodes and pods; *letters* gives so many letters of NAME_LETTERS, other ones each time."""
    addresses = Addresses(octet=octet)
    nodes = tuple(_nodes(settings, addresses))
    used: Counter[NodeName] = Counter()
    pods: list[LabPod] = []
    for workload in settings.app.workloads:
        replica_set = f"{workload.key.name}-{letters(9)}"
        per_zone = workload.per_zone or _evenly(workload.replicas, len(settings.zones))
        for node in _places(nodes, settings.zones, per_zone):
            used[node.name] += 1
            pods.append(
                LabPod(
                    service=workload.key,
                    workload=workload,
                    name=PodName(f"{replica_set}-{letters(5)}"),
                    node=node.name,
                    zone=node.zone,
                    ip=addresses.pod(node.number, used[node.name]),
                )
            )
    return Layout(addresses=addresses, nodes=nodes, pods=tuple(pods))


def _nodes(settings: LabSettings, addresses: Addresses) -> Iterator[LabNode]:
    number = 0
    for zone in settings.zones:
        for within in range(1, settings.nodes_per_zone + 1):
            number += 1
            yield LabNode(
                number=number,
                name=NodeName(f"node-{zone[-1]}-{within}"),
                zone=zone,
                ip=addresses.node(number),
                cpu_milli=settings.cpu_of(zone),
            )


def _evenly(replicas: int, zones: int) -> tuple[int, ...]:
    return tuple(replicas // zones + (index < replicas % zones) for index in range(zones))


def _places(
    nodes: tuple[LabNode, ...], zones: tuple[Zone, ...], per_zone: tuple[int, ...]
) -> Iterator[LabNode]:
    """The node of each pod; the pods of a zone take turns on its nodes."""
    for zone, count in zip(zones, per_zone, strict=True):
        here = [node for node in nodes if node.zone == zone]
        for index in range(count):
            yield here[index % len(here)]
