"""One pass of the EndpointSlice controller under ``spec.trafficDistribution``."""

from dataclasses import replace

import pytest

from k8s.routing.hints import HintsCache, SliceLists, effective_mode, own_zone_counts, reconcile
from k8s.routing.modes import RoutingMode
from tests.k8s.cases import (
    AUTO,
    counted,
    cpu_of,
    reconciled,
    service,
    slice_of,
    zoneless,
)

SAME_ZONE = service(traffic_distribution="PreferSameZone")
SAME_NODE = service(traffic_distribution="PreferSameNode")


@pytest.mark.parametrize(
    ("field", "minor", "expected"),
    [
        ("PreferClose", 30, RoutingMode.OFF),
        ("PreferClose", 31, RoutingMode.PREFER_CLOSE),
        ("PreferSameZone", 33, RoutingMode.OFF),
        ("PreferSameZone", 34, RoutingMode.PREFER_SAME_ZONE),
        ("PreferSameNode", 33, RoutingMode.OFF),
        ("PreferSameNode", 36, RoutingMode.PREFER_SAME_NODE),
    ],
)
def test_field_values_by_version(field: str, minor: int, expected: RoutingMode) -> None:
    """A controller ignores the values that are newer than itself."""
    assert effective_mode(service(traffic_distribution=field), minor) is expected


@pytest.mark.parametrize("minor", [27, 30, 31, 36])
def test_annotation_works_in_every_version(minor: int) -> None:
    """The annotation is recognised throughout."""
    assert effective_mode(AUTO, minor) is RoutingMode.TAR


@pytest.mark.parametrize("field", ["PreferClose", "PreferSameZone"])
@pytest.mark.parametrize("pods", ["3/3/3", "3/1/1", "5/0/0"])
def test_same_zone(field: str, pods: str) -> None:
    """Every ready endpoint is hinted to its own zone, with any number and placement, without an event."""
    done = reconciled(
        "1:1:1", SliceLists(unchanged=(slice_of(pods),)), of=service(traffic_distribution=field)
    )

    assert (done.hinted, own_zone_counts(done.slices.every)) == (counted(pods), counted(pods))
    assert (done.event, done.allocation, done.cache) == (None, None, HintsCache())
    assert not any(endpoint.node_hints for endpoint in done.slices.update[0].endpoints)


def test_same_node() -> None:
    """PreferSameNode hints both the zone and the node."""
    done = reconciled("1:1:1", SliceLists(unchanged=(slice_of("1/1"),)), of=SAME_NODE)

    assert [(one.zone_hints, one.node_hints) for one in done.slices.update[0].endpoints] == [
        (("a",), ("node-a",)),
        (("b",), ("node-b",)),
    ]


def test_same_zone_does_not_need_nodes() -> None:
    """Changes of the nodes cause no writes under trafficDistribution, not even the loss of all."""
    before = reconciled("1:1:1", SliceLists(unchanged=(slice_of("3/1/1"),)), of=SAME_ZONE)

    done = reconciled("0", SliceLists(unchanged=before.slices.every), before.cache, of=SAME_ZONE)

    assert done.slices.unchanged == before.slices.every


def test_same_zone_leaves_endpoints_that_are_not_ready() -> None:
    """A wrong hint of an endpoint that is not ready is neither a reason to write nor written."""
    one = slice_of("1", "0/1", ready=False)

    done = reconciled("1:1:1", SliceLists(unchanged=(one,), update=(replace(one, name="x"),)), of=SAME_ZONE)

    assert done.slices.unchanged == (one,)
    assert done.slices.update[0].endpoints == one.endpoints


@pytest.mark.parametrize(("minor", "hints"), [(32, ("",)), (33, ()), (36, ())])
def test_same_zone_for_an_endpoint_without_zone(minor: int, hints: tuple[str, ...]) -> None:
    """Up to 1.32 an endpoint without zone got a hint with an empty name, since then none."""
    of = service(traffic_distribution="PreferClose")

    done = reconcile(
        of, cpu_of("1:1"), SliceLists(update=(zoneless(slice_of("1/1")),)), HintsCache(), minor=minor
    )

    assert [one.zone_hints for one in done.slices.update[0].endpoints] == [hints, ("b",)]


def test_from_node_to_zone() -> None:
    """From PreferSameNode to PreferSameZone: the node hints go."""
    before = reconciled("1:1:1", SliceLists(unchanged=(slice_of("1/1"),)), of=SAME_NODE)

    done = reconciled("1:1:1", SliceLists(unchanged=before.slices.every), of=SAME_ZONE)

    assert [one.node_hints for one in done.slices.update[0].endpoints] == [(), ()]
