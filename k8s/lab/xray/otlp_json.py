"""OTLP in JSON -> the protobuf message.

Source: OpenTelemetry protocol specification, "JSON Protobuf encoding".

Ids are hex there, not base64, enumerations are numbers, 64-bit integers are strings or numbers, unknown
fields are ignored. Of a span only what the translation reads is taken. The general reader of protobuf's
library does the same eight times slower: a body of a few megabytes would hold everybody up for a second.
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Final, TypeVar, cast

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

_MOST_64: Final = 2**64
_Kind = TypeVar("_Kind", bound=int)


class _Part(msgspec.Struct, rename="camel", gc=False):
    """Every field may be absent or null."""


class _Value(_Part):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: "_Array | None" = None
    kvlist_value: "_Pairs | None" = None
    bytes_value: str | None = None


class _Array(_Part):
    values: list[_Value] | None = None


class _Pair(_Part):
    key: str = ""
    value: _Value | None = None


class _Pairs(_Part):
    values: list[_Pair] | None = None


class _Event(_Part):
    time_unix_nano: int | str | None = None
    name: str | None = None
    attributes: list[_Pair] | None = None


class _Link(_Part):
    trace_id: str | None = None
    span_id: str | None = None
    attributes: list[_Pair] | None = None


class _Status(_Part):
    message: str | None = None
    code: int | str | None = None


class _Span(_Part):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    kind: int | str | None = None
    start_time_unix_nano: int | str | None = None
    end_time_unix_nano: int | str | None = None
    attributes: list[_Pair] | None = None
    events: list[_Event] | None = None
    links: list[_Link] | None = None
    status: _Status | None = None


class _ScopeSpans(_Part):
    spans: list[_Span] | None = None


class _Resource(_Part):
    attributes: list[_Pair] | None = None


class _ResourceSpans(_Part):
    resource: _Resource | None = None
    scope_spans: list[_ScopeSpans] | None = None


class _Request(_Part):
    resource_spans: list[_ResourceSpans] | None = None


_READER: Final = msgspec.json.Decoder(_Request)


def read(content: bytes) -> ExportTraceServiceRequest:
    """The request; ValueError or RecursionError where the JSON is none, or its values do not fit."""
    try:
        request = _READER.decode(content)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=Resource(attributes=_pairs(one.resource.attributes if one.resource else None)),
                scope_spans=[
                    ScopeSpans(spans=[_span(span) for span in scope.spans or ()])
                    for scope in one.scope_spans or ()
                ],
            )
            for one in request.resource_spans or ()
        ]
    )


def _span(span: _Span) -> Span:
    status = span.status
    return Span(
        trace_id=_id(span.trace_id),
        span_id=_id(span.span_id),
        parent_span_id=_id(span.parent_span_id),
        name=span.name or "",
        kind=_enumerated(span.kind, Span.SpanKind.Value),
        start_time_unix_nano=_integer(span.start_time_unix_nano),
        end_time_unix_nano=_integer(span.end_time_unix_nano),
        attributes=_pairs(span.attributes),
        events=[
            Span.Event(
                time_unix_nano=_integer(event.time_unix_nano),
                name=event.name or "",
                attributes=_pairs(event.attributes),
            )
            for event in span.events or ()
        ],
        links=[
            Span.Link(
                trace_id=_id(link.trace_id), span_id=_id(link.span_id), attributes=_pairs(link.attributes)
            )
            for link in span.links or ()
        ],
        status=Status(message=status.message or "", code=_enumerated(status.code, Status.StatusCode.Value))
        if status
        else None,
    )


def _pairs(pairs: Iterable[_Pair] | None) -> list[KeyValue]:
    return [KeyValue(key=pair.key, value=_value(pair.value)) for pair in pairs or ()]


def _value(value: _Value | None) -> AnyValue | None:
    if value is None:
        return None
    if value.string_value is not None:
        return AnyValue(string_value=value.string_value)
    if value.int_value is not None:
        return AnyValue(int_value=_integer(value.int_value))
    if value.bool_value is not None:
        return AnyValue(bool_value=value.bool_value)
    if value.double_value is not None:
        return AnyValue(double_value=float(value.double_value))
    if value.array_value is not None:
        items = [_value(item) or AnyValue() for item in value.array_value.values or ()]
        return AnyValue(array_value=ArrayValue(values=items))
    if value.kvlist_value is not None:
        return AnyValue(kvlist_value=KeyValueList(values=_pairs(value.kvlist_value.values)))
    if value.bytes_value is not None:
        return AnyValue(bytes_value=base64.b64decode(value.bytes_value, validate=True))
    return AnyValue()


def _id(digits: str | None) -> bytes:
    try:
        return binascii.unhexlify(digits or "")
    except ValueError as error:
        raise ValueError(f"{digits!r} is not a hex id") from error


def _integer(number: int | str | None) -> int:
    value = int(number or 0)
    if not -_MOST_64 < value < _MOST_64:
        raise ValueError(f"{value} does not fit into 64 bits")
    return value


def _enumerated(number: int | str | None, by_name: Callable[[str], _Kind]) -> _Kind:
    return by_name(number) if isinstance(number, str) else cast(_Kind, number or 0)
