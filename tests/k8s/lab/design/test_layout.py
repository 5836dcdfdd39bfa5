"""Where the lab's nodes and pods are."""

from collections import Counter
from typing import Any

import pytest

from k8s.lab.design.layout import Layout
from k8s.lab.design.settings import LabSettings
from k8s.lab.design.store_app import CATALOG, UI, store
from k8s.lab.run.lineup import plan_lab
from k8s.topology import NodeName, Zone

A, B, C = Zone("eu-west-1a"), Zone("eu-west-1b"), Zone("eu-west-1c")


def layout(**settings: Any) -> Layout:
    return plan_lab(LabSettings(state_dir="unused", **settings), octet=100, token="").layout


def per_zone(found: Layout, service: object) -> list[int]:
    counts = Counter(pod.zone for pod in found.pods if pod.service == service)
    return [counts[zone] for zone in (A, B, C)]


def test_the_default_is_three_zones_with_a_node_each() -> None:
    """Named after their zone's letter, numbered through."""
    assert [(node.number, node.name, node.zone) for node in layout().nodes] == [
        (1, "node-a-1", A),
        (2, "node-b-1", B),
        (3, "node-c-1", C),
    ]


@pytest.mark.parametrize(("replicas", "spread"), [(6, [2, 2, 2]), (7, [3, 2, 2]), (2, [1, 1, 0])])
def test_pods_are_spread_as_evenly_as_possible(replicas: int, spread: list[int]) -> None:
    """Zones differ by one pod at most."""
    assert spread == per_zone(layout(app=store(catalog=replicas)), CATALOG)


def test_pods_per_zone_can_be_given() -> None:
    """They replace the even spread, Service by Service."""
    found = layout(app=store(catalog=(5, 0, 1), ui=3))
    assert (per_zone(found, CATALOG), per_zone(found, UI)) == ([5, 0, 1], [1, 1, 1])


def test_the_pods_of_a_zone_take_turns_on_its_nodes() -> None:
    """Three pods on two nodes: two and one."""
    found = layout(nodes_per_zone=2, app=store(catalog=(3, 0, 0), ui=(0, 1, 0)))
    on = Counter(pod.node for pod in found.pods if pod.service == CATALOG)
    assert {NodeName("node-a-1"): 2, NodeName("node-a-2"): 1} == on


def test_every_pod_has_an_address_of_its_own_on_its_node() -> None:
    """No address twice, and the third octet is the node's number."""
    found = layout(nodes_per_zone=2, app=store(catalog=20, ui=9))
    assert len({pod.ip for pod in found.pods}) == 29
    assert all(found.addresses.node_of(pod.ip) == found.node(pod.node).number for pod in found.pods)


def test_names_depend_on_the_seed_and_not_on_the_zone() -> None:
    """The same seed gives the same names, another one others; all look like a ReplicaSet's."""
    names = [pod.name for pod in layout(seed=1).pods]
    assert names == [pod.name for pod in layout(seed=1).pods]
    assert not set(names) & {pod.name for pod in layout(seed=2).pods}
    assert len(set(names)) == 9
    assert {"catalog", "ui"} == {name.rsplit("-", 2)[0] for name in names}


def test_a_zones_nodes_can_have_other_cpu() -> None:
    """The TAR heuristic weighs zones by it."""
    found = layout(cpu_milli=4000, zone_cpu_milli=((B, 2000),))
    assert [node.cpu_milli for node in found.nodes] == [4000, 2000, 4000]
