"""Span bytes, read by the official protobuf classes and compared with the SDK's own encoding."""

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.tracing import (
    SCOPE,
    Outcome,
    SpanEncoder,
    SpanIds,
    WallClock,
    new_ids,
    rejected_spans,
    resource_of,
    varint,
)
from tests.loadtest.stand import attributes, rejection

PLACEMENT = WorkerPlacement(
    pod="locust-worker-é",
    zone="eu-west-1a",
    node="node-a-1",
    target_url="http://127.0.0.1:8080",
    otlp_url="http://127.0.0.1:4318",
    region="eu-west-1",
    cluster="samezone-lab",
)
ENCODER = SpanEncoder(PLACEMENT, run_id="r-1", phase="measure", version="0.1.0")
IDS = SpanIds(trace=bytes(range(1, 17)), span=bytes(range(101, 109)))
START_NS, END_NS = 1_800_000_000_000_000_001, 1_800_000_000_003_000_002
SUCCESS = Outcome(page="home", url="http://127.0.0.1:8080/home", status=200)
OUTCOMES = (
    SUCCESS,
    Outcome(page="product", url="http://127.0.0.1:8080/catalog/p-1", status=503, failure="HTTP 503"),
    Outcome(page="catalog", url="http://127.0.0.1:8080/" + "x" * 300, status=0, failure="timed out"),
)


class FixedIds(IdGenerator):
    """The ids of the test."""

    def generate_trace_id(self) -> int:
        return int.from_bytes(IDS.trace, "big")

    def generate_span_id(self) -> int:
        return int.from_bytes(IDS.span, "big")


def sdk_span(outcome: Outcome) -> ReadableSpan:
    """The same span made by the OpenTelemetry SDK."""
    exporter = InMemorySpanExporter()
    resource = Resource(dict(resource_of(PLACEMENT, "0.1.0")))
    provider = TracerProvider(resource=resource, id_generator=FixedIds())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    wanted = {
        "aws.span.kind": "LOCAL_ROOT",
        "aws.local.service": "locust-worker-é",
        "aws.remote.service": "ui",
        "http.request.method": "GET",
        "url.full": outcome.url,
        **({"http.response.status_code": outcome.status} if outcome.status else {}),
        "run_id": "r-1",
        "phase": "measure",
        "page": outcome.page,
    }
    span = provider.get_tracer(SCOPE, "0.1.0").start_span(
        f"GET {outcome.page}", kind=SpanKind.CLIENT, attributes=wanted, start_time=START_NS
    )
    if outcome.failure:
        span.set_status(Status(StatusCode.ERROR, outcome.failure))
    span.end(END_NS)
    (finished,) = exporter.get_finished_spans()
    return finished


def ours(*outcomes: Outcome) -> ExportTraceServiceRequest:
    """Our bytes as the official classes read them."""
    spans = [ENCODER.span(IDS, START_NS, END_NS, outcome) for outcome in outcomes]
    return ExportTraceServiceRequest.FromString(ENCODER.request_body(spans))


@pytest.mark.parametrize("outcome", OUTCOMES, ids=["success", "server-error", "no-answer"])
def test_the_request_equals_what_the_sdk_sends(outcome: Outcome):
    """Message by message, field by field: no collector can tell the difference."""
    assert encode_spans([sdk_span(outcome)]) == ours(outcome)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=["success", "server-error", "no-answer"])
def test_the_official_classes_write_the_same_number_of_bytes(outcome: Outcome):
    """Nothing unknown is hidden in our bytes, and reading and writing them again loses nothing."""
    body = ENCODER.request_body([ENCODER.span(IDS, START_NS, END_NS, outcome)])
    written = ExportTraceServiceRequest.FromString(body).SerializeToString()

    assert len(body) == len(written)
    assert ExportTraceServiceRequest.FromString(written) == ExportTraceServiceRequest.FromString(body)


def test_a_reused_template_differs_in_what_changes_only():
    """The second span of a page takes the fast path."""
    encoder = SpanEncoder(PLACEMENT, run_id="r-1", phase="measure", version="0.1.0")
    later = SpanIds(trace=bytes(16), span=bytes(8))
    bodies = [encoder.span(IDS, START_NS, END_NS, SUCCESS), encoder.span(later, 5, 7, SUCCESS)]
    request = ExportTraceServiceRequest.FromString(encoder.request_body(bodies))
    first, second = request.resource_spans[0].scope_spans[0].spans

    assert (second.trace_id, second.span_id) == (bytes(16), bytes(8))
    assert (second.start_time_unix_nano, second.end_time_unix_nano) == (5, 7)
    assert attributes(first) == attributes(second)


def test_the_traceparent_header_is_read_by_the_sdk_as_the_span_ids():
    """The ui's span becomes a child of ours."""
    context = TraceContextTextMapPropagator().extract({"traceparent": IDS.traceparent})
    (span,) = context.values()
    seen = span.get_span_context()

    assert (seen.trace_id.to_bytes(16, "big"), seen.span_id.to_bytes(8, "big")) == IDS
    assert seen.trace_flags.sampled


def test_trace_ids_begin_with_the_epoch_seconds():
    """X-Ray's form 1-<8 hex digits of the time>-<24 random ones>."""
    first, second = new_ids(1_800_000_000), new_ids(1_800_000_000)

    assert first.trace[:4] == (1_800_000_000).to_bytes(4, "big")
    assert (len(first.trace), len(first.span)) == (16, 8)
    assert first.trace != second.trace
    assert first.span != second.span


def test_spans_follow_the_counter_not_a_stepping_wall_clock():
    """Two readings of the counter are as far apart as the span's times."""
    clock = WallClock(offset_ns=1_800_000_000_000_000_000)

    assert clock.epoch_ns(5_000) - clock.epoch_ns(2_000) == 3_000


@pytest.mark.parametrize(
    ("number", "encoded"), [(0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")]
)
def test_varints_are_those_of_the_wire_format(number: int, encoded: bytes):
    """Examples of protobuf.dev/programming-guides/encoding and the borders."""
    assert varint(number) == encoded


def test_a_partial_success_tells_how_many_spans_were_rejected():
    """And every other answer means none."""
    assert rejected_spans(rejection(300)) == 300
    assert rejected_spans(ExportTraceServiceResponse().SerializeToString()) == 0
    assert rejected_spans(b"") == 0
    assert rejected_spans(b'{"partialSuccess":{}}') == 0
