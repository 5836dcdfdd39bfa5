"""Segment documents, OTLP spans and short views of graphs, to write tests with."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # no stubs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from k8s.lab.xray import otlp
from k8s.lab.xray.api_errors import XrayError
from k8s.lab.xray.behaviour import Settings
from k8s.lab.xray.standin import StandIn

T0 = 1_795_376_700
"""When everything begins: 2026-11-22, in seconds since the epoch; a whole minute."""
TRACE = "1-6a0f3c00-0123456789abcdef01234567"
WINDOW = {"StartTime": T0, "EndTime": T0 + 3600}
UNSPECIFIED, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(6)
EKS = "AWS::EKS::Container"

Json = dict[str, Any]
_IDS = {"traceId", "spanId", "parentSpanId"}


def segment(
    name: str, number: int, *, parent: int = 0, start: float = 0.0, took: float = 1.0, **more: Any
) -> Json:
    """A segment document; times are seconds after T0, ids are numbers."""
    document: Json = {
        "name": name,
        "id": f"{number:016x}",
        "trace_id": TRACE,
        "start_time": T0 + start,
        "end_time": T0 + start + took,
    }
    if parent:
        document["parent_id"] = f"{parent:016x}"
    return {key: value for key, value in (document | more).items() if value is not None}


def subsegment(name: str, number: int, parent: int, **more: Any) -> Json:
    """An independent subsegment that calls nobody."""
    return segment(name, number, parent=parent, **({"type": "subsegment"} | more))


def call(name: str, number: int, parent: int, **more: Any) -> Json:
    """An independent subsegment that calls a remote service."""
    return subsegment(name, number, parent, **({"namespace": "remote"} | more))


def embedded(document: Json) -> Json:
    """A subsegment as it stands inside another document."""
    return {key: value for key, value in document.items() if key not in {"trace_id", "type", "parent_id"}}


def value(plain: Any) -> AnyValue:
    """A Python value as an OTLP one."""
    message = AnyValue()
    match plain:
        case bool():
            message.bool_value = plain
        case int():
            message.int_value = plain
        case float():
            message.double_value = plain
        case str():
            message.string_value = plain
        case bytes():
            message.bytes_value = plain
        case list():
            message.array_value.values.extend(value(item) for item in plain)
        case dict():
            message.kvlist_value.values.extend(pairs(plain))
    return message


def pairs(plain: Mapping[str, Any]) -> list[KeyValue]:
    """A dictionary as OTLP attributes."""
    return [KeyValue(key=key, value=value(item)) for key, item in plain.items()]


def span(
    name: str,
    kind: int,
    number: int,
    *,
    parent: int = 0,
    start: float = 0.0,
    took: float = 1.0,
    trace_id: str = TRACE,
    status: int = 0,
    **attributes: Any,
) -> Span:
    """An OTLP span; in attribute names a double underscore stands for a dot."""
    begin_ns = round((T0 + start) * 1e9)
    message = Span(
        trace_id=bytes.fromhex(trace_id[2:].replace("-", "")),
        span_id=number.to_bytes(8),
        parent_span_id=parent.to_bytes(8) if parent else b"",
        name=name,
        kind=kind,
        start_time_unix_nano=begin_ns,
        end_time_unix_nano=begin_ns + round(took * 1e9),
        attributes=pairs({key.replace("__", "."): item for key, item in attributes.items()}),
    )
    message.status.code = status
    return message


def pod(name: str, zone: str = "eu-west-1a", **more: Any) -> Json:
    """The resource of a pod."""
    return {
        "service.name": name,
        "k8s.pod.name": name,
        "k8s.node.name": f"node-{zone[-1]}-1",
        "cloud.provider": "aws",
        "cloud.platform": "aws_eks",
        "cloud.availability_zone": zone,
        "host.id": f"node-{zone[-1]}-1",
        "telemetry.sdk.language": "python",
    } | {key.replace("__", "."): item for key, item in more.items()}


def request(*parts: tuple[Mapping[str, Any], Iterable[Span]]) -> ExportTraceServiceRequest:
    """An OTLP request of (resource attributes, spans)."""
    message = ExportTraceServiceRequest()
    for resource, spans in parts:
        resource_spans = message.resource_spans.add()
        resource_spans.resource.attributes.extend(pairs(resource))
        resource_spans.scope_spans.add().spans.extend(spans)
    return message


def shop(**catalog: Any) -> ExportTraceServiceRequest:
    """One trace: Locust -> ui -> two catalog pods; *catalog* changes the first one's resource."""
    ok = {"http.response.status_code": 200}
    root = {
        "aws.span.kind": "LOCAL_ROOT",
        "aws.local.service": "locust-a",
        "aws.remote.service": "ui",
        "run_id": "R1",
        "phase": "before",
    }
    return request(
        (pod("locust-a"), [span("GET /home", CLIENT, 1, took=0.02, **root)]),
        (
            pod("ui-1"),
            [
                span("GET /home", SERVER, 2, parent=1, start=0.001, took=0.018, **ok),
                span("render", INTERNAL, 3, parent=2, start=0.002, took=0.015),
                span("GET", CLIENT, 4, parent=3, start=0.003, took=0.006, **ok),
                span("GET", CLIENT, 5, parent=3, start=0.010, took=0.005, **ok),
            ],
        ),
        (
            pod("catalog-1", "eu-west-1b") | catalog,
            [span("GET /size", SERVER, 6, parent=4, start=0.004, took=0.003, **ok)],
        ),
        (
            pod("catalog-2", "eu-west-1c"),
            [span("GET /tags", SERVER, 7, parent=5, start=0.011, took=0.003, **ok)],
        ),
    )


def without(message: ExportTraceServiceRequest, *numbers: int) -> ExportTraceServiceRequest:
    """The request without some spans."""
    copy = ExportTraceServiceRequest()
    copy.CopyFrom(message)
    lost = {number.to_bytes(8) for number in numbers}
    for resource_spans in copy.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            kept = [item for item in scope_spans.spans if item.span_id not in lost]
            del scope_spans.spans[:]
            scope_spans.spans.extend(kept)
    return copy


def hex_ids(tree: Any) -> Any:
    """The library's JSON with ids as OTLP wants them."""
    if isinstance(tree, list):
        return [hex_ids(item) for item in tree]
    if isinstance(tree, dict):
        return {
            key: base64.b64decode(value).hex() if key in _IDS else hex_ids(value)
            for key, value in tree.items()
        }
    return tree


def in_json(message: ExportTraceServiceRequest, *, numbers: bool = True) -> bytes:
    """The request in OTLP's JSON; enumerations as numbers, as the protocol has them, or by name."""
    return json.dumps(hex_ids(MessageToDict(message, use_integers_for_enums=numbers))).encode()


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now_s: float = T0 + 60.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def stand_in(clock: Clock | None = None, **settings: Any) -> StandIn:
    """A stand-in with settings, on a clock."""
    return StandIn(Settings(**settings), clock or Clock())


def take(target: StandIn, message: ExportTraceServiceRequest) -> None:
    """Send an OTLP request past HTTP."""
    content = message.SerializeToString()
    target.take_otlp(otlp.decode(content, otlp.PROTOBUF), content)


def put(target: StandIn, *documents: Json) -> Json:
    """PutTraceSegments."""
    return target.call("/TraceSegments", {"TraceSegmentDocuments": [json.dumps(item) for item in documents]})


def services(target: StandIn, **window: Any) -> list[Json]:
    """The services of GetServiceGraph for the first hour, or for a window of seconds after T0."""
    body = WINDOW | {key: T0 + item for key, item in window.items()}
    return target.call("/ServiceGraph", body)["Services"]


Node = tuple[str, str | None]


def counts(found: Iterable[Json]) -> tuple[dict[Node, int | None], dict[tuple[Node, Node], int]]:
    """Requests per node, (name, type), None for clients; and per edge."""
    listed = list(found)
    names: dict[int, Node] = {item["ReferenceId"]: (item["Name"], item.get("Type")) for item in listed}
    nodes = {
        names[item["ReferenceId"]]: item["SummaryStatistics"]["TotalCount"]
        if "SummaryStatistics" in item
        else None
        for item in listed
    }
    edges = {
        (names[item["ReferenceId"]], names[edge["ReferenceId"]]): edge["SummaryStatistics"]["TotalCount"]
        for item in listed
        for edge in item["Edges"]
    }
    return nodes, edges


def by_name(found: Iterable[Json], name: str, kind: str | None = None) -> Json:
    """The one service with this name and type."""
    (service,) = [item for item in found if (item["Name"], item.get("Type")) == (name, kind)]
    return service


def canonical(found: list[Json]) -> Any:
    """The graph without its arbitrary order and references."""
    names = {item["ReferenceId"]: (item["Name"], item.get("Type") or "") for item in found}

    def ordered(item: Json) -> Json:
        plain = {key: value for key, value in item.items() if key != "ReferenceId"}
        for key in ("ResponseTimeHistogram", "DurationHistogram"):
            plain[key] = sorted((entry["Value"], entry["Count"]) for entry in item.get(key, []))
        plain["Edges"] = sorted(
            ((names[edge["ReferenceId"]], ordered(edge)) for edge in item.get("Edges", [])),
            key=lambda named: named[0],
        )
        return plain

    return sorted(((names[item["ReferenceId"]], ordered(item)) for item in found), key=lambda named: named[0])


def refused(target: StandIn, path: str, **body: Any) -> XrayError:
    """The error of a call that must fail."""
    with pytest.raises(XrayError) as caught:
        target.call(path, body)
    return caught.value


def trace_id(number: int, start_s: float = T0) -> str:
    """An id whose time is that of its start, as the X-Ray id generator makes them."""
    return f"1-{int(start_s):08x}-{number:024x}"


def roots(target: StandIn, *starts: float, **more: Any) -> None:
    """One trace of one segment for each start, in seconds after T0."""
    for number, start in enumerate(starts, 1):
        put(target, segment("ui", number, start=start, **more) | {"trace_id": trace_id(number, T0 + start)})
