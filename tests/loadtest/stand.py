"""A small store and collector in one: real HTTP on loopback, remembers what it got."""

import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

CATALOG = b'<a href="/catalog/p-1">one</a> <a href="/catalog/p-2">two</a> <a href="/catalog/search">no</a>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A page request as the store saw it."""

    path: str
    traceparent: str
    client_ip: str
    server_ip: str
    xray: str = ""
    host: str = ""
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    """All of them, in the order in which they came."""
    body: bytes = b""


@dataclass(slots=True, kw_only=True)
class Memory:
    """What came in; the test reads it when nothing is sent any more."""

    hits: list[Hit] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    content_types: set[str] = field(default_factory=set)
    connections: Counter[str] = field(default_factory=Counter)
    """Connections by server address."""
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    """What the collector says to the next posts; 200 once it is empty."""
    gate: threading.Event = field(default_factory=threading.Event)
    """Closed, the collector keeps its callers waiting."""
    hold: threading.Event = field(default_factory=threading.Event)
    """Closed, the store keeps shoppers waiting."""
    status: int = 200
    """What the store answers."""
    created: int = 201
    """What the store answers to a POST."""
    page: bytes = CATALOG
    """Each of its pages."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def requests(self) -> list[ExportTraceServiceRequest]:
        """The posts as the official classes read them."""
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies]

    def spans(self) -> list[tuple[str, Span]]:
        """(service.name, span) of everything posted."""
        return [
            (attributes(resource_spans.resource)["service.name"], span)
            for request in self.requests()
            for resource_spans in request.resource_spans
            for scope_spans in resource_spans.scope_spans
            for span in scope_spans.spans
        ]

    def shop_hits(self) -> list[Hit]:
        """Page requests that asked to be traced, or came without a header."""
        return [
            hit
            for hit in self.hits
            if not hit.traceparent.endswith("-00") and not hit.xray.endswith("Sampled=0")
        ]


def attributes(holder: Any) -> dict[str, Any]:
    """Attributes of a resource or span as plain values."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in holder.attributes}


def rejection(spans: int) -> bytes:
    """A collector's answer that rejects some spans."""
    partial = ExportTracePartialSuccess(rejected_spans=spans, error_message="too old")
    return ExportTraceServiceResponse(partial_success=partial).SerializeToString()


def _handler(memory: Memory) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            with memory.lock:
                memory.connections[self.connection.getsockname()[0]] += 1

        def do_GET(self) -> None:
            self._shop(memory.status, b"")

        def _shop(self, status: int, body: bytes) -> None:
            with memory.lock:
                hit = Hit(
                    path=self.path,
                    traceparent=self.headers.get("traceparent", ""),
                    client_ip=self.client_address[0],
                    server_ip=self.connection.getsockname()[0],
                    xray=self.headers.get("X-Amzn-Trace-Id", ""),
                    host=self.headers.get("Host", ""),
                    method=self.command,
                    headers=tuple(self.headers.items()),
                    body=body,
                )
                memory.hits.append(hit)
            memory.hold.wait(30)
            self._answer(status, memory.page)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/v1/traces":
                self._shop(memory.created, body)
                return
            memory.gate.wait(30)
            with memory.lock:
                status, answer = memory.answers.pop(0) if memory.answers else (200, b"")
                if status == 200:
                    memory.bodies.append(body)
                memory.content_types.add(self.headers["Content-Type"])
            self._answer(status, answer)

        def _answer(self, status: int, body: bytes) -> None:
            head = f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            self.wfile.write(head + body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    trust: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread: the TLS handshake, then the requests."""
        try:
            talk = request if self.trust is None else self.trust.wrap_socket(request, server_side=True)
        except (ssl.SSLError, ConnectionError):
            return  # a client that does not trust us
        super().finish_request(talk, client_address)
        if talk is not request:
            talk.close()


@contextmanager
def serving(
    memory: Memory, *addresses: str, trust: ssl.SSLContext | None = None
) -> Iterator[tuple[str, ...]]:
    """Serve on each address at a free port, over TLS where there is a *trust*; yields the base URLs."""
    memory.gate.set()
    memory.hold.set()
    servers = [_Server((address, 0), _handler(memory)) for address in addresses]
    scheme = "http" if trust is None else "https"
    for server in servers:
        server.trust = trust
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield tuple(f"{scheme}://{server.server_address[0]}:{server.server_address[1]}" for server in servers)
    finally:
        memory.gate.set()
        memory.hold.set()
        for server in servers:
            server.shutdown()
            server.server_close()
