"""Which pod sent a segment, wherever its name stands."""

from typing import Any

import msgspec
import pytest

from analysis.source.facts import Facts
from analysis.source.xray import senders, traces
from analysis.source.xray.documents import Document
from k8s.topology import Zone
from tests.analysis.graphs import trace

FACTS = Facts(
    pods={"orders-1": "orders-1", "uid-1": "orders-1", "10.0.0.1": "orders-1", "shop-1": "shop-1"},
    nodes={"i-0abc": Zone("a"), "ip-10-0-0-9": Zone("b")},
)


def resource(**attributes: str) -> dict[str, str]:
    return {f"otel.resource.{key}": value for key, value in attributes.items()}


def segment(document: dict[str, Any]) -> Document:
    return msgspec.convert({"name": "orders"} | document, Document)


@pytest.mark.parametrize(
    "document",
    [
        {"name": "orders-1"},
        {"aws": {"eks": {"pod": "orders-1"}}},
        {"annotations": resource(**{"k8s.pod.name": "orders-1"})},
        {"metadata": {"default": resource(**{"k8s.pod.name": "orders-1"})}},
        {"metadata": {"default": resource(**{"k8s.pod.uid": "uid-1"})}},
        {"metadata": {"default": resource(**{"k8s.pod.ip": "10.0.0.1"})}},
        {"metadata": {"default": resource(**{"host.name": "orders-1"})}},
        {"metadata": {"default": resource(**{"service.instance.id": "orders-1"})}},
        {"metadata": {"default": resource(**{"service.instance.id": "shop.orders-1.app"})}},
        {"aws": {"eks": {"pod": "gone-7"}}, "annotations": resource(**{"k8s.pod.name": "orders-1"})},
    ],
)
def test_a_pod_is_found(document: dict[str, Any]):
    """In the node's name, the aws block, annotations, metadata, the instance's id; what is no pod is passed
    over.
    """
    assert senders.pod_of(segment(document), FACTS) == "orders-1"


@pytest.mark.parametrize(
    "callee",
    [
        {"http": {"request": {"client_ip": "10.0.0.1"}}},
        {"metadata": {"default": {"network.peer.address": "10.0.0.1"}}},
        {"metadata": {"default": {"net.sock.peer.addr": "10.0.0.1"}}},
    ],
)
def test_a_caller_that_names_no_pod_is_known_by_its_address(callee: dict[str, Any]):
    """As its callee saw it."""
    documents = (
        {"name": "orders", "id": "a", "subsegments": [{"name": "GET", "id": "b"}]},
        {"name": "shop-1", "id": "c", "parent_id": "b"} | callee,
    )
    (call,) = traces.sample([trace(*documents)], FACTS).calls

    assert (call.client, call.client_end.counted_as, call.server) == ("orders-1", "orders", "shop-1")
    assert not call.client_end.lacks


@pytest.mark.parametrize(
    ("document", "zone"),
    [
        ({"aws": {"ec2": {"instance_id": "i-0abc", "availability_zone": "c"}}}, "a"),
        ({"metadata": {"default": resource(**{"k8s.node.name": "ip-10-0-0-9"})}}, "b"),
    ],
)
def test_a_node_places_what_names_no_pod(document: dict[str, Any], zone: str):
    """By the topology; never by the zone that a segment states of itself."""
    end = senders.end_of(segment(document), None, FACTS)

    assert (end.zone, end.lacks) == (zone, "")


def test_what_names_nothing_known_says_so():
    """The words it had, and what to set."""
    end = senders.end_of(segment({"aws": {"eks": {"pod": "gone-7"}}}), None, FACTS)

    assert end.zone is None
    assert end.lacks.startswith("its segments name gone-7, no pod known here; set OTEL_RESOURCE_ATTRIBUTES=")
