"""Objects shaped as a real cluster has them."""

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""The clock of the tests that have none."""
STAMP = "2026-01-02T03:04:05Z"


def namespace(name: str) -> dict[str, Any]:
    """As ``kubectl create namespace`` would make it."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def node(name: str, zone: str = "eu-west-1a", ip: str = "127.100.0.1") -> dict[str, Any]:
    """A ready EKS worker."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "node.kubernetes.io/instance-type": "m5.large",
                "topology.kubernetes.io/region": "eu-west-1",
                "topology.kubernetes.io/zone": zone,
            },
        },
        "spec": {"providerID": f"aws:///{zone}/i-0123456789abcdef0"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
            "allocatable": {"cpu": "1930m", "memory": "7157348Ki", "pods": "29"},
            "capacity": {"cpu": "2", "memory": "7934564Ki", "pods": "29"},
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "KubeletReady",
                    "message": "kubelet is posting ready status",
                    "lastHeartbeatTime": STAMP,
                    "lastTransitionTime": STAMP,
                }
            ],
            "nodeInfo": {
                "kubeletVersion": "v1.35.0-eks-1234567",
                "osImage": "Amazon Linux 2023",
                "kernelVersion": "6.12.0",
                "containerRuntimeVersion": "containerd://2.1.4",
                "operatingSystem": "linux",
                "architecture": "amd64",
                "machineID": "ec2c9c1c1b0f4d3d8f1d0c5a7b6e4f32",
                "systemUUID": "ec2c9c1c-1b0f-4d3d-8f1d-0c5a7b6e4f32",
                "bootID": "0f8e2b0c-6a4b-4c56-9a55-3e6f6b1f0a10",
                "kubeProxyVersion": "",
            },
        },
    }


def pod(
    name: str, namespace: str, *, on: str = "node-a-1", ip: str = "127.100.1.1", ready: bool = True
) -> dict[str, Any]:
    """A running pod of the catalog service."""
    word = "True" if ready else "False"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": "catalog", "pod-template-hash": "6d5f7c9b8"},
        },
        "spec": {
            "nodeName": on,
            "containers": [
                {
                    "name": "catalog",
                    "image": "retail-store-sample-catalog:1.0.0",
                    "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                    "env": [{"name": "PORT", "value": "8080"}],
                }
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "startTime": STAMP,
            "conditions": [{"type": "Ready", "status": word, "lastTransitionTime": STAMP}],
            "containerStatuses": [
                {
                    "name": "catalog",
                    "image": "retail-store-sample-catalog:1.0.0",
                    "imageID": "",
                    "ready": ready,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": STAMP}},
                }
            ],
        },
    }


def service(namespace: str, name: str = "catalog", cluster_ip: str = "127.100.200.1") -> dict[str, Any]:
    """The catalog Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": "catalog"},
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": cluster_ip,
            "selector": {"app.kubernetes.io/name": "catalog"},
            "ports": [{"name": "http", "port": 8080, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def endpoint(ip: str, zone: str, *hints: str, on: str = "node-a-1", pod: str = "") -> dict[str, Any]:
    """A ready endpoint."""
    target = {"kind": "Pod", "namespace": "catalog", "name": pod}
    return {
        "addresses": [ip],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": on,
        "zone": zone,
        **({"targetRef": target} if pod else {}),
        **({"hints": {"forZones": [{"name": name} for name in hints]}} if hints else {}),
    }


def endpoint_slice(
    namespace: str, *endpoints: dict[str, Any], name: str = "catalog-x7k2p", of: str = "catalog"
) -> dict[str, Any]:
    """A slice as the EndpointSlice controller writes it."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {
                "kubernetes.io/service-name": of,
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": list(endpoints),
    }


def event(namespace: str, uid: str = "", *, name: str = "catalog.17f", on: str = "catalog") -> dict[str, Any]:
    """What the EndpointSlice controller says when it sets hints."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Service",
            "namespace": namespace,
            "name": on,
            "uid": uid,
        },
        "reason": "TopologyAwareHintsEnabled",
        "message": "Topology Aware Hints has been enabled, addressType: IPv4",
        "type": "Normal",
        "count": 2,
        "firstTimestamp": "2026-01-02T02:04:05Z",
        "lastTimestamp": "2026-01-02T03:03:05Z",
        "source": {"component": "endpoint-slice-controller"},
        "reportingComponent": "endpoint-slice-controller",
        "reportingInstance": "",
    }


def lease(namespace: str, name: str = "samezone.catalog") -> dict[str, Any]:
    """One that is held."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "holderIdentity": "ann@laptop/4711",
            "acquireTime": "2026-01-02T03:00:00.000000Z",
            "renewTime": "2026-01-02T03:04:05.123456Z",
            "leaseDurationSeconds": 20,
            "leaseTransitions": 1,
        },
    }


def deployment(namespace: str, name: str = "catalog", replicas: int = 3) -> dict[str, Any]:
    """The catalog Deployment."""
    labels = {"app.kubernetes.io/name": "catalog"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "catalog", "image": "retail-store-sample-catalog:1.0.0"}]},
            },
        },
        "status": {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 2, "availableReplicas": 2},
    }
