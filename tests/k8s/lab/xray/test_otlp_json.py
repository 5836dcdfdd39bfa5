"""OTLP in JSON means what it means in protobuf."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from k8s.lab.xray import otlp
from tests.k8s.lab.xray.builders import Json, in_json, pairs, pod, request, shop, span

_SCALARS = st.text(max_size=5) | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.binary(max_size=4)
_VALUES = st.recursive(
    _SCALARS | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)
_ATTRIBUTES = st.dictionaries(st.text(max_size=8), _VALUES, max_size=5)


@given(st.integers(0, 5), st.integers(0, 2), _ATTRIBUTES, _ATTRIBUTES, _ATTRIBUTES, st.booleans())
@settings(max_examples=150)
def test_json_and_protobuf_agree(
    kind: int, status: int, own: Json, resource: Mapping[str, Any], more: Json, numbers: bool
) -> None:
    """Everything that the translation reads is there, value by value."""
    message = span("näme", 0, 2**64 - 1, parent=7, status=status)
    message.kind = kind  # type: ignore[assignment]  # protobuf enums are plain numbers
    message.attributes.extend(pairs(own))
    message.status.message = "why"
    event = message.events.add(name="exception", time_unix_nano=5)
    event.attributes.extend(pairs(more))
    link = message.links.add(trace_id=bytes(range(16)), span_id=bytes(range(8)))
    link.attributes.extend(pairs(more))
    expected = request((resource, [message]), (pod("p"), []))

    assert expected == otlp.decode(in_json(expected, numbers=numbers), otlp.JSON)


def test_the_shop() -> None:
    """A whole trace of several pods."""
    assert shop() == otlp.decode(in_json(shop(), numbers=True), otlp.JSON)


@pytest.mark.parametrize(
    "field",
    [
        {"traceId": "xyz"},
        {"traceId": "00"},
        {"spanId": "b7ad6b716920333"},
        {"parentSpanId": "00"},
        {"startTimeUnixNano": "soon"},
        {"startTimeUnixNano": -1},
        {"startTimeUnixNano": "9" * 5_000},
        {"startTimeUnixNano": 1.5},
        {"kind": "SPAN_KIND_OTHER"},
        {"kind": 2**40},
        {"attributes": {}},
        {"attributes": [{"key": "a", "value": {"intValue": "1.5"}}]},
        {"attributes": [{"key": "a", "value": {"intValue": 2**63}}]},
        {"attributes": [{"key": "a", "value": {"bytesValue": "?"}}]},
        {"attributes": [{"key": "a", "value": {"doubleValue": "much"}}]},
        {"status": {"code": "OK"}},
        {"name": 5},
    ],
    ids=json.dumps,
)
def test_what_does_not_fit(field: Json) -> None:
    """A field of the wrong type or out of range is told, not guessed."""
    one: Json = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [one | field]}]}]}

    with pytest.raises(otlp.NotOtlpError):
        otlp.decode(json.dumps(body).encode(), otlp.JSON)


def test_absent_and_unknown_fields() -> None:
    """Absent and null fields are empty, fields that nobody knows are passed over."""
    one: Json = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "flags": 257}
    one |= {"name": None, "attributes": None, "events": None, "parentSpanId": "", "new": {"x": 1}}
    body = {"resourceSpans": [{"resource": None, "scopeSpans": [{"scope": {}, "spans": [one]}]}, {}]}
    found = otlp.decode(json.dumps(body).encode(), otlp.JSON)

    assert found.resource_spans[0].scope_spans[0].spans[0].span_id.hex() == "b7ad6b7169203331"
    assert (otlp.decode(b"{}", otlp.JSON), len(found.resource_spans)) == (ExportTraceServiceRequest(), 2)
