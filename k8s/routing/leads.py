"""Where a URL leads to, as seen from inside a cluster: to a Service, elsewhere, or nobody can tell (pure)."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from k8s.model.entries import EXTERNAL_NAME, Entries, IngressEntry, IngressPath, ServiceEntry
from k8s.topology import ServiceKey

_PORTS = {"http": 80, "https": 443}
_LABELS_OF_A_SERVICE = 2
_DEEPEST = 3
"""ExternalName upon ExternalName."""


class Leads(StrEnum):
    """Whether requests arrive at the pods of the Service."""

    THERE = "there"
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """An answer and what it rests on."""

    leads: Leads
    what: str
    """What the URL is, e.g. ``the load balancer of Service shop/frontend``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    entries: Entries
    client: ServiceEntry
    port: int
    path: str


def leads_to(url: str, entries: Entries, client: ServiceKey, *, namespace: str) -> Lead:
    """Whether a request to *url* by a pod of *namespace* arrives at the pods of Service *client*.

    A name or address is looked for, in this order, among Service names, Ingresses, addresses of Services and
    their load balancers, pods, and nodes with their NodePorts. An Ingress counts only where the host leads to
    its address: the same host in another cluster's DNS would not come here.
    """
    parts = urlsplit(url)
    host = str(parts.hostname).rstrip(".").lower()
    entry = entries.service(client)
    if entry is None:
        return Lead(leads=Leads.ELSEWHERE, what=f"no Service {client} is there")
    asked = _Asked(
        entries=entries,
        client=entry,
        port=parts.port or _PORTS[parts.scheme],
        path=parts.path.rstrip("/") or "/",
    )
    return (
        _by_relay(asked, host)
        or _by_name(asked, host, namespace)
        or _by_ingress(asked, host)
        or _by_address(asked, host)
        or _by_pod(asked, host)
        or _by_node(asked, host)
        or Lead(leads=Leads.UNKNOWN, what=_unknown(entries, host))
    )


def _by_relay(asked: _Asked, host: str) -> Lead | None:
    key = dict(asked.entries.relayed).get(f"{host}:{asked.port}")
    found = None if key is None else asked.entries.service(key)
    return None if found is None else _served(asked, found, f"an address of Service {found.key}")


def _by_name(asked: _Asked, host: str, namespace: str, depth: int = 0) -> Lead | None:
    """A Service's name in the cluster's DNS: ``name[.namespace]``, ``[pod.]name.namespace.svc...``."""
    before, dot, _ = f"{host}.".partition(".svc.")
    labels = before.rstrip(".").split(".")
    is_told = bool(dot)
    if not is_told and len(labels) > _LABELS_OF_A_SERVICE:
        return None
    name, space = labels[-2:] if len(labels) > 1 else (labels[0], namespace)
    key = ServiceKey(namespace=space, name=name)
    found = asked.entries.service(key)
    if found is None:
        # Two labels may be an outside name as well: example.com.
        return Lead(leads=Leads.ELSEWHERE, what=f"there is no Service {key}") if is_told else None
    if found.type == EXTERNAL_NAME:
        if depth < _DEEPEST and (further := _by_name(asked, found.external_name, space, depth + 1)):
            return further
        return Lead(leads=Leads.ELSEWHERE, what=f"Service {key}, a name for {found.external_name}")
    if not found.is_headless and asked.port not in found.ports:
        ports = ", ".join(map(str, found.ports)) or "none"
        return Lead(
            leads=Leads.ELSEWHERE, what=f"Service {key}, which has no port {asked.port} (it has {ports})"
        )
    return _served(asked, found, f"Service {key}")


def _by_ingress(asked: _Asked, host: str) -> Lead | None:
    here = _addresses(asked.entries, host)
    reached = [
        route
        for ingress in asked.entries.ingresses
        if host in ingress.names or here & _all_addresses(asked.entries, ingress)
        for route in ingress.routes
    ]
    routes = _of_host(reached, host)
    if not routes:
        return None
    covering = [route for route in routes if _covers(route, asked.path)]
    below = [route for route in routes if route not in covering and _is_below(route.path, asked.path)]
    chosen = sorted(covering, key=lambda route: (route.is_exact, len(route.path)))[-1:] or below
    if not chosen:
        return Lead(leads=Leads.ELSEWHERE, what=f"Ingress {routes[0].ingress}, which has no {asked.path}")
    answers = [_backed(asked, route) for route in chosen]
    answer = next((one for one in answers if one.leads is not Leads.THERE), answers[0])
    if answer.leads is not Leads.THERE:
        return answer
    apart = [route for route in below if _backed(asked, route).leads is not Leads.THERE]
    but = ", ".join(f"{route.path} to {_shown(route)}" for route in apart)
    return Lead(leads=answer.leads, what=answer.what + (f", but for {but}" if but else ""))


def _of_host(routes: list[IngressPath], host: str) -> list[IngressPath]:
    """The routes of the rules for *host*: its own name before a wildcard, that before the rest."""
    for wanted in (host, f"*.{host.partition('.')[2]}", ""):
        found = [route for route in routes if route.host == wanted]
        if found:
            return found
    return []


def _backed(asked: _Asked, route: IngressPath) -> Lead:
    found = None if route.service is None else asked.entries.service(route.service)
    told = f"Ingress {route.ingress}, whose backend for {route.path} is {_shown(route)}"
    if found is None:
        return Lead(leads=Leads.ELSEWHERE, what=told)
    return _served(asked, found, told)


def _shown(route: IngressPath) -> str:
    return "no Service" if route.service is None else f"Service {route.service}"


def _covers(route: IngressPath, path: str) -> bool:
    return path == route.path if route.is_exact else _is_below(path, route.path)


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def _by_address(asked: _Asked, host: str) -> Lead | None:
    here = _addresses(asked.entries, host)
    found = [
        one
        for one in asked.entries.services
        if host in one.names or here & _all_addresses(asked.entries, one)
    ]
    if not found:
        return None
    with_port = [one for one in found if asked.port in one.ports]
    if not with_port:
        names = ", ".join(str(one.key) for one in found)
        return Lead(leads=Leads.ELSEWHERE, what=f"Service {names}, which has no port {asked.port}")
    return _served(asked, with_port[0], f"an address of Service {with_port[0].key}")


def _by_pod(asked: _Asked, host: str) -> Lead | None:
    here = _addresses(asked.entries, host) - {address for address, _ in asked.entries.nodes}
    for pod in asked.entries.pods:
        if pod.ip in here:
            what = f"pod {pod.namespace}/{pod.name}"
            if pod in asked.entries.behind(asked.client):
                return Lead(leads=Leads.THERE, what=f"{what} alone")
            return _gateway(what, pod.gateway) or Lead(leads=Leads.ELSEWHERE, what=what)
    return None


def _by_node(asked: _Asked, host: str) -> Lead | None:
    here = {host} | _addresses(asked.entries, host)
    nodes = [node for address, node in asked.entries.nodes if address in here]
    if not nodes:
        return None
    for one in asked.entries.services:
        if asked.port in one.node_ports:
            return _served(asked, one, f"NodePort {asked.port} of Service {one.key}")
    return Lead(leads=Leads.ELSEWHERE, what=f"node {nodes[0]}, where {asked.port} is no Service's NodePort")


def _served(asked: _Asked, service: ServiceEntry, what: str) -> Lead:
    """Whether the pods of *service* are the client's."""
    entries, client = asked.entries, asked.client
    if service.key == client.key:
        return Lead(leads=Leads.THERE, what=what)
    pods = entries.behind(service)
    twin = service.key.namespace == client.key.namespace and service.selector == client.selector
    if (twin and service.selector) or (pods and set(pods) <= set(entries.behind(client))):
        return Lead(leads=Leads.THERE, what=f"{what}, whose pods are those of {client.key}")
    gateways = {pod.gateway for pod in pods}
    if len(gateways) == 1 and (answer := _gateway(what, gateways.pop())):
        return answer
    return Lead(leads=Leads.ELSEWHERE, what=what)


def _gateway(what: str, gateway: str) -> Lead | None:
    if not gateway:
        return None
    return Lead(leads=Leads.UNKNOWN, what=f"{what}, {gateway}, whose route for it is not known")


def _addresses(entries: Entries, host: str) -> frozenset[str]:
    """The addresses of a host: itself where it is one."""
    return dict(entries.resolved).get(host, frozenset({host}))


def _all_addresses(entries: Entries, one: ServiceEntry | IngressEntry) -> frozenset[str]:
    return one.addresses.union(*(dict(entries.resolved).get(name, ()) for name in one.names))


def _unknown(entries: Entries, host: str) -> str:
    found = dict(entries.resolved).get(host)
    if found is None:
        return f"{host} is nothing of the cluster, and has no address here"
    gaps = f" ({', '.join(entries.gaps)} could not be read)" if entries.gaps else ""
    return f"{host} ({', '.join(sorted(found))}) is no address of the cluster{gaps}"
