"""The expected share under hints as seen: the parts of the gap, by name and exactly."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from k8s.predict.clients import ClientNode, Clients
from k8s.predict.expected import ExpectedShare, GapCause, GapPart, ZoneExpectation, expected_share
from k8s.routing.proxy import HintsIgnored
from k8s.topology import Endpoint, EndpointSlice, Node, NodeName, Zone
from tests.k8s.cases import AUTO, OFF, nodes_of, service, slice_of

THIRDS = Clients(
    nodes=tuple(ClientNode(node=NodeName(f"node-{at}"), zone=Zone(at), share=Fraction(1, 3)) for at in "abc"),
    basis="given",
)


def seen(pods: str, hints: str = "") -> ExpectedShare:
    return expected_share(AUTO, [slice_of(pods, hints)], THIRDS, nodes_of("1:1:1"))


def test_donated() -> None:
    """5/2/2 pods hinted 3/3/3: a third of what b and c use is donated from a."""
    found = seen("5/2/2", "3/3/3")

    # In slice order the hints are aaa bb b cc c: b gets two of a and one of its own, c one of b.
    assert found.by_zone == (
        ZoneExpectation(zone=Zone("a"), weight=Fraction(1, 3), share=Fraction(1)),
        ZoneExpectation(zone=Zone("b"), weight=Fraction(1, 3), share=Fraction(1, 3)),
        ZoneExpectation(zone=Zone("c"), weight=Fraction(1, 3), share=Fraction(2, 3)),
    )
    assert found.share == Fraction(2, 3)
    assert found.gap == (GapPart(cause=GapCause.DONATED, share=Fraction(1, 3), zones=(Zone("b"), Zone("c"))),)


def test_fallback_and_donated_together() -> None:
    """Hints 2/1/0 on 1/1/1 pods: c falls back to all, a gets one of b, and both parts are told apart."""
    found = seen("1/1/1", "2/1/0")

    assert {part.cause: (part.share, part.zones) for part in found.gap} == {
        GapCause.DONATED: (Fraction(1, 6) + Fraction(1, 3), ("a", "b")),
        GapCause.FALLBACK: (Fraction(2, 9), ("c",)),
    }
    assert found.fallback_zones == ("c",)
    assert found.share == 1 - Fraction(13, 18)


def test_one_unhinted_endpoint_switches_all_off() -> None:
    """A ready endpoint without hint makes kube-proxy ignore the others' on every node."""
    found = seen("1/1/1", "1/1/0")

    assert found.gap == (
        GapPart(
            cause=GapCause.IGNORED,
            share=Fraction(2, 3),
            reason=HintsIgnored.ZONE_HINT_MISSING,
            zones=(Zone("a"), Zone("b"), Zone("c")),
        ),
    )


def test_mode_without_hints_is_not_off() -> None:
    """Auto without hints is told apart from routing that is off."""
    off = expected_share(OFF, [slice_of("1/1/1")], THIRDS, nodes_of("1:1:1"))

    assert [part.cause for part in (*seen("1/1/1").gap, *off.gap)] == [GapCause.NO_HINTS, GapCause.OFF]


def test_zone_of_an_endpoint_is_its_nodes() -> None:
    """A node that has been relabelled decides, not the zone the slice still shows."""
    moved = tuple(
        replace(node, zone=Zone("b")) if node.name == "node-a" else node for node in nodes_of("1:1")
    )
    clients = Clients(
        nodes=(ClientNode(node=NodeName("node-b"), zone=Zone("b"), share=Fraction(1)),), basis=""
    )

    found = expected_share(OFF, [slice_of("1/1")], clients, moved)

    assert found.share == 1


def test_terminating_endpoints() -> None:
    """Where nothing is ready, those that terminate serve every zone, and that has a name."""
    one = slice_of("1/1", ready=False)
    leaving = tuple(replace(each, serving=True, terminating=True) for each in one.endpoints)

    found = expected_share(AUTO, [replace(one, endpoints=leaving)], THIRDS, nodes_of("1:1:1"))

    assert found.share == Fraction(1, 3)
    assert [part.cause for part in found.gap] == [GapCause.NOTHING_READY]
    assert found.load is not None
    assert found.load.greatest == 1


def test_client_without_zone() -> None:
    """Connections of clients on a node without a zone are a part of their own, not crossings."""
    clients = Clients(
        nodes=(
            ClientNode(node=NodeName("bare"), zone=None, share=Fraction(1, 4)),
            ClientNode(node=NodeName("node-a"), zone=Zone("a"), share=Fraction(3, 4)),
        ),
        basis="",
    )

    found = expected_share(AUTO, [slice_of("1/1", "1/1")], clients, nodes_of("1:1"))

    assert found.share == Fraction(3, 4)
    assert found.gap == (GapPart(cause=GapCause.UNPLACED, share=Fraction(1, 4), zones=(None,)),)


ZONES = [Zone(letter) for letter in "abc"]
NAMES = [NodeName(f"n{number}") for number in range(5)]


@st.composite
def endpoints(draw: st.DrawFn) -> tuple[Endpoint, ...]:
    """Up to eight endpoints of any kind, mostly ready and mostly hinted."""
    whether_hinted = draw(st.sampled_from([0, 8, 8]))
    return tuple(
        Endpoint(
            addresses=(str(draw(st.sampled_from([number, number, number, 0]))),),
            zone=draw(st.sampled_from([*ZONES, *ZONES, None])),
            node=draw(st.sampled_from([*NAMES, None])),
            ready=draw(st.sampled_from([True] * 6 + [False, None])),
            serving=True,
            terminating=draw(st.booleans()),
            zone_hints=tuple(draw(st.lists(st.sampled_from(ZONES), max_size=2, unique=True)))
            if draw(st.integers(0, 9)) <= whether_hinted
            else (),
            node_hints=(draw(st.sampled_from(NAMES)),) if draw(st.integers(0, 9)) == 0 else (),
        )
        for number in range(draw(st.integers(0, 8)))
    )


@settings(max_examples=300)
@given(
    found=endpoints(),
    zones=st.lists(st.sampled_from([*ZONES, *ZONES, None]), min_size=5, max_size=5),
    weights=st.lists(st.floats(0.01, 1), min_size=5, max_size=5),
    policy=st.sampled_from(["Cluster", "Cluster", "Local"]),
    minors=st.lists(st.integers(27, 36), min_size=5, max_size=5),
)
def test_parts_sum_up(
    found: tuple[Endpoint, ...],
    zones: list[Zone | None],
    weights: list[float],
    policy: str,
    minors: list[int],
) -> None:
    """Share and gap make exactly 1, and so do the zones, whatever the hints, versions and policy."""
    exact = [Fraction(weight) for weight in weights]
    clients = Clients(
        nodes=tuple(
            ClientNode(node=name, zone=at, share=weight / sum(exact))
            for name, at, weight in zip(NAMES, zones, exact, strict=True)
        ),
        basis="",
    )
    nodes = [
        Node(name=name, zone=at, ready=True, cpu_allocatable_milli=1)
        for name, at in zip(NAMES, zones, strict=True)
    ]
    of = service(annotations=(), internal_traffic_policy=policy)
    one = EndpointSlice(namespace="catalog", name="s", service="catalog", endpoints=found)

    result = expected_share(of, [one], clients, nodes, minors=dict(zip(NAMES, minors, strict=True)))

    if result.share is None:
        assert (result.refused, result.gap, result.load) == (Fraction(1), (), None)
        return
    assert result.share + sum(part.share for part in result.gap) == 1
    assert result.share == sum(each.weight * each.share for each in result.by_zone)
    assert sum(each.weight for each in result.by_zone) == 1
    assert all(part.share > 0 for part in result.gap)
    assert result.load is not None
    assert 0 <= result.load.least <= 1 <= result.load.greatest
