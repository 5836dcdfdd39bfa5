"""Each rule of the translation by itself; sources as in the modules."""

from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from k8s.lab.xray.otel_resources import Indexing, resource_of
from k8s.lab.xray.spans import span_of
from k8s.lab.xray.translate import documents_of
from tests.k8s.lab.xray.builders import (
    CLIENT,
    CONSUMER,
    INTERNAL,
    PRODUCER,
    SERVER,
    UNSPECIFIED,
    Json,
    pairs,
    pod,
    span,
)

_LOCAL_ROOT = {
    "aws.span.kind": "LOCAL_ROOT",
    "aws.local.service": "here",
    "aws.remote.service": "there",
}


def documents(
    message: Span, resource: Json | None = None, indexing: Indexing | None = None
) -> tuple[Json, ...]:
    """The documents of a span."""
    described = resource_of(pod("pod-1") if resource is None else resource)
    return documents_of(span_of(message), described, indexing or Indexing())


def only(message: Span, resource: Json | None = None, indexing: Indexing | None = None) -> Json:
    """The one document of a span."""
    (document,) = documents(message, resource, indexing)
    return document


@pytest.mark.parametrize(
    ("kind", "parent", "expected"),
    [
        (SERVER, 0, None),
        (SERVER, 9, None),
        (CONSUMER, 9, None),
        (CLIENT, 0, None),
        (INTERNAL, 0, None),
        (UNSPECIFIED, 0, None),
        (CLIENT, 9, "subsegment"),
        (PRODUCER, 9, "subsegment"),
        (INTERNAL, 9, "subsegment"),
        (UNSPECIFIED, 9, "subsegment"),
    ],
)
def test_type(kind: int, parent: int, expected: str | None) -> None:
    """SERVER, CONSUMER and parentless spans are segments, the rest independent subsegments."""
    document = only(span("work", kind, 1, parent=parent))

    assert expected == document.get("type")
    assert (f"{parent:016x}" if parent else None) == document.get("parent_id")


def test_zero_parent_is_none() -> None:
    """A parent id of zeros stands for no parent."""
    message = span("work", CLIENT, 1)
    message.parent_span_id = bytes(8)

    assert "parent_id" not in only(message)


@pytest.mark.parametrize("kind", [SERVER, INTERNAL])
def test_local_root_that_serves(kind: int) -> None:
    """A LOCAL_ROOT span that calls nobody is one segment without namespace, even below a parent."""
    document = only(span("work", kind, 1, parent=9, **_LOCAL_ROOT, **{"rpc.system": "aws-api"}))

    assert (document["name"], document.get("type"), document.get("namespace")) == ("here", None, None)


@pytest.mark.parametrize("kind", [CLIENT, PRODUCER, CONSUMER])
def test_local_root_that_calls(kind: int) -> None:
    """A LOCAL_ROOT span that calls out is two documents: the call keeps its id, the service has a new one."""
    called, service = documents(span("work", kind, 1, parent=9, **_LOCAL_ROOT))

    assert ("there", f"{1:016x}", "subsegment", "remote") == (
        called["name"],
        called["id"],
        called["type"],
        called["namespace"],
    )
    assert called["parent_id"] == service["id"]
    assert ("here", f"{9:016x}", None, None) == (
        service["name"],
        service["parent_id"],
        service.get("type"),
        service.get("namespace"),
    )


def test_local_root_service_is_bare() -> None:
    """The service's segment has no http, nothing of the call in aws, and only resource metadata."""
    attributes = {"url.full": "http://h/", "aws.region": "r", "aws.operation": "Get", "color": "red"}
    called, service = documents(span("work", CLIENT, 1, **_LOCAL_ROOT, **attributes))

    assert "http" in called
    assert "http" not in service
    assert (called["aws"]["region"], called["aws"]["operation"]) == ("r", "Get")
    assert {"ec2", "eks", "xray"} == service["aws"].keys()
    assert called["metadata"]["default"]["color"] == "red"
    assert all(key.startswith("otel.resource.") for key in service["metadata"]["default"])


def test_local_root_below_a_parent_stores_no_resource() -> None:
    """Below a parent, a LOCAL_ROOT CLIENT's segment keeps what decides elsewhere: no resource attributes."""
    _, service = documents(span("work", CLIENT, 1, parent=9, **_LOCAL_ROOT))

    assert "metadata" not in service


def test_local_root_annotates_both() -> None:
    """Ordinary annotations stand on both documents, those about the remote side only on the call."""
    indexing = Indexing(indexed_attributes=("run_id", "aws.remote.service"))
    called, service = documents(span("work", CLIENT, 1, **_LOCAL_ROOT, run_id="R1"), indexing=indexing)

    assert called["annotations"] == {"run_id": "R1", "aws.remote.service": "there"}
    assert service["annotations"] == {"run_id": "R1"}


def test_local_root_without_local_service() -> None:
    """Without aws.local.service the service's segment is named by the resource."""
    attributes = {"aws.span.kind": "LOCAL_ROOT", "aws.remote.service": "there"}
    _, service = documents(span("work", CLIENT, 1, **attributes))

    assert service["name"] == "pod-1"


def test_local_root_ids_repeat() -> None:
    """The same span translated twice gives the same ids, so that a second delivery changes nothing."""
    message = span("work", CLIENT, 1, status=Status.STATUS_CODE_ERROR, **_LOCAL_ROOT)
    message.status.message = "boom"

    assert documents(message) == documents(message)


@pytest.mark.parametrize(
    ("status", "attributes", "expected"),
    [
        (0, {}, ()),
        (2, {}, ("fault",)),
        (0, {"http.response.status_code": 200}, ()),
        (2, {"http.response.status_code": 200}, ("fault",)),
        (0, {"http.response.status_code": 404}, ("error",)),
        (2, {"http.response.status_code": 404}, ("error",)),
        (0, {"http.response.status_code": 429}, ("error", "throttle")),
        (0, {"http.response.status_code": 503}, ("fault",)),
        (0, {"http.status_code": 404, "http.response.status_code": 503}, ("error",)),
        (2, {"http.response.status_code": 600}, ("fault",)),
        (0, {"http.response.status_code": "503"}, ()),
    ],
)
def test_flags(status: int, attributes: Json, expected: tuple[str, ...]) -> None:
    """The HTTP status decides from 400 to 599, the old attribute first; otherwise the span status."""
    document = only(span("x", SERVER, 1, status=status, **attributes))

    assert expected == tuple(flag for flag in ("error", "fault", "throttle") if document[flag])


def test_times() -> None:
    """Times are doubles of nanoseconds divided by 1e9, with the last digit as the exporter has it."""
    message = span("x", SERVER, 1)
    message.start_time_unix_nano = 1_795_376_700_002_000_000
    message.end_time_unix_nano = 1_795_376_700_005_000_000
    document = only(message)

    assert (document["start_time"], document["end_time"]) == (1795376700.0019999, 1795376700.0049999)


def test_trace_id_is_only_rewritten() -> None:
    """A random W3C trace id passes: its first 8 digits stand where X-Ray once wanted a time."""
    message = span("x", SERVER, 1, trace_id="1-eb6ca50d-370721cdb31e74c0d1c0720f")

    assert only(message)["trace_id"] == "1-eb6ca50d-370721cdb31e74c0d1c0720f"


def test_annotations_by_index() -> None:
    """Indexed span and resource attributes become annotations, arrays never do, keys keep their dots."""
    indexing = Indexing(indexed_attributes=("run-id", "list", "flag", "otel.resource.k8s.pod.name"))
    attributes = {"run-id": "R1", "list": ["a"], "flag": False, "other": 1}
    document = only(span("x", SERVER, 1, **attributes), indexing=indexing)

    assert document["annotations"] == {"run_id": "R1", "flag": False, "otel.resource.k8s.pod.name": "pod-1"}
    assert document["metadata"]["default"]["other"] == 1
    assert "list" not in document["metadata"]["default"]


def test_subsegments_do_not_store_the_resource() -> None:
    """Resource attributes are neither annotations nor metadata of subsegments."""
    indexing = Indexing(indexed_attributes=("otel.resource.k8s.pod.name",))
    document = only(span("x", CLIENT, 1, parent=9), indexing=indexing)

    assert not {"annotations", "metadata"} & document.keys()


def test_annotations_on_request() -> None:
    """A span names its own annotations in aws.xray.annotations, which itself is not kept."""
    attributes = {"aws.xray.annotations": ["color"], "color": "red", "size": 2}
    document = only(span("x", INTERNAL, 1, parent=9, **attributes))

    assert document["annotations"] == {"color": "red"}
    assert document["metadata"]["default"] == {"size": 2}


def test_index_all() -> None:
    """With index_all_attributes every scalar is an annotation, and what http took is not."""
    indexing = Indexing(index_all_attributes=True)
    document = only(
        span("x", INTERNAL, 1, parent=9, color="red", **{"http.method": "GET"}), indexing=indexing
    )

    assert document["annotations"] == {"color": "red"}


def test_indexed_although_taken() -> None:
    """An attribute that the http block took is annotated all the same if it is indexed."""
    indexing = Indexing(indexed_attributes=("http.method",))
    document = only(span("x", INTERNAL, 1, parent=9, **{"http.method": "GET"}), indexing=indexing)

    assert document["annotations"] == {"http.method": "GET"}


def test_metadata_namespaces() -> None:
    """aws.xray.metadata.<namespace> spreads a JSON object, anything else stays in default."""
    attributes = {
        "aws.xray.metadata.own": '{"a": 1}',
        "aws.xray.metadata.default": '{"b": 2}',
        "aws.xray.metadata.bad": "no json",
        "aws.xray.metadata.number": 5,
        "enduser.id": "ann",
        "data": b"\x00\x01",
    }
    document = only(span("x", INTERNAL, 1, parent=9, **attributes))

    assert document["metadata"] == {
        "own": {"a": 1},
        "default": {
            "b": 2,
            "aws.xray.metadata.bad": "no json",
            "aws.xray.metadata.number": 5,
            "data": "AAE=",
        },
    }
    assert document["user"] == "ann"


def test_sql() -> None:
    """SQL systems get a block; its url is the span's name, its connection string ends in the database."""
    attributes = {"db.system": "mysql", "db.name": "shop", "db.statement": "SELECT 1", "db.user": "u"}
    document = only(span("query", CLIENT, 1, parent=9, **attributes))

    assert document["sql"] == {
        "connection_string": "localhost/shop",
        "url": "query",
        "sanitized_query": "SELECT 1",
        "database_type": "mysql",
        "user": "u",
    }
    assert "metadata" not in document


def test_other_databases_are_metadata() -> None:
    """A database that is not SQL has no block; its attributes are metadata."""
    document = only(span("query", CLIENT, 1, parent=9, **{"db.system": "redis", "db.name": "0"}))

    assert "sql" not in document
    assert document["metadata"]["default"] == {"db.system": "redis", "db.name": "0"}


def test_aws_call() -> None:
    """Attributes of an AWS call move into the aws block; table names beat the table name."""
    attributes: dict[str, Any] = {
        "rpc.system": "aws-api",
        "rpc.method": "GetItem",
        "aws.region": "eu-west-1",
        "aws.requestId": "R",
        "aws.queue.url": "Q",
        "aws.dynamodb.table_names": ["carts"],
        "aws.account_id": "42",
    }
    block = only(span("x", CLIENT, 1, parent=9, **attributes), resource={"cloud.account.id": "1"})["aws"]

    assert block == {
        "xray": {"auto_instrumentation": False},
        "account_id": "42",
        "operation": "GetItem",
        "region": "eu-west-1",
        "request_id": "R",
        "queue_url": "Q",
        "table_name": "carts",
    }


def test_several_tables() -> None:
    """Several table names stand in a list, and no single one beside it."""
    attributes: dict[str, Any] = {"aws.dynamodb.table_names": ["a", "b"], "aws.table_name": "c"}
    block = only(span("x", CLIENT, 1, parent=9, **attributes))["aws"]

    assert block["table_names"] == ["a", "b"]
    assert "table_name" not in block


def test_links() -> None:
    """Links keep trace id, span id and attributes."""
    message = span("x", CONSUMER, 1)
    message.links.add(trace_id=bytes(range(16)), span_id=bytes(range(8)), attributes=pairs({"a": 1}))

    assert only(message)["links"] == [
        {
            "trace_id": "1-00010203-0405060708090a0b0c0d0e0f",
            "id": "0001020304050607",
            "attributes": {"a": 1},
        }
    ]


@pytest.mark.parametrize(
    ("kind", "on_call", "on_service"), [(CLIENT, 1, 0), (PRODUCER, 1, 0), (CONSUMER, 0, 1)]
)
def test_links_of_a_local_root(kind: int, on_call: int, on_service: int) -> None:
    """Of the two documents the call keeps the links, except that a consumer's service does."""
    message = span("work", kind, 1, **_LOCAL_ROOT)
    message.links.add(trace_id=bytes(range(16)), span_id=bytes(range(8)))
    called, service = documents(message)

    assert [len(document.get("links", [])) for document in (called, service)] == [on_call, on_service]
