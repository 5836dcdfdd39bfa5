"""OTLP over HTTP: request bodies in, ExportTraceServiceResponse out, in the request's encoding.

Source: OpenTelemetry protocol specification, "OTLP/HTTP": protobuf or JSON (where ids are hex, not base64),
gzip or identity.
"""

import zlib
from collections.abc import Iterator
from typing import Final

from google.protobuf.json_format import MessageToJson  # type: ignore[import-untyped]  # no stubs
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]  # no stubs
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no stubs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from k8s.errors import SamezoneError
from k8s.lab.xray import otlp_json
from k8s.lab.xray.documents import LARGEST_SPAN_BYTES

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
LARGEST_BYTES: Final = 20 * 2**20
"""Of a body, after decompression: what a collector's OTLP receiver takes unless told otherwise."""
SLICE_SPANS: Final = 2_000
"""Taken at once; an SDK sends 512 at most unless told otherwise."""
_SMALL_BYTES: Final = 2**20
_MOST_GAINED: Final = 100
"""Spans that differ shrink to a tenth; what shrinks to a hundredth says the same again and again."""
_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8
_INVALID_ARGUMENT: Final = 3
_GZIP: Final = 16 + zlib.MAX_WBITS


class NotOtlpError(SamezoneError):
    """A body that is not what its headers say, or not OTLP."""


def decompressed(body: bytes, encoding: str) -> bytes:
    """The body behind its Content-Encoding: ``gzip``, ``identity`` or none."""
    if encoding in {"", "identity"}:
        return body
    if encoding != "gzip":
        raise NotOtlpError(f"Content-Encoding {encoding} is not supported, use gzip or identity")
    machine = zlib.decompressobj(_GZIP)
    try:
        content = machine.decompress(body, LARGEST_BYTES)
    except zlib.error as error:
        raise NotOtlpError(f"the body is not gzip: {error}") from error
    if machine.unconsumed_tail or not machine.eof:
        raise NotOtlpError("the gzip body is cut off or too large")
    if len(content) > _SMALL_BYTES and len(content) > _MOST_GAINED * len(body):
        raise NotOtlpError(f"the gzip body stands for more than {_MOST_GAINED} times its size")
    return content


def decode(content: bytes, content_type: str) -> ExportTraceServiceRequest:
    """The request in a body; UndecodableError where there is none."""
    request = ExportTraceServiceRequest()
    try:
        if content_type == PROTOBUF:
            request.ParseFromString(content)
        else:
            request = otlp_json.read(content)
    except (DecodeError, ValueError, OverflowError, RecursionError) as error:
        raise NotOtlpError(f"the body is not an ExportTraceServiceRequest: {error}") from error
    for resource_spans in request.resource_spans:
        if resource_spans.resource.ByteSize() > LARGEST_SPAN_BYTES:
            raise NotOtlpError(f"a resource of more than {LARGEST_SPAN_BYTES} bytes")
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                parent = span.parent_span_id
                if (
                    len(span.trace_id) != _TRACE_ID_BYTES
                    or len(span.span_id) != _SPAN_ID_BYTES
                    or (parent and len(parent) != _SPAN_ID_BYTES)
                ):
                    raise NotOtlpError(f"span {span.name!r} has an id of the wrong length")
    return request


def slices(
    request: ExportTraceServiceRequest, content: bytes, most: int = SLICE_SPANS
) -> Iterator[tuple[ExportTraceServiceRequest, bytes]]:
    """The request in parts of at most *most* spans each, in their order, each with its protobuf encoding.

    One that is small enough stays as it is; *content* is its encoding.
    """
    if sum(len(scope.spans) for one in request.resource_spans for scope in one.scope_spans) <= most:
        yield request, content
        return
    part, room = ExportTraceServiceRequest(), most
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for start, end in _ranges(len(scope_spans.spans), room, most):
                if not room:
                    yield part, part.SerializeToString()
                    part, room = ExportTraceServiceRequest(), most
                into = part.resource_spans.add(resource=resource_spans.resource)
                into.scope_spans.add(scope=scope_spans.scope, spans=scope_spans.spans[start:end])
                room -= end - start
    yield part, part.SerializeToString()


def _ranges(count: int, first: int, most: int) -> Iterator[tuple[int, int]]:
    """(start, end) of pieces of *count*: the first at most *first* long (0: as the others), then *most*."""
    start, size = 0, first or most
    while start < count:
        end = min(start + size, count)
        yield start, end
        start, size = end, most


def success(content_type: str) -> bytes:
    """The body of a 200."""
    return _encoded(ExportTraceServiceResponse(), content_type)


def failure(message: str, content_type: str) -> bytes:
    """The body of a 400."""
    return _encoded(Status(code=_INVALID_ARGUMENT, message=message), content_type)


def _encoded(message: Message, content_type: str) -> bytes:
    if content_type == JSON:
        return str(MessageToJson(message, indent=None)).encode()
    return bytes(message.SerializeToString())
