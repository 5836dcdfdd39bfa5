"""What arrived, kept compressed, so that documents can be built when somebody asks for them.

A lab's spans are so alike that a batch shrinks to a tenth; a payload goes when no trace needs it any more.
"""

import zlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from k8s.lab.xray.otel_resources import Indexing, OtelResource, resource_of
from k8s.lab.xray.spans import attributes_of, span_of
from k8s.lab.xray.translate import Document, documents_of

_OPEN_ENTRIES: Final = 40_000
"""How many unpacked spans and documents are kept at hand: neighbouring traces share payloads."""
_MOST_RESOURCES: Final = 10_000
_FASTEST: Final = 1


@dataclass(slots=True)
class _Payload:
    compressed: bytes
    otlp: bool
    """An OTLP request; otherwise a JSON array of documents."""
    uses: int


class Resources:
    """Resources by their encoding, so that each is worked out once."""

    def __init__(self) -> None:
        """Start empty."""
        self._known: dict[bytes, OtelResource] = {}

    def of(self, encoded: bytes, pairs: Iterable[object]) -> OtelResource:
        """The resource with these attributes; *encoded* is its wire form."""
        resource = self._known.get(encoded)
        if resource is None:
            if len(self._known) >= _MOST_RESOURCES:
                self._known.clear()
            resource = self._known[encoded] = resource_of(attributes_of(pairs))
        return resource


class Archive:
    """Payloads by number."""

    def __init__(self, indexing: Indexing, resources: Resources) -> None:
        """*indexing* decides the annotations of the documents that are built."""
        self._indexing = indexing
        self._resources = resources
        self._payloads: dict[int, _Payload] = {}
        self._open: OrderedDict[int, list[tuple[SpanMessage, OtelResource]] | list[Document]] = OrderedDict()
        self._opened_entries = 0
        self._last = 0
        self.stored_bytes = 0
        """How much the payloads take, compressed."""

    def __len__(self) -> int:
        return len(self._payloads)

    def new_number(self) -> int:
        """A number for a payload that is about to be kept."""
        self._last += 1
        return self._last

    def keep_otlp(self, number: int, request: bytes, uses: int) -> None:
        """Keep an OTLP request (protobuf) that *uses* elements refer to."""
        self._keep(number, request, otlp=True, uses=uses)

    def keep_documents(self, number: int, documents: list[Document], uses: int) -> None:
        """Keep segment documents that *uses* elements refer to."""
        self._keep(number, msgspec.json.encode(documents), otlp=False, uses=uses)

    def release(self, number: int, uses: int) -> None:
        """Elements that refer to a payload are gone; with the last of them goes the payload."""
        payload = self._payloads[number]
        payload.uses -= uses
        if payload.uses <= 0:
            del self._payloads[number]
            self.stored_bytes -= len(payload.compressed)
            self._opened_entries -= len(self._open.pop(number, ()))

    def documents(self, number: int, position: int) -> tuple[Document, ...]:
        """The documents for a span, or the document, at a position of a payload."""
        entry = self._opened(number)[position]
        if isinstance(entry, dict):
            return (entry,)
        message, resource = entry
        return documents_of(span_of(message), resource, self._indexing, number)

    def sent(self, number: int, position: int) -> Document | tuple[SpanMessage, OtelResource]:
        """What stands at a position of a payload: a segment document, or a span with its resource."""
        return self._opened(number)[position]

    def _keep(self, number: int, payload: bytes, *, otlp: bool, uses: int) -> None:
        if uses <= 0:
            return
        compressed = zlib.compress(payload, _FASTEST)
        self._payloads[number] = _Payload(compressed, otlp, uses)
        self.stored_bytes += len(compressed)

    def _opened(self, number: int) -> list[tuple[SpanMessage, OtelResource]] | list[Document]:
        entries = self._open.get(number)
        if entries is None:
            payload = self._payloads[number]
            content = zlib.decompress(payload.compressed)
            entries = self._spans(content) if payload.otlp else msgspec.json.decode(content)
            self._open[number] = entries
            self._opened_entries += len(entries)
            while len(self._open) > 1 and self._opened_entries > _OPEN_ENTRIES:
                _, closed = self._open.popitem(last=False)
                self._opened_entries -= len(closed)
        else:
            self._open.move_to_end(number)
        return entries

    def _spans(self, content: bytes) -> list[tuple[SpanMessage, OtelResource]]:
        return spans_of(ExportTraceServiceRequest.FromString(content), self._resources)


def spans_of(
    request: ExportTraceServiceRequest, resources: Resources
) -> list[tuple[SpanMessage, OtelResource]]:
    """The spans of a request with their resources; a span's place in this list is its position."""
    found: list[tuple[SpanMessage, OtelResource]] = []
    for resource_spans in request.resource_spans:
        encoded = resource_spans.resource.SerializeToString()
        resource = resources.of(encoded, resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            found += [(span, resource) for span in scope_spans.spans]
    return found
