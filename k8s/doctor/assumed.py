"""Clients that call every Service alike, where nobody is named: one a ready worker, weighted by its CPU."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from k8s.model.scene import Scene
from k8s.predict.carriage import Carriage
from k8s.routing.allocation import cpu_ratios
from k8s.routing.carriers import Carrier
from k8s.routing.hints import NEWEST_MINOR
from k8s.routing.proxy import OLDEST_MINOR
from k8s.topology import NodeName, Zone

AlikeNodes = tuple[Zone, int, Carrier]
"""Nodes that are alike: zone, kube-proxy's minor version, and what carries their connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedClients:
    """Where connections are assumed to come from."""

    groups: Mapping[AlikeNodes, float]
    """Share of the connections; sums to 1."""
    nodes: Mapping[NodeName, tuple[AlikeNodes, float]]
    """The group and the share of each node."""
    by_zone: Mapping[Zone, float]


def assumed_clients(scene: Scene, carriage: Carriage) -> AssumedClients | None:
    """The clients; None where no node can be one, or a kube-proxy is too old to be modelled."""
    workers = [
        node
        for node in scene.snapshot.nodes
        if node.ready and node.zone and node.cpu_allocatable_milli and not node.is_control_plane
    ]
    total = sum(milli for _, milli in cpu_ratios(workers).cpu_milli_by_zone)
    known = dict(scene.proxy_minors)
    usual = scene.server_minor or max(known.values(), default=NEWEST_MINOR)
    nodes: dict[NodeName, tuple[AlikeNodes, float]] = {}
    groups: dict[AlikeNodes, float] = defaultdict(float)
    zones: dict[Zone, float] = defaultdict(float)
    for node in workers:
        minor, share = known.get(node.name, usual), node.cpu_allocatable_milli / total
        if node.zone is None or minor < OLDEST_MINOR:
            return None
        group = (node.zone, minor, carriage.of_node(node.name))
        nodes[node.name] = (group, share)
        groups[group] += share
        zones[node.zone] += share
    return AssumedClients(groups=groups, nodes=nodes, by_zone=zones) if nodes else None
