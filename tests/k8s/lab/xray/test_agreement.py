"""One X-Ray, two ways in: spans over OTLP and their documents through PutTraceSegments."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from k8s.lab.xray.archive import Resources, spans_of
from k8s.lab.xray.behaviour import Settings
from k8s.lab.xray.spans import span_of
from k8s.lab.xray.standin import StandIn
from k8s.lab.xray.translate import documents_of
from tests.k8s.lab.xray.builders import (
    TRACE,
    WINDOW,
    Json,
    canonical,
    pod,
    put,
    request,
    services,
    span,
    stand_in,
    take,
)

_ATTRIBUTES: list[Json] = [
    {},
    {"http.response.status_code": 200, "url.path": "/a", "http.request.method": "GET"},
    {"http.status_code": 429, "http.url": "http://h/a", "net.peer.ip": "10.0.0.1"},
    {"http.response.status_code": 503, "client.address": "10.0.0.2"},
    {"db.system": "mysql", "db.name": "shop", "db.statement": "SELECT 1"},
    {"rpc.system": "aws-api", "aws.remote.service": "AWS::DynamoDB", "aws.table_name": "carts"},
    {"aws.span.kind": "LOCAL_ROOT", "aws.local.service": "here", "aws.remote.service": "there"},
    {"aws.account_id": "222222222222", "peer.service": "partner"},
    {"run_id": "R1", "phase": "after", "enduser.id": "ann", "tags": ["a", "b"], "nested": {"a": 1.5}},
]
_RESOURCES: list[Json] = [
    pod("ui-1"),
    pod("catalog-1", "eu-west-1b", cloud__account__id="111111111111"),
    pod("catalog-2", "eu-west-1c", cloud__platform="aws_ec2"),
    {"service.name": "elsewhere", "cloud.provider": "gcp"},
    {},
]


def random_request(rng: random.Random, size: int) -> ExportTraceServiceRequest:
    """Spans of two traces from several pods; any span may be lost before it gets here."""
    parts: list[tuple[Json, list[Any]]] = [(resource, []) for resource in _RESOURCES]
    for number in range(1, size + 1):
        message = span(
            rng.choice(["GET", "GET /a", "odd(name)"]),
            rng.randrange(6),
            number,
            parent=rng.choice([0, *range(1, number), size + 9]),
            start=rng.random(),
            took=rng.choice([0.0, 0.0004, 0.25]),
            status=rng.choice([0, 0, 2]),
            trace_id=rng.choice([TRACE, TRACE[:-1] + "8"]),
            **(rng.choice(_ATTRIBUTES) | rng.choice(_ATTRIBUTES)),
        )
        if rng.random() < 0.2:
            event = message.events.add(name="exception")
            event.attributes.add(key="exception.message").value.string_value = "broken"
        rng.choice(parts)[1].append(message)
    return request(*parts)


def exported(message: ExportTraceServiceRequest, delivery: int = 1) -> list[Json]:
    """The documents that the exporter sends for a request, after their way through JSON."""
    indexing = Settings().indexing
    found = [
        document
        for each, resource in spans_of(message, Resources())
        for document in documents_of(span_of(each), resource, indexing, delivery)
    ]
    return [json.loads(json.dumps(document)) for document in found]


def everything(target: StandIn) -> Any:
    """All that queries tell, without orders and revisions."""
    summaries = target.call("/TraceSummaries", WINDOW | {"TimeRangeType": "Event"})["TraceSummaries"]
    for summary in summaries:
        del summary["Revision"]
    series = target.call("/TimeSeriesServiceStatistics", WINDOW)["TimeSeriesServiceStatistics"]
    return canonical(services(target, StartTime=-10)), summaries, series, target.dump(10)["traces"]


@given(st.randoms(use_true_random=False), st.integers(1, 60), st.booleans())
@settings(max_examples=60)
def test_both_ways_in_agree(rng: random.Random, size: int, accounts: bool) -> None:
    """Graph, time series, summaries and traces are equal, however the documents are cut into calls."""
    message = random_request(rng, size)
    over_otlp, over_documents = stand_in(accounts=accounts), stand_in(accounts=accounts)
    take(over_otlp, message)
    documents = exported(message)
    while documents:
        cut = rng.randrange(1, 51)
        assert put(over_documents, *documents[:cut]) == {"UnprocessedTraceSegments": []}
        del documents[:cut]

    assert everything(over_otlp) == everything(over_documents)


@pytest.mark.parametrize("seed", range(3))
def test_mixed_ways_in(seed: int) -> None:
    """Half of the spans over OTLP, the others as documents, some both ways: the same graph."""
    rng = random.Random(seed)
    message = random_request(rng, 200)
    whole, mixed = stand_in(), stand_in()
    take(whole, message)
    halves = [ExportTraceServiceRequest(), ExportTraceServiceRequest()]
    for half, (keep_even, keep_odd) in zip(halves, ((True, False), (True, True)), strict=True):
        half.CopyFrom(message)
        for resource_spans in half.resource_spans:
            kept = [
                each
                for each in resource_spans.scope_spans[0].spans
                if (keep_even if each.span_id[-1] % 2 else keep_odd)
            ]
            del resource_spans.scope_spans[0].spans[:]
            resource_spans.scope_spans[0].spans.extend(kept)
    # The spans over OTLP come after the calls for these; with their ids both ways give the same segments.
    documents = exported(halves[1], delivery=len(exported(halves[1])) // 50 + 2)
    for start in range(0, len(documents), 50):
        put(mixed, *documents[start : start + 50])
    take(mixed, halves[0])

    assert canonical(services(whole, StartTime=-10)) == canonical(services(mixed, StartTime=-10))
