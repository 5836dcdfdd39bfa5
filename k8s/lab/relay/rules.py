"""The rules in force on one node: for each Service port, where its new connections may go (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass

from k8s.lab.design.addresses import Addresses
from k8s.lab.design.seeds import KUBE_PROXY_MINOR
from k8s.lab.relay.listener import Target
from k8s.routing.proxy import Usable, usable
from k8s.topology import EndpointSlice, Node, NodeName, Service, ServiceKey, Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleKey:
    """A Service port, and where it answers this node's clients."""

    service: ServiceKey
    address: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Where the connections to one Service port go."""

    key: RuleKey
    usable: Usable
    targets: tuple[Target, ...]
    """(address, port) of each usable endpoint, in their order."""

    @property
    def reason(self) -> str:
        """Why hints were passed over; empty where they were not, or where there are none."""
        return "; ".join(self.usable.ignored)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxied:
    """Whose rules: a node, its number in the lab's addresses, and its zone label as the API has it."""

    node: NodeName
    number: int
    addresses: Addresses
    zone: Zone | None = None


def rules_for(
    proxied: Proxied, services: Iterable[Service], slices: Iterable[EndpointSlice]
) -> dict[RuleKey, Rule]:
    """The rules for all Services that have an address in the lab."""
    of_service: dict[ServiceKey, list[EndpointSlice]] = {}
    for one in sorted(slices, key=lambda one: one.name):
        owner = ServiceKey(namespace=one.namespace, name=one.service)
        of_service.setdefault(owner, []).append(one)
    rules: dict[RuleKey, Rule] = {}
    for service in services:
        address = proxied.addresses.service_at(proxied.number, service.cluster_ip)
        if address is None:
            continue
        for port in service.ports:
            key = RuleKey(service=service.key, address=address, port=port.port)
            rules[key] = _rule(key, service, port.name, of_service.get(service.key, ()), proxied)
    return rules


def _rule(
    key: RuleKey, service: Service, port: str, slices: Iterable[EndpointSlice], proxied: Proxied
) -> Rule:
    """A slice counts for a Service port if it has a port of that name; the number is the slice's."""
    numbers: dict[str, int] = {}
    having: list[EndpointSlice] = []
    for one in slices:
        number = dict(one.ports).get(port)
        if number is not None and one.address_type == "IPv4":
            having.append(one)
            numbers |= {endpoint.addresses[0]: number for endpoint in one.endpoints}
    found = usable(service, having, proxied.node, proxied.zone, minor=KUBE_PROXY_MINOR)
    targets = tuple((one.addresses[0], numbers[one.addresses[0]]) for one in found.endpoints)
    return Rule(key=key, usable=found, targets=targets)


def zone_label(nodes: Iterable[Node], name: NodeName) -> Zone | None:
    """The zone label of a node; None if it has none, or is not there."""
    return next((node.zone for node in nodes if node.name == name), None)
