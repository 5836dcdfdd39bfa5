"""Unmodified clients against the stand-in's socket: boto3, the AWS CLI, an OpenTelemetry SDK."""

import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Tracer

from tests.k8s.lab.xray.builders import T0, call, counts, pod, segment
from tests.k8s.lab.xray.conftest import ENVIRONMENT, Server

_AWS = Path(sys.executable).with_name("aws")
_LOCAL_ROOT = {
    "aws.span.kind": "LOCAL_ROOT",
    "aws.local.service": "locust-a",
    "aws.remote.service": "ui",
}


def put(client: Any, hour: int, *names: str) -> tuple[int, int]:
    """Put one trace of one segment per name into an hour of its own; returns that hour."""
    begin = T0 + hour * 3600
    documents = [
        segment(name, number, start=hour * 3600 + number)
        | {"trace_id": f"1-{begin + number:08x}-{number:024x}"}
        for number, name in enumerate(names, 1)
    ]
    answer = client.put_trace_segments(TraceSegmentDocuments=[json.dumps(item) for item in documents])
    assert answer["UnprocessedTraceSegments"] == []
    return begin, begin + 3600


def test_graph_through_the_paginator(shared: Server) -> None:
    """boto3's paginator collects all pages; their references fit together."""
    client = shared.client()
    begin, end = put(client, 0, "a", "b", "c")
    pages = list(client.get_paginator("get_service_graph").paginate(StartTime=begin, EndTime=end))

    assert [len(page["Services"]) for page in pages] == [2, 2, 2]
    assert pages[0]["StartTime"] == datetime.fromtimestamp(begin, UTC)
    assert pages[0]["ContainsOldGroupVersions"] is False
    nodes, edges = counts(item for page in pages for item in page["Services"])
    assert nodes == {(name, kind): None if kind else 1 for name in "abc" for kind in ("client", None)}
    assert edges == {((name, "client"), (name, None)): 1 for name in "abc"}


def test_summaries_and_traces_through_boto3(shared: Server) -> None:
    """Summaries page by page, then full traces by their ids."""
    client = shared.client()
    begin, end = put(client, 1, "a", "b", "c")
    found = (
        client.get_paginator("get_trace_summaries").paginate(StartTime=begin, EndTime=end).build_full_result()
    )
    ids = [item["Id"] for item in found["TraceSummaries"]]
    traces = client.batch_get_traces(TraceIds=ids)

    assert [item["EntryPoint"]["Name"] for item in found["TraceSummaries"]] == ["c", "b", "a"]
    assert {item["Id"] for item in traces["Traces"]} == set(ids)
    document = json.loads(traces["Traces"][0]["Segments"][0]["Document"])
    assert document["start_time"] == T0 + 3600 + 3


def test_errors_have_their_classes(shared: Server) -> None:
    """Errors reach the caller as the exceptions of the service model."""
    client = shared.client()

    with pytest.raises(client.exceptions.InvalidRequestException, match="cannot be longer than 6 hours"):
        client.get_service_graph(StartTime=T0, EndTime=T0 + 7 * 3600)
    with pytest.raises(client.exceptions.InvalidRequestException, match="1 to 5 ids, not 6"):
        client.batch_get_traces(TraceIds=["1-6a0f3c00-0123456789abcdef01234567"] * 6)
    with pytest.raises(client.exceptions.InvalidRequestException, match="not found"):
        client.get_group(GroupName="nobody")
    with pytest.raises(ClientError) as caught:
        client.get_insight(InsightId="0" * 36)
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_groups_and_preflight_through_boto3(shared: Server) -> None:
    """Groups, preflight and sampling answers parse."""
    client = shared.client()
    group = client.create_group(GroupName="tar-R1", FilterExpression="fault")["Group"]

    assert client.get_groups()["Groups"] == [group]
    assert client.update_group(GroupName="tar-R1", FilterExpression="ok")["Group"]["FilterExpression"] == "ok"
    client.delete_group(GroupARN=group["GroupARN"])
    destination = client.get_trace_segment_destination()
    assert (destination["Destination"], destination["Status"]) == ("XRay", "ACTIVE")
    assert client.get_sampling_rules()["SamplingRuleRecords"][0]["SamplingRule"]["RuleName"] == "Default"
    assert client.get_indexing_rules()["IndexingRules"][0]["Name"] == "Default"
    client.put_telemetry_records(TelemetryRecords=[{"Timestamp": T0}])


def test_throttling_is_retried(started: Callable[[str], Server]) -> None:
    """A 429 is a ThrottledException, which botocore retries until it passes."""
    server = started('{"throttle_rate": 0.5}')
    once = server.client()
    patient = server.client(retries={"mode": "standard", "total_max_attempts": 8})

    with pytest.raises(once.exceptions.ThrottledException, match="Rate exceeded"):
        deque((once.get_groups() for _ in range(50)), maxlen=0)
    assert patient.get_groups()["Groups"] == []


def test_signature_is_expected(shared: Server) -> None:
    """Calls without a SigV4 header for X-Ray are refused."""
    with pytest.raises(ClientError) as caught:
        shared.client(signature_version=UNSIGNED).get_groups()

    assert caught.value.response["Error"]["Code"] == "MissingAuthenticationTokenException"


@pytest.mark.programs
def test_aws_cli(shared: Server) -> None:
    """The AWS CLI reads the graph, all pages at once."""
    begin, end = put(shared.client(), 2, "a", "b", "c")
    command = [str(_AWS), "xray", "get-service-graph", "--start-time", str(begin), "--end-time", str(end)]
    answer = subprocess.run(
        [*command, "--endpoint-url", shared.url, "--output", "json"],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        check=True,
        text=True,
    )

    nodes, _ = counts(json.loads(answer.stdout)["Services"])
    assert nodes == {(name, kind): None if kind else 1 for name in "abc" for kind in ("client", None)}


@pytest.mark.programs
def test_aws_cli_puts_and_gets(shared: Server) -> None:
    """The AWS CLI puts a segment and gets its trace back."""
    document = segment("cli", 1, start=3 * 3600) | {"trace_id": "1-6a0f6630-0123456789abcdef01234567"}

    def aws(*arguments: str) -> Any:
        answer = subprocess.run(
            [str(_AWS), "xray", *arguments, "--endpoint-url", shared.url, "--output", "json"],
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            check=True,
            text=True,
        )
        return json.loads(answer.stdout)

    put_answer = aws("put-trace-segments", "--trace-segment-documents", json.dumps(document))
    got = aws("batch-get-traces", "--trace-ids", document["trace_id"])

    assert put_answer == {"UnprocessedTraceSegments": []}
    assert json.loads(got["Traces"][0]["Segments"][0]["Document"])["name"] == "cli"


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_opentelemetry_sdk(started: Callable[[str], Server], compression: Compression) -> None:
    """Spans of real SDKs, one per pod, become the graph of the calls that were made."""
    server = started("{}")
    begin = int(time.time())
    providers = [
        provider(server, compression, name, zone)
        for name, zone in (("locust-a", "eu-west-1a"), ("ui-1", "eu-west-1a"), ("catalog-1", "eu-west-1b"))
    ]
    for _ in range(20):
        home(*(each.get_tracer("test") for each in providers))
    for each in providers:
        assert each.force_flush()
        each.shutdown()

    client = server.client()
    nodes, edges = counts(client.get_service_graph(StartTime=begin, EndTime=begin + 3600)["Services"])
    summaries = client.get_trace_summaries(
        StartTime=begin,
        EndTime=begin + 3600,
        TimeRangeType="Event",
        FilterExpression='annotation.run_id = "R1" AND edge("ui-1", "catalog-1") {ok}',
    )["TraceSummaries"]

    eks = "AWS::EKS::Container"
    assert edges == {
        (("locust-a", "client"), ("locust-a", eks)): 20,
        (("locust-a", eks), ("ui-1", eks)): 20,
        (("ui-1", eks), ("catalog-1", eks)): 40,
    }
    assert (nodes["locust-a", eks], nodes["ui-1", eks], nodes["catalog-1", eks]) == (20, 20, 40)
    assert len(summaries) == 20
    assert {zone["Name"] for zone in summaries[0]["AvailabilityZones"]} == {"eu-west-1a", "eu-west-1b"}


def provider(server: Server, compression: Compression, name: str, zone: str) -> TracerProvider:
    """A pod's tracer provider, which exports to the stand-in."""
    made = TracerProvider(resource=Resource.create(pod(name, zone)))
    exporter = OTLPSpanExporter(endpoint=f"{server.url}/v1/traces", compression=compression)
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made


def home(locust: Tracer, ui: Tracer, catalog: Tracer) -> None:
    """One page with two catalog calls."""
    root = {**_LOCAL_ROOT, "run_id": "R1", "http.request.method": "GET"}
    ok = {"http.response.status_code": 200}
    with (
        locust.start_as_current_span("GET /home", kind=SpanKind.CLIENT, attributes=root),
        ui.start_as_current_span("GET /home", kind=SpanKind.SERVER, attributes=ok),
    ):
        for path in ("size", "products"):
            with (
                ui.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes=ok),
                catalog.start_as_current_span(path, kind=SpanKind.SERVER, attributes=ok),
            ):
                pass


def test_late_callee_through_boto3(shared: Server) -> None:
    """Between two calls the callee arrives: the inferred node makes room for the real one."""
    client = shared.client()
    begin = T0 + 4 * 3600

    def names(*documents: Any) -> set[str]:
        texts = [json.dumps(item | {"trace_id": f"1-{begin:08x}-{1:024x}"}) for item in documents]
        client.put_trace_segments(TraceSegmentDocuments=texts)
        pages = client.get_paginator("get_service_graph").paginate(StartTime=begin, EndTime=begin + 60)
        return {item["Name"] for page in pages for item in page["Services"]}

    start = 4 * 3600.0
    assert names(segment("ui", 1, start=start), call("GET", 2, 1, start=start)) == {"ui", "GET"}
    assert names(segment("catalog", 3, parent=2, start=start)) == {"ui", "catalog"}
