"""What the server fills in when an object leaves it out (upstream ``pkg/apis/*/v1/defaults.go``)."""

from collections.abc import Callable
from typing import Any

from k8s.lab.apiserver import resources
from k8s.lab.apiserver.resources import Resource
from k8s.lab.design.seeds import Object


def filled(resource: Resource, obj: Object, old: Object | None) -> Object:
    """A copy of the object with its defaults; the object has its kind's shape already.

    What was allocated when it was created is taken from *old*, so that an update may leave it out.
    """
    if resource is resources.SERVICES and old is not None:
        obj = _with_cluster_ip(obj, old)
    fill = _DEFAULTS.get(resource)
    return fill(obj) if fill else obj


def _with_cluster_ip(obj: Object, old: Object) -> Object:
    spec, address = obj.get("spec", {}), old["spec"].get("clusterIP")
    if not address or spec.get("clusterIP") or spec.get("type") == "ExternalName":
        return obj
    return {**obj, "spec": {**spec, "clusterIP": address}}


def _namespace(obj: Object) -> Object:
    name = obj["metadata"]["name"]
    labels = {**obj["metadata"].get("labels", {}), "kubernetes.io/metadata.name": name}
    return {
        **obj,
        "metadata": {**obj["metadata"], "labels": labels},
        "spec": {"finalizers": ["kubernetes"], **obj.get("spec", {})},
        "status": {"phase": "Active", **obj.get("status", {})},
    }


def _service_port(port: dict[str, Any]) -> dict[str, Any]:
    target = {"targetPort": port["port"]} if "port" in port else {}
    return {"protocol": "TCP", **target, **port}


def _service(obj: Object) -> Object:
    spec = {"type": "ClusterIP", "sessionAffinity": "None", **obj.get("spec", {})}
    if spec["type"] != "ExternalName":
        spec = {
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            **spec,
        }
    if spec.get("clusterIP"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    if spec["sessionAffinity"] == "ClientIP":
        spec.setdefault("sessionAffinityConfig", {"clientIP": {"timeoutSeconds": 10_800}})
    if "ports" in spec:
        spec["ports"] = [_service_port(port) for port in spec["ports"]]
    return {**obj, "spec": spec, "status": {"loadBalancer": {}, **obj.get("status", {})}}


def _pod(obj: Object) -> Object:
    return {
        **obj,
        "spec": _pod_spec(obj.get("spec", {})),
        "status": {"phase": "Pending", **obj.get("status", {})},
    }


def _pod_spec(spec: dict[str, Any]) -> dict[str, Any]:
    filled_spec = {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        **spec,
    }
    for key in ("containers", "initContainers"):
        if key in filled_spec:
            filled_spec[key] = [_container(one) for one in filled_spec[key]]
    return filled_spec


def _container(container: dict[str, Any]) -> dict[str, Any]:
    tag = container.get("image", "").rpartition("/")[2].partition("@")[0].partition(":")[2]
    is_fixed = tag not in ("", "latest") or "@" in container.get("image", "")
    made = {
        "imagePullPolicy": "IfNotPresent" if is_fixed else "Always",
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        **container,
    }
    if "ports" in made:
        made["ports"] = [{"protocol": "TCP", **port} for port in made["ports"]]
    for key in ("readinessProbe", "livenessProbe", "startupProbe"):
        if isinstance(made.get(key), dict):
            made[key] = {**_PROBE, **made[key]}
    return made


_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}


def _endpoint_slice(obj: Object) -> Object:
    ports = [{"name": "", "protocol": "TCP", **port} for port in obj.get("ports", [])]
    return {**obj, "endpoints": obj.get("endpoints", []), "ports": ports}


def _deployment(obj: Object) -> Object:
    obj = _workload(obj)
    strategy = obj["spec"].get("strategy", {})
    strategy = {"type": "RollingUpdate", **strategy}
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = {
            "maxUnavailable": "25%",
            "maxSurge": "25%",
            **strategy.get("rollingUpdate", {}),
        }
    spec = {"revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, **obj["spec"], "strategy": strategy}
    return {**obj, "spec": spec}


def _replica_set(obj: Object) -> Object:
    obj = _workload(obj)
    return {**obj, "status": {"replicas": 0, **obj["status"]}}


def _workload(obj: Object) -> Object:
    spec = {"replicas": 1, **obj.get("spec", {})}
    template = spec.get("template", {})
    if "spec" in template:
        spec["template"] = {**template, "spec": _pod_spec(template["spec"])}
    return {**obj, "spec": spec, "status": obj.get("status", {})}


def _lease(obj: Object) -> Object:
    return {**obj, "spec": obj.get("spec", {})}


_DEFAULTS: dict[Resource, Callable[[Object], Object]] = {
    resources.NAMESPACES: _namespace,
    resources.SERVICES: _service,
    resources.PODS: _pod,
    resources.ENDPOINT_SLICES: _endpoint_slice,
    resources.DEPLOYMENTS: _deployment,
    resources.REPLICA_SETS: _replica_set,
    resources.LEASES: _lease,
}
