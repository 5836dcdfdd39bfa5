"""OTLP span and resource -> the segment documents that awsxrayexporter v0.156.0 sends for them.

Pure: the ids that the exporter draws at random (the second document of a LOCAL_ROOT pair, exceptions) are
derived from the span's id and the number of the delivery. So the documents of one delivery can be made again,
and a span delivered twice gives two segments, as it does behind the exporter, which draws anew each time.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from k8s.lab.depth import is_deeper
from k8s.lab.xray import naming
from k8s.lab.xray.cause import cause_block
from k8s.lab.xray.http_block import http_block
from k8s.lab.xray.naming import Outcome
from k8s.lab.xray.otel_resources import (
    RESOURCE_PREFIX,
    Indexing,
    OtelResource,
    annotation_key,
    annotation_value,
    resource_fields,
)
from k8s.lab.xray.spans import CONSUMER, INTERNAL, SERVER, Span, Value, as_json, is_empty, seconds, text

Document = dict[str, Any]
"""One segment or independent subsegment document, as PutTraceSegments takes it (before JSON encoding)."""

SUBSEGMENT: Final = "subsegment"
_ONE_MORE: Final = 0x9E3779B97F4A7C15
_MASK: Final = 2**64 - 1
_ANNOTATIONS: Final = "aws.xray.annotations"
_METADATA_PREFIX: Final = "aws.xray.metadata."
_NOT_ON_SERVICE: Final = frozenset(
    {"aws.remote.service", "aws.remote.operation", "remoteTarget", "K8s.RemoteNamespace"}
)
_OF_THE_CALL: Final = frozenset(
    {"operation", "account_id", "region", "request_id", "queue_url", "table_name", "table_names"}
)
_AWS_FIELDS: Final = {
    "aws.region": "region",
    "aws.request_id": "request_id",
    "aws.requestId": "request_id",
    "aws.queue_url": "queue_url",
    "aws.queue.url": "queue_url",
    "aws.table_name": "table_name",
    "aws.table.name": "table_name",
}
_AWS_CONSUMED: Final = frozenset(_AWS_FIELDS) | {"rpc.method", "aws.operation", "aws.account_id"}
_SQL_CONSUMED: Final = frozenset({"db.connection_string", "db.system", "db.name", "db.statement", "db.user"})


def documents_of(
    span: Span, resource: OtelResource, indexing: Indexing, delivery: int = 0
) -> tuple[Document, ...]:
    """The span's documents: one, or for a LOCAL_ROOT span that calls out two (the call, then the service).

    *delivery* tells the times apart at which one span came.
    """
    drawn = derived_id(int.from_bytes(span.span_id), delivery)
    if not naming.is_local_root(span.attributes):
        return (_document(span, resource, indexing, span.parent_id, seed=drawn),)
    if span.kind in {SERVER, INTERNAL}:
        document = _document(span, resource, indexing, span.parent_id, seed=drawn)
        document.pop("type", None)
        document.pop("namespace", None)
        return (document,)
    return (
        _call_of(span, resource, indexing, drawn),
        _service_of(span, resource, indexing, drawn),
    )


def derived_id(span_id: int, number: int) -> int:
    """A 64-bit id that looks drawn at random but depends only on another id and *number* (splitmix64)."""
    value = (span_id + (number + 1) * _ONE_MORE) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return (value ^ (value >> 31)) or 1


def trace_id_of(trace_id: bytes) -> str:
    """A 16-byte trace id as X-Ray writes it: ``1-<8 hex>-<24 hex>``."""
    digits = trace_id.hex()
    return f"1-{digits[:8]}-{digits[8:]}"


def _call_of(span: Span, resource: OtelResource, indexing: Indexing, service_id: int) -> Document:
    seed = derived_id(service_id, 0)
    document = _document(span, resource, indexing, service_id.to_bytes(8), seed=seed)
    document["type"] = SUBSEGMENT
    document.setdefault("namespace", naming.REMOTE)
    if span.kind == CONSUMER:
        document.pop("links", None)
    if "aws.remote.service" in span.attributes:
        document["name"] = naming.remote_name(span.attributes)
    return document


def _service_of(span: Span, resource: OtelResource, indexing: Indexing, service_id: int) -> Document:
    attributes = {key: value for key, value in span.attributes.items() if key not in _NOT_ON_SERVICE}
    document = _document(span, resource, indexing, span.parent_id, attributes=attributes, seed=service_id)
    document["id"] = f"{service_id:016x}"
    name = text(span.attributes, "aws.local.service") or resource.service_name
    document["name"] = name or document["name"]
    for field in ("http", "type", "namespace"):
        document.pop(field, None)
    if span.kind != CONSUMER:
        document.pop("links", None)
    if "aws" in document:
        document["aws"] = {key: value for key, value in document["aws"].items() if key not in _OF_THE_CALL}
    metadata = {
        namespace: kept
        for namespace, entries in document.pop("metadata", {}).items()
        if (kept := {key: value for key, value in entries.items() if key.startswith(RESOURCE_PREFIX)})
    }
    return {**document, "metadata": metadata} if metadata else document


def _document(
    span: Span,
    resource: OtelResource,
    indexing: Indexing,
    parent_id: bytes,
    *,
    seed: int,
    attributes: dict[str, Value] | None = None,
) -> Document:
    """One document; *seed* is what the ids of its exceptions come from, *attributes* replace the span's."""
    if attributes is not None:
        span = Span(
            **{field: getattr(span, field) for field in span.__slots__ if field != "attributes"},
            attributes=attributes,
        )
    has_parent = not is_empty(parent_id)
    segment = naming.is_segment(span.kind, has_parent=has_parent)
    name, namespace = naming.name_and_namespace(span.kind, span.attributes, resource.service_name, span.name)
    http, rest = http_block(span)
    cause, rest = cause_block(span, rest, resource.language, _ids(seed))
    aws, rest = _aws_block(rest, resource)
    sql, rest = _sql_block(span, rest)
    rest |= {key: span.attributes[key] for key in indexing.indexed_attributes if key in span.attributes}
    user, annotations, metadata = _fields(rest, resource if segment else None, indexing)
    outcome = naming.outcome_of(span.attributes, span.status_code)
    document = {
        "name": name,
        "id": span.span_id.hex(),
        "start_time": seconds(span.start_ns),
        "service": resource.service,
        "origin": resource.origin or None,
        "user": user or None,
        "links": _links(span) or None,
        "trace_id": trace_id_of(span.trace_id),
        "end_time": seconds(span.end_ns),
        "http": http,
        "fault": outcome == Outcome.FAULT,
        "error": outcome in {Outcome.ERROR, Outcome.THROTTLE},
        "throttle": outcome == Outcome.THROTTLE,
        "cause": cause,
        "aws": aws,
        "annotations": annotations or None,
        "metadata": metadata or None,
        "namespace": namespace or None,
        "parent_id": parent_id.hex() if has_parent else None,
        "type": None if segment else SUBSEGMENT,
        "sql": sql,
    }
    return {key: value for key, value in document.items() if value is not None}


def _ids(seed: int) -> Callable[[], str]:
    number = 0

    def new_id() -> str:
        nonlocal number
        number += 1
        return f"{derived_id(seed, number):016x}"

    return new_id


def _aws_block(rest: dict[str, Value], resource: OtelResource) -> tuple[Document | None, dict[str, Value]]:
    kept = {key: value for key, value in rest.items() if key not in _AWS_CONSUMED}
    if resource.aws is None:
        return None, kept
    found = {_AWS_FIELDS[key]: text(rest, key) for key in rest if key in _AWS_FIELDS}
    found["operation"] = text(rest, "aws.operation" if "aws.operation" in rest else "rpc.method")
    if "messaging.url" in rest:
        found["queue_url"] = text(rest, "messaging.url")
    tables = rest.get("aws.dynamodb.table_names")
    several: list[Value] = []
    if isinstance(tables, str):
        found["table_name"] = tables
    elif isinstance(tables, list) and len(tables) == 1:
        found["table_name"] = str(tables[0])
    elif isinstance(tables, list) and tables:
        found["table_name"] = ""
        several = tables
    block = resource.aws | {key: value for key, value in found.items() if value}
    if several:
        block["table_names"] = several
    if rest.get("aws.account_id") is not None:
        block.pop("account_id", None)
        if account_id := text(rest, "aws.account_id"):
            block["account_id"] = account_id
    return block, kept


def _sql_block(span: Span, rest: dict[str, Value]) -> tuple[Document | None, dict[str, Value]]:
    if not naming.is_sql(rest):
        return None, rest
    # The exporter gives the span's name where X-Ray documents a URL.
    block = {
        "connection_string": f"{text(rest, 'db.connection_string') or 'localhost'}/{text(rest, 'db.name')}",
        "url": span.name,
        "sanitized_query": text(rest, "db.statement"),
        "database_type": text(rest, "db.system"),
        "user": text(rest, "db.user"),
    }
    kept = {key: value for key, value in rest.items() if key not in _SQL_CONSUMED}
    return {key: value for key, value in block.items() if value}, kept


def _links(span: Span) -> list[Document]:
    links: list[Document] = []
    for link in span.links:
        document: Document = {"trace_id": trace_id_of(link.trace_id), "id": link.span_id.hex()}
        if link.attributes:
            document["attributes"] = {key: as_json(value) for key, value in link.attributes.items()}
        links.append(document)
    return links


def _fields(
    rest: dict[str, Value], resource: OtelResource | None, indexing: Indexing
) -> tuple[str, Document, Document]:
    """User, annotations and metadata; *resource* is None on subsegments, which do not store it."""
    rest = dict(rest)
    user = text(rest, "enduser.id")
    rest.pop("enduser.id", None)
    indexed = frozenset(indexing.indexed_attributes)
    if isinstance(wanted := rest.get(_ANNOTATIONS), list):
        indexed |= {item for item in wanted if isinstance(item, str)}
        del rest[_ANNOTATIONS]
    everything = indexing.index_all_attributes
    annotations: Document = {}
    default: Document = {}
    if resource is not None:
        annotations, default = resource_fields(resource, None if everything else indexed)
    metadata: Document = {}
    for key, value in rest.items():
        if everything or key in indexed:
            scalar = annotation_value(value)
            if scalar is not None:
                annotations[annotation_key(key)] = scalar
        elif key.startswith(_METADATA_PREFIX) and isinstance(value, str):
            _add_metadata(key, value, metadata, default)
        elif value is not None:
            default[key] = as_json(value)
    if default:
        metadata["default"] = default
    return user, annotations, metadata


def _add_metadata(key: str, value: str, metadata: Document, default: Document) -> None:
    """Spread a JSON object given as ``aws.xray.metadata.<namespace>``; anything else stays as it is."""
    try:
        entries = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        entries = None
    namespace = key.removeprefix(_METADATA_PREFIX)
    if not isinstance(entries, dict) or is_deeper(entries):
        default[key] = value
    elif namespace.lower() == "default":
        default.update(entries)
    else:
        metadata[namespace] = entries
