"""What is said of raw objects that cannot be read."""

from typing import Any

import pytest

from k8s.errors import UsageError
from k8s.model import objects
from tests.k8s.raw import EVENT, NODE, POD, SERVICE, SLICE, without


@pytest.mark.parametrize(
    ("convert", "raw", "complaint"),
    [
        (
            objects.node,
            without(NODE, "status", "allocatable", "cpu", value="2 cores"),
            (
                "cannot read Node ip-10-0-1-7: status.allocatable.cpu is '2 cores', "
                'expected a CPU quantity such as "1930m" or "2"'
            ),
        ),
        (
            objects.node,
            without(NODE, "metadata", "name"),
            "cannot read a Node: metadata.name is missing, expected a text",
        ),
        (
            objects.node,
            without(NODE, "status", "conditions", 1, "type"),
            "cannot read Node ip-10-0-1-7: status.conditions[1].type is missing, expected a text",
        ),
        (
            objects.pod,
            without(POD, "metadata", "namespace"),
            "cannot read Pod catalog-6d5f7c9b8-x7k2p: metadata.namespace is missing, expected a text",
        ),
        (
            objects.pod,
            without(POD, "status", value=[]),
            "cannot read Pod catalog/catalog-6d5f7c9b8-x7k2p: status is [], expected an object",
        ),
        (
            objects.container_ports,
            without(POD, "spec", "containers", 0, "ports", 0, "containerPort", value="8080"),
            (
                "cannot read Pod catalog/catalog-6d5f7c9b8-x7k2p: "
                "spec.containers[0].ports[0].containerPort is '8080', expected a whole number"
            ),
        ),
        (
            objects.service,
            without(SERVICE, "spec", "ports", 1, "port"),
            "cannot read Service catalog/catalog: spec.ports[1].port is missing, expected a whole number",
        ),
        (
            objects.service,
            without(SERVICE, "spec", "publishNotReadyAddresses", value="yes"),
            (
                "cannot read Service catalog/catalog: spec.publishNotReadyAddresses is 'yes', "
                "expected true or false"
            ),
        ),
        (
            objects.service,
            without(SERVICE, "spec", "selector", value=["app"]),
            "cannot read Service catalog/catalog: spec.selector is ['app'], expected an object",
        ),
        (objects.service, NODE, "cannot read a Service: kind is 'Node', expected Service"),
        (
            objects.endpoint_slice,
            without(SLICE, "addressType"),
            "cannot read EndpointSlice catalog/catalog-abcde: addressType is missing, expected a text",
        ),
        (
            objects.endpoint_slice,
            without(SLICE, "endpoints", 1, "addresses"),
            (
                "cannot read EndpointSlice catalog/catalog-abcde: endpoints[1].addresses is missing, "
                "expected at least one address"
            ),
        ),
        (
            objects.endpoint_slice,
            without(SLICE, "endpoints", value={"a": "b" * 99}),
            (
                "cannot read EndpointSlice catalog/catalog-abcde: endpoints is "
                "{'a': 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb..., expected a list"
            ),
        ),
        (
            objects.event,
            without(EVENT, "lastTimestamp", value="yesterday"),
            (
                "cannot read Event catalog/catalog.17: lastTimestamp is 'yesterday', "
                "expected a time such as 2026-01-31T12:00:00Z"
            ),
        ),
        (
            objects.event,
            {"metadata": {"name": "e", "namespace": "n"}},
            "cannot read Event n/e: lastTimestamp is missing, expected a time",
        ),
        (objects.node, "text", "cannot read a Node: it is 'text', expected an object"),
    ],
)
def test_complaints(convert: Any, raw: Any, complaint: str) -> None:
    """A complaint is one line that names kind, object and field."""
    with pytest.raises(UsageError) as caught:
        convert(raw)

    assert str(caught.value) == complaint


@pytest.mark.parametrize("raw", [{}, {"items": 3}, "text"])
def test_what_is_no_list(raw: Any) -> None:
    """Something without items is no list."""
    with pytest.raises(UsageError, match="cannot read a list: "):
        objects.listed(raw, objects.node)
