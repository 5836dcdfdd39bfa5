"""Where the clients of a Service are: the share of its new connections that each node opens (pure).

Shares are exact fractions, so that what is computed from them adds up exactly.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from k8s.errors import UsageError
from k8s.predict.carriage import Carriage
from k8s.routing.allocation import cpu_ratios
from k8s.routing.carriers import KUBE_PROXY, Carrier
from k8s.topology import Labels, Node, NodeName, Pod, ServiceKey, Snapshot, Zone

DEFAULT_CLIENT = ServiceKey(namespace="ui", name="ui")
"""Whose pods are taken as clients where there are such and nobody is named; else CPU decides."""
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
    carrier: Carrier = KUBE_PROXY
    """What carries their connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Who opens the connections; the shares sum to exactly 1."""

    nodes: tuple[ClientNode, ...]
    """Sorted by node, without those that open none; one for each carrier of a node's clients."""
    basis: str
    """Where the shares come from, in words."""

    @property
    def by_zone(self) -> tuple[tuple[Zone | None, Fraction], ...]:
        """(zone, share of the connections), sorted, clients without a zone last."""
        total: dict[Zone | None, Fraction] = {}
        for one in self.nodes:
            total[one.zone] = total.get(one.zone, Fraction(0)) + one.share
        return tuple(sorted(total.items(), key=lambda pair: (pair[0] is None, pair[0] or "")))


def shared(
    weights: Mapping[NodeName, Fraction], nodes: Iterable[Node], basis: str, carriage: Carriage | None = None
) -> Clients:
    """Clients in proportion to *weights* (any positive scale); UsageError if there is nothing to share.

    *carriage* says what carries their connections; without it that is kube-proxy.
    """
    keyed = {
        (name, KUBE_PROXY if carriage is None else carriage.of_node(name)): weight
        for name, weight in weights.items()
    }
    return _shared(keyed, nodes, basis)


def _shared(
    weights: Mapping[tuple[NodeName, Carrier], Fraction], nodes: Iterable[Node], basis: str
) -> Clients:
    total = sum(weights.values(), start=Fraction(0))
    if total <= 0 or min(weights.values()) < 0:
        raise UsageError(f"shares of the clients ({basis}): give numbers from 0, at least one above 0")
    zones = {node.name: node.zone for node in nodes}
    return Clients(
        nodes=tuple(
            ClientNode(node=name, zone=zones.get(name), share=weight / total, carrier=carrier)
            for (name, carrier), weight in sorted(
                weights.items(), key=lambda pair: (pair[0][0], pair[0][1].name)
            )
            if weight
        ),
        basis=basis,
    )


def of_pods(
    pods: Sequence[Pod], nodes: Iterable[Node], name: str, carriage: Carriage | None = None
) -> Clients:
    """Every pod of *pods* opens as many connections as any other; *name* is what a message calls them.

    Pods that are not scheduled, not ready or terminating open none. UsageError if nothing is left.
    """
    on = _per_node(pods, carriage)
    if not on:
        raise UsageError(f"clients {name}: no ready pod of that name; is it right? else give shares by zone")
    count = sum(on.values())
    return _shared(on, nodes, f"{count} ready {'pod' if count == 1 else 'pods'} of {name}")


def by_calls(
    calls: Iterable[tuple[Pod, int]], nodes: Iterable[Node], basis: str, carriage: Carriage | None = None
) -> Clients:
    """Clients in proportion to the calls that each pod made; pods that are not scheduled are left out.

    UsageError if nothing is left.
    """
    on: Counter[tuple[NodeName, Carrier]] = Counter()
    for pod, count in calls:
        if pod.node:
            on[pod.node, KUBE_PROXY if carriage is None else carriage.of_pod(pod)] += count
    if not on.total():
        raise UsageError(f"clients by {basis}: none of them is on a node")
    return _shared({key: Fraction(count) for key, count in on.items()}, nodes, basis)


def _per_node(
    pods: Iterable[Pod], carriage: Carriage | None = None
) -> dict[tuple[NodeName, Carrier], Fraction]:
    counts = Counter(
        (pod.node, KUBE_PROXY if carriage is None else carriage.of_pod(pod))
        for pod in pods
        if pod.node and pod.ready and not pod.terminating
    )
    return {(node, carrier): Fraction(count) for (node, carrier), count in counts.items() if node}


def by_zone(
    weights: Mapping[Zone, Fraction],
    nodes: Sequence[Node],
    pods: Sequence[Pod] = (),
    carriage: Carriage | None = None,
) -> Clients:
    """Shares by zone; in a zone they follow the client *pods* there, else its ready workers evenly.

    UsageError for a zone that has no ready node, or shares that are none.
    """
    zones = {node.name: node.zone for node in nodes}
    on = _per_node(pods, carriage)
    workers = [node.name for node in nodes if node.ready and not node.is_control_plane]
    spread: dict[tuple[NodeName, Carrier], Fraction] = {}
    for zone, weight in weights.items():
        here = {key: count for key, count in on.items() if zones.get(key[0]) == zone}
        here = here or {
            (name, KUBE_PROXY if carriage is None else carriage.of_node(name)): Fraction(1)
            for name in workers
            if zones[name] == zone
        }
        if not here:
            known = ", ".join(sorted({at for name in workers if (at := zones[name])})) or "none"
            raise UsageError(f"shares of the clients: no ready node in zone {zone!r}; zones are: {known}")
        total = sum(here.values())
        spread.update({key: weight * count / total for key, count in here.items()})
    if not spread:
        raise UsageError("shares of the clients: none given")
    return _shared(spread, nodes, "shares by zone as given")


def by_cpu(nodes: Sequence[Node], carriage: Carriage | None = None) -> Clients:
    """Clients in proportion to the allocatable CPU of the ready workers: what Auto hints assume."""
    counted = cpu_ratios(nodes).cpu_milli_by_zone
    if not counted:
        raise UsageError("clients by CPU: no ready worker node with a zone and CPU; look at the nodes")
    weights = {
        node.name: Fraction(node.cpu_allocatable_milli)
        for node in nodes
        if node.ready and node.zone and node.cpu_allocatable_milli and not node.is_control_plane
    }
    return shared(weights, nodes, "assumed in proportion to the nodes' CPU", carriage)


def usual_clients(snapshot: Snapshot, key: ServiceKey, carriage: Carriage) -> Clients:
    """The clients of Service *key* where nobody said who they are."""
    usual = () if key == DEFAULT_CLIENT else pods_of(snapshot, DEFAULT_CLIENT)
    if any(pod.ready and pod.node and not pod.terminating for pod in usual):
        return of_pods(usual, snapshot.nodes, str(DEFAULT_CLIENT), carriage)
    return by_cpu(snapshot.nodes, carriage)


def outside(clients: Clients, zone: Zone) -> Clients:
    """The same clients without those in *zone*; UsageError where nobody is left."""
    kept = {(one.node, one.carrier): one for one in clients.nodes if one.zone != zone}
    total = sum((one.share for one in kept.values()), start=Fraction(0))
    if not total:
        raise UsageError(f"clients outside zone {zone}: none is left; all of them are in it")
    return Clients(
        nodes=tuple(replace(one, share=one.share / total) for one in kept.values()),
        basis=f"{clients.basis}, without those in {zone}",
    )


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
