"""kube-proxy's choice of endpoints."""

from dataclasses import replace

import pytest

from k8s.errors import UsageError
from k8s.routing.hints import SliceLists
from k8s.routing.proxy import HintsIgnored, ProxyMode, Usable, usable
from k8s.topology import (
    OLD_HINTS_ANNOTATION,
    TOPOLOGY_MODE_ANNOTATION,
    Endpoint,
    EndpointSlice,
    NodeName,
    Service,
    Zone,
)
from tests.k8s.cases import AUTO, OFF, reconciled, service, slice_of

A = NodeName("node-a")
HINTED = slice_of("2/2/2", "2/2/2")
SAME_NODE = service(traffic_distribution="PreferSameNode")
BY_NODE = reconciled("1:1:1", SliceLists(unchanged=(slice_of("2/2/2"),)), of=SAME_NODE).slices.update[0]


def reach(
    *slices: EndpointSlice, of: Service = OFF, node: str = "node-a", zone: str | None = "a", minor: int = 36
) -> Usable:
    return usable(of, slices, NodeName(node), None if zone is None else Zone(zone), minor=minor)


def homes(found: Usable) -> str:
    """The physical zones of the endpoints, a letter each."""
    return "".join(endpoint.zone or "-" for endpoint in found.endpoints)


def with_first(one: EndpointSlice, **fields: object) -> EndpointSlice:
    return replace(one, endpoints=(replace(one.endpoints[0], **fields), *one.endpoints[1:]))  # type: ignore[arg-type]


def conditions(endpoint: Endpoint, *, ready: bool, serving: bool, terminating: bool) -> Endpoint:
    return replace(endpoint, ready=ready, serving=serving, terminating=terminating)


def leaving(one: EndpointSlice) -> EndpointSlice:
    """All endpoints terminating, the last one no longer serving."""
    last = len(one.endpoints) - 1
    return replace(
        one,
        endpoints=tuple(
            conditions(endpoint, ready=False, serving=number < last, terminating=True)
            for number, endpoint in enumerate(one.endpoints)
        ),
    )


def test_no_hints() -> None:
    """Without hints every ready endpoint is used, and there is nothing to ignore."""
    found = reach(slice_of("2/1/1"))

    assert (homes(found), found.mode, found.ignored) == ("aabc", ProxyMode.DEFAULT, ())


def test_zone_hints() -> None:
    """With a zone hint on every ready endpoint, those hinted for the node's zone are used."""
    found = reach(HINTED)

    assert (homes(found), found.mode, found.ignored) == ("aa", ProxyMode.SAME_ZONE, ())


def test_hint_decides_not_the_zone() -> None:
    """A donated endpoint serves the zone it is hinted for, though it is in another."""
    found = reach(slice_of("3/0/0", "1/1/1"), zone="b")

    assert (homes(found), found.mode) == ("a", ProxyMode.SAME_ZONE)


def test_several_zones_in_one_hint() -> None:
    """An endpoint hinted for several zones serves each of them."""
    both = with_first(slice_of("1/1", "1/1"), zone_hints=(Zone("a"), Zone("b")))

    assert [homes(reach(both, zone=zone)) for zone in "ab"] == ["a", "ab"]


@pytest.mark.parametrize("minor", [27, 31, 34])
def test_node_without_zone_label(minor: int) -> None:
    """On a node without zone label zone hints are ignored."""
    found = reach(HINTED, of=AUTO, zone=None, minor=minor)

    assert (homes(found), found.mode) == ("aabbcc", ProxyMode.DEFAULT)
    assert found.ignored == (HintsIgnored.NODE_WITHOUT_ZONE,)


def test_node_without_zone_label_still_prefers_itself() -> None:
    """Hints for nodes need no zone label."""
    found = reach(BY_NODE, zone=None)

    assert (homes(found), found.mode) == ("aa", ProxyMode.SAME_NODE)


@pytest.mark.parametrize("zone", ["a", "b", "c"])
def test_one_ready_endpoint_without_hint(zone: str) -> None:
    """A single ready endpoint without zone hint, in any slice, switches hints off on every node."""
    found = reach(HINTED, slice_of("0/0/1", name="other"), zone=zone)

    assert (homes(found), found.mode) == ("aabbccc", ProxyMode.DEFAULT)
    assert found.ignored == (HintsIgnored.ZONE_HINT_MISSING,)


def test_endpoint_that_is_not_ready_without_hint() -> None:
    """An endpoint that is not ready may lack hints."""
    found = reach(HINTED, slice_of("0/0/1", name="other", ready=False))

    assert (homes(found), found.mode) == ("aa", ProxyMode.SAME_ZONE)


def test_zone_without_hinted_endpoint() -> None:
    """Nodes of a zone that no endpoint is hinted for use all endpoints."""
    found = reach(HINTED, zone="d")

    assert (homes(found), found.mode) == ("aabbcc", ProxyMode.DEFAULT)
    assert found.ignored == (HintsIgnored.NO_HINT_FOR_ZONE,)


@pytest.mark.parametrize("ready", [True, None])
def test_absent_condition_reads_as_ready(ready: bool | None) -> None:
    """For kube-proxy an endpoint whose ready condition is absent is ready."""
    found = reach(slice_of("1/1", "1/1", ready=ready))

    assert (homes(found), found.mode) == ("a", ProxyMode.SAME_ZONE)


def test_node_hints() -> None:
    """With a node hint on every ready endpoint, those hinted for the node are used."""
    found = reach(BY_NODE)

    assert (homes(found), found.mode) == ("aa", ProxyMode.SAME_NODE)


def test_node_without_endpoint_falls_back_to_its_zone() -> None:
    """A node that no endpoint is hinted for uses the hints for its zone."""
    found = reach(BY_NODE, node="node-a-2")

    assert (homes(found), found.mode) == ("aa", ProxyMode.SAME_ZONE)
    assert found.ignored == (HintsIgnored.NO_HINT_FOR_NODE,)


def test_neither_node_nor_zone() -> None:
    """Where neither node nor zone has an endpoint, all are used, for two reasons."""
    found = reach(BY_NODE, node="node-d", zone="d")

    assert (homes(found), found.mode) == ("aabbcc", ProxyMode.DEFAULT)
    assert found.ignored == (HintsIgnored.NO_HINT_FOR_NODE, HintsIgnored.NO_HINT_FOR_ZONE)


def test_one_ready_endpoint_without_node_hint() -> None:
    """A single ready endpoint without node hint leaves the zone hints in force."""
    found = reach(with_first(BY_NODE, node_hints=()))

    assert (homes(found), found.mode) == ("aa", ProxyMode.SAME_ZONE)
    assert found.ignored == (HintsIgnored.NODE_HINT_MISSING,)


@pytest.mark.parametrize("minor", [31, 33])
def test_node_hints_before_1_34(minor: int) -> None:
    """An older kube-proxy reads the zone hint that stands beside the node hint."""
    found = reach(BY_NODE, minor=minor)

    assert (homes(found), found.mode) == ("aa", ProxyMode.SAME_ZONE)
    assert found.ignored == (HintsIgnored.NODE_HINTS_TOO_NEW,)


@pytest.mark.parametrize(
    ("annotations", "minor", "mode"),
    [
        ((), 27, ProxyMode.DEFAULT),
        ((), 30, ProxyMode.DEFAULT),
        ((), 31, ProxyMode.SAME_ZONE),
        (((TOPOLOGY_MODE_ANNOTATION, "Disabled"),), 30, ProxyMode.DEFAULT),
        (((TOPOLOGY_MODE_ANNOTATION, "disabled"),), 30, ProxyMode.DEFAULT),
        (((TOPOLOGY_MODE_ANNOTATION, ""),), 30, ProxyMode.DEFAULT),
        (((TOPOLOGY_MODE_ANNOTATION, "Disabled"),), 31, ProxyMode.SAME_ZONE),
        (((TOPOLOGY_MODE_ANNOTATION, "Auto"),), 30, ProxyMode.SAME_ZONE),
        (((TOPOLOGY_MODE_ANNOTATION, "anything"),), 27, ProxyMode.SAME_ZONE),
        (((OLD_HINTS_ANNOTATION, "auto"),), 27, ProxyMode.SAME_ZONE),
        (
            ((OLD_HINTS_ANNOTATION, "Disabled"), (TOPOLOGY_MODE_ANNOTATION, "Auto")),
            30,
            ProxyMode.DEFAULT,
        ),
    ],
)
def test_annotation_by_version(annotations: tuple[tuple[str, str], ...], minor: int, mode: ProxyMode) -> None:
    """Up to 1.30 hints need an annotation that is neither empty nor Disabled; since 1.31 nothing does."""
    found = reach(HINTED, of=service(annotations=annotations), minor=minor)

    assert found.mode is mode
    assert found.ignored == ((HintsIgnored.ANNOTATION,) if mode is ProxyMode.DEFAULT else ())


@pytest.mark.parametrize(("minor", "mode"), [(32, ProxyMode.DEFAULT), (33, ProxyMode.SAME_ZONE)])
def test_empty_hints_on_a_node_without_zone(minor: int, mode: ProxyMode) -> None:
    """The empty hints of a 1.30-1.32 controller match a node without zone only since 1.33."""
    empty = replace(HINTED, endpoints=tuple(replace(one, zone_hints=(Zone(""),)) for one in HINTED.endpoints))

    assert reach(empty, zone=None, minor=minor).mode is mode


def test_too_old() -> None:
    """What is not modelled is refused, not guessed."""
    with pytest.raises(UsageError, match=r"kube-proxy 1\.26 is not modelled"):
        reach(HINTED, minor=26)


def test_nothing_ready() -> None:
    """With nothing ready, endpoints that still serve while terminating are used, whatever their hints."""
    found = reach(leaving(HINTED))

    assert (homes(found), found.mode, found.ignored) == ("aabbc", ProxyMode.DEFAULT, ())
    assert found.terminating


def test_something_ready_elsewhere() -> None:
    """A ready endpoint anywhere is preferred to terminating ones in the own zone."""
    found = reach(leaving(HINTED), slice_of("0/0/1", "0/0/1", name="alive"))

    assert (homes(found), found.mode, found.terminating) == ("c", ProxyMode.DEFAULT, False)
    assert found.ignored == (HintsIgnored.NO_HINT_FOR_ZONE,)


def test_nothing_at_all() -> None:
    """Without endpoints connections are refused."""
    assert reach() == Usable(endpoints=(), mode=ProxyMode.DEFAULT)


LOCAL = service(internal_traffic_policy="Local")


def test_local_policy() -> None:
    """Under the Local policy: the ready endpoints of this node, hints or not."""
    elsewhere = with_first(HINTED, node=NodeName("node-a-2"))

    found = reach(elsewhere, of=LOCAL)

    assert (homes(found), found.mode, found.terminating) == ("a", ProxyMode.LOCAL, False)
    assert found.ignored == (HintsIgnored.LOCAL_POLICY,)


def test_local_policy_falls_back_to_terminating() -> None:
    """With none ready on this node, those that still serve while terminating; others do not help."""
    found = reach(leaving(slice_of("3")), slice_of("0/2", name="b"), of=LOCAL)

    assert (homes(found), found.mode, found.terminating) == ("aa", ProxyMode.LOCAL, True)
    assert found.ignored == ()


def test_local_policy_drops() -> None:
    """With none on this node, connections are dropped."""
    found = reach(HINTED, of=LOCAL, node="node-d", zone="d")

    assert (found.endpoints, found.mode, found.terminating) == ((), ProxyMode.LOCAL, False)


def test_endpoint_in_two_slices_counts_once() -> None:
    """While an endpoint moves between slices it is there twice, and is used once; the local entry wins."""
    remote = with_first(HINTED, node=NodeName("elsewhere"))

    found = reach(HINTED, replace(remote, name="copy"), node="elsewhere")

    assert homes(found) == "aa"
    assert found.endpoints[0].node == "elsewhere"
    assert reach(HINTED, replace(remote, name="copy")).endpoints[0].node == A
