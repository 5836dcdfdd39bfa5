"""The client span of a request as OTLP bytes, written from a prepared template.

A span of the OpenTelemetry SDK costs a Locust worker about 50 us and stalls its event loop at every export,
which bends the latencies it measures. Of an OTLP span only ids, times and status change from request to
request, so everything else is encoded once. Field numbers: opentelemetry-proto, ``trace/v1/trace.proto``,
``common/v1/common.proto`` and ``collector/trace/v1/trace_service.proto``; wire format: protobuf.dev/encoding.

The span is a CLIENT root with ``aws.span.kind=LOCAL_ROOT``: the ADOT collector turns it into a segment of the
worker and a subsegment that calls the client Service, where a plain CLIENT root would become one bogus node
per page.
"""

import os
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from loadtest.worker.placement import NAMESPACE, WorkerPlacement
from loadtest.worker.target import W3C, XRAY

SCOPE = "samezone.loadtest"
TRACEPARENT, AMAZON = "traceparent", "X-Amzn-Trace-Id"
HEADERS = (TRACEPARENT, AMAZON)
"""Those that may carry the trace."""
VERSION = "0.1.0"
"""Of samezone; written here because a Locust process in a cluster has our files but no installed package."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_MORE = 0x80
"""The bit of a varint's byte that says another byte follows."""
_KIND_CLIENT = 3
_STATUS_ERROR = 2
_FLAGS_LOCAL_PARENT = 0x100
"""SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK: what the SDK writes for a root span."""
_MOST_TEMPLATES = 4096
_POOL = 5120
_SPAN_ID = b"\x12\x08"
"""Field 2, 8 bytes."""
_END_TIME = b"\x41"
"""Field 8, fixed64."""
_TIMES = struct.Struct("<QcQ").pack


def varint(number: int) -> bytes:
    """A non-negative integer as a base-128 varint."""
    out = bytearray()
    while number >= _MORE:
        out.append(number % _MORE | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


def _tag(field: int, wire: int) -> bytes:
    return varint(field << 3 | wire)


def _block(field: int, content: bytes) -> bytes:
    """A length-delimited field: bytes, a string or a message."""
    return _tag(field, _LENGTH) + varint(len(content)) + content


def _attribute(key: str, value: str | int, *, field: int) -> bytes:
    """A KeyValue message as field number *field*; a string or a non-negative integer."""
    inner = _block(1, value.encode()) if isinstance(value, str) else _tag(3, _VARINT) + varint(value)
    return _block(field, _block(1, key.encode()) + _block(2, inner))


def _attributes(pairs: Iterable[tuple[str, str | int]], *, field: int) -> bytes:
    return b"".join(_attribute(key, value, field=field) for key, value in pairs)


class SpanIds(NamedTuple):
    """Ids of one span, which is the root of its trace."""

    trace: bytes
    """16 bytes; the first four are the start in epoch seconds, as X-Ray ids have them."""
    span: bytes
    """8 bytes."""

    @property
    def traceparent(self) -> str:
        """The W3C Trace Context header, sampled."""
        return f"00-{self.trace.hex()}-{self.span.hex()}-01"

    def headers(self, propagate: str, *, sampled: bool = True) -> dict[str, str]:
        """The headers that carry the trace to who is asked; *propagate* is one of PROPAGATIONS.

        X-Ray's header: docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html, "Tracing header".
        """
        found = {}
        if propagate != XRAY:
            found[TRACEPARENT] = self.traceparent[:-1] + str(int(sampled))
        if propagate != W3C:
            root = f"1-{self.trace[:4].hex()}-{self.trace[4:].hex()}"
            found[AMAZON] = f"Root={root};Parent={self.span.hex()};Sampled={int(sampled)}"
        return found


class _Entropy:
    """Random bytes, taken from the system many at a time: a call of it costs as much as the rest of an id."""

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0

    def __call__(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._pool):
            self._pool, self._at, end = os.urandom(_POOL), 0, size
        taken = self._pool[self._at : end]
        self._at = end
        return taken


def new_ids(epoch_s: int, entropy: Callable[[int], bytes] = _Entropy()) -> SpanIds:  # noqa: B008  one pool
    """Fresh ids of a trace that starts at *epoch_s*."""
    random = entropy(20)
    return SpanIds(epoch_s.to_bytes(4, "big") + random[:12], random[12:])


@dataclass(frozen=True, slots=True, kw_only=True)
class WallClock:
    """Turns readings of the performance counter into wall-clock time.

    Tied to the wall clock once, so that a step of it (NTP) bends no span.
    """

    offset_ns: int

    def epoch_ns(self, counter_ns: int) -> int:
        """Nanoseconds since the epoch at a reading of ``time.perf_counter_ns``."""
        return self.offset_ns + counter_ns


def wall_clock() -> WallClock:
    """Read both clocks now."""
    return WallClock(offset_ns=time.time_ns() - time.perf_counter_ns())


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request ended, as far as its span tells."""

    page: str
    """The page's name; the span is called ``<method> <page>``."""
    url: str
    status: int
    """The HTTP status, 0 where no answer came."""
    failure: str = ""
    """What went wrong; empty for success."""
    method: str = "GET"


class SpanTemplate(NamedTuple):
    """The constant bytes of a span, as field ``spans`` of a ScopeSpans message."""

    head: bytes
    """Before the trace id."""
    middle: bytes
    """Between span id and start time."""
    tail: bytes
    """After the end time."""

    def span(self, ids: SpanIds, start_ns: int, end_ns: int) -> bytes:
        """The whole span; times in nanoseconds since the epoch."""
        trace, span = ids
        return b"".join(
            (self.head, trace, _SPAN_ID, span, self.middle, _TIMES(start_ns, _END_TIME, end_ns), self.tail)
        )


class SpanEncoder:
    """Encodes the spans of one worker in one phase of one run; *remote* is the Service that it calls."""

    def __init__(
        self, placement: WorkerPlacement, *, run_id: str, phase: str, version: str, remote: str = ""
    ) -> None:
        self._worker = placement.pod
        self._remote = remote or placement.service
        self._run: tuple[tuple[str, str], ...] = (("run_id", run_id), ("phase", phase))
        self._resource = _block(1, _attributes(resource_of(placement, version), field=1))
        self._scope = _block(1, _block(1, SCOPE.encode()) + _block(2, version.encode()))
        self._templates: dict[Outcome, SpanTemplate] = {}

    def span(self, ids: SpanIds, start_ns: int, end_ns: int, outcome: Outcome) -> bytes:
        """One span as field ``spans`` of a ScopeSpans message; times in nanoseconds since the epoch."""
        return self.template(outcome).span(ids, start_ns, end_ns)

    def template(self, outcome: Outcome) -> SpanTemplate:
        """What all spans with this outcome have in common."""
        template = self._templates.get(outcome)
        if template is None:
            template = self._template(outcome)
            if len(self._templates) >= _MOST_TEMPLATES:
                self._templates.clear()
            self._templates[outcome] = template
        return template

    def request_body(self, spans: Sequence[bytes]) -> bytes:
        """An ExportTraceServiceRequest that holds *spans*."""
        # Lengths first, so that the spans are copied once.
        size = len(self._scope) + sum(map(len, spans))
        head = _tag(2, _LENGTH) + varint(size)
        length = varint(len(self._resource) + len(head) + size)
        return b"".join((_tag(1, _LENGTH), length, self._resource, head, self._scope, *spans))

    def _template(self, outcome: Outcome) -> SpanTemplate:
        middle = (
            _block(5, f"{outcome.method} {outcome.page}".encode())
            + _tag(6, _VARINT)
            + varint(_KIND_CLIENT)
            + _tag(7, _FIXED64)
        )
        status = _block(2, outcome.failure.encode()) + _tag(3, _VARINT) + varint(_STATUS_ERROR)
        tail = (
            _attributes(self._span_attributes(outcome), field=9)
            + _block(15, status if outcome.failure else b"")
            + _tag(16, _FIXED32)
            + _FLAGS_LOCAL_PARENT.to_bytes(4, "little")
        )
        length = 2 + 16 + 2 + 8 + len(middle) + 8 + 1 + 8 + len(tail)
        return SpanTemplate(head=_tag(2, _LENGTH) + varint(length) + b"\x0a\x10", middle=middle, tail=tail)

    def _span_attributes(self, outcome: Outcome) -> list[tuple[str, str | int]]:
        answered: list[tuple[str, str | int]] = [("http.response.status_code", outcome.status)]
        return [
            ("aws.span.kind", "LOCAL_ROOT"),
            ("aws.local.service", self._worker),
            ("aws.remote.service", self._remote),
            ("http.request.method", outcome.method),
            ("url.full", outcome.url),
            *(answered if outcome.status else []),
            *self._run,
            ("page", outcome.page),
        ]


def resource_of(placement: WorkerPlacement, version: str) -> tuple[tuple[str, str], ...]:
    """The OpenTelemetry resource of a worker; same keys as the store's pods have."""
    return (
        ("service.name", placement.pod),
        ("k8s.pod.name", placement.pod),
        ("k8s.node.name", placement.node),
        ("k8s.namespace.name", NAMESPACE),
        ("cloud.provider", "aws"),
        ("cloud.platform", "aws_eks"),
        ("cloud.region", placement.region),
        ("cloud.availability_zone", placement.zone),
        ("host.id", placement.node),
        ("k8s.cluster.name", placement.cluster),
        # The semantic conventions want an SDK other than OpenTelemetry's to give its own name.
        ("telemetry.sdk.name", "samezone"),
        ("telemetry.sdk.language", "python"),
        ("telemetry.sdk.version", version),
    )


def rejected_spans(body: bytes) -> int:
    """How many spans an ExportTraceServiceResponse rejects (``partial_success.rejected_spans``).

    0 for an empty or unreadable answer: a success without details is a full one.
    """
    for number, content in _fields(body):
        if number == 1 and isinstance(content, bytes):
            return sum(value for field, value in _fields(content) if field == 1 and isinstance(value, int))
    return 0


def _fields(message: bytes) -> Iterable[tuple[int, int | bytes]]:
    """The (field number, value) pairs of a message as far as it can be read; fixed-width fields end it."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        value, at = _read_varint(message, at)
        if tag & 7 == _VARINT:
            yield tag >> 3, value
        elif tag & 7 == _LENGTH:
            yield tag >> 3, message[at : at + value]
            at += value
        else:
            return


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        number |= byte % _MORE << shift
        shift += 7
        if byte < _MORE:
            break
    return number, at
