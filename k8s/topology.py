"""The place, as values: zones, nodes, pods, endpoints, Services, and a snapshot of them.

Everything here is frozen and holds no behaviour beyond look-ups. Raw API objects become these values in
``k8s/model/objects.py`` and nowhere else.
"""

from dataclasses import dataclass
from typing import NewType

Zone = NewType("Zone", str)
"""The value of the node label ``topology.kubernetes.io/zone``, e.g. ``eu-west-1a``."""
NodeName = NewType("NodeName", str)
PodName = NewType("PodName", str)

ZONE_LABEL = "topology.kubernetes.io/zone"
SERVICE_NAME_LABEL = "kubernetes.io/service-name"
TOPOLOGY_MODE_ANNOTATION = "service.kubernetes.io/topology-mode"
OLD_HINTS_ANNOTATION = "service.kubernetes.io/topology-aware-hints"
CONTROL_PLANE_LABELS = frozenset({"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"})

Labels = tuple[tuple[str, str], ...]
"""Labels or annotations: (key, value) pairs sorted by key, so that values stay hashable."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ServiceKey:
    """Which Service: ``namespace/name``."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node as the EndpointSlice controller and kube-proxy see it."""

    name: NodeName
    zone: Zone | None
    """None where the zone label is missing or empty."""
    ready: bool
    """The Ready condition is "True"; an absent condition is not ready."""
    cpu_allocatable_milli: int
    """``status.allocatable.cpu`` in milli-CPU, rounded up as Quantity.MilliValue does; 0 if absent."""
    labels: Labels = ()
    provider_id: str = ""
    """``spec.providerID``, e.g. ``aws:///eu-west-1a/i-0abc``; empty where the cloud did not say."""

    @property
    def is_control_plane(self) -> bool:
        """Whether a control-plane label is present, with any value (even an empty one)."""
        return any(key in CONTROL_PLANE_LABELS for key, _ in self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod and where it runs."""

    namespace: str
    name: PodName
    uid: str = ""
    ip: str | None = None
    node: NodeName | None = None
    """None while the pod is not scheduled."""
    phase: str = "Running"
    ready: bool = True
    terminating: bool = False
    """``metadata.deletionTimestamp`` is set."""
    labels: Labels = ()
    restarts: int = 0
    """Restarts of its containers, summed."""
    knobs: Labels = ()
    """Annotations and labels that look as if they set a routing mode, which no pod can."""
    owner: str = ""
    """Kind and name of the object that controls it, e.g. ``ReplicaSet/shop-7b9c8d6f5``; empty without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One entry of an EndpointSlice."""

    addresses: tuple[str, ...]
    zone: Zone | None = None
    """The *physical* zone, ``endpoints[].zone``; never a hint."""
    node: NodeName | None = None
    ready: bool | None = None
    """``conditions.ready`` as given: the controller counts only a strict True, clients read None as True."""
    serving: bool | None = None
    terminating: bool | None = None
    pod: PodName | None = None
    """``targetRef.name`` where the target is a Pod."""
    zone_hints: tuple[Zone, ...] = ()
    """``hints.forZones[].name``; may differ from ``zone`` when TAR donates the endpoint."""
    node_hints: tuple[NodeName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSlice:
    """An EndpointSlice; endpoint order is the stored order, which decides who is donated."""

    namespace: str
    name: str
    service: str
    """The value of label ``kubernetes.io/service-name``; empty where it is absent."""
    address_type: str = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    """(port name, port number) pairs."""
    managed_by: str = ""
    """The value of label ``endpointslice.kubernetes.io/managed-by``."""
    deleting: bool = False
    """``metadata.deletionTimestamp`` is set: its controller passes it over, kube-proxy still reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """One port of a Service."""

    name: str
    port: int
    target_port: str
    """A number or a port name, as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Service: what routing reads of it."""

    namespace: str
    name: str
    type: str = "ClusterIP"
    selector: Labels = ()
    """Empty where the Service has no selector."""
    annotations: Labels = ()
    ports: tuple[ServicePort, ...] = ()
    cluster_ip: str = ""
    traffic_distribution: str | None = None
    internal_traffic_policy: str = "Cluster"
    session_affinity: str = "None"
    publish_not_ready_addresses: bool = False
    labels: Labels = ()
    ip_families: tuple[str, ...] = ()
    """``IPv4`` and ``IPv6``, the Service's first family first; empty where it does not say."""
    external_traffic_policy: str = "Cluster"

    @property
    def key(self) -> ServiceKey:
        """``namespace/name``."""
        return ServiceKey(namespace=self.namespace, name=self.name)

    def annotation(self, key: str) -> str | None:
        """The annotation's value, or None where it is absent."""
        return dict(self.annotations).get(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event on an object, e.g. the controller's ``TopologyAwareHintsEnabled`` on a Service."""

    type: str
    """``Normal`` or ``Warning``."""
    reason: str
    message: str
    last_seen_s: float
    """Seconds since the epoch."""
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Nodes, pods, Services and slices as read at one moment."""

    taken_at_s: float
    """Seconds since the epoch."""
    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    services: tuple[Service, ...] = ()
    slices: tuple[EndpointSlice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HintsSeen:
    """The EndpointSlice hints of a Service at one moment."""

    at_s: float
    """Seconds since the epoch."""
    endpoints: int
    """Ready endpoints."""
    hinted: int
    """Ready endpoints with at least one zone hint."""
    own_zone: int
    """Ready endpoints hinted to exactly the zone they are in."""
    by_zone: tuple[tuple[str, int], ...] = ()
    """(hinted zone, ready endpoints hinted to it), sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recycled:
    """That client pods were replaced, so that no connection is older than the routing mode, and why."""

    deployments: tuple[str, ...]
    """``namespace/name``."""
    pods: int
    reason: str
    seconds: float
