"""Whose connections they are: pods, shares by zone, CPU."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from k8s.errors import UsageError
from k8s.predict.clients import Clients, by_cpu, by_zone, of_pods, pods_of, pods_with, shared
from k8s.topology import Node, NodeName, Pod, PodName, Service, ServiceKey, Snapshot, Zone
from tests.k8s.cases import nodes_of

KEY = ServiceKey(namespace="ui", name="ui")


def pod(name: str, node: str | None = "node-a", **labels: str) -> Pod:
    return Pod(
        namespace="ui",
        name=PodName(name),
        node=NodeName(node) if node else None,
        labels=tuple(sorted(labels.items())),
    )


def test_equal_per_pod() -> None:
    """Each ready pod counts the same; others open no connections."""
    idle = replace(pod("ui-3", "node-b"), ready=False), replace(pod("ui-4", "node-b"), terminating=True)
    pods = (pod("ui-0"), pod("ui-1"), pod("ui-2", "node-b"), pod("ui-5", None), *idle)

    found = of_pods(pods, nodes_of("1:1"), "ui/ui")

    assert found.by_zone == (("a", Fraction(2, 3)), ("b", Fraction(1, 3)))
    assert found.basis == "3 ready pods of ui/ui"


def test_shares_by_zone_follow_the_pods_of_a_zone() -> None:
    """Within a zone the share follows the client pods, where there are none the ready workers."""
    nodes = (*nodes_of("1:1"), replace(nodes_of("1")[0], name=NodeName("a2")))
    weights = {Zone("a"): Fraction(3), Zone("b"): Fraction(1)}

    even = by_zone(weights, nodes)
    on_a2 = by_zone(weights, nodes, [pod("ui-0", "a2")])

    assert [(one.node, one.share) for one in even.nodes] == [
        ("a2", Fraction(3, 8)),
        ("node-a", Fraction(3, 8)),
        ("node-b", Fraction(1, 4)),
    ]
    assert [(one.node, one.share) for one in on_a2.nodes] == [
        ("a2", Fraction(3, 4)),
        ("node-b", Fraction(1, 4)),
    ]


def test_by_cpu() -> None:
    """What Auto assumes: shares as the CPU of the ready workers."""
    found = by_cpu((*nodes_of("2:1:1"), replace(nodes_of("1")[0], name=NodeName("off"), ready=False)))

    assert found.by_zone == (("a", Fraction(1, 2)), ("b", Fraction(1, 4)), ("c", Fraction(1, 4)))


def no_nodes() -> tuple[Node, ...]:
    return ()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: of_pods([], nodes_of("1"), "ui/web"), "clients ui/web: no ready pod of that name"),
        (
            lambda: by_zone({Zone("x"): Fraction(1)}, nodes_of("1:1")),
            "no ready node in zone 'x'; zones are: a, b",
        ),
        (lambda: by_zone({Zone("a"): Fraction(0)}, nodes_of("1")), "at least one above 0"),
        (lambda: by_zone({}, nodes_of("1")), "none given"),
        (
            lambda: shared({NodeName("n"): Fraction(-1), NodeName("m"): Fraction(2)}, (), "x"),
            "numbers from 0",
        ),
        (lambda: by_cpu(no_nodes()), "no ready worker node with a zone and CPU"),
    ],
)
def test_complaints(ask: Callable[[], Clients], message: str) -> None:
    """Shares that make no sense are refused in one line."""
    with pytest.raises(UsageError, match=message):
        ask()


def test_workload_by_selector_label_and_name() -> None:
    """A Service's selector decides, then the name labels, then the pod's name."""
    front, named, plain = pod("x-1", tier="front"), pod("y-1", app="ui"), pod("ui-6d5f7c9b8-x7k2p")
    other = replace(front, namespace="else")
    pods = (front, named, plain, other, pod("ui-canary-6d5f7c9b8-x7k2p"), pod("uix"))
    selecting = Service(namespace="ui", name="ui", selector=(("tier", "front"),))

    def found(snapshot: Snapshot) -> tuple[Pod, ...]:
        return pods_of(snapshot, KEY)

    assert found(Snapshot(taken_at_s=0, pods=pods, services=(selecting,))) == (front,)
    assert found(Snapshot(taken_at_s=0, pods=pods)) == (named,)
    assert found(Snapshot(taken_at_s=0, pods=(plain, *pods[4:]))) == (plain,)
    assert pods_with(Snapshot(taken_at_s=0, pods=pods), "ui", (("app", "ui"),)) == (named,)
