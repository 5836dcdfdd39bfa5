"""The ways into a cluster: who answers at which name and address, raw objects to values (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from k8s.model import agents
from k8s.model.fields import Field
from k8s.model.objects import Raw
from k8s.model.scene import AgentKind
from k8s.topology import Labels, ServiceKey

EXTERNAL_NAME = "ExternalName"
GATEWAYS = frozenset(
    {
        AgentKind.INGRESS_NGINX,
        AgentKind.NGINX_INGRESS,
        AgentKind.TRAEFIK,
        AgentKind.KONG,
        AgentKind.HAPROXY,
        AgentKind.CONTOUR,
        AgentKind.ENVOY_GATEWAY,
    }
)
"""Pods that hand on what they get, by routes of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEntry:
    """A Service and where it answers."""

    key: ServiceKey
    type: str
    selector: Labels = ()
    addresses: frozenset[str] = frozenset()
    """Cluster IPs, external IPs and those of its load balancer."""
    names: frozenset[str] = frozenset()
    """Host names of its load balancer."""
    ports: tuple[int, ...] = ()
    node_ports: tuple[int, ...] = ()
    external_name: str = ""
    is_headless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PodEntry:
    """A pod that has an address."""

    namespace: str
    name: str
    ip: str
    labels: Labels
    gateway: str = ""
    """What it is, where it hands requests on by routes of its own, e.g. ``ingress-nginx``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressPath:
    """One path of an Ingress."""

    ingress: str
    """``namespace/name``."""
    host: str
    """``shop.example``, ``*.example``, or empty for any."""
    path: str
    is_exact: bool
    service: ServiceKey | None
    """None where the backend is no Service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressEntry:
    """An Ingress: where it answers, and whom it hands requests to."""

    name: str
    """``namespace/name``."""
    addresses: frozenset[str]
    names: frozenset[str]
    routes: tuple[IngressPath, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """All that is known of a cluster's ways in."""

    services: tuple[ServiceEntry, ...] = ()
    pods: tuple[PodEntry, ...] = ()
    nodes: tuple[tuple[str, str], ...] = ()
    """(address or host name, node)."""
    ingresses: tuple[IngressEntry, ...] = ()
    relayed: tuple[tuple[str, ServiceKey], ...] = ()
    """(``address:port``, the Service that answers there), known otherwise than from the API."""
    resolved: tuple[tuple[str, frozenset[str]], ...] = ()
    """(host name, addresses it has here); without those that have none."""
    gaps: tuple[str, ...] = ()
    """What could not be read, e.g. ``ingresses``."""
    _by_key: dict[ServiceKey, ServiceEntry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", {one.key: one for one in self.services})

    def service(self, key: ServiceKey) -> ServiceEntry | None:
        """The Service of that name."""
        return self._by_key.get(key)

    def behind(self, service: ServiceEntry) -> tuple[PodEntry, ...]:
        """The pods that the Service selects."""
        wanted = set(service.selector)
        if not wanted:
            return ()
        return tuple(
            pod for pod in self.pods if pod.namespace == service.key.namespace and wanted <= set(pod.labels)
        )


def service_entry(raw: Raw) -> ServiceEntry:
    """A raw v1 Service."""
    root, key = _named(raw, "Service")
    spec = root.at("spec")
    addresses = [one.text() for one in (*spec.at("clusterIPs").each(), *spec.at("externalIPs").each())]
    addresses.append(spec.at("clusterIP").text(""))
    balanced, names = _balancer(root)
    ports = spec.at("ports").each()
    return ServiceEntry(
        key=key,
        type=spec.at("type").text("ClusterIP"),
        selector=spec.at("selector").pairs(),
        addresses=frozenset({*addresses, *balanced} - {"", "None"}),
        names=names,
        ports=tuple(port.at("port").integer() for port in ports),
        node_ports=tuple(number for port in ports if (number := port.at("nodePort").integer(0))),
        external_name=spec.at("externalName").text("").rstrip(".").lower(),
        is_headless="None" in addresses,
    )


def pod_entry(raw: Raw) -> PodEntry | None:
    """A raw v1 Pod; None for one without an address, or that has ended."""
    root, key = _named(raw, "Pod")
    ip = root.at("status", "podIP").text("")
    if not ip or root.at("status", "phase").text("") in {"Succeeded", "Failed"}:
        return None
    found = agents.agent(raw)
    return PodEntry(
        namespace=key.namespace,
        name=key.name,
        ip=ip,
        labels=root.at("metadata", "labels").pairs(),
        gateway=found.kind.value if found is not None and found.kind in GATEWAYS else "",
    )


def node_entries(raw: Raw) -> tuple[tuple[str, str], ...]:
    """(address or host name, node) of a raw v1 Node."""
    root = Field("a Node", "", raw)
    name = root.at("metadata", "name").text()
    found = [one.at("address").text("").lower() for one in root.at("status", "addresses").each()]
    return tuple((address, name) for address in dict.fromkeys(found) if address)


def ingress_entry(raw: Raw) -> IngressEntry:
    """A raw networking.k8s.io/v1 Ingress."""
    root, key = _named(raw, "Ingress")
    addresses, names = _balancer(root)
    routes = [
        IngressPath(
            ingress=str(key),
            host=rule.at("host").text("").lower(),
            path=path.at("path").text("/") or "/",
            is_exact=path.at("pathType").text("") == "Exact",
            service=_backend(path.at("backend"), key.namespace),
        )
        for rule in root.at("spec", "rules").each()
        for path in rule.at("http", "paths").each()
    ]
    default = root.at("spec", "defaultBackend")
    if default.value is not None:
        backend = _backend(default, key.namespace)
        routes.append(IngressPath(ingress=str(key), host="", path="/", is_exact=False, service=backend))
    return IngressEntry(name=str(key), addresses=addresses, names=names, routes=tuple(routes))


def names_of(services: Iterable[ServiceEntry], ingresses: Iterable[IngressEntry]) -> frozenset[str]:
    """Host names of load balancers, to be resolved."""
    several = [*(one.names for one in services), *(one.names for one in ingresses)]
    return frozenset(name for names in several for name in names)


def _backend(field: Field, namespace: str) -> ServiceKey | None:
    name = field.at("service", "name").text("")
    return ServiceKey(namespace=namespace, name=name) if name else None


def _balancer(root: Field) -> tuple[frozenset[str], frozenset[str]]:
    """Addresses and host names of the load balancer in front."""
    ways = root.at("status", "loadBalancer", "ingress").each()
    return (
        frozenset({one.at("ip").text("") for one in ways} - {""}),
        frozenset({one.at("hostname").text("").rstrip(".").lower() for one in ways} - {""}),
    )


def _named(raw: Raw, kind: str) -> tuple[Field, ServiceKey]:
    nameless = Field(f"a {kind}", "", raw)
    namespace, name = (nameless.at("metadata", one).text() for one in ("namespace", "name"))
    return Field(f"{kind} {namespace}/{name}", "", raw), ServiceKey(namespace=namespace, name=name)
