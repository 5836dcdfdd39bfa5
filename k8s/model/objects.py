"""Raw Kubernetes objects (parsed JSON) to the values of ``k8s/topology.py``, and a slice back to JSON.

The only place that knows how the API spells things. Whatever is missing although the API demands it, or has
a wrong form, is a UsageError in one line that names kind, object and field. An absent ``kind`` is fine: the
items of a list have none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from k8s.errors import UsageError
from k8s.model.fields import Field
from k8s.model.lookalikes import resembles_knob
from k8s.model.quantity import cpu_milli
from k8s.topology import (
    SERVICE_NAME_LABEL,
    ZONE_LABEL,
    Endpoint,
    EndpointSlice,
    Event,
    Labels,
    Node,
    NodeName,
    Pod,
    PodName,
    Service,
    ServicePort,
    Zone,
)

Raw = Mapping[str, Any]
"""A JSON object as the API server sends it."""

T = TypeVar("T")

MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
OS_LABEL = "kubernetes.io/os"
OLD_SLICES = "discovery.k8s.io/v1beta1"
"""The API version of slices that Kubernetes 1.25 took away."""
HEADLESS_LABEL = "service.kubernetes.io/headless"


def _object(raw: Raw, kind: str, *, namespaced: bool = True) -> tuple[Field, str, str]:
    """The root field with a telling owner, the namespace ("" if it has none) and the name."""
    if not isinstance(raw, Mapping):
        raise Field(f"a {kind}", "", raw).wrong("an object")
    nameless = Field(f"a {kind}", "", raw)
    if raw.get("kind", kind) != kind:
        raise nameless.at("kind").wrong(kind)
    name = nameless.at("metadata", "name").text()
    namespace = Field(f"{kind} {name}", "", raw).at("metadata", "namespace").text() if namespaced else ""
    return Field(f"{kind} {namespace}/{name}" if namespaced else f"{kind} {name}", "", raw), namespace, name


def listed(raw: Raw, convert: Callable[[Raw], T]) -> tuple[T, ...]:
    """The items of a list object (``NodeList`` and the like), each through *convert*, in their order."""
    root = Field("a list", "", raw)
    if not isinstance(raw, Mapping) or "items" not in raw:
        raise root.wrong("an object with items")
    return tuple(convert(item.value) for item in root.at("items").each())


def node(raw: Raw) -> Node:
    """A v1 Node; without ``status.allocatable.cpu`` its CPU is 0, without Ready condition it is not ready."""
    root, _, name = _object(raw, "Node", namespaced=False)
    labels = root.at("metadata", "labels").pairs()
    system = root.at("status", "nodeInfo", "operatingSystem").text_or_none()
    if system and OS_LABEL not in dict(labels):
        labels = tuple(sorted((*labels, (OS_LABEL, system))))
    cpu = root.at("status", "allocatable", "cpu")
    try:
        milli = 0 if cpu.value is None else cpu_milli(cpu.value)
    except UsageError:
        raise cpu.wrong('a CPU quantity such as "1930m" or "2"') from None
    return Node(
        name=NodeName(name),
        zone=Zone(zone) if (zone := dict(labels).get(ZONE_LABEL)) else None,
        ready=_is_ready(root),
        cpu_allocatable_milli=milli,
        labels=labels,
        provider_id=root.at("spec", "providerID").text(""),
    )


def _is_ready(root: Field) -> bool:
    for condition in root.at("status", "conditions").each():
        if condition.at("type").text() == "Ready":
            return condition.at("status").text() == "True"
    return False


def pod(raw: Raw) -> Pod:
    """A v1 Pod; ready is its Ready condition, whatever its phase."""
    root, namespace, name = _object(raw, "Pod")
    node_name = root.at("spec", "nodeName").text_or_none()
    return Pod(
        namespace=namespace,
        name=PodName(name),
        uid=root.at("metadata", "uid").text(""),
        ip=root.at("status", "podIP").text_or_none(),
        node=NodeName(node_name) if node_name else None,
        phase=root.at("status", "phase").text("Pending"),
        ready=_is_ready(root),
        terminating=root.at("metadata", "deletionTimestamp").text_or_none() is not None,
        labels=root.at("metadata", "labels").pairs(),
        restarts=sum(
            status.at("restartCount").integer(0) for status in root.at("status", "containerStatuses").each()
        ),
        owner=_owner(root),
        knobs=_knobs(root),
    )


def _knobs(root: Field) -> Labels:
    """Those of the annotations and labels; nearly always none, so nothing else is looked at."""
    found = []
    for part in ("annotations", "labels"):
        pairs = root.at("metadata", part)
        if isinstance(pairs.value, Mapping):
            found += [(key, str(value)) for key, value in pairs.value.items() if resembles_knob(str(key))]
    return tuple(sorted(found))


def _owner(root: Field) -> str:
    """The controlling owner as ``Kind/name``; the first owner where none says that it controls."""
    owners = root.at("metadata", "ownerReferences").each()
    controls = [one for one in owners if one.at("controller").flag()] or owners
    return f"{controls[0].at('kind').text('')}/{controls[0].at('name').text('')}" if controls else ""


def container_ports(raw: Raw) -> tuple[tuple[str, int], ...]:
    """The named ports of a Pod's containers, as (name, number): what a named target port is looked up in."""
    root, _, _ = _object(raw, "Pod")
    return tuple(
        (port.at("name").text(), port.at("containerPort").integer())
        for container in root.at("spec", "containers").each()
        for port in container.at("ports").each()
        if port.at("name").value
    )


def service(raw: Raw) -> Service:
    """A v1 Service; absent fields get the API's defaults."""
    root, namespace, name = _object(raw, "Service")
    spec = root.at("spec")
    return Service(
        namespace=namespace,
        name=name,
        type=spec.at("type").text("ClusterIP"),
        selector=spec.at("selector").pairs(),
        annotations=root.at("metadata", "annotations").pairs(),
        ports=tuple(_service_port(port) for port in spec.at("ports").each()),
        cluster_ip=spec.at("clusterIP").text(""),
        traffic_distribution=spec.at("trafficDistribution").text_or_none(),
        internal_traffic_policy=spec.at("internalTrafficPolicy").text("Cluster"),
        session_affinity=spec.at("sessionAffinity").text("None"),
        publish_not_ready_addresses=spec.at("publishNotReadyAddresses").flag() or False,
        labels=root.at("metadata", "labels").pairs(),
        ip_families=tuple(family.text() for family in spec.at("ipFamilies").each()),
        external_traffic_policy=spec.at("externalTrafficPolicy").text("Cluster"),
    )


def _service_port(port: Field) -> ServicePort:
    number = port.at("port").integer()
    target = port.at("targetPort")
    if isinstance(target.value, int):
        target_port = str(target.integer())
    else:
        target_port = target.text_or_none() or str(number)
    return ServicePort(name=port.at("name").text(""), port=number, target_port=target_port)


def service_protocols(raw: Raw) -> tuple[tuple[str, str], ...]:
    """(port name, protocol) of a Service's ports; TCP where the protocol is absent."""
    root, _, _ = _object(raw, "Service")
    return tuple(
        (port.at("name").text(""), port.at("protocol").text("TCP"))
        for port in root.at("spec", "ports").each()
    )


def endpoint_slice(raw: Raw) -> EndpointSlice:
    """A discovery.k8s.io/v1 EndpointSlice; conditions that are absent stay None."""
    root, namespace, name = _object(raw, "EndpointSlice")
    labels = dict(root.at("metadata", "labels").pairs())
    return EndpointSlice(
        namespace=namespace,
        name=name,
        service=labels.get(SERVICE_NAME_LABEL, ""),
        address_type=root.at("addressType").text(),
        endpoints=tuple(_endpoint(item) for item in root.at("endpoints").each()),
        ports=tuple(
            # A port without a number means "all ports" in the API; no controller of ours writes that.
            (port.at("name").text(""), port.at("port").integer())
            for port in root.at("ports").each()
            if port.at("port").value is not None
        ),
        managed_by=labels.get(MANAGED_BY_LABEL, ""),
        deleting=root.at("metadata", "deletionTimestamp").text_or_none() is not None,
    )


def slice_of_v1beta1(raw: Raw) -> dict[str, Any]:
    """A slice of the old API version as v1 has it: zone and node were entries of ``topology``."""
    root = Field("an EndpointSlice of v1beta1", "", raw)
    endpoints = []
    for item in root.at("endpoints").each():
        if not isinstance(item.value, Mapping):
            raise item.wrong("an object")
        topology = dict(item.at("topology").pairs())
        moved = {"zone": topology.get(ZONE_LABEL), "nodeName": topology.get("kubernetes.io/hostname")}
        kept = {key: value for key, value in moved.items() if value is not None}
        endpoints.append(kept | {key: item.at(key).value for key in item.value if key != "topology"})
    return {**raw, "apiVersion": "discovery.k8s.io/v1", "endpoints": endpoints}


def _endpoint(item: Field) -> Endpoint:
    addresses = tuple(address.text() for address in item.at("addresses").each())
    if not addresses:
        raise item.at("addresses").wrong("at least one address")
    zone, node_name = item.at("zone").text_or_none(), item.at("nodeName").text_or_none()
    target = item.at("targetRef")
    pod_name = target.at("name").text_or_none() if target.at("kind").value == "Pod" else None
    return Endpoint(
        addresses=addresses,
        zone=Zone(zone) if zone else None,
        node=NodeName(node_name) if node_name else None,
        ready=item.at("conditions", "ready").flag(),
        serving=item.at("conditions", "serving").flag(),
        terminating=item.at("conditions", "terminating").flag(),
        pod=PodName(pod_name) if pod_name else None,
        zone_hints=tuple(Zone(hint.at("name").text()) for hint in item.at("hints", "forZones").each()),
        node_hints=tuple(NodeName(hint.at("name").text()) for hint in item.at("hints", "forNodes").each()),
    )


def event(raw: Raw) -> Event:
    """An Event of v1 or events.k8s.io/v1, in the old form (lastTimestamp, count) or the new (series)."""
    root, _, _ = _object(raw, "Event")
    series = root.at("series")
    times = (
        series.at("lastObservedTime"),
        root.at("lastTimestamp"),
        root.at("deprecatedLastTimestamp"),
        root.at("eventTime"),
        root.at("firstTimestamp"),
        root.at("deprecatedFirstTimestamp"),
        root.at("metadata", "creationTimestamp"),
    )
    seen = next((seconds for when in times if (seconds := when.seconds()) is not None), None)
    if seen is None:
        raise root.at("lastTimestamp").wrong("a time")
    return Event(
        type=root.at("type").text("Normal"),
        reason=root.at("reason").text(""),
        message=root.at("message").text("") or root.at("note").text(""),
        last_seen_s=seen,
        count=root.at("count").integer(0)
        or series.at("count").integer(0)
        or root.at("deprecatedCount").integer(0)
        or 1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceOwner:
    """What an EndpointSlice takes over from the Service that owns it."""

    name: str
    uid: str
    labels: Labels = ()
    """The Service's own labels; the controller copies them to its slices."""
    headless: bool = False
    protocols: tuple[tuple[str, str], ...] = ()
    """(port name, protocol) as ``service_protocols`` gives them."""


def slice_owner(raw: Raw) -> SliceOwner:
    """The owner that a v1 Service makes."""
    root, _, name = _object(raw, "Service")
    return SliceOwner(
        name=name,
        uid=root.at("metadata", "uid").text(""),
        labels=root.at("metadata", "labels").pairs(),
        headless=root.at("spec", "clusterIP").text("") in ("", "None"),
        protocols=service_protocols(raw),
    )


def slice_labels(owner: SliceOwner, managed_by: str) -> dict[str, str]:
    """The labels a slice of *owner* carries: the Service's, and those reserved for slices on top."""
    labels = dict(owner.labels)
    labels.pop(HEADLESS_LABEL, None)
    if owner.headless:
        labels[HEADLESS_LABEL] = ""
    return labels | {SERVICE_NAME_LABEL: owner.name, MANAGED_BY_LABEL: managed_by}


def endpoint_slice_raw(
    value: EndpointSlice,
    owner: SliceOwner,
    *,
    pod_uids: Mapping[PodName, str],
    resource_version: str = "",
) -> dict[str, Any]:
    """The JSON of a slice as the EndpointSlice controller writes it.

    With *resource_version* the write is refused (409) if somebody else wrote in between.
    """
    metadata: dict[str, Any] = {
        "name": value.name,
        "generateName": f"{owner.name}-",
        "namespace": value.namespace,
        "labels": slice_labels(owner, value.managed_by),
        "ownerReferences": [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "name": owner.name,
                "uid": owner.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    if resource_version:
        metadata["resourceVersion"] = resource_version
    protocols = dict(owner.protocols)
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": value.address_type,
        "endpoints": [_endpoint_raw(one, value.namespace, pod_uids) for one in value.endpoints],
        "ports": [
            {"name": name, "protocol": protocols.get(name, "TCP"), "port": port} for name, port in value.ports
        ],
    }


def _endpoint_raw(endpoint: Endpoint, namespace: str, pod_uids: Mapping[PodName, str]) -> dict[str, Any]:
    conditions = {
        "ready": endpoint.ready,
        "serving": endpoint.serving,
        "terminating": endpoint.terminating,
    }
    raw: dict[str, Any] = {
        "addresses": list(endpoint.addresses),
        "conditions": {name: flag for name, flag in conditions.items() if flag is not None},
    }
    if endpoint.pod is not None:
        raw["targetRef"] = {"kind": "Pod", "namespace": namespace, "name": endpoint.pod}
        if uid := pod_uids.get(endpoint.pod):
            raw["targetRef"]["uid"] = uid
    if endpoint.node is not None:
        raw["nodeName"] = endpoint.node
    if endpoint.zone is not None:
        raw["zone"] = endpoint.zone
    hints = {"forZones": endpoint.zone_hints, "forNodes": endpoint.node_hints}
    if any(hints.values()):
        raw["hints"] = {key: [{"name": name} for name in names] for key, names in hints.items() if names}
    return raw
