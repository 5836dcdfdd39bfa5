"""Objects as an API server sends them."""

import copy
from typing import Any

NODE: dict[str, Any] = {
    "kind": "Node",
    "metadata": {
        "name": "ip-10-0-1-7",
        "labels": {"topology.kubernetes.io/zone": "eu-west-1a", "arch": "arm"},
    },
    "status": {
        "allocatable": {"cpu": "1930m", "memory": "7Gi"},
        "conditions": [
            {"type": "MemoryPressure", "status": "False"},
            {"type": "Ready", "status": "True"},
        ],
    },
}
POD: dict[str, Any] = {
    "metadata": {
        "name": "catalog-6d5f7c9b8-x7k2p",
        "namespace": "catalog",
        "uid": "u-1",
        "labels": {"app": "catalog"},
    },
    "spec": {
        "nodeName": "ip-10-0-1-7",
        "containers": [
            {"name": "main", "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 9}]},
            {"name": "side"},
        ],
    },
    "status": {
        "podIP": "127.100.1.1",
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
    },
}
SERVICE: dict[str, Any] = {
    "metadata": {
        "name": "catalog",
        "namespace": "catalog",
        "uid": "s-1",
        "labels": {"team": "shop", "service.kubernetes.io/headless": "mine"},
        "annotations": {"service.kubernetes.io/topology-mode": "Auto"},
    },
    "spec": {
        "clusterIP": "127.100.200.1",
        "selector": {"app": "catalog"},
        "trafficDistribution": "PreferSameZone",
        "ports": [
            {"name": "http", "port": 80, "targetPort": "http"},
            {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 5353},
            {"name": "bare", "port": 7},
        ],
    },
}
SLICE: dict[str, Any] = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {
        "name": "catalog-abcde",
        "generateName": "catalog-",
        "namespace": "catalog",
        "labels": {
            "team": "shop",
            "kubernetes.io/service-name": "catalog",
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        },
        "ownerReferences": [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "name": "catalog",
                "uid": "s-1",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
        "resourceVersion": "42",
    },
    "addressType": "IPv4",
    "endpoints": [
        {
            "addresses": ["127.100.1.1"],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "targetRef": {
                "kind": "Pod",
                "namespace": "catalog",
                "name": "catalog-6d5f7c9b8-x7k2p",
                "uid": "u-1",
            },
            "nodeName": "ip-10-0-1-7",
            "zone": "eu-west-1a",
            "hints": {"forZones": [{"name": "eu-west-1b"}], "forNodes": [{"name": "ip-10-0-1-7"}]},
        },
        {"addresses": ["127.100.1.2"], "conditions": {}},
    ],
    "ports": [
        {"name": "http", "protocol": "TCP", "port": 8080},
        {"name": "dns", "protocol": "UDP", "port": 5353},
    ],
}
EVENT: dict[str, Any] = {
    "metadata": {"name": "catalog.17", "namespace": "catalog", "creationTimestamp": "2026-01-31T12:00:00Z"},
    "type": "Warning",
    "reason": "TopologyAwareHintsDisabled",
    "message": "Nodes only ready in one zone, addressType: IPv4",
    "firstTimestamp": "2026-01-31T12:00:00Z",
    "lastTimestamp": "2026-01-31T12:00:05Z",
    "count": 3,
}


def without(raw: dict[str, Any], *path: str | int, value: Any = None) -> dict[str, Any]:
    """A copy in which the field is null, or *value*."""
    changed = copy.deepcopy(raw)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed
