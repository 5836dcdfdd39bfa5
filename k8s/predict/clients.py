"""Where the clients of a Service are: the share of its new connections that each node opens (pure).

Shares are exact fractions, so that what is computed from them adds up exactly.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from k8s.errors import UsageError
from k8s.routing.allocation import cpu_ratios
from k8s.topology import Labels, Node, NodeName, Pod, ServiceKey, Snapshot, Zone

NAME_LABELS = ("app.kubernetes.io/name", "app", "k8s-app")
"""Where a workload's name is read from a pod, first hit wins (Kubernetes' recommended labels)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientNode:
    """The clients on one node."""

    node: NodeName
    zone: Zone | None
    """The node's zone label; None where it has none."""
    share: Fraction
    """Of all new connections to the Service, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Who opens the connections; the shares sum to exactly 1."""

    nodes: tuple[ClientNode, ...]
    """Sorted by node, without those that open none."""
    basis: str
    """Where the shares come from, in words."""

    @property
    def by_zone(self) -> tuple[tuple[Zone | None, Fraction], ...]:
        """(zone, share of the connections), sorted, clients without a zone last."""
        total: dict[Zone | None, Fraction] = {}
        for one in self.nodes:
            total[one.zone] = total.get(one.zone, Fraction(0)) + one.share
        return tuple(sorted(total.items(), key=lambda pair: (pair[0] is None, pair[0] or "")))


def shared(weights: Mapping[NodeName, Fraction], nodes: Iterable[Node], basis: str) -> Clients:
    """Clients in proportion to *weights* (any positive scale); UsageError if there is nothing to share."""
    total = sum(weights.values(), start=Fraction(0))
    if total <= 0 or min(weights.values()) < 0:
        raise UsageError(f"shares of the clients ({basis}): give numbers from 0, at least one above 0")
    zones = {node.name: node.zone for node in nodes}
    return Clients(
        nodes=tuple(
            ClientNode(node=name, zone=zones.get(name), share=weight / total)
            for name, weight in sorted(weights.items())
            if weight
        ),
        basis=basis,
    )


def of_pods(pods: Sequence[Pod], nodes: Iterable[Node], name: str) -> Clients:
    """Every pod of *pods* opens as many connections as any other; *name* is what a message calls them.

    Pods that are not scheduled, not ready or terminating open none. UsageError if nothing is left.
    """
    on = _per_node(pods)
    if not on:
        raise UsageError(f"clients {name}: no ready pod of that name; is it right? else give shares by zone")
    count = sum(on.values())
    return shared(on, nodes, f"{count} ready {'pod' if count == 1 else 'pods'} of {name}")


def _per_node(pods: Iterable[Pod]) -> dict[NodeName, Fraction]:
    counts = Counter(pod.node for pod in pods if pod.node and pod.ready and not pod.terminating)
    return {node: Fraction(count) for node, count in counts.items() if node}


def by_zone(weights: Mapping[Zone, Fraction], nodes: Sequence[Node], pods: Sequence[Pod] = ()) -> Clients:
    """Shares by zone; in a zone they follow the client *pods* there, else its ready workers evenly.

    UsageError for a zone that has no ready node, or shares that are none.
    """
    zones = {node.name: node.zone for node in nodes}
    on = _per_node(pods)
    workers = [node.name for node in nodes if node.ready and not node.is_control_plane]
    spread: dict[NodeName, Fraction] = {}
    for zone, weight in weights.items():
        here = {name: count for name, count in on.items() if zones.get(name) == zone}
        here = here or {name: Fraction(1) for name in workers if zones[name] == zone}
        if not here:
            known = ", ".join(sorted({at for name in workers if (at := zones[name])})) or "none"
            raise UsageError(f"shares of the clients: no ready node in zone {zone!r}; zones are: {known}")
        total = sum(here.values())
        spread.update({name: weight * count / total for name, count in here.items()})
    if not spread:
        raise UsageError("shares of the clients: none given")
    return shared(spread, nodes, "shares by zone as given")


def by_cpu(nodes: Sequence[Node]) -> Clients:
    """Clients in proportion to the allocatable CPU of the ready workers: what Auto hints assume."""
    counted = cpu_ratios(nodes).cpu_milli_by_zone
    if not counted:
        raise UsageError("clients by CPU: no ready worker node with a zone and CPU; look at the nodes")
    weights = {
        node.name: Fraction(node.cpu_allocatable_milli)
        for node in nodes
        if node.ready and node.zone and node.cpu_allocatable_milli and not node.is_control_plane
    }
    return shared(weights, nodes, "assumed in proportion to the nodes' CPU")


def pods_of(snapshot: Snapshot, workload: ServiceKey) -> tuple[Pod, ...]:
    """The pods of a workload: those its Service of that name selects, else by label, else by pod name.

    A pod name fits where the workload's is followed by what a controller appends: ``ui-6d5f7c9b8-x7k2p``,
    ``ui-x7k2p`` or ``ui-0``.
    """
    pods = [pod for pod in snapshot.pods if pod.namespace == workload.namespace]
    for service in snapshot.services:
        if service.key == workload and service.selector:
            return _matching(pods, service.selector)
    named = tuple(pod for pod in pods if _label_name(pod) == workload.name)
    return named or tuple(pod for pod in pods if _owned_by_name(pod.name, workload.name))


def pods_with(snapshot: Snapshot, namespace: str, labels: Labels) -> tuple[Pod, ...]:
    """The pods of a namespace that carry all *labels*."""
    return _matching((pod for pod in snapshot.pods if pod.namespace == namespace), labels)


def _matching(pods: Iterable[Pod], labels: Labels) -> tuple[Pod, ...]:
    return tuple(pod for pod in pods if set(labels) <= set(pod.labels))


def _label_name(pod: Pod) -> str | None:
    labels = dict(pod.labels)
    return next((labels[key] for key in NAME_LABELS if key in labels), None)


def _owned_by_name(pod: str, workload: str) -> bool:
    rest = pod.removeprefix(f"{workload}-")
    parts = rest.split("-")
    return rest != pod and len(parts) <= 2 and (len(parts[-1]) == 5 or parts[-1].isdigit())  # noqa: PLR2004 - hash and suffix
