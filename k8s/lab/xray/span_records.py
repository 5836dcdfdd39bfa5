"""Spans as Transaction Search keeps them in the log group ``aws/spans``: OpenTelemetry's records as JSON.

What came by OTLP keeps its shape. What came as segment documents is converted: AWS does so, too, and does
not say how, so that field by field this is our reading. A segment is a SERVER span, a subsegment that calls
out a CLIENT span; annotations and metadata are attributes, those of the exporter's resource are the
resource's. An independent subsegment names no resource: documents have none there.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from k8s.lab.xray.elements import is_call
from k8s.lab.xray.otel_resources import RESOURCE_PREFIX, OtelResource
from k8s.lab.xray.spans import as_json, attributes_of, is_empty
from k8s.lab.xray.translate import SUBSEGMENT, Document

KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUSES: Final = ("UNSET", "OK", "ERROR")
_MS_NS: Final = 1_000_000
_S_NS: Final = 1_000_000_000

SpanRecord = dict[str, Any]


def of_span(message: SpanMessage, resource: OtelResource) -> SpanRecord:
    """A span that came by OTLP."""
    attributes = {key: as_json(value) for key, value in attributes_of(message.attributes).items()}
    status = {"code": _named(STATUSES, message.status.code)}
    if message.status.message:
        status["message"] = message.status.message
    parent_id = "" if is_empty(message.parent_span_id) else message.parent_span_id.hex()
    return _record(
        (message.trace_id.hex(), message.span_id.hex(), parent_id),
        (message.start_time_unix_nano, message.end_time_unix_nano),
        name=message.name,
        kind=_named(KINDS, message.kind),
        status=status,
        attributes=attributes,
        resource={key: as_json(value) for key, value in resource.attributes.items()},
    )


def of_document(document: Document) -> Iterator[SpanRecord]:
    """A segment or an independent subsegment, and the subsegments inside it."""
    trace_id = document["trace_id"][2:].replace("-", "")
    attributes, resource = _attributes(document)
    if document.get("type") != SUBSEGMENT:
        resource = _resource(document) | resource
    yield from _parts(document, document, (trace_id, document.get("parent_id") or ""), attributes, resource)


def _parts(
    part: Mapping[str, Any],
    document: Document,
    ids: tuple[str, str],
    attributes: dict[str, Any],
    resource: dict[str, Any],
) -> Iterator[SpanRecord]:
    trace_id, parent_id = ids
    start_ns = round(float(part["start_time"]) * _S_NS)
    end_ns = round(float(part.get("end_time") or part["start_time"]) * _S_NS)
    is_segment = part is document and document.get("type") != SUBSEGMENT
    kind = "SERVER" if is_segment else "CLIENT" if is_call(part) else "INTERNAL"
    failed = part.get("fault") or part.get("error") or part.get("throttle")
    yield _record(
        (trace_id, part["id"].lower(), parent_id.lower()),
        (start_ns, end_ns),
        name=part.get("name") or "",
        kind=kind,
        status={"code": "ERROR" if failed else "UNSET"},
        attributes=attributes,
        resource=resource,
    )
    for inner in part.get("subsegments") or ():
        if inner.get("name"):
            found, _ = _attributes(inner)
            yield from _parts(inner, document, (trace_id, part["id"]), found, resource)


def _attributes(part: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of the span, and of the resource that the exporter put beside them."""
    attributes: dict[str, Any] = {}
    resource: dict[str, Any] = {}
    metadata = part.get("metadata") or {}
    default = metadata.get("default")
    places = (default if isinstance(default, dict) else {}, part.get("annotations") or {})
    for key, value in (pair for place in places for pair in place.items()):
        if key.startswith(RESOURCE_PREFIX):
            resource[key.removeprefix(RESOURCE_PREFIX)] = value
        else:
            attributes[key] = value
    http = part.get("http") or {}
    request, response = http.get("request") or {}, http.get("response") or {}
    known = {
        "http.request.method": request.get("method"),
        "url.full": request.get("url"),
        "client.address": request.get("client_ip"),
        "http.response.status_code": response.get("status"),
        "db.system": (part.get("sql") or {}).get("database_type") if "sql" in part else None,
    }
    if is_call(part):
        known["aws.remote.service"] = part.get("name")
    return attributes | {key: value for key, value in known.items() if value is not None}, resource


def _resource(document: Document) -> dict[str, Any]:
    aws = document.get("aws") or {}
    known = {
        "service.name": document["name"],
        "k8s.pod.name": (aws.get("eks") or {}).get("pod"),
        "cloud.availability_zone": (aws.get("ec2") or {}).get("availability_zone"),
        "host.id": (aws.get("ec2") or {}).get("instance_id"),
    }
    return {key: value for key, value in known.items() if value is not None}


def _record(
    ids: tuple[str, str, str],
    times_ns: tuple[int, int],
    *,
    name: str,
    kind: str,
    status: dict[str, str],
    attributes: dict[str, Any],
    resource: dict[str, Any],
) -> SpanRecord:
    """Of a span with these ids (trace, own, parent); a record's own time is its end (our reading)."""
    trace_id, span_id, parent_id = ids
    start_ns, end_ns = times_ns
    return {
        "@timestamp": end_ns // _MS_NS,
        "resource": {"attributes": resource},
        "traceId": trace_id,
        "spanId": span_id,
        **({"parentSpanId": parent_id} if parent_id else {}),
        "name": name,
        "kind": kind,
        "startTimeUnixNano": start_ns,
        "endTimeUnixNano": end_ns,
        "durationNano": max(0, end_ns - start_ns),
        "attributes": attributes,
        "status": status,
    }


def _named(names: tuple[str, ...], number: int) -> str:
    return names[number] if 0 <= number < len(names) else names[0]
