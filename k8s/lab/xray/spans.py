"""OTLP spans as plain values: what the translation reads, freed from protobuf.

Attribute values keep their OTLP type; ``text`` and ``integer`` read them as the collector's accessors do
(another type reads as empty), which decides names and flags in more than one odd case.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

Value = str | bool | int | float | bytes | list[Any] | dict[str, Any] | None
Attributes = Mapping[str, Value]

INTERNAL: Final = 1
SERVER: Final = 2
CLIENT: Final = 3
PRODUCER: Final = 4
CONSUMER: Final = 5
STATUS_ERROR: Final = 2

NO_PARENT: Final = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEvent:
    """A span event; only exceptions and failed AWS requests reach X-Ray."""

    name: str
    time_ns: int = 0
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLink:
    """A link to a span of another trace."""

    trace_id: bytes
    span_id: bytes
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One OTLP span."""

    trace_id: bytes
    """16 bytes."""
    span_id: bytes
    """8 bytes."""
    parent_id: bytes = NO_PARENT
    name: str
    kind: int
    """SpanKind of the OTLP protobuf, 0 (unspecified) to 5."""
    start_ns: int
    end_ns: int
    status_code: int = 0
    status_message: str = ""
    attributes: Attributes
    """In the order sent: the exporter's result depends on it where old and new names meet."""
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()


def text(attributes: Attributes, key: str) -> str:
    """The string under a key; empty where it is absent or not a string."""
    value = attributes.get(key)
    return value if isinstance(value, str) else ""


def integer(value: Value) -> int:
    """The value if it is an integer, otherwise 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def value_of(message: AnyValue) -> Value:
    """An OTLP value as a plain Python one."""
    match message.WhichOneof("value"):
        case "string_value":
            return message.string_value
        case "int_value":
            return message.int_value
        case "bool_value":
            return message.bool_value
        case "double_value":
            return message.double_value
        case "array_value":
            return [value_of(item) for item in message.array_value.values]
        case "kvlist_value":
            return {item.key: value_of(item.value) for item in message.kvlist_value.values}
        case "bytes_value":
            return message.bytes_value
        case _:
            return None


def attributes_of(pairs: Any) -> dict[str, Value]:
    """A repeated KeyValue field as a dictionary, in order."""
    return {pair.key: value_of(pair.value) for pair in pairs}


def span_of(message: SpanMessage) -> Span:
    """A protobuf span as a value."""
    return Span(
        trace_id=message.trace_id,
        span_id=message.span_id,
        parent_id=NO_PARENT if is_empty(message.parent_span_id) else message.parent_span_id,
        name=message.name,
        kind=message.kind,
        start_ns=message.start_time_unix_nano,
        end_ns=message.end_time_unix_nano,
        status_code=message.status.code,
        status_message=message.status.message,
        attributes=attributes_of(message.attributes),
        events=tuple(
            SpanEvent(
                name=event.name,
                time_ns=event.time_unix_nano,
                attributes=attributes_of(event.attributes),
            )
            for event in message.events
        ),
        links=tuple(
            SpanLink(trace_id=link.trace_id, span_id=link.span_id, attributes=attributes_of(link.attributes))
            for link in message.links
        ),
    )


def is_empty(span_id: bytes) -> bool:
    """Whether a span id stands for "none": absent or all zeros."""
    return not span_id.strip(b"\0")


def as_json(value: Value) -> Any:
    """A value as it appears in a segment document: bytes become base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case list():
            return [as_json(item) for item in value]
        case dict():
            return {key: as_json(item) for key, item in value.items()}
        case _:
            return value


def seconds(nanoseconds: int) -> float:
    """A timestamp as the segment document carries it: both operands and the result are doubles."""
    return float(nanoseconds) / 1e9
