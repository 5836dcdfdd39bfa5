"""Where new pods go, and which pods go away."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.lab.controllers.placing import Spot, Tenant, leaving, place
from k8s.topology import NodeName, PodName, Zone

A, B, C = Zone("eu-west-1a"), Zone("eu-west-1b"), Zone("eu-west-1c")
THREE = [Spot(name=NodeName(f"node-{zone[-1]}-1"), zone=zone) for zone in (A, B, C)]


def tenant(name: str, node: str | None, replica_set: str = "new", **more: object) -> Tenant:
    found = Tenant(
        name=PodName(name), node=NodeName(node) if node else None, replica_set=replica_set, workload="catalog"
    )
    return replace(found, **more)  # type: ignore[arg-type] - fields by name


def put(spots: list[Spot], tenants: list[Tenant], **more: object) -> str | None:
    given: dict[str, object] = {"replica_set": "new", "workload": "catalog"} | more
    return place(spots, tenants, **given)  # type: ignore[arg-type] - arguments by name


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ([], "node-a-1"),
        (["node-a-1"], "node-b-1"),
        (["node-a-1", "node-b-1"], "node-c-1"),
        (["node-b-1", "node-c-1"], "node-a-1"),
        (["node-a-1", "node-a-1", "node-b-1"], "node-c-1"),
    ],
)
def test_a_pod_goes_where_the_fewest_are(on: list[str], expected: str) -> None:
    """Zone by zone; the first name where nothing else decides."""
    assert put(THREE, [tenant(str(index), node) for index, node in enumerate(on)]) == expected


def test_the_zone_counts_before_the_node() -> None:
    """An empty node in a full zone is not better than a full node in an emptier zone."""
    spots = [*THREE, Spot(name=NodeName("node-a-2"), zone=A)]
    on = ["node-a-1", "node-a-1", "node-b-1", "node-c-1", "node-c-1"]
    tenants = [tenant(str(index), node) for index, node in enumerate(on)]
    assert put(spots, tenants) == "node-b-1"
    assert put(spots, [*tenants, tenant("x", "node-b-1")]) == "node-a-2"


def test_pods_of_the_same_rollout_are_spread_before_those_of_the_last() -> None:
    """So that a rollout ends as even as it can, whatever was there before."""
    old = [tenant(f"old{index}", f"node-{letter}-1", "old") for index, letter in enumerate("abb")]
    assert put(THREE, old) == "node-c-1"
    assert put(THREE, [*old, tenant("new", "node-c-1")]) == "node-a-1"


@pytest.mark.parametrize(
    "spot",
    [
        replace(THREE[0], ready=False),
        replace(THREE[0], cordoned=True),
    ],
    ids=["not ready", "cordoned"],
)
def test_nodes_that_take_no_pods_get_none(spot: Spot) -> None:
    """Whatever room they have."""
    assert put([spot, THREE[1]], [tenant("x", "node-b-1")]) == "node-b-1"
    assert put([spot], []) is None


def test_a_node_selector_is_followed() -> None:
    """Every pair has to be on the node."""
    spots = [THREE[0], replace(THREE[1], labels=(("disk", "ssd"), ("size", "l")))]
    assert put(spots, [], node_selector=(("disk", "ssd"),)) == "node-b-1"
    assert put(spots, [], node_selector=(("disk", "hdd"),)) is None


@given(
    zones=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    shut=st.sets(st.integers(0, 11)),
    pods=st.integers(0, 30),
)
def test_pods_that_come_one_by_one_are_even_over_open_zones(
    zones: list[int], shut: set[int], pods: int
) -> None:
    """Zones differ by one at most, and so do the open nodes of a zone; shut nodes get nothing."""
    spots = [
        Spot(name=NodeName(f"node-{zone}-{node}"), zone=Zone(f"eu-west-1{zone}"))
        for zone, nodes in enumerate(zones)
        for node in range(nodes)
    ]
    spots = [replace(spot, cordoned=index in shut) for index, spot in enumerate(spots)]
    usable = {spot.name: spot.zone for spot in spots if not spot.cordoned}
    tenants: list[Tenant] = []
    for index in range(pods):
        node = put(spots, tenants)
        assert (node in usable) == bool(usable)
        tenants.append(tenant(f"pod-{index}", node))
    if usable:
        by_zone = Counter(usable[one.node] for one in tenants if one.node)
        assert max(by_zone.values(), default=0) - min(by_zone[zone] for zone in usable.values()) <= 1
        for zone in set(usable.values()):
            on = Counter(one.node for one in tenants)
            counts = [on[node] for node, its in usable.items() if its == zone]
            assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"node": NodeName("node-a-1")}, {"node": None}),
        ({}, {"running": False}),
        ({}, {"ready": False}),
        ({"cost": 5}, {"cost": -5}),
        ({"ready_since_s": 1.0}, {"ready_since_s": 2.0}),
        ({"restarts": 0}, {"restarts": 1}),
        ({"created_s": 1.0}, {"created_s": 2.0}),
    ],
    ids=["placed", "started", "ready", "cost", "ready for longer", "fewer restarts", "older"],
)
def test_who_goes_first(better: dict[str, object], worse: dict[str, object]) -> None:
    """As upstream ranks them; all else is equal."""
    first = tenant("a", "node-a-1")
    pods = [
        replace(first, **better),  # type: ignore[arg-type] - fields by name
        replace(first, name=PodName("b"), **worse),  # type: ignore[arg-type] - as above
    ]
    assert leaving(pods, replica_set="new", count=1) == ("b",)


def test_the_one_that_shares_its_node_goes_first() -> None:
    """Pods of the workload's other ReplicaSets count, others do not; older ones would stay else."""
    mine = [tenant("a", "node-a-1", "old", created_s=9.0), tenant("b", "node-b-1", "old", created_s=1.0)]
    assert leaving([*mine, tenant("n", "node-b-1")], replica_set="old", count=1) == ("b",)
    other = replace(tenant("n", "node-b-1", "x"), workload="ui")
    assert leaving([*mine, other], replica_set="old", count=1) == ("a",)


@pytest.mark.parametrize("count", [-1, 0, 1, 2, 9])
def test_no_more_go_than_there_are(count: int) -> None:
    """And only the ReplicaSet's own."""
    pods = [tenant("a", "node-a-1"), tenant("b", "node-b-1"), tenant("c", "node-a-1", "old")]
    going = leaving(pods, replica_set="new", count=count)
    assert len(going) == min(max(count, 0), 2)
    assert "c" not in going
