"""Which pod has an address, as a service mesh sees pods: a workload, a version, an account and a place.

As istiod describes a pod to ztunnel (istio/istio, pilot/pkg/serviceregistry/kube/controller/ambient): the
workload is the pod's controller, and for a ReplicaSet the Deployment it was made by; the canonical name and
revision come from labels.
"""

from collections.abc import Callable
from dataclasses import dataclass

from k8s.lab.controllers.revisions import HASH_LABEL
from k8s.lab.design.seeds import Object
from k8s.topology import Zone

_NAME_LABELS = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
_REVISION_LABELS = ("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One end of a connection."""

    namespace: str
    workload: str
    """The Deployment's name, or another controller's; the pod's own where it has none."""
    app: str
    """The canonical name."""
    revision: str
    """The canonical revision; ``latest`` where no label names one."""
    account: str
    region: str | None = None
    zone: Zone | None = None
    """Where the pod's node physically is, whatever its label says; None where that is not known."""


class Peers:
    """The pods by address. One that is gone is remembered until another has its address."""

    def __init__(self, zone_of: Callable[[str], Zone | None]) -> None:
        self._zone_of = zone_of
        self._pods: dict[str, Object] = {}
        self._known: dict[str, Peer] = {}

    def learn(self, pod: Object) -> str | None:
        """Take note of a pod; its address if nobody was known there before."""
        ip = (pod.get("status") or {}).get("podIP")
        if not ip:
            return None
        is_first = ip not in self._pods
        self._pods[ip] = pod
        self._known.pop(ip, None)
        return ip if is_first else None

    def replace_zones(self) -> None:
        """Ask for zones again: the wires have changed."""
        self._known.clear()

    def peer(self, ip: str) -> Peer | None:
        """Who has this address; None for an address that never was a pod's."""
        found = self._known.get(ip)
        if found is None and (pod := self._pods.get(ip)) is not None:
            found = self._known[ip] = _peer(pod, self._zone_of(ip))
        return found


def _peer(pod: Object, zone: Zone | None) -> Peer:
    metadata = pod["metadata"]
    labels = metadata.get("labels") or {}
    workload = _workload_name(metadata, labels)
    return Peer(
        namespace=metadata["namespace"],
        workload=workload,
        app=next((labels[label] for label in _NAME_LABELS if labels.get(label)), workload),
        revision=next((labels[label] for label in _REVISION_LABELS if labels.get(label)), "latest"),
        account=pod["spec"].get("serviceAccountName") or "default",
        region=zone[:-1] if zone else None,
        zone=zone,
    )


def _workload_name(metadata: Object, labels: dict[str, str]) -> str:
    owner = next((one for one in metadata.get("ownerReferences") or () if one.get("controller")), None)
    if owner is None:
        return str(metadata["name"])
    name, suffix = str(owner["name"]), labels.get(HASH_LABEL)
    is_deployments = owner["kind"] == "ReplicaSet" and suffix and name.endswith(f"-{suffix}")
    return name.removesuffix(f"-{suffix}") if is_deployments else name
