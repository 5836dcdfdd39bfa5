"""Requests that are small, or one, and much work: others are answered meanwhile."""

import gzip
import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from k8s.lab.xray import otlp
from tests.k8s.lab.xray.builders import shop
from tests.k8s.lab.xray.conftest import Server, start, stop

MANY = 190_650
AT_S = int(time.time()) - 60
TRACE = AT_S.to_bytes(4) + bytes(12)
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=lab/20261122/eu-west-1/xray/aws4_request, Signature=0"
}
PROTOBUF = {"Content-Type": otlp.PROTOBUF}
LONGEST_S = 1.0
ANSWERED = 12
"""Of about 30; a stand-in that did each of the four requests in one go would answer at most 5 times."""


def spans(count: int, *, one_trace: bool) -> bytes:
    """As many server spans, each below the one before it or each by itself."""
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                scope_spans=[
                    ScopeSpans(
                        spans=[
                            Span(
                                trace_id=TRACE if one_trace else TRACE[:4] + number.to_bytes(12),
                                span_id=(number + 1).to_bytes(8),
                                parent_span_id=number.to_bytes(8) if one_trace and number else b"",
                                name="a",
                                kind=Span.SPAN_KIND_SERVER,
                                start_time_unix_nano=AT_S * 10**9,
                                end_time_unix_nano=AT_S * 10**9 + 10**6,
                            )
                            for number in range(count)
                        ]
                    )
                ]
            )
        ]
    ).SerializeToString()


def asked(server: Server, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=120)
    connection.request("GET" if body is None else "POST", path, body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def called(server: Server, path: str, **arguments: Any) -> Any:
    status, body = asked(server, path, json.dumps(arguments).encode(), SIGNED)
    assert status == 200, body
    return json.loads(body)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A stand-in."""
    made = start("{}")
    yield made
    assert stop(made) == 0


@contextmanager
def others_answered(server: Server) -> Iterator[None]:
    """While this lasts, whoever else asks is answered again and again, each time after a part of the work.

    Counted, not timed: who asks may have to wait for a processor of its own.
    """
    done, used_s = threading.Event(), [cpu_s(server)]

    def ask() -> None:
        while not done.is_set():
            used_s.append(cpu_s(server))
            time.sleep(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        done.set()
        asking.join(120)
    assert len({round(one, 3) for one in used_s}) >= ANSWERED


def cpu_s(server: Server) -> float:
    """What the stand-in has used, by an answer of its own."""
    told = json.loads(asked(server, "/_standin/status", None, {})[1])
    used: float = told["process"]["cpu_s"]
    return used


WINDOW = {"StartTime": AT_S - 60, "EndTime": AT_S + 60}


@pytest.mark.parametrize("one_trace", [True, False], ids=["one-trace", "traces"])
def test_nobody_waits_for_a_body_of_two_hundred_thousand_spans(server: Server, one_trace: bool) -> None:
    """Neither while it is taken, nor while somebody asks what came of it."""
    asked(server, "/_standin/reset", b"", {"Samezone-Control": "x"})
    body = spans(MANY, one_trace=one_trace)
    with others_answered(server):
        assert asked(server, "/v1/traces", body, PROTOBUF)[0] == 200
        graph = called(server, "/ServiceGraph", **WINDOW)
        called(server, "/TraceSummaries", **WINDOW)
        called(server, "/Traces", TraceIds=[f"1-{AT_S:08x}-{0:024x}"])
    (told,) = [one for one in graph["Services"] if one.get("Type") != "client"]
    intake = json.loads(asked(server, "/_standin/status", None, {})[1])["intake"]

    kept = 20_000 if one_trace else MANY
    assert (intake["received"], intake["refused"]) == (kept, MANY - kept)
    assert told["SummaryStatistics"]["TotalCount"] == kept


def test_a_body_that_unpacks_to_a_hundred_times_its_size_is_refused(server: Server) -> None:
    """The same span again and again: 30 KB that stand for ten million bytes."""
    same = spans(1, one_trace=True) * MANY
    body = gzip.compress(same)
    before_s = cpu_s(server)
    status, answer = asked(server, "/v1/traces", body, PROTOBUF | {"Content-Encoding": "gzip"})

    assert len(body) < 40_000
    assert (status, b"more than 100 times its size" in answer) == (400, True)
    assert cpu_s(server) - before_s < LONGEST_S


@pytest.mark.parametrize("levels", [90, 200, 100_000])
def test_values_nested_without_end_are_refused_or_kept_out(server: Server, levels: int) -> None:
    """In protobuf, where each level is a field in a field; in JSON as well."""
    nested = b""
    for _ in range(min(levels, 3_000)):
        inner = b"\x0a" + varint(len(nested)) + nested
        nested = b"\x2a" + varint(len(inner)) + inner
    attribute = b"\x0a\x01a\x12" + varint(len(nested)) + nested
    resource = b"\x0a" + varint(len(attribute)) + attribute
    body = (
        b"\x0a"
        + varint(len(resource) + 1 + len(varint(len(resource))))
        + b"\x0a"
        + varint(len(resource))
        + resource
    )
    text = '{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":'
    text += '{"arrayValue":{"values":[' * levels + "{}" + "]}}" * levels + "}]}}]}"

    for kind, sent in ((otlp.PROTOBUF, body), (otlp.JSON, text.encode())):
        assert asked(server, "/v1/traces", sent, {"Content-Type": kind})[0] in {200, 400}
        assert asked(server, "/healthz", None, {})[0] == 200


def varint(number: int) -> bytes:
    """As protobuf has it."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


@pytest.mark.parametrize("most", [1, 2, 3, 5, 1_000])
def test_slices_are_the_request(most: int) -> None:
    """All spans, in their order, each with its resource; none has more than it may."""

    def listed(request: ExportTraceServiceRequest) -> list[tuple[bytes, bytes]]:
        return [
            (one.resource.SerializeToString(), span.SerializeToString())
            for one in request.resource_spans
            for scope in one.scope_spans
            for span in scope.spans
        ]

    whole = shop()
    found = list(otlp.slices(whole, whole.SerializeToString(), most))

    assert [pair for part, _ in found for pair in listed(part)] == listed(whole)
    assert all(1 <= len(listed(part)) <= most for part, _ in found)
    assert all(ExportTraceServiceRequest.FromString(content) == part for part, content in found)
