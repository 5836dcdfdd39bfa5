"""Raw objects to values, and a slice back to JSON."""

import pytest

from k8s.model import objects
from k8s.model.objects import SliceOwner
from k8s.topology import (
    Endpoint,
    EndpointSlice,
    Event,
    Node,
    NodeName,
    Pod,
    PodName,
    Service,
    ServicePort,
    Zone,
)
from tests.k8s.raw import EVENT, NODE, POD, SERVICE, SLICE, without

OWNER = SliceOwner(
    name="catalog", uid="s-1", labels=(("team", "shop"),), protocols=(("dns", "UDP"), ("http", "TCP"))
)


def test_node() -> None:
    """A node has its zone, readiness and CPU."""
    assert objects.node(NODE) == Node(
        name=NodeName("ip-10-0-1-7"),
        zone=Zone("eu-west-1a"),
        ready=True,
        cpu_allocatable_milli=1930,
        labels=(("arch", "arm"), ("topology.kubernetes.io/zone", "eu-west-1a")),
    )


def test_bare_node() -> None:
    """A node without labels, conditions and CPU has no zone, is not ready and counts as zero CPU."""
    assert objects.node({"metadata": {"name": "n"}}) == Node(
        name=NodeName("n"), zone=None, ready=False, cpu_allocatable_milli=0
    )


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_node_that_is_not_ready(status: str) -> None:
    """Only the text "True" is ready."""
    assert not objects.node(without(NODE, "status", "conditions", 1, "status", value=status)).ready


def test_pod() -> None:
    """A pod has its address, node, readiness and labels."""
    assert objects.pod(POD) == Pod(
        namespace="catalog",
        name=PodName("catalog-6d5f7c9b8-x7k2p"),
        uid="u-1",
        ip="127.100.1.1",
        node=NodeName("ip-10-0-1-7"),
        labels=(("app", "catalog"),),
    )


def test_new_pod() -> None:
    """A pod that is not scheduled has neither node nor address, and is not ready."""
    found = objects.pod({"metadata": {"name": "p", "namespace": "n"}})

    assert (found.node, found.ip, found.ready, found.phase) == (None, None, False, "Pending")


def test_terminating_pod() -> None:
    """A pod with a deletion time is terminating."""
    assert objects.pod(
        without(POD, "metadata", "deletionTimestamp", value="2026-01-31T12:00:00Z")
    ).terminating


def test_container_ports() -> None:
    """Only named ports are looked up by name."""
    assert objects.container_ports(POD) == (("http", 8080),)


def test_service() -> None:
    """A Service has its ports, knobs and selector; a target port is the port itself by default."""
    assert objects.service(SERVICE) == Service(
        namespace="catalog",
        name="catalog",
        selector=(("app", "catalog"),),
        annotations=(("service.kubernetes.io/topology-mode", "Auto"),),
        ports=(
            ServicePort(name="http", port=80, target_port="http"),
            ServicePort(name="dns", port=53, target_port="5353"),
            ServicePort(name="bare", port=7, target_port="7"),
        ),
        cluster_ip="127.100.200.1",
        traffic_distribution="PreferSameZone",
        labels=(("service.kubernetes.io/headless", "mine"), ("team", "shop")),
    )
    assert objects.service_protocols(SERVICE) == (("http", "TCP"), ("dns", "UDP"), ("bare", "TCP"))


def test_endpoint_slice() -> None:
    """A slice keeps the order of endpoints, their physical zone apart from their hints."""
    assert objects.endpoint_slice(SLICE) == EndpointSlice(
        namespace="catalog",
        name="catalog-abcde",
        service="catalog",
        endpoints=(
            Endpoint(
                addresses=("127.100.1.1",),
                zone=Zone("eu-west-1a"),
                node=NodeName("ip-10-0-1-7"),
                ready=True,
                serving=True,
                terminating=False,
                pod=PodName("catalog-6d5f7c9b8-x7k2p"),
                zone_hints=(Zone("eu-west-1b"),),
                node_hints=(NodeName("ip-10-0-1-7"),),
            ),
            Endpoint(addresses=("127.100.1.2",)),
        ),
        ports=(("http", 8080), ("dns", 5353)),
        managed_by="endpointslice-controller.k8s.io",
    )


@pytest.mark.parametrize("field", ["endpoints", "ports"])
def test_null_lists(field: str) -> None:
    """The API writes null for an empty list in the slice of a Service without pods."""
    assert getattr(objects.endpoint_slice(without(SLICE, field)), field) == ()


def test_target_that_is_no_pod() -> None:
    """Only a Pod target gives a pod name."""
    raw = without(SLICE, "endpoints", 0, "targetRef", "kind", value="Node")

    assert objects.endpoint_slice(raw).endpoints[0].pod is None


def test_slice_round_trip() -> None:
    """Written back, a slice is the same JSON."""
    written = objects.endpoint_slice_raw(
        objects.endpoint_slice(SLICE),
        OWNER,
        pod_uids={PodName("catalog-6d5f7c9b8-x7k2p"): "u-1"},
        resource_version="42",
    )

    assert written == SLICE


def test_new_slice_has_no_version() -> None:
    """A slice to be created carries no resourceVersion, and endpoints without hints no ``hints``."""
    value = EndpointSlice(namespace="n", name="s-1", service="s", endpoints=(Endpoint(addresses=("1",)),))

    written = objects.endpoint_slice_raw(value, SliceOwner(name="s", uid="u"), pod_uids={})

    assert "resourceVersion" not in written["metadata"]
    assert written["endpoints"] == [{"addresses": ["1"], "conditions": {}}]


def test_slice_owner() -> None:
    """A slice takes the Service's labels over, but for those reserved for slices."""
    owner = objects.slice_owner(SERVICE)

    assert (owner.name, owner.uid, owner.headless) == ("catalog", "s-1", False)
    assert objects.slice_labels(owner, "me") == {
        "team": "shop",
        "kubernetes.io/service-name": "catalog",
        "endpointslice.kubernetes.io/managed-by": "me",
    }
    headless = objects.slice_owner(without(SERVICE, "spec", "clusterIP", value="None"))
    assert objects.slice_labels(headless, "me")["service.kubernetes.io/headless"] == ""


def test_event() -> None:
    """An event tells when it was last seen, and how often."""
    assert objects.event(EVENT) == Event(
        type="Warning",
        reason="TopologyAwareHintsDisabled",
        message="Nodes only ready in one zone, addressType: IPv4",
        last_seen_s=1_769_860_805.0,
        count=3,
    )


def test_event_in_the_new_form() -> None:
    """A series has its own time and count; times have microseconds."""
    raw = EVENT | {
        "lastTimestamp": None,
        "firstTimestamp": None,
        "count": None,
        "eventTime": "2026-01-31T12:00:00.000000Z",
        "series": {"count": 7, "lastObservedTime": "2026-01-31T12:00:01.500000Z"},
    }

    found = objects.event(raw)

    assert (found.last_seen_s, found.count) == (1_769_860_801.5, 7)


def test_listed() -> None:
    """The items of a list keep their order; null is no items."""
    assert [
        node.name
        for node in objects.listed(
            {"items": [NODE, without(NODE, "metadata", "name", value="x")]}, objects.node
        )
    ] == [
        "ip-10-0-1-7",
        "x",
    ]
    assert objects.listed({"items": None}, objects.node) == ()
