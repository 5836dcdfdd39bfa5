"""Which pods are the workers of a cluster, and what is refused before any load."""

from dataclasses import replace

import pytest

from k8s.errors import InvalidRunError, UsageError
from k8s.topology import Node, NodeName, Pod, PodName, Snapshot, Zone
from loadtest.swarm.cluster_swarm import WorkerPod, uneven, worker_pods, worker_zones


def node(
    name: str, zone: str | None, *, ready: bool = True, labels: tuple[tuple[str, str], ...] = ()
) -> Node:
    return Node(
        name=NodeName(name),
        zone=Zone(zone) if zone else None,
        ready=ready,
        cpu_allocatable_milli=4000,
        labels=labels,
    )


def pod(name: str, on: str, *, app: str = "locust-worker", ready: bool = True) -> Pod:
    return Pod(
        namespace="locust",
        name=PodName(name),
        uid=name,
        ip="10.0.0.1",
        node=NodeName(on),
        phase="Running",
        ready=ready,
        terminating=False,
        labels=(("app.kubernetes.io/name", app),),
    )


NODES = (node("n1", "a"), node("n2", "b"), node("n3", "b"))
PLACE = Snapshot(taken_at_s=0.0, nodes=NODES, pods=(pod("w2", "n2"), pod("w1", "n1")))


def test_workers_by_zone_and_name():
    """Each ready worker pod with its node and zone; the master is none."""
    place = replace(PLACE, pods=(*PLACE.pods, pod("m", "n1", app="locust-master")))
    assert worker_pods(place) == (
        WorkerPod(pod="w1", node="n1", zone="a"),
        WorkerPod(pod="w2", node="n2", zone="b"),
    )


@pytest.mark.parametrize(
    "other",
    [
        pod("w3", "n4", ready=False),
        replace(pod("w3", "n4"), terminating=True),
        replace(pod("w3", "n4"), node=None),
        replace(pod("w3", "n4"), namespace="default"),
        pod("w3", "n4", app="ui"),
    ],
)
def test_a_zone_without_a_ready_worker_is_named(other: Pod):
    """Not ready, ending, unscheduled, elsewhere or something else: zone c has no load."""
    place = replace(PLACE, nodes=(*NODES, node("n4", "c")), pods=(*PLACE.pods, other))
    with pytest.raises(
        InvalidRunError, match=r"none is ready in zone c \(there are 2 in a, b\).*kubectl -n locust"
    ):
        worker_pods(place)


def test_zones_without_ordinary_ready_nodes_need_no_worker():
    """A control plane's zone, and one whose nodes are not ready, carry no traffic."""
    control = (("node-role.kubernetes.io/control-plane", ""),)
    more = (node("cp", "x", labels=control), node("down", "y", ready=False), node("bare", None))
    assert worker_zones(replace(PLACE, nodes=(*NODES, *more))) == ("a", "b")


def test_nodes_without_zones():
    """There is nothing to measure then, and the label is named."""
    with pytest.raises(UsageError, match=r"topology\.kubernetes\.io/zone"):
        worker_zones(replace(PLACE, nodes=(node("n1", None),)))


def test_zones_with_different_load_are_said():
    """Two workers in one zone and one in the other send 2:1."""
    both = worker_pods(PLACE)
    assert uneven(both) == ""
    more = (*both, WorkerPod(pod="w3", node="n3", zone="b"))
    assert "(a 1, b 2)" in uneven(more)
