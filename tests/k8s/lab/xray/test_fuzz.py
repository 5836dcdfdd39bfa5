"""Whatever arrives, nothing but errors of the API comes back."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from k8s.lab.xray import otlp
from k8s.lab.xray.api_errors import XrayError
from tests.k8s.lab.xray.builders import TRACE, WINDOW, Json, pairs, request, segment, span, stand_in, take

_SCALARS = st.none() | st.booleans() | st.integers(-3, 600) | st.floats(-1, 2e9) | st.text(max_size=4)
_ANY = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
)
_BODIES = st.binary(max_size=60) | _ANY.map(lambda tree: json.dumps(tree).encode())
_PATHS = st.sampled_from(
    [
        *("/TraceSegments", "/ServiceGraph", "/TraceGraph", "/TraceSummaries", "/Traces", "/CreateGroup"),
        *("/GetGroup", "/UpdateGroup", "/DeleteGroup", "/Groups", "/SamplingTargets", "/TelemetryRecords"),
    ]
)
_ARGUMENTS = st.sampled_from(
    [
        *("StartTime", "EndTime", "TraceIds", "NextToken", "GroupName", "GroupARN", "FilterExpression"),
        *("TimeRangeType", "Sampling", "SamplingStrategy", "TraceSegmentDocuments", "TelemetryRecords"),
        *("InsightsConfiguration", "SamplingStatisticsDocuments"),
    ]
)
_FIELDS = st.sampled_from(
    [
        *("http", "aws", "cause", "annotations", "metadata", "service", "user", "origin", "namespace", "sql"),
        *("links", "resource_arn", "type", "parent_id", "end_time", "in_progress", "subsegments", "fault"),
        *("inferred", "precursor_ids", "name", "id", "start_time"),
    ]
)
_NESTED = st.sampled_from(
    [
        {"http": {"request": {"traced": True}}},
        {"http": {"request": {"url": 5}, "response": {"status": "x"}}},
        {"aws": {"ec2": {"availability_zone": 5}, "table_name": 7, "account_id": None}},
        {"cause": {"exceptions": [{"type": None, "message": 5}, {}]}},
        {"namespace": "aws"},
        {"namespace": "remote"},
        {"type": "subsegment", "parent_id": f"{1:016x}"},
        {"parent_id": f"{2:016x}"},
        {"user": 5, "resource_arn": ["x"]},
        {"origin": ""},
        {"subsegments": [{"id": f"{9:016x}", "start_time": 1, "end_time": 2, "http": None}]},
    ]
)
_DRAWN_DOCUMENT = st.tuples(
    st.integers(1, 4), st.lists(_NESTED, max_size=3), st.dictionaries(_FIELDS, _ANY, max_size=2)
)
_DRAWN_SPAN = st.tuples(
    st.integers(0, 7),
    st.integers(1, 4),
    st.integers(0, 4),
    st.dictionaries(st.text(max_size=3), _ANY, max_size=3),
)
_EXPRESSIONS = [
    'http.url CONTAINS "" OR user = "x" OR name = "a" OR type = "b" OR message = "c"',
    "http.status > 3 OR duration > 1 OR responsetime < 2 OR annotation.a = 1",
    'availabilityzone = "a" OR instance.id = "b" OR resource.arn = "c" OR service() {fault} OR edge("a","b")',
]


@given(st.lists(_DRAWN_DOCUMENT, max_size=5))
@settings(max_examples=300)
def test_documents(drawn: list[tuple[int, list[Json], Json]]) -> None:
    """Any JSON as documents is taken or refused, and what is taken can be asked for in every way."""
    target = stand_in()
    target.call("/CreateGroup", {"GroupName": "g", "FilterExpression": _EXPRESSIONS[0]})
    documents = []
    for number, nested, fields in drawn:
        document: Json = segment("x", number)
        for part in (*nested, fields):
            document |= part
        documents.append(json.dumps(document))

    target.call("/TraceSegments", {"TraceSegmentDocuments": documents})

    ask_everything(target)


@given(st.lists(_DRAWN_SPAN, max_size=4))
@settings(max_examples=100)
def test_spans(drawn: list[tuple[int, int, int, Json]]) -> None:
    """Any attributes on any kind of span are taken."""
    target = stand_in()
    spans = []
    for kind, number, parent, attributes in drawn:
        message = span("x", 0, number, parent=parent)
        message.kind = kind  # type: ignore[assignment]  # protobuf enums are open
        message.attributes.extend(_pairs(attributes))
        spans.append(message)
    take(target, request(({"service.name": "s"}, spans)))

    ask_everything(target)


@given(st.sampled_from([otlp.PROTOBUF, otlp.JSON]), _BODIES)
@settings(max_examples=300)
def test_bodies(kind: str, body: bytes) -> None:
    """Any bytes as an OTLP body are decoded or refused."""
    try:
        otlp.decode(body, kind)
    except otlp.NotOtlpError as error:
        assert str(error)  # noqa: PT017  # either way is right


@given(_PATHS, st.dictionaries(_ARGUMENTS, _ANY), st.booleans())
@settings(max_examples=400)
def test_arguments(path: str, arguments: Json, windowed: bool) -> None:
    """Any arguments are answered, or refused with an error of the API."""
    body = WINDOW | arguments if windowed else arguments
    try:
        answer = stand_in().call(path, body)
    except XrayError as error:
        assert error.code == "InvalidRequestException"  # noqa: PT017  # either way is right
    else:
        json.dumps(answer)


def ask_everything(target: Any) -> None:
    """Every query over what is there, each of which must be JSON."""
    json.dumps(target.dump(10))
    for body in (WINDOW, WINDOW | {"StartTime": WINDOW["StartTime"] - 3600, "GroupName": "g"}):
        try:
            json.dumps(target.call("/ServiceGraph", body))
        except XrayError as error:
            assert "not found" in error.message  # noqa: PT017  # the spans' stand-in has no group
    json.dumps(target.call("/TraceGraph", {"TraceIds": [TRACE]}))
    json.dumps(target.call("/Traces", {"TraceIds": [TRACE]}))
    for expression in _EXPRESSIONS:
        arguments = {"FilterExpression": expression, "TimeRangeType": "Event"}
        json.dumps(target.call("/TraceSummaries", WINDOW | arguments))


def _pairs(attributes: Json) -> list[KeyValue]:
    return pairs({key: item for key, item in attributes.items() if item is not None})
