"""What can happen to a running lab, on demand: zones fail and heal, pods die, workloads grow, nodes come.

Everything is asked for through the API (annotations of ``marks.py``, ordinary fields), so that it shows in
kubectl, and the supervisor and the relays follow it; only a pod's process is killed directly.
"""

import math
import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from k8s.effects import Patience
from k8s.errors import InvalidRunError, UsageError
from k8s.lab.controllers import tenancy
from k8s.lab.design import marks, seeds
from k8s.lab.design.layout import LabNode
from k8s.lab.design.seeds import Object
from k8s.lab.processes import ProcessId
from k8s.lab.state import LabState, NodeState
from k8s.topology import ZONE_LABEL, NodeName, ServiceKey, Zone

_NODES = "/api/v1/nodes"
_PODS = "/api/v1/pods"
_SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
_POLL_S = 0.05


class LifeApi(Protocol):
    """The part of the API that is used here; ApiError where it refuses."""

    def get(self, path: str) -> Object | None:
        """One object; None if there is none."""

    def listed(self, path: str) -> tuple[list[Object], str]:
        """The items of a collection, and its version."""

    def create(self, obj: Object) -> Object:
        """POST an object."""

    def patch(self, obj: Object, change: Object) -> Object | None:
        """Merge *change* into an object; None if it is gone."""


@contextmanager
def _undone(undo: Callable[[], object]) -> Iterator[None]:
    """Undo what was begun where Ctrl-C ends the waiting for it."""
    try:
        yield
    except KeyboardInterrupt:
        undo()
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A running lab, and the ways to change it; each returns once its effect is there."""

    api: LifeApi
    state: LabState
    patience: Patience
    send: Callable[[ProcessId, signal.Signals], bool]
    """Sends a signal; False if the process is gone."""
    wires: Callable[[str], Mapping[str, float]]
    """A relay's delays in seconds by zone, asked at its admin URL."""

    def fail_zone(self, zone: Zone, outage: str) -> tuple[NodeName, ...]:
        """Let the zone's machines lose power (``marks.NODES``), or their pods hang (``marks.PODS``).

        With ``marks.SHIFT`` nothing fails: traffic is shifted away, by ``shift_zone``.

        Returns the nodes once their pods are not ready any more. Until then, and on connections that are
        open, callers get no answer: their own time-outs decide. UsageError where the zone has another outage.
        """
        if outage == marks.SHIFT:
            return self.shift_zone(zone)
        names = self._names_for(zone, outage)
        with _undone(partial(self._take_back, names)):
            for name in names:
                self.api.patch(_node(name), {"metadata": {"annotations": {marks.OUTAGE: outage}}})
            if outage == marks.NODES:
                self._wait(lambda: not self._any_ready(names), f"the nodes of {zone} to be found silent")
            self._wait(
                lambda: not any(tenancy.is_ready(pod) for pod in self._pods_on(names)),
                f"the pods in {zone} to be not ready",
            )
        return names

    def shift_zone(self, zone: Zone) -> tuple[NodeName, ...]:
        """Shift traffic away from a zone: its nodes are cordoned and its endpoints leave the slices.

        Returns the nodes once no slice names them. UsageError where the zone has another outage.
        """
        names = self._names_for(zone, marks.SHIFT)
        mark = {"metadata": {"annotations": {marks.OUTAGE: marks.SHIFT}}, "spec": {"unschedulable": True}}
        with _undone(partial(self._take_back, names)):
            for name in names:
                self.api.patch(_node(name), mark)
            self._wait(lambda: not self._serving(names), f"the endpoints in {zone} to leave the slices")
        return names

    def _names_for(self, zone: Zone, outage: str) -> tuple[NodeName, ...]:
        """The zone's nodes, all free for this outage: of a second one nobody could tell what to take back."""
        names = self._names_in(zone)
        others = sorted({found for node in self._nodes(names) if (found := marks.outage(node))} - {outage})
        if others:
            raise UsageError(
                f"lab zone fail {zone}: it has the outage {others[0]!r} already; heal it first, with "
                f"samezone lab zone heal {zone}"
            )
        return names

    def _serving(self, names: Collection[NodeName]) -> bool:
        """Whether a slice has an endpoint on one of these nodes."""
        return any(
            endpoint.get("nodeName") in names
            for one in self.api.listed(_SLICES)[0]
            for endpoint in one.get("endpoints") or ()
        )

    def heal_zone(self, zone: Zone) -> tuple[NodeName, ...]:
        """Take a failure back; returns the nodes once they and their pods are ready."""
        names = self._names_in(zone)
        shifted = self._take_back(names)
        self._wait(lambda: self._all_ready(names), f"the nodes of {zone} to be ready")
        self._wait(
            lambda: all(tenancy.is_ready(pod) for pod in self._pods_on(names) if tenancy.is_active(pod)),
            f"the pods in {zone} to be ready",
        )
        if shifted and any(tenancy.is_ready(pod) for pod in self._pods_on(names)):
            self._wait(lambda: self._serving(names), f"the endpoints in {zone} to come back")
        return names

    def _take_back(self, names: Collection[NodeName]) -> tuple[NodeName, ...]:
        """Remove the marks of an outage; returns the nodes that were shifted away."""
        shifted = tuple(name for name in names if self._is_shifted(name))
        for name in names:
            back: Object = {"metadata": {"annotations": {marks.OUTAGE: None}}}
            self.api.patch(_node(name), back | ({"spec": {"unschedulable": None}} if shifted else {}))
        return shifted

    def _is_shifted(self, name: NodeName) -> bool:
        return any(
            marks.outage(node) == marks.SHIFT
            for node in self.api.listed(_NODES)[0]
            if node["metadata"]["name"] == name
        )

    def kill_pod(self, name: str, namespace: str | None) -> ProcessId:
        """SIGKILL a pod's process; its kubelet will start it again. UsageError if there is no such pod."""
        pods = [pod for pod in self.state.pods if namespace in {None, pod.namespace}]
        if name not in {pod.name for pod in pods}:
            known = ", ".join(f"{pod.namespace}/{pod.name}" for pod in pods) or "none"
            raise UsageError(f"lab pod kill: no pod {name} of the lab; it has {known}")
        process = next((child.process for child in self.state.children if child.name == name), None)
        if process is None or not self.send(process, signal.SIGKILL):
            raise InvalidRunError(f"lab pod kill: pod {name} has no process now; see samezone lab status")
        return process

    def scale(self, key: ServiceKey, replicas: int) -> int:
        """Set a Deployment's replicas; returns those of before once all that are wanted are available."""
        if replicas < 0:
            raise UsageError(f"lab scale: {replicas} replicas cannot be had; give 0 or more")
        path = f"/apis/apps/v1/namespaces/{key.namespace}/deployments/{key.name}"
        found = self.api.get(path)
        if found is None:
            known = ", ".join(map(str, self.state.settings.app.services))
            raise UsageError(f"lab scale: no Deployment {key}; the lab's are {known}")
        before = int(found["spec"].get("replicas", 1))
        deployment = {**found, "apiVersion": "apps/v1", "kind": "Deployment"}
        with _undone(lambda: self.api.patch(deployment, {"spec": {"replicas": before}})):
            self.api.patch(deployment, {"spec": {"replicas": replicas}})
            self._wait(lambda: _is_settled(self.api.get(path), replicas), f"{replicas} pods of {key}")
        return before

    def add_node(self, zone: Zone, milli: int, name: str | None, now: str) -> NodeName:
        """Let a machine of *milli* milli-CPU join in a zone; returns its name once it is ready."""
        siblings = self._names_in(zone)
        taken = {node["metadata"]["name"]: node for node in self.api.listed(_NODES)[0]}
        if name in taken:
            raise UsageError(f"lab node add: there is a node {name} already; give another --name")
        letter = zone[-1]
        free = (f"node-{letter}-{number}" for number in range(1, len(taken) + 2))
        chosen = NodeName(name or next(one for one in free if one not in taken))
        made = seeds.node_object(
            LabNode(number=0, name=chosen, zone=zone, ip="", cpu_milli=milli), self.state.region, now
        )
        made["status"]["conditions"] = [seeds.node_condition(now, ready="False")]
        if delays := marks.annotations(taken[siblings[0]]).get(marks.DELAYS):
            made["metadata"]["annotations"][marks.DELAYS] = delays
        self.api.create(made)
        self._wait(lambda: self._all_ready((chosen,)), f"node {chosen} to be ready")
        return chosen

    def unlabel_node(self, name: str) -> Zone:
        """Take a node's zone label away; returns the zone it named. UsageError if there was none."""
        node = self.api.get(f"{_NODES}/{name}")
        if node is None:
            known = ", ".join(one["metadata"]["name"] for one in self.api.listed(_NODES)[0])
            raise UsageError(f"lab node unlabel: no node {name}; there are {known}")
        zone = node["metadata"].get("labels", {}).get(ZONE_LABEL)
        if not zone:
            raise UsageError(f"lab node unlabel: node {name} has no label {ZONE_LABEL}")
        self.api.patch(_node(NodeName(name)), {"metadata": {"labels": {ZONE_LABEL: None}}})
        return Zone(zone)

    def set_delay(self, one: Zone, other: Zone, delay_s: float) -> None:
        """Set the one-way latency of new connections between two zones, whichever calls; now in force."""
        if one == other or not 0 <= delay_s < math.inf:
            raise UsageError(f"lab delay {one} {other} {delay_s:g}: give two zones, and seconds from 0")
        for here, there in ((one, other), (other, one)):
            for node in self._in(here):
                found = self.api.get(f"{_NODES}/{node.name}")
                if found is not None:
                    self.api.patch(_node(node.name), marks.with_delay(found, there, delay_s))
        self._wait(
            lambda: self._knows(one, other, delay_s) and self._knows(other, one, delay_s),
            "the relays to know the delay",
        )

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        """Until *is_so*; InvalidRunError says what did not happen."""
        until_s = self.patience.monotonic() + self.patience.timeout_s
        while not is_so():
            if self.patience.monotonic() >= until_s:
                raise InvalidRunError(
                    f"waited {self.patience.timeout_s:g} s for {what}; see samezone lab status, or give more "
                    "--timeout"
                )
            self.patience.sleep(_POLL_S)

    def _knows(self, here: Zone, there: Zone, delay_s: float) -> bool:
        return all(self.wires(node.relay_admin_url).get(there) == delay_s for node in self._in(here))

    def _in(self, zone: Zone) -> tuple[NodeState, ...]:
        found = tuple(node for node in self.state.nodes if node.zone == zone)
        if not found:
            raise UsageError(f"the lab has no zone {zone}; it has {', '.join(self.state.zones)}")
        return found

    def _names_in(self, zone: Zone) -> tuple[NodeName, ...]:
        return tuple(node.name for node in self._in(zone))

    def _nodes(self, names: tuple[NodeName, ...]) -> list[Object]:
        return [node for node in self.api.listed(_NODES)[0] if node["metadata"]["name"] in names]

    def _any_ready(self, names: tuple[NodeName, ...]) -> bool:
        return any(tenancy.is_ready(node) for node in self._nodes(names))

    def _all_ready(self, names: tuple[NodeName, ...]) -> bool:
        return all(tenancy.is_ready(node) for node in self._nodes(names))

    def _pods_on(self, names: tuple[NodeName, ...]) -> list[Object]:
        """The lab's own; what runs outside it does not fail with a zone."""
        return [
            pod
            for pod in self.api.listed(_PODS)[0]
            if pod["spec"].get("nodeName") in names and not marks.is_external(pod)
        ]


def _node(name: NodeName) -> Object:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


def _is_settled(deployment: Object | None, replicas: int) -> bool:
    """Whether a Deployment's controller has seen what is wanted, and all of it is there."""
    if deployment is None:
        return False
    status = deployment.get("status") or {}
    return bool(
        status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 1)
        and deployment["spec"].get("replicas") == replicas
        and status.get("replicas", 0) == status.get("availableReplicas", 0) == replicas
    )
