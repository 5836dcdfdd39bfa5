"""What is refused, and what is only warned of, in the words of the real one.

Upstream ``pkg/apis/{core,discovery,apps,coordination}/validation`` and ``pkg/api/service/warnings.go``. One
rule is left out on purpose: the real one refuses endpoints in 127.0.0.0/8, and the lab has no others.
"""

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8s.lab.apiserver import faults, name_rules, resources
from k8s.lab.apiserver.faults import Fault
from k8s.lab.apiserver.resources import Resource
from k8s.lab.design.seeds import Object
from k8s.topology import OLD_HINTS_ANNOTATION, TOPOLOGY_MODE_ANNOTATION

TRAFFIC_DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
PROTOCOLS = ("SCTP", "TCP", "UDP")
MOST_HINTS = 8
"""``forZones`` or ``forNodes`` of one endpoint."""
MOST_ENDPOINTS = 1_000
MOST_ADDRESSES = 100
_LAST_PORT = 65_535
_NAME_RULES = {resources.NAMESPACES: name_rules.LABEL_NAME, resources.SERVICES: name_rules.SERVICE_NAME}


def faults_of(resource: Resource, new: Object, old: Object | None) -> tuple[Fault, ...]:
    """What is wrong with the new state of an object; *old* is None when it is being created.

    The object has its kind's shape and defaults already.
    """
    found = list(name_rules.check_metadata(new["metadata"], _NAME_RULES.get(resource, name_rules.SUBDOMAIN)))
    rule = _RULES.get(resource)
    if rule is not None:
        found.extend(rule(new, old))
    return tuple(found)


def warnings_of(resource: Resource, new: Object) -> tuple[str, ...]:
    """What is accepted, but frowned upon: the texts of the ``Warning`` headers."""
    if resource is not resources.SERVICES:
        return ()
    found: list[str] = []
    if OLD_HINTS_ANNOTATION in new["metadata"].get("annotations", {}):
        found.append(
            f"annotation {OLD_HINTS_ANNOTATION} is deprecated, please use {TOPOLOGY_MODE_ANNOTATION} instead"
        )
    if new.get("spec", {}).get("trafficDistribution") == "PreferClose":
        found.append('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
    return tuple(found)


def _service(new: Object, old: Object | None) -> Iterator[Fault]:
    annotations = new["metadata"].get("annotations", {})
    mode = annotations.get(TOPOLOGY_MODE_ANNOTATION)
    if mode is not None and annotations.get(OLD_HINTS_ANNOTATION, mode) != mode:
        yield faults.invalid(
            f"metadata.annotations[{TOPOLOGY_MODE_ANNOTATION}]",
            mode,
            f"must match annotations[{OLD_HINTS_ANNOTATION}] when both are specified",
        )
    spec = new["spec"]
    ports = spec.get("ports", [])
    if not ports and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        yield faults.required("spec.ports")
    yield from _service_ports(ports)
    yield from name_rules.check_labels("spec.selector", spec.get("selector", {}))
    closed = {
        "sessionAffinity": ("ClientIP", "None"),
        "type": ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
        "internalTrafficPolicy": ("Cluster", "Local"),
        "trafficDistribution": TRAFFIC_DISTRIBUTIONS,
    }
    for key, supported in closed.items():
        if spec.get(key) is not None and spec[key] not in supported:
            yield faults.not_supported(f"spec.{key}", spec[key], supported)
    before = old["spec"].get("clusterIP") if old else None
    if before and spec["type"] != "ExternalName" and spec.get("clusterIP") != before:
        changed = [spec["clusterIP"]] if spec.get("clusterIP") else []
        yield faults.invalid("spec.clusterIPs[0]", changed, "may not change once set")


def _service_ports(ports: list[dict[str, Any]]) -> Iterator[Fault]:
    seen_names: set[str] = set()
    seen: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        field = f"spec.ports[{index}]"
        name = port.get("name", "")
        if name:
            yield from name_rules.LABEL_NAME.check(f"{field}.name", name)
            if name in seen_names:
                yield faults.duplicate(f"{field}.name", name)
            seen_names.add(name)
        elif len(ports) > 1:
            yield faults.required(f"{field}.name")
        yield from _port_number(f"{field}.port", port.get("port", 0))
        yield from _protocol(f"{field}.protocol", port)
        target = port.get("targetPort")
        if isinstance(target, int):
            yield from _port_number(f"{field}.targetPort", target)
        key = (port.get("protocol", ""), port.get("port", 0))
        if key in seen:
            yield faults.duplicate(field, {"protocol": key[0], "port": key[1]})
        seen.add(key)


def _port_number(field: str, port: int) -> Iterator[Fault]:
    if not 1 <= port <= _LAST_PORT:
        yield faults.invalid(field, port, f"must be between 1 and {_LAST_PORT}, inclusive")


def _protocol(field: str, port: Mapping[str, Any]) -> Iterator[Fault]:
    if port.get("protocol") not in PROTOCOLS:
        yield faults.not_supported(field, port.get("protocol", ""), PROTOCOLS)


def _endpoint_slice(new: Object, old: Object | None) -> Iterator[Fault]:
    kind = new.get("addressType", "")
    if not kind:
        yield faults.required("addressType")
    elif kind not in _ADDRESS_CHECKS:
        yield faults.not_supported("addressType", kind, tuple(_ADDRESS_CHECKS))
    if len(new["endpoints"]) > MOST_ENDPOINTS:
        yield faults.too_many("endpoints", len(new["endpoints"]), MOST_ENDPOINTS)
    else:
        for index, endpoint in enumerate(new["endpoints"]):
            yield from _endpoint(f"endpoints[{index}]", endpoint, kind)
    seen: set[str] = set()
    for index, port in enumerate(new["ports"]):
        if port["name"]:
            yield from name_rules.LABEL_NAME.check(f"ports[{index}].name", port["name"])
        if port["name"] in seen:
            yield faults.duplicate(f"ports[{index}].name", port["name"])
        seen.add(port["name"])
        yield from _protocol(f"ports[{index}].protocol", port)
    if old is not None and kind != old["addressType"]:
        yield faults.immutable("addressType", kind)


def _endpoint(field: str, endpoint: Mapping[str, Any], kind: str) -> Iterator[Fault]:
    addresses = endpoint.get("addresses", [])
    if not addresses:
        yield faults.required(f"{field}.addresses", "must contain at least 1 address")
    elif len(addresses) > MOST_ADDRESSES:
        yield faults.too_many(f"{field}.addresses", len(addresses), MOST_ADDRESSES)
    for index, address in enumerate(addresses):
        yield from _ADDRESS_CHECKS.get(kind, _any_address)(f"{field}.addresses[{index}]", address)
    for key in ("forZones", "forNodes"):
        hints = [hint.get("name", "") for hint in endpoint.get("hints", {}).get(key, [])]
        place = f"{field}.hints.{key}"
        if len(hints) > MOST_HINTS:
            yield faults.too_many(place, len(hints), MOST_HINTS)
            continue
        for index, name in enumerate(hints):
            if name in hints[:index]:
                yield faults.duplicate(f"{place}[{index}].name", name)
            yield from name_rules.LABEL_VALUE.check(f"{place}[{index}].name", name)


def _ipv4(field: str, address: str) -> Iterator[Fault]:
    try:
        ipaddress.IPv4Address(address)
    except ValueError:
        yield faults.invalid(field, address, "must be a valid IPv4 address")


def _ipv6(field: str, address: str) -> Iterator[Fault]:
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        yield faults.invalid(field, address, "must be a valid IPv6 address")


def _any_address(field: str, address: str) -> Iterator[Fault]:
    if not address:
        yield faults.required(field)


_ADDRESS_CHECKS: dict[str, Callable[[str, str], Iterator[Fault]]] = {
    "FQDN": name_rules.SUBDOMAIN.check,
    "IPv4": _ipv4,
    "IPv6": _ipv6,
}


def _event(new: Object, _old: Object | None) -> Iterator[Fault]:
    involved = new.get("involvedObject", {}).get("namespace", "")
    # Events on cluster-wide objects live in "default".
    if (involved or "default") != new["metadata"]["namespace"]:
        yield faults.invalid("involvedObject.namespace", involved, "does not match event.namespace")


def _pod(new: Object, old: Object | None) -> Iterator[Fault]:
    yield from _containers("spec.containers", new["spec"].get("containers", []))
    if old is not None and new["spec"].get("nodeName") != old["spec"].get("nodeName"):
        yield faults.forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions "
            "to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
            "was previously negative)",
        )


def _containers(field: str, containers: list[dict[str, Any]]) -> Iterator[Fault]:
    if not containers:
        yield faults.required(field)
    seen: set[str] = set()
    for index, container in enumerate(containers):
        name = container.get("name", "")
        if not name:
            yield faults.required(f"{field}[{index}].name")
        elif name in seen:
            yield faults.duplicate(f"{field}[{index}].name", name)
        else:
            yield from name_rules.LABEL_NAME.check(f"{field}[{index}].name", name)
        seen.add(name)
        if not container.get("image"):
            yield faults.required(f"{field}[{index}].image")


def _workload(new: Object, old: Object | None) -> Iterator[Fault]:
    spec = new["spec"]
    if spec["replicas"] < 0:
        yield faults.invalid("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    selector = spec.get("selector", {})
    if not selector:
        yield faults.required("spec.selector")
    labels = spec.get("template", {}).get("metadata", {}).get("labels", {})
    wanted = selector.get("matchLabels", {})
    if any(labels.get(key) != value for key, value in wanted.items()):
        yield faults.invalid(
            "spec.template.metadata.labels", labels, "`selector` does not match template `labels`"
        )
    containers = spec.get("template", {}).get("spec", {}).get("containers", [])
    yield from _containers("spec.template.spec.containers", containers)
    if old is not None and selector != old["spec"].get("selector"):
        yield faults.immutable("spec.selector", selector)


def _lease(new: Object, _old: Object | None) -> Iterator[Fault]:
    spec = new["spec"]
    if spec.get("leaseDurationSeconds", 1) <= 0:
        yield faults.invalid(
            "spec.leaseDurationSeconds", spec["leaseDurationSeconds"], "must be greater than 0"
        )
    if spec.get("leaseTransitions", 0) < 0:
        why = "must be greater than or equal to 0"
        yield faults.invalid("spec.leaseTransitions", spec["leaseTransitions"], why)


_RULES: dict[Resource, Callable[[Object, Object | None], Iterator[Fault]]] = {
    resources.SERVICES: _service,
    resources.ENDPOINT_SLICES: _endpoint_slice,
    resources.EVENTS: _event,
    resources.PODS: _pod,
    resources.DEPLOYMENTS: _workload,
    resources.REPLICA_SETS: _workload,
    resources.LEASES: _lease,
}
