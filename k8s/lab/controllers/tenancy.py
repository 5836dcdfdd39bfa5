"""Raw pods and nodes as placing, ReplicaSets and kubelets of the lab see them (pure)."""

from collections.abc import Iterable
from datetime import UTC, datetime

from k8s.lab.controllers.placing import Spot, Tenant
from k8s.lab.controllers.revisions import owner_uid
from k8s.lab.controllers.rolling import Revision
from k8s.lab.design.marks import annotations
from k8s.lab.design.seeds import Object
from k8s.topology import ZONE_LABEL, NodeName, PodName, Zone

_COST_ANNOTATION = "controller.kubernetes.io/pod-deletion-cost"
_KEEPS_OFF = ("NoSchedule", "NoExecute")
_DONE = ("Succeeded", "Failed")
_DEFAULT_GRACE_S = 30


def seconds(text: str | None) -> float:
    """An API time as seconds since the epoch; 0 for none."""
    if not text:
        return 0.0
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()


def condition(obj: Object, kind: str) -> Object | None:
    """The condition of that type, if the object has it."""
    found = (obj.get("status") or {}).get("conditions") or ()
    return next((one for one in found if one["type"] == kind), None)


def is_ready(obj: Object) -> bool:
    """Whether a node's or a pod's Ready condition is "True"."""
    found = condition(obj, "Ready")
    return found is not None and found["status"] == "True"


def is_terminating(obj: Object) -> bool:
    """Whether it was deleted and is not gone yet."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def is_active(pod: Object) -> bool:
    """Whether the pod counts for its ReplicaSet."""
    return not is_terminating(pod) and (pod.get("status") or {}).get("phase") not in _DONE


def grace_s(pod: Object) -> int:
    """Seconds that a deleted pod may take to end."""
    given = pod["metadata"].get("deletionGracePeriodSeconds")
    if given is None:
        given = pod["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE_S)
    return int(given)


def pre_stop_s(pod: Object) -> float:
    """Seconds that its container's ``preStop`` sleeps before the pod is told to end."""
    hooks = (one.get("lifecycle") or {} for one in pod["spec"]["containers"])
    sleeps = (((hook.get("preStop") or {}).get("sleep") or {}).get("seconds", 0) for hook in hooks)
    return max(map(float, sleeps), default=0.0)


def spot(node: Object) -> Spot:
    """A node as the scheduler sees it."""
    labels = node["metadata"].get("labels") or {}
    spec = node.get("spec") or {}
    tainted = any(taint.get("effect") in _KEEPS_OFF for taint in spec.get("taints") or ())
    zone = labels.get(ZONE_LABEL)
    return Spot(
        name=NodeName(node["metadata"]["name"]),
        zone=Zone(zone) if zone else None,
        ready=is_ready(node),
        cordoned=bool(spec.get("unschedulable")) or tainted,
        labels=tuple(sorted(labels.items())),
    )


def tenant(pod: Object, workload: str) -> Tenant:
    """A pod that counts, of a ReplicaSet of *workload*."""
    ready = condition(pod, "Ready")
    node = pod["spec"].get("nodeName")
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    cost = annotations(pod).get(_COST_ANNOTATION, "0")
    return Tenant(
        name=PodName(pod["metadata"]["name"]),
        node=NodeName(node) if node else None,
        replica_set=owner_uid(pod, "ReplicaSet") or "",
        workload=workload,
        running=(pod.get("status") or {}).get("phase") == "Running",
        ready=is_ready(pod),
        ready_since_s=seconds((ready or {}).get("lastTransitionTime")),
        restarts=sum(one.get("restartCount", 0) for one in statuses),
        created_s=seconds(pod["metadata"].get("creationTimestamp")),
        cost=int(cost) if cost.lstrip("-").isdecimal() else 0,
    )


def counted(replica_set: Object, pods: Iterable[Object], now_s: float) -> Revision:
    """A ReplicaSet with the counts of its pods; *now_s* in seconds since the epoch."""
    mine = [pod for pod in pods if owner_uid(pod, "ReplicaSet") == replica_set["metadata"]["uid"]]
    active = [pod for pod in mine if is_active(pod)]
    ready = [tenant(pod, "") for pod in active if is_ready(pod)]
    wait_s = replica_set["spec"].get("minReadySeconds") or 0
    return Revision(
        name=replica_set["metadata"]["name"],
        wanted=replica_set["spec"].get("replicas", 1),
        pods=len(active),
        ready=len(ready),
        available=sum(not wait_s or one.ready_since_s + wait_s <= now_s for one in ready),
        terminating=sum(is_terminating(pod) for pod in mine),
    )
