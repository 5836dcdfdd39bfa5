"""The kubelets of all the lab's nodes: which pods there are, and what becomes of them."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from k8s.errors import UnreachableError
from k8s.lab.apiclient.feed import Feed
from k8s.lab.controllers import tenancy
from k8s.lab.controllers.revisions import owner_uid
from k8s.lab.design.addresses import MAX_OWN_PODS, Addresses
from k8s.lab.design.application import Workload
from k8s.lab.design.layout import LabNode, LabPod
from k8s.lab.design.seeds import Object, no_image_status
from k8s.lab.nodes.kubelet import Kubelet
from k8s.topology import NodeName, PodName, ServiceKey

_FORCED_GRACE_S = 1.0
"""What a pod gets whose object was removed at once; a kubelet's least."""
_log = logging.getLogger(__name__)


class PodApi(Protocol):
    """The part of the API that is written here."""

    def patch_status(self, obj: Object, status: Object) -> Object | None:
        """Merge *status* into an object's; ApiError if the API does not take it."""

    def delete(self, obj: Object, grace_s: int | None = None) -> Object | None:
        """Delete an object; what is left of it. ApiError if the API does not take it."""


class NoAddressError(UnreachableError):
    """A node has no address for another pod."""


@dataclass(slots=True)
class PodAddresses:
    """Addresses for new pods: no address twice in the lab's life, as long as there are others."""

    addresses: Addresses
    _counts: dict[int, int] = field(default_factory=dict)
    _free: dict[str, None] = field(default_factory=dict)
    """Those that were given back, the longest unused first."""

    def take(self, node: int) -> str:
        """An address on a node; NoAddressError if it has none left."""
        count = self._counts.get(node, 0) + 1
        if count <= MAX_OWN_PODS:
            self._counts[node] = count
            return self.addresses.own_pod(node, count)
        used = next((ip for ip in self._free if self.addresses.node_of(ip) == node), None)
        if used is None:
            raise NoAddressError(
                f"starting a pod on node number {node}: all its {MAX_OWN_PODS} addresses are in use"
            )
        _log.warning("address %s is used a second time", used)
        del self._free[used]
        return used

    def give_back(self, ip: str) -> None:
        """Its pod is gone."""
        self._free[ip] = None


@dataclass(slots=True, kw_only=True)
class Keepers:
    """Follows the pods of the API: starts those that are placed on the lab's machines, ends those deleted."""

    api: PodApi
    pods: Feed
    machines: Mapping[NodeName, LabNode]
    addresses: PodAddresses
    images: Mapping[str, Workload]
    """What the machines can run."""
    seeded: Mapping[PodName, LabPod]
    """The first pods, whose addresses are given."""
    make: Callable[[LabPod], Kubelet]
    """A kubelet for a pod, not started."""
    late: set[PodName]
    """Pods that are not to be started yet."""
    kubelets: dict[PodName, Kubelet] = field(default_factory=dict)
    _objects: dict[PodName, Object] = field(default_factory=dict)
    """Each pod's object as last seen."""
    _dark: set[NodeName] = field(default_factory=set)
    """Machines without power: their kubelets do nothing."""
    _hung: set[NodeName] = field(default_factory=set)
    """Machines whose pods stand still."""

    @property
    def present(self) -> tuple[LabPod, ...]:
        """The pods there are, in the order they came."""
        return tuple(kubelet.pod for kubelet in self.kubelets.values())

    def sync(self) -> bool:
        """Take note of new, deleted and vanished pods; True if there was one."""
        seen = {obj["metadata"]["uid"] for obj in self.pods.objects.values()}
        did = False
        for obj in tuple(self.pods.objects.values()):
            did |= self._see(obj)
        for name, obj in tuple(self._objects.items()):
            if obj["metadata"]["uid"] not in seen:
                did |= self._end(name, 0.0, _FORCED_GRACE_S)
        return self._bury(seen) or did

    def start(self, names: Iterable[PodName]) -> None:
        """Start these; for the first pods, and for late ones whose time has come."""
        for name in names:
            self.late.discard(name)
            if name in self.kubelets and not self.kubelets[name].started:
                self.kubelets[name].start()

    def tick(self) -> bool:
        """Let every kubelet do what is due; True if a pod's readiness or process changed."""
        # If a pod is not there yet (no process was started), there is nothing to keep.
        changed = [kubelet.tick() for kubelet in self.kubelets.values() if kubelet.started]
        return any(changed)

    def set_dark(self, node: NodeName, *, dark: bool) -> bool:
        """Take a machine's power away, or give it back; True if that is news."""
        if dark == (node in self._dark):
            return False
        (self._dark.add if dark else self._dark.discard)(node)
        for kubelet in self._on(node):
            if dark:
                kubelet.freeze()
            else:
                kubelet.thaw()
        return True

    def set_hung(self, node: NodeName, *, hung: bool) -> bool:
        """Let the pods of a machine hang, or go on; True if that is news."""
        if hung == (node in self._hung):
            return False
        (self._hung.add if hung else self._hung.discard)(node)
        for kubelet in self._on(node):
            kubelet.hang(hung=hung)
        return True

    def set_node_ready(self, node: NodeName, *, ready: bool) -> bool:
        """What the API says of a node; True if that is news for one of its pods."""
        changed = [kubelet.tell_node_ready(ready=ready) for kubelet in self._on(node)]
        return any(changed)

    def thaw_all(self) -> None:
        """So that what stands still can end."""
        for node in tuple(self._dark):
            self.set_dark(node, dark=False)
        for node in tuple(self._hung):
            self.set_hung(node, hung=False)

    def _on(self, node: NodeName) -> list[Kubelet]:
        return [kubelet for kubelet in self.kubelets.values() if kubelet.pod.node == node]

    def _see(self, obj: Object) -> bool:
        name, node = PodName(obj["metadata"]["name"]), obj["spec"].get("nodeName")
        if node in self._dark:
            return False
        if name in self.kubelets:
            self._objects[name] = obj
            if tenancy.is_terminating(obj):
                return self._end(name, tenancy.pre_stop_s(obj), tenancy.grace_s(obj))
            return False
        if tenancy.is_terminating(obj):
            self._remove(obj)  # nothing of it runs here
            return True
        if node not in self.machines or not owner_uid(obj, "ReplicaSet"):
            return False
        try:
            return self._keep(obj, self.machines[node])
        except NoAddressError as error:
            _log.warning("pod %s waits: %s", name, error)
            return False

    def _keep(self, obj: Object, machine: LabNode) -> bool:
        name = PodName(obj["metadata"]["name"])
        image = obj["spec"]["containers"][0].get("image", "")
        pod = self.seeded.get(name)
        if pod is None:
            workload = self.images.get(image)
            if workload is None:
                return self._refuse(obj, image)
            pod = LabPod(
                service=ServiceKey(namespace=obj["metadata"]["namespace"], name=workload.key.name),
                workload=workload,
                name=name,
                node=machine.name,
                zone=machine.zone,
                ip=self.addresses.take(machine.number),
            )
        self.kubelets[name] = self.make(pod)
        self._objects[name] = obj
        if name not in self.late and name not in self.seeded:
            self.kubelets[name].start()
            self.kubelets[name].report()
        return True

    def _refuse(self, obj: Object, image: str) -> bool:
        """Say that there is no such image; True if that was not said before."""
        said = no_image_status(obj["spec"]["containers"][0].get("name", ""), image, self.images)
        if (obj.get("status") or {}).get("containerStatuses") == said["containerStatuses"]:
            return False
        written = self.api.patch_status(obj, said)
        if written is not None:
            self.pods.put(written)
        return True

    def _end(self, name: PodName, pre_stop_s: float, grace_s: float) -> bool:
        kubelet = self.kubelets[name]
        was_ending = kubelet.ending
        kubelet.stop(pre_stop_s, grace_s)
        return not was_ending

    def _bury(self, seen: set[str]) -> bool:
        """Remove what has ended, from here and from the API."""
        ended = [name for name, kubelet in self.kubelets.items() if kubelet.ended_for_good]
        for name in ended:
            obj = self._objects[name]
            if obj["metadata"]["uid"] in seen:
                self._remove(obj)
            self.addresses.give_back(self.kubelets[name].pod.ip)
            del self.kubelets[name], self._objects[name]
        return bool(ended)

    def _remove(self, obj: Object) -> None:
        self.api.delete(obj, 0)
        self.pods.drop(obj)
