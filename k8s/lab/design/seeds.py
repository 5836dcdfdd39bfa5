"""The API objects a lab starts with, as JSON (pure): what a cloud and ``kubectl apply`` would make."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from k8s.lab.design.addresses import POD_PORT, SERVICE_PORT
from k8s.lab.design.application import Workload
from k8s.lab.design.layout import LabNode, LabPod
from k8s.lab.design.settings import ExtraNode
from k8s.topology import ZONE_LABEL, NodeName, ServiceKey, Zone

NAMESPACES = ("default", "kube-system", "locust")
"""What is there beside the app's own."""
APP_LABEL = "app.kubernetes.io/name"
KUBE_PROXY_MINOR = 35
"""The version of kube-proxy, 1.x, that the nodes say they run and the relays behave like."""
KUBE_VERSION = f"v1.{KUBE_PROXY_MINOR}.0"
CONTAINER = "app"
EXTERNAL = "samezone.dev/external"
"""Annotation on a pod that runs outside the lab's supervisor."""
ZONE = "samezone.dev/zone"
"""Annotation on a node of the lab: where it physically is, whatever its label says."""
MACHINE = "samezone.dev/machine"
"""Annotation on a node for which the lab shall run a machine."""
_MEMORY = "16Gi"
_MAX_PODS = "110"
_PRE_STOP_S = 1

Object = dict[str, Any]


def collection_path(obj: Object) -> str:
    """Where an object is POSTed."""
    version, kind = obj["apiVersion"], obj["kind"]
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    namespace = obj["metadata"].get("namespace")
    return f"{root}/{f'namespaces/{namespace}/' if namespace else ''}{kind.lower()}s"


def namespace_object(name: str) -> Object:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def node_object(node: LabNode, region: str, now: str) -> Object:
    """A node that is ready."""
    labels = {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "lab",
        "topology.kubernetes.io/region": region,
        ZONE_LABEL: node.zone,
    }
    resources = {"cpu": f"{node.cpu_milli}m", "memory": _MEMORY, "pods": _MAX_PODS}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": labels, "annotations": {ZONE: node.zone, MACHINE: "lab"}},
        "spec": {"providerID": f"lab:///{node.zone}/{node.name}"},
        "status": {
            "addresses": node_addresses(node.name, node.ip),
            "capacity": resources,
            "allocatable": resources,
            "conditions": [node_condition(now, ready="True")],
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "samezone://lab",
                "kernelVersion": "",
                "kubeProxyVersion": KUBE_VERSION,
                "kubeletVersion": KUBE_VERSION,
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "samezone lab",
                "systemUUID": "",
            },
        },
    }


def node_addresses(name: NodeName, ip: str) -> list[Object]:
    """A node's addresses; one that is in the API only has no IP."""
    internal = [{"type": "InternalIP", "address": ip}] if ip else []
    return [*internal, {"type": "Hostname", "address": name}]


def node_condition(now: str, *, ready: str) -> Object:
    """A node's Ready condition: "True"; "False" before its machine runs; "Unknown" once it is silent."""
    reason, message = {
        "True": ("KubeletReady", "kubelet is posting ready status"),
        "False": ("KubeletNotReady", "the machine is starting"),
        "Unknown": ("NodeStatusUnknown", "Kubelet stopped posting node status."),
    }[ready]
    return {
        "type": "Ready",
        "status": ready,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }


def extra_node_object(node: ExtraNode, region: str, now: str) -> Object:
    """A node of a scenario: ready, without pods, perhaps without a zone or with the control plane's label."""
    like = LabNode(
        number=0, name=NodeName(node.name), zone=node.zone or Zone(""), ip="", cpu_milli=node.cpu_milli
    )
    made = node_object(like, region, now)
    labels = made["metadata"]["labels"]
    del made["metadata"]["annotations"]
    if node.zone is None:
        del labels[ZONE_LABEL]
    if node.control_plane:
        labels["node-role.kubernetes.io/control-plane"] = ""
    return made


def service_object(service: ServiceKey, cluster_ip: str) -> Object:
    """A ClusterIP Service with neither annotation nor ``trafficDistribution``."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": service.name,
            "namespace": service.namespace,
            "labels": {APP_LABEL: service.name},
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": cluster_ip,
            "selector": {APP_LABEL: service.name},
            "ports": [{"name": "http", "port": SERVICE_PORT, "targetPort": POD_PORT, "protocol": "TCP"}],
        },
    }


def deployment_object(service: ServiceKey, pods: Sequence[LabPod]) -> Object:
    """The Deployment the pods come from."""
    return _workload("Deployment", service.name, {APP_LABEL: service.name}, pods)


def replica_set_object(pods: Sequence[LabPod]) -> Object:
    """The ReplicaSet of the Deployment."""
    return _workload("ReplicaSet", pods[0].replica_set, _pod_labels(pods[0]), pods)


def pod_object(pod: LabPod) -> Object:
    """A pod that is scheduled and about to start."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.name, "namespace": pod.service.namespace, "labels": _pod_labels(pod)},
        "spec": {"nodeName": pod.node, "containers": [_container(pod.workload)]},
    }


def owned(obj: Object, owner: Object) -> Object:
    """*obj* as its owner's; *owner* as the API server answered it."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": [reference]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class PodCondition:
    """How a pod is, as far as its status tells."""

    ready: bool
    restarts: int
    started_at: str
    """RFC 3339, as is *changed_at*."""
    changed_at: str
    """When *ready* became what it is."""
    exit_code: int | None = None
    """Of its process, where that ended and has not been started again."""
    node_ready: bool = True
    """Where the node is not, the node controller says that its pods are not, whatever their containers do."""


def pod_status(pod: LabPod, host_ip: str, condition: PodCondition) -> Object:
    """A pod's status as a kubelet writes it."""
    containers = "True" if condition.ready else "False"
    ready = "True" if condition.ready and condition.node_ready else "False"
    if condition.exit_code is None:
        state: Object = {"running": {"startedAt": condition.started_at}}
    else:
        state = {"terminated": {"exitCode": condition.exit_code, "reason": "Error"}}
    return {
        "phase": "Running",
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "podIP": pod.ip,
        "podIPs": [{"ip": pod.ip}],
        "startTime": condition.started_at,
        "conditions": [
            {"type": kind, "status": status, "lastTransitionTime": condition.changed_at}
            for kind, status in (
                ("PodScheduled", "True"),
                ("Initialized", "True"),
                ("ContainersReady", containers),
                ("Ready", ready),
            )
        ],
        "containerStatuses": [
            {
                "name": CONTAINER,
                "image": pod.workload.image,
                "ready": condition.ready,
                "started": condition.exit_code is None,
                "restartCount": condition.restarts,
                "state": state,
            }
        ],
    }


def no_image_status(container: str, image: str, images: Iterable[str]) -> Object:
    """The status of a pod whose image is none of those that the lab has."""
    reason, message = "ErrImageNeverPull", f"the lab can run {', '.join(images)} and no other image"
    return {
        "phase": "Pending",
        "containerStatuses": [
            {
                "name": container,
                "image": image,
                "imageID": "",
                "ready": False,
                "started": False,
                "restartCount": 0,
                "state": {"waiting": {"reason": reason, "message": message}},
            }
        ],
    }


def _workload(kind: str, name: str, labels: dict[str, str], pods: Sequence[LabPod]) -> Object:
    service = pods[0].service
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": service.namespace, "labels": labels},
        "spec": {
            "replicas": len(pods),
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [_container(pods[0].workload)]},
            },
        },
    }


def _pod_labels(pod: LabPod) -> dict[str, str]:
    return {APP_LABEL: pod.service.name, "pod-template-hash": pod.replica_set.rpartition("-")[2]}


def _container(workload: Workload) -> Object:
    probe = {"path": workload.readiness_path, "port": POD_PORT, "scheme": "HTTP"}
    return {
        "name": CONTAINER,
        "image": workload.image,
        "ports": [{"name": "http", "containerPort": POD_PORT, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": probe},
        # So that the proxies know before it stops listening, as Kubernetes' documentation advises.
        "lifecycle": {"preStop": {"sleep": {"seconds": _PRE_STOP_S}}},
    }
