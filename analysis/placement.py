"""Pod -> zone and workload, over a run's topology timeline.

The zone is the physical zone of the node the pod runs on, never a hint. A name that stands for pods in
different zones within the window, a pod without a node, or a node without a zone is ``Unplaced`` with the
reason; its calls are counted as unknown. A pod that no snapshot shows is still its workload's, as far as its
name or a slice says so: then it is that workload whose calls are unknown.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.model import Placed, Placement, Unplaced, Workload
from analysis.strays import Strays
from k8s.predict.clients import NAME_LABELS
from k8s.topology import NodeName, Pod, ServiceKey, Snapshot, Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPlace:
    """What the timeline says of one pod name."""

    placement: Placement
    workload: Workload
    ips: tuple[str, ...]


class Timeline:
    """Looks pods up by the name that a source shows."""

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        seen: dict[str, list[tuple[Snapshot, Pod]]] = {}
        for snapshot in snapshots:
            for pod in snapshot.pods:
                seen.setdefault(pod.name, []).append((snapshot, pod))
        zones = [{node.name: node.zone for node in snapshot.nodes} for snapshot in snapshots]
        by_snapshot = {id(snapshot): zone for snapshot, zone in zip(snapshots, zones, strict=True)}
        self._pods = {
            name: _place(name, [(pod, by_snapshot[id(snapshot)]) for snapshot, pod in sightings])
            for name, sightings in seen.items()
        }
        self._members: dict[Workload, list[tuple[str, Placement]]] = {}
        for name, place in sorted(self._pods.items()):
            self._members.setdefault(place.workload, []).append((name, place.placement))
        self._called = _called(snapshots, self._pods)
        self._strays = Strays(snapshots, {name: place.workload for name, place in self._pods.items()})

    def place(self, name: str) -> Placement:
        """The zone of the pod, or why it is not known."""
        found = self._pods.get(name)
        if found is None:
            return Unplaced(reason="no pod of that name in the topology timeline")
        return found.placement

    def has(self, name: str) -> bool:
        """Whether it is a pod's name, be its zone known or not."""
        return name in self._pods

    def is_stray(self, name: str) -> bool:
        """Whether it is the name of a pod that no snapshot shows, by its form or by a slice."""
        return not self.has(name) and self._strays.workload(name) is not None

    def workload(self, name: str) -> Workload:
        """The pod's workload; of a pod that no snapshot shows, its siblings'; for any other name, itself."""
        if (found := self._pods.get(name)) is not None:
            return found.workload
        return Workload(self._strays.workload(name) or name)

    def workload_called(self, name: str) -> Workload:
        """The workload that is called so: by its labels, or by the object that controls its pods.

        Meshes name the object, which need not be what the labels say.
        """
        if name not in self._members and self.has(name):
            return self.workload(name)  # a pod that nothing controls is a workload of its own name
        return self._called.get(name, Workload(name))

    def pods(self, workload: Workload) -> tuple[tuple[str, Placement], ...]:
        """(name, placement) of every pod of a workload, sorted by name."""
        return tuple(self._members.get(workload, ()))

    def pod_at(self, ip: str) -> str | None:
        """The name of the only pod that had this address, or None."""
        names = {name for name, place in self._pods.items() if ip in place.ips}
        return names.pop() if len(names) == 1 else None


def workload_of(service: ServiceKey, topology: Sequence[Snapshot], timeline: Timeline) -> Workload:
    """The workload behind a Service: that of most of its endpoints' pods; the Service's name without any."""
    names = Counter(
        timeline.workload(endpoint.pod)
        for snapshot in topology
        for one in snapshot.slices
        if (one.namespace, one.service) == (service.namespace, service.name)
        for endpoint in one.endpoints
        if endpoint.pod is not None and timeline.has(endpoint.pod)
    )
    return names.most_common(1)[0][0] if names else Workload(service.name)


def _called(snapshots: Sequence[Snapshot], pods: Mapping[str, PodPlace]) -> dict[str, Workload]:
    """Names that workloads are called by -> the workload; names that stand for several are left out.

    A Deployment's pods are controlled by a ReplicaSet, whose name ends in the hash of their template. A name
    of several namespaces is told with its own, ``name.namespace``.
    """
    found: dict[str, set[Workload]] = {}
    kinds = {
        (pod.owner, pod.namespace, pods[pod.name].workload): None
        for snapshot in snapshots
        for pod in snapshot.pods
    }
    for whole_owner, namespace, workload in kinds:
        kind, _, owner = whole_owner.partition("/")
        name = owner.rpartition("-")[0] if kind == "ReplicaSet" else owner
        for called in (name, name and f"{name}.{namespace}", f"{workload}.{namespace}"):
            if called:
                found.setdefault(called, set()).add(workload)
    own = {place.workload for place in pods.values()}
    return {
        name: next(iter(workloads))
        for name, workloads in found.items()
        if len(workloads) == 1 and name not in own
    }


def _place(name: str, sightings: list[tuple[Pod, dict[NodeName, Zone | None]]]) -> PodPlace:
    last, _ = sightings[-1]
    labels = dict(last.labels)
    workload = next((labels[key] for key in NAME_LABELS if key in labels), name)
    ips = tuple(sorted({pod.ip for pod, _ in sightings if pod.ip}))
    return PodPlace(placement=_zone_of(sightings), workload=Workload(workload), ips=ips)


def _zone_of(sightings: list[tuple[Pod, dict[NodeName, Zone | None]]]) -> Placement:
    zones: set[Zone] = set()
    reason = "the pod was never scheduled"
    for pod, zone_of_node in sightings:
        if pod.node is None:
            continue
        if pod.node not in zone_of_node:
            reason = f"node {pod.node} is not in the topology timeline"
        elif (zone := zone_of_node[pod.node]) is None:
            reason = f"node {pod.node} has no zone label"
        else:
            zones.add(zone)
    if len(zones) > 1:
        return Unplaced(reason=f"pods of that name ran in several zones ({', '.join(sorted(zones))})")
    return Placed(zone=zones.pop()) if zones else Unplaced(reason=reason)
