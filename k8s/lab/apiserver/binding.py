"""The ``/binding`` subresource: how a scheduler puts a pod on a node (upstream ``core/pod/storage``)."""

from typing import Any

from k8s.lab.apiserver import faults, statuses
from k8s.lab.apiserver.deleting import is_deleting
from k8s.lab.apiserver.requests import RequestTarget
from k8s.lab.design.seeds import Object


def node_of(target: RequestTarget, body: Any) -> str:
    """The node that a Binding names; StatusError 400 or 422."""
    given = body if isinstance(body, dict) else {}
    node, metadata = given.get("target"), given.get("metadata")
    if given.get("kind", "Binding") != "Binding" or not isinstance(node, dict):
        raise statuses.bad_request("the object provided is unrecognized (must be of type Binding)")
    name = metadata.get("name", target.name) if isinstance(metadata, dict) else target.name
    if name != target.name:
        raise statuses.bad_request("name in URL does not match name in Binding object")
    found = []
    if node.get("kind", "Node") != "Node":
        found.append(faults.not_supported("target.kind", str(node["kind"]), ("Node", "<empty>")))
    if not node.get("name") or not isinstance(node["name"], str):
        found.append(faults.required("target.name"))
    if found:
        raise statuses.invalid(target.resource, target.name, found)
    return str(node["name"])


def bound(target: RequestTarget, pod: Object, node: str, now: str) -> Object:
    """The pod on that node; StatusError 409 if it is on one already, or on its way out."""
    taken = pod["spec"].get("nodeName")
    if taken or is_deleting(pod):
        why = (
            f'is already assigned to node "{taken}"'
            if taken
            else "is being deleted, cannot be assigned to a host"
        )
        raise statuses.conflict(target.resource, target.name, f"pod {target.name} {why}")
    status = pod.get("status", {})
    others = [one for one in status.get("conditions", []) if one.get("type") != "PodScheduled"]
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": now}
    return {
        **pod,
        "metadata": {**pod["metadata"], "generation": pod["metadata"].get("generation", 0) + 1},
        "spec": {**pod["spec"], "nodeName": node},
        "status": {**status, "conditions": [*others, scheduled]},
    }
