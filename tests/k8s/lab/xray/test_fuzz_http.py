"""Anything over the wire: no answer is a 500, none takes a second of processor time, nothing gets lost."""

import gzip
import http.client
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.k8s.lab.xray.builders import (
    T0,
    WINDOW,
    Json,
    call,
    in_json,
    segment,
    shop,
    subsegment,
    trace_id,
)
from tests.k8s.lab.xray.conftest import start, stop

_SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=lab/20261122/eu-west-1/xray/aws4_request, Signature=0",
    "Samezone-Control": "test",
}
_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_EARLIER = segment("earlier", 77, start=600.0) | {"trace_id": trace_id(77, T0 + 600)}
_GROUP = 'service() {fault} OR annotation.a = "b"'
_REFUSALS = {400, 403, 404, 413, 415}
_EVENT = WINDOW | {"TimeRangeType": "Event"}


@dataclass(slots=True)
class Wire:
    """A connection to the stand-in."""

    connection: http.client.HTTPConnection

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.connection.request("POST", path, body, {**_SIGNED, **named})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def call(self, path: str, body: Any) -> Json:
        status, answer = self.post(path, json.dumps(body).encode())
        assert status == 200, answer
        found: Json = json.loads(answer)
        return found

    def begin(self) -> None:
        """Put the earlier document and a group into an empty stand-in."""
        self.post("/_standin/reset", b"")
        self.call("/TraceSegments", {"TraceSegmentDocuments": [json.dumps(_EARLIER)]})
        self.call("/CreateGroup", {"GroupName": "g", "FilterExpression": _GROUP})

    def status(self) -> Json:
        self.connection.request("GET", "/_standin/status")
        told: Json = json.loads(self.connection.getresponse().read())
        return told

    def cpu_s(self) -> float:
        """Processor time of the stand-in; also the moment to begin anew when one trace has grown large."""
        if self.status()["documents"] > 1_000:
            self.begin()
        used: float = self.status()["process"]["cpu_s"]
        return used


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    """A stand-in that has one document already, and more room than these tests fill."""
    server = start("{}")
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=20)
    client = Wire(connection)
    client.begin()
    yield client
    connection.close()
    stop(server)


def is_sound(wire: Wire, before_s: float) -> None:
    """The earlier document is there, all queries answer, and little time was used since *before_s*."""
    (found,) = wire.call("/Traces", {"TraceIds": [_EARLIER["trace_id"]]})["Traces"]
    assert any(one["Id"] == _EARLIER["id"] for one in found["Segments"])
    names = {item["Name"] for item in wire.call("/ServiceGraph", WINDOW)["Services"]}
    assert "earlier" in names
    assert wire.status()["process"]["cpu_s"] - before_s < 1.0


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Some bytes cut off at the end, flipped, or pushed in."""
    content = bytearray(whole[: draw(st.integers(0, len(whole)))] if draw(st.booleans()) else whole)
    for _ in range(draw(st.integers(0, 4))):
        if content:
            content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    place = draw(st.integers(0, len(content)))
    content[place:place] = draw(st.binary(max_size=6))
    return bytes(content)


_BODIES = {_PROTOBUF: shop().SerializeToString(), _JSON: in_json(shop())}


@given(
    st.sampled_from(sorted(_BODIES)).flatmap(lambda kind: st.tuples(st.just(kind), damaged(_BODIES[kind]))),
    st.sampled_from(["", "gzip", "cut gzip", "damaged gzip", "deflate", "br"]),
    st.data(),
)
@settings(max_examples=250)
def test_otlp_bodies(wire: Wire, body: tuple[str, bytes], encoding: str, data: st.DataObject) -> None:
    """Damaged, cut, wrongly packed OTLP is a 200 or a 400 that says why."""
    kind, content = body
    before_s = wire.cpu_s()
    if "gzip" in encoding:
        content = gzip.compress(content)
        content = content[:-9] if encoding == "cut gzip" else content
        content = data.draw(damaged(content)) if encoding == "damaged gzip" else content
    elif encoding == "deflate":
        content = zlib.compress(content)
    named = encoding.rsplit(maxsplit=1)[-1] if encoding else ""
    headers = {"Content_Type": kind} | ({"Content_Encoding": named} if named else {})
    status, _ = wire.post("/v1/traces", content, **headers)

    assert status in {200, 400}
    is_sound(wire, before_s)


_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
_KEYS = st.sampled_from(
    [
        *("http", "aws", "cause", "annotations", "metadata", "service", "user", "origin", "namespace", "sql"),
        *(
            "links",
            "type",
            "parent_id",
            "start_time",
            "end_time",
            "in_progress",
            "subsegments",
            "fault",
            "name",
        ),
    ]
)
_DOCUMENTS = st.tuples(
    st.sampled_from([segment("x", 1), call("y", 2, 1), subsegment("z", 3, 2), segment("v", 4, parent=2)]),
    st.dictionaries(_KEYS, _TREES, max_size=3),
).map(lambda pair: json.dumps(pair[0] | pair[1]))


@given(st.lists(_DOCUMENTS | _DOCUMENTS.flatmap(lambda text: damaged(text.encode()).map(_text)), max_size=6))
@settings(max_examples=200)
def test_segment_documents(wire: Wire, texts: list[str]) -> None:
    """Documents of any shape are taken or named as unprocessed; those taken can be told again."""
    before_s = wire.cpu_s()
    answer = wire.call("/TraceSegments", {"TraceSegmentDocuments": texts})

    assert len(answer["UnprocessedTraceSegments"]) <= len(texts)
    ids = sorted({one["trace_id"] for one in map(_document, texts) if isinstance(one.get("trace_id"), str)})
    wire.post("/Traces", json.dumps({"TraceIds": ids[:5]}).encode())
    wire.call("/TraceSummaries", _EVENT)
    is_sound(wire, before_s)


_WORDS = st.sampled_from(
    [
        *(
            "ok",
            "fault",
            "!",
            "(",
            ")",
            "{",
            "}",
            "=",
            "!=",
            "<",
            ">=",
            "AND",
            "OR",
            ",",
            ":",
            '"a"',
            "3",
            "-1e9",
        ),
        *(
            "service",
            "edge",
            "id",
            "name",
            "type",
            "annotation.a",
            "annotation[a.b]",
            "responsetime",
            "CONTAINS",
        ),
        *("http.status", "http.url", "group.name", "true", "FALSE", '"', "\\", "partial", "user", " "),
    ]
)


@given(st.lists(_WORDS, max_size=14).map(" ".join) | st.text(max_size=30))
@settings(max_examples=200)
def test_filter_expressions(wire: Wire, expression: str) -> None:
    """Any text is a filter expression, a selector, a group's expression, or an InvalidRequestException."""
    before_s = wire.cpu_s()
    for path, body in (
        ("/TraceSummaries", _EVENT | {"FilterExpression": expression}),
        ("/UpdateGroup", {"GroupName": "g", "FilterExpression": expression}),
        ("/TimeSeriesServiceStatistics", WINDOW | {"EntitySelectorExpression": expression}),
    ):
        status, answer = wire.post(path, json.dumps(body).encode())
        assert status == 200 or (status, json.loads(answer)["__type"]) == (400, "InvalidRequestException")
    is_sound(wire, before_s)


_PATHS = st.sampled_from(
    [
        *("/ServiceGraph", "/TraceGraph", "/Traces", "/TraceSummaries", "/TimeSeriesServiceStatistics"),
        *(
            "/StartTraceRetrieval",
            "/ListRetrievedTraces",
            "/GetRetrievedTracesGraph",
            "/CancelTraceRetrieval",
        ),
        *("/GetIndexingRules", "/UpdateIndexingRule", "/SamplingTargets", "/EncryptionConfig", "/Nothing"),
        *("/GetGroup", "/TelemetryRecords", "/_standin/knobs"),
    ]
)
_ARGUMENTS = st.sampled_from(
    [
        *("StartTime", "EndTime", "TraceIds", "NextToken", "GroupName", "Period", "RetrievalToken", "Rule"),
        *("ForecastStatistics", "Name", "TraceFormat", "SamplingStatisticsDocuments", "SamplingStrategy"),
    ]
)


@given(_PATHS, st.dictionaries(_ARGUMENTS, _TREES, max_size=4), st.booleans())
@settings(max_examples=200)
def test_arguments(wire: Wire, path: str, arguments: Json, windowed: bool) -> None:
    """Any arguments of any operation are answered or refused as the API refuses."""
    before_s = wire.cpu_s()
    status, _ = wire.post(path, json.dumps((WINDOW if windowed else {}) | arguments).encode())

    assert status == 200 or status in _REFUSALS
    is_sound(wire, before_s)


def _text(content: bytes) -> str:
    return content.decode(errors="replace")


def _document(text: str) -> Json:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
