"""The short way from a span to the graph against the long way through documents."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from k8s.lab.xray.elements import SIZE, Element, Nodes, Packer, unpack
from k8s.lab.xray.otel_resources import Indexing, resource_of
from k8s.lab.xray.spans import span_of
from k8s.lab.xray.translate import documents_of
from tests.k8s.lab.xray.builders import span

_TEXTS = st.sampled_from(
    ["", "a", "b.c", "AWS::S3", "AWS.SDK.DynamoDB", "mysql", "redis", "aws-api", "LOCAL_ROOT"]
)
_VALUES = _TEXTS | st.integers(199, 600) | st.booleans() | st.lists(_TEXTS, max_size=2)
_KEYS = st.sampled_from(
    [
        *("aws.span.kind", "aws.local.service", "aws.remote.service", "peer.service", "aws.service"),
        *("db.name", "db.connection_string", "db.system", "rpc.system", "rpc.service", "http.host"),
        *("net.peer.name", "http.status_code", "http.response.status_code", "aws.account_id", "color"),
        *("aws.table_name", "aws.queue_url", "server.address"),
    ]
)
_LIKELY = st.fixed_dictionaries(
    {},
    optional={
        "aws.span.kind": st.just("LOCAL_ROOT"),
        "aws.local.service": st.just("here"),
        "aws.remote.service": _TEXTS,
        "rpc.system": st.just("aws-api"),
        "db.system": st.sampled_from(["mysql", "redis"]),
    },
)
_RESOURCES = st.fixed_dictionaries(
    {},
    optional={
        "service.name": _TEXTS,
        "cloud.provider": st.sampled_from(["aws", "gcp", ""]),
        "cloud.platform": st.sampled_from(["aws_eks", "aws_ec2", "aws_ecs", "other"]),
        "cloud.account.id": st.just("42"),
    },
)
_SPANS = st.builds(
    lambda kind, parent, status, name, likely, more: span(
        name, kind, 7, parent=parent, status=status, start=0.001, took=0.0123, **(likely | more)
    ),
    st.integers(0, 5),
    st.sampled_from([0, 3]),
    st.integers(0, 2),
    st.sampled_from(["GET", "", "a(b)", "x" * 210]),
    _LIKELY,
    st.dictionaries(_KEYS, _VALUES, max_size=5),
)


@given(_SPANS, _RESOURCES, st.booleans())
@settings(max_examples=500)
def test_both_ways_agree(message: Span, resource: Mapping[str, Any], accounts: bool) -> None:
    """What a span adds to the graph is what its documents add."""
    nodes, indexing, described = Nodes(), Indexing(), resource_of(resource)
    packer = Packer(nodes, indexing, accounts=accounts)

    quick = packer.of_span(message, described, 5, 6)

    slow = [
        part
        for document in documents_of(span_of(message), described, indexing, 5)
        for part in packer.of_document(document, 5, 6)
    ]
    assert elements(slow) == elements(quick)


@pytest.mark.parametrize("accounts", [False, True])
def test_accounts_are_asked_for(accounts: bool) -> None:  # the setting itself
    """Nodes have account ids only where the setting says so."""
    nodes = Nodes()
    packer = Packer(nodes, Indexing(), accounts=accounts)
    (packed,) = packer.of_span(
        span("x", 2, 1), resource_of({"service.name": "s", "cloud.account.id": "42"}), 0, 0
    )
    (element,) = unpack(packed)

    assert nodes.identity(element.node) == ("s", "", "42" if accounts else "")


def test_an_element_is_small() -> None:
    """A million elements are 46 MB: what a trace keeps does not grow unnoticed."""
    assert SIZE == 46


def elements(packed: list[bytes]) -> list[Element]:
    """The elements, readable in a failure."""
    return list(unpack(b"".join(packed)))
