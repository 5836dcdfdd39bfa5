"""Who has which address in the lab; everything is inside 127.0.0.0/8.

One lab owns one second octet B: node n has 127.B.0.n, its pod p 127.B.n.p, and Service s is reached from
node n at 127.B.(200+n).s. The last is what one loopback costs: every machine has a ClusterIP of its own
kernel, the lab's nodes share one, so each node's proxy listens at an address of its own. Pods beyond
number 99, which only a lab that lives long has, are at 127.B.(54+n).x, then at 127.B.(108+n).x.
"""

import ipaddress
from dataclasses import dataclass

DEFAULT_OCTET = 100
LAST_OCTET = 199
"""Second octets tried, one after the other, when another lab holds the first ones."""
MAX_NODES = 54
"""200 + n has to stay an octet."""
MAX_PODS = 254
"""Pods on one node."""
WORKER_PODS_FROM = 100
"""Pod numbers below are the lab's own; pods that other programs create on a node start here."""
MAX_OWN_PODS = WORKER_PODS_FROM - 1 + 2 * MAX_PODS
"""So many pods of its own can a node have in the lab's life without using an address twice."""
POD_PORT = 8080
SERVICE_PORT = 8080
RELAY_ADMIN_PORT = 10249
"""kube-proxy's metrics port."""

_SERVICE_BASE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The addresses of the lab that owns second octet *octet*."""

    octet: int = DEFAULT_OCTET

    def node(self, node: int) -> str:
        """The address of node number *node*, from 1."""
        return f"127.{self.octet}.0.{node}"

    def pod(self, node: int, pod: int) -> str:
        """The address of pod number *pod* (from 1) on node number *node*."""
        return f"127.{self.octet}.{node}.{pod}"

    def own_pod(self, node: int, count: int) -> str:
        """The address of the *count*th pod (1 to MAX_OWN_PODS) that the lab itself starts on a node."""
        if count < WORKER_PODS_FROM:
            return self.pod(node, count)
        floor, number = divmod(count - WORKER_PODS_FROM, MAX_PODS)
        return self.pod(node + (floor + 1) * MAX_NODES, number + 1)

    def cluster_ip(self, service: int) -> str:
        """``spec.clusterIP`` of Service number *service*, from 1; nothing listens there."""
        return f"127.{self.octet}.{_SERVICE_BASE}.{service}"

    def service(self, node: int, service: int) -> str:
        """Where Service number *service* answers the clients of node number *node*."""
        return f"127.{self.octet}.{_SERVICE_BASE + node}.{service}"

    def service_at(self, node: int, cluster_ip: str) -> str | None:
        """Where the Service with that ``spec.clusterIP`` answers the clients of *node*; None if not ours."""
        parts = _octets(cluster_ip)
        if parts is None or parts[:3] != (127, self.octet, _SERVICE_BASE) or parts[3] == 0:
            return None
        return self.service(node, parts[3])

    def node_of(self, pod_ip: str) -> int | None:
        """The number of the node a pod's address belongs to; None for any other address."""
        parts = _octets(pod_ip)
        if parts is None or parts[:2] != (127, self.octet) or not 1 <= parts[2] <= 3 * MAX_NODES:
            return None
        return (parts[2] - 1) % MAX_NODES + 1

    def node_at(self, node_ip: str) -> int | None:
        """The number of the node with that address; None for any other address."""
        parts = _octets(node_ip)
        if parts is None or parts[:3] != (127, self.octet, 0) or not 1 <= parts[3] <= MAX_NODES:
            return None
        return parts[3]


def _octets(address: str) -> tuple[int, int, int, int] | None:
    try:
        a, b, c, d = ipaddress.IPv4Address(address).packed
    except ValueError:
        return None
    return a, b, c, d
