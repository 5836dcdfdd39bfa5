"""One row of a table: the cells that kubectl prints for each kind."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from k8s.lab.apiserver.durations import age
from k8s.lab.design.seeds import Object

_NONE = "<none>"
_UNKNOWN = "<unknown>"
_ROLE_PREFIX = "node-role.kubernetes.io/"
_SHOWN = 3
"""How many ports or addresses of an EndpointSlice are listed before "+ n more..."."""


def namespace(obj: Object, now: datetime) -> list[Any]:
    """Name, Status, Age."""
    return [_name(obj), _at(obj, "status", "phase") or "", _age(obj, now)]


def node(obj: Object, now: datetime) -> list[Any]:
    """Name, Status, Roles, Age, Version; addresses and system versions."""
    info = _at(obj, "status", "nodeInfo") or {}
    addresses = _at(obj, "status", "addresses") or []

    def address(kind: str) -> str:
        found = [one.get("address", "") for one in addresses if one.get("type") == kind]
        return found[0] if found else _NONE

    return [
        _name(obj),
        _node_status(obj),
        _node_roles(obj["metadata"].get("labels", {})),
        _age(obj, now),
        info.get("kubeletVersion", ""),
        address("InternalIP"),
        address("ExternalIP"),
        info.get("osImage") or _UNKNOWN,
        info.get("kernelVersion") or _UNKNOWN,
        info.get("containerRuntimeVersion") or _UNKNOWN,
    ]


def pod(obj: Object, now: datetime) -> list[Any]:
    """Name, Ready, Status, Restarts, Age; IP, Node, Nominated Node, Readiness Gates."""
    statuses = _at(obj, "status", "containerStatuses") or []
    ready = sum(1 for one in statuses if one.get("ready") and _at(one, "state", "running") is not None)
    total = len(_at(obj, "spec", "containers") or [])
    ips = _at(obj, "status", "podIPs") or []
    ip = ips[0].get("ip", "") if ips else _at(obj, "status", "podIP")
    return [
        _name(obj),
        f"{ready}/{total}",
        _pod_status(obj, statuses),
        _restarts(statuses, now),
        _age(obj, now),
        ip or _NONE,
        _at(obj, "spec", "nodeName") or _NONE,
        _at(obj, "status", "nominatedNodeName") or _NONE,
        _readiness_gates(obj),
    ]


def service(obj: Object, now: datetime) -> list[Any]:
    """Name, Type, Cluster-IP, External-IP, Port(s), Age; Selector."""
    spec = obj.get("spec", {})
    ips = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return [
        _name(obj),
        spec.get("type", ""),
        ips[0] or _NONE,
        _external_ip(obj, spec),
        ",".join(_service_port(port) for port in spec.get("ports", [])) or _NONE,
        _age(obj, now),
        _labels(spec.get("selector")),
    ]


def endpoint_slice(obj: Object, now: datetime) -> list[Any]:
    """Name, AddressType, Ports, Endpoints, Age."""
    ports = [str(port.get("port") or port.get("name") or "*") for port in obj.get("ports", [])]
    addresses = [one for endpoint in obj.get("endpoints", []) for one in endpoint.get("addresses", [])]
    return [_name(obj), obj.get("addressType", ""), _shortened(ports), _shortened(addresses), _age(obj, now)]


def event(obj: Object, now: datetime) -> list[Any]:
    """Last Seen, Type, Reason, Object, Subobject, Source, Message, First Seen, Count, Name."""
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    series = obj.get("series") or {}
    last = series.get("lastObservedTime") or obj.get("lastTimestamp") or first
    involved = obj.get("involvedObject", {})
    target = involved.get("kind", "").lower()
    source = obj.get("source", {})
    component = source.get("component") or obj.get("reportingComponent", "")
    host = source.get("host") or obj.get("reportingInstance", "")
    return [
        age(last, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{target}/{involved['name']}" if involved.get("name") else target,
        involved.get("fieldPath", ""),
        f"{component}, {host}" if host else component,
        obj.get("message", "").strip(),
        age(first, now),
        series.get("count") or obj.get("count") or 1,
        _name(obj),
    ]


def deployment(obj: Object, now: datetime) -> list[Any]:
    """Name, Ready, Up-to-date, Available, Age; Containers, Images, Selector."""
    status = obj.get("status", {})
    return [
        _name(obj),
        f"{status.get('readyReplicas', 0)}/{_at(obj, 'spec', 'replicas') or 0}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        _age(obj, now),
        *_template(obj),
    ]


def replica_set(obj: Object, now: datetime) -> list[Any]:
    """Name, Desired, Current, Ready, Age; Containers, Images, Selector."""
    status = obj.get("status", {})
    return [
        _name(obj),
        _at(obj, "spec", "replicas") or 0,
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        _age(obj, now),
        *_template(obj),
    ]


def lease(obj: Object, now: datetime) -> list[Any]:
    """Name, Holder, Age."""
    return [_name(obj), _at(obj, "spec", "holderIdentity") or "", _age(obj, now)]


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Object, now: datetime) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def _at(obj: Any, *path: str) -> Any:
    """The value at a path of keys, None where one is missing."""
    for key in path:
        obj = obj.get(key) if isinstance(obj, dict) else None
    return obj


def _condition(obj: Object, kind: str) -> str | None:
    conditions = _at(obj, "status", "conditions") or []
    return next((one.get("status") for one in conditions if one.get("type") == kind), None)


def _node_status(obj: Object) -> str:
    words = {"True": "Ready", None: "Unknown"}
    status = words.get(_condition(obj, "Ready"), "NotReady")
    return status + (",SchedulingDisabled" if _at(obj, "spec", "unschedulable") else "")


def _node_roles(labels: Mapping[str, str]) -> str:
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    roles |= {labels.get("kubernetes.io/role", "")}
    return ",".join(sorted(role for role in roles if role)) or _NONE


def _pod_status(obj: Object, statuses: list[Any]) -> str:
    """The phase, or what keeps the pod from running."""
    status = obj.get("status", {})
    reason = status.get("reason") or status.get("phase", "")
    has_running = False
    for one in reversed(statuses):
        waiting, terminated = _at(one, "state", "waiting"), _at(one, "state", "terminated")
        if waiting and waiting.get("reason"):
            reason = waiting["reason"]
        elif terminated is not None:
            reason = terminated.get("reason") or _exit(terminated)
        elif one.get("ready") and _at(one, "state", "running") is not None:
            has_running = True
    if reason == "Completed" and has_running:
        reason = "Running" if _condition(obj, "Ready") == "True" else "NotReady"
    if obj["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(reason)


def _exit(terminated: Mapping[str, Any]) -> str:
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _restarts(statuses: list[Any], now: datetime) -> str:
    count = sum(one.get("restartCount", 0) for one in statuses)
    ends = [_at(one, "lastState", "terminated", "finishedAt") for one in statuses]
    last = max((end for end in ends if end), default=None)
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def _readiness_gates(obj: Object) -> str:
    gates = _at(obj, "spec", "readinessGates") or []
    if not gates:
        return _NONE
    met = sum(1 for gate in gates if _condition(obj, gate.get("conditionType", "")) == "True")
    return f"{met}/{len(gates)}"


def _external_ip(obj: Object, spec: Mapping[str, Any]) -> str:
    external = ",".join(spec.get("externalIPs", []))
    match spec.get("type"):
        case "ExternalName":
            return str(spec.get("externalName", ""))
        case "LoadBalancer":
            ingress = _at(obj, "status", "loadBalancer", "ingress") or []
            found = ",".join(one.get("ip") or one.get("hostname") or "" for one in ingress)
            return ",".join(part for part in (found, external) if part) or "<pending>"
    return external or _NONE


def _service_port(port: Mapping[str, Any]) -> str:
    node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port', 0)}{node_port}/{port.get('protocol', 'TCP')}"


def _template(obj: Object) -> list[str]:
    containers = _at(obj, "spec", "template", "spec", "containers") or []
    return [
        ",".join(one.get("name", "") for one in containers),
        ",".join(one.get("image", "") for one in containers),
        label_selector(_at(obj, "spec", "selector") or {}) or _NONE,
    ]


def label_selector(selector: Mapping[str, Any]) -> str:
    """A LabelSelector as a ``labelSelector`` parameter; empty if it selects everything."""
    clauses = [f"{key}={value}" for key, value in sorted(selector.get("matchLabels", {}).items())]
    for one in selector.get("matchExpressions", []):
        key, values = one.get("key", ""), ",".join(sorted(one.get("values", [])))
        match one.get("operator"):
            case "In" | "NotIn" as operator:
                clauses.append(f"{key} {operator.lower()} ({values})")
            case "Exists":
                clauses.append(key)
            case "DoesNotExist":
                clauses.append(f"!{key}")
    return ",".join(clauses)


def _labels(labels: Mapping[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or _NONE


def _shortened(items: Iterable[str]) -> str:
    listed = list(items)
    if not listed:
        return "<unset>"
    more = f" + {len(listed) - _SHOWN} more..." if len(listed) > _SHOWN else ""
    return ",".join(listed[:_SHOWN]) + more
