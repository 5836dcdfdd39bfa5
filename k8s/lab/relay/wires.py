"""The wires from one node: where the others are, and how long a connection there takes (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from k8s.lab.design import marks
from k8s.lab.design.addresses import Addresses
from k8s.lab.design.seeds import Object
from k8s.topology import NodeName, Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """One node's."""

    addresses: Addresses
    zones: Mapping[int, Zone] = field(default_factory=dict)
    """Physical zone by node number."""
    delays_s: Mapping[Zone, float] = field(default_factory=dict)
    """Extra one-way latency of connections to a zone; others have none."""

    def zone_of(self, pod_ip: str) -> Zone | None:
        """The physical zone of the node a pod's address belongs to; None for any other address."""
        number = self.addresses.node_of(pod_ip)
        return None if number is None else self.zones.get(number)

    def delay_to_s(self, endpoint_ip: str) -> float:
        """The extra one-way latency to an endpoint; 0 for addresses that are no pod's."""
        zone = self.zone_of(endpoint_ip)
        return 0.0 if zone is None else self.delays_s.get(zone, 0.0)


def rewired(first: Wires, own: NodeName, nodes: Iterable[Object]) -> Wires:
    """The wires as the nodes' annotations have them; what they leave open is as at *first*."""
    zones, delays_s = dict(first.zones), dict(first.delays_s)
    for node in nodes:
        zone = marks.physical_zone(node)
        number = _number(node, first.addresses)
        if zone is not None and number is not None:
            zones[number] = zone
        if node["metadata"]["name"] == own:
            delays_s |= marks.delays_s(node)
    return Wires(addresses=first.addresses, zones=zones, delays_s=delays_s)


def _number(node: Object, addresses: Addresses) -> int | None:
    found = (node.get("status") or {}).get("addresses") or ()
    numbers = (addresses.node_at(one["address"]) for one in found if one["type"] == "InternalIP")
    return next(numbers, None)
