"""What the stand-in costs: microseconds a span on the way in, bytes a span kept, seconds a graph.

Not a test: ``python -m tests.k8s.lab.xray.bench [spans]`` prints the figures of this machine.
"""

import random
import resource
import sys
import time
from collections.abc import Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from k8s.lab.xray import otlp
from k8s.lab.xray.settings import Settings
from k8s.lab.xray.standin import StandIn

START_NS = 1_795_376_700_000_000_000
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
BATCH = 512
_PODS = [
    (f"{name}-{zone[-1]}{number}", zone) for name in ("ui", "catalog") for zone in ZONES for number in "12"
]


def requests(spans: int) -> Iterator[bytes]:
    """OTLP requests as the lab's pods send them: one pod a request, up to 512 spans, in the order of time."""
    rng = random.Random(1)
    waiting: dict[str, ExportTraceServiceRequest] = {}
    sent = 0
    moment_ns = START_NS
    while sent < spans:
        moment_ns += 2_000_000
        for pod, zone, span in shop_trace(rng, moment_ns):
            request = waiting.setdefault(pod, request_of(pod, zone))
            request.resource_spans[0].scope_spans[0].spans.append(span)
            sent += 1
            if len(request.resource_spans[0].scope_spans[0].spans) >= BATCH:
                yield waiting.pop(pod).SerializeToString()
    for request in waiting.values():
        yield request.SerializeToString()


def request_of(pod: str, zone: str) -> ExportTraceServiceRequest:
    """An empty request of a pod."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add()
    attributes = {
        "service.name": pod,
        "k8s.pod.name": pod,
        "k8s.node.name": f"node-{zone[-1]}-1",
        "k8s.namespace.name": pod.partition("-")[0],
        "cloud.provider": "aws",
        "cloud.platform": "aws_eks",
        "cloud.region": "eu-west-1",
        "cloud.availability_zone": zone,
        "host.id": f"node-{zone[-1]}-1",
        "k8s.cluster.name": "samezone-lab",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": "1.45.2",
    }
    for key, value in attributes.items():
        spans.resource.attributes.add(key=key).value.string_value = value
    spans.scope_spans.add().scope.name = "shop"
    return request


def shop_trace(rng: random.Random, moment_ns: int) -> Iterator[tuple[str, str, Span]]:
    """Locust -> ui -> two catalog calls: six spans, seven documents."""
    trace_id = rng.randbytes(16)
    worker = rng.choice(ZONES)
    ui, ui_zone = rng.choice(_PODS[:6])
    root, page = rng.randbytes(8), rng.randbytes(8)
    local_root = {
        "aws.span.kind": "LOCAL_ROOT",
        "aws.local.service": f"locust-worker-{worker[-1]}",
        "aws.remote.service": "ui",
        "run_id": "R1",
        "phase": "before",
        "url.full": "http://127.100.201.2:8080/home",
    }
    yield (
        f"locust-worker-{worker[-1]}",
        worker,
        _span(trace_id, root, b"", "GET /home", Span.SPAN_KIND_CLIENT, moment_ns, 20, local_root),
    )
    seen = {"url.scheme": "http", "url.path": "/home", "http.route": "/home", "client.address": "127.100.1.7"}
    yield ui, ui_zone, _span(trace_id, page, root, "GET /home", Span.SPAN_KIND_SERVER, moment_ns, 18, seen)
    for path in ("/catalog/size", "/catalog/products"):
        call = rng.randbytes(8)
        catalog, catalog_zone = rng.choice(_PODS[6:])
        url = {"url.full": f"http://127.100.201.1:8080{path}", "server.address": "127.100.201.1"}
        taken_ms = rng.randrange(2, 60)
        yield (
            ui,
            ui_zone,
            _span(trace_id, call, page, "GET", Span.SPAN_KIND_CLIENT, moment_ns, taken_ms, url),
        )
        route = {"url.scheme": "http", "url.path": path, "http.route": path, "client.address": "127.100.1.7"}
        yield (
            catalog,
            catalog_zone,
            _span(
                trace_id, rng.randbytes(8), call, path, Span.SPAN_KIND_SERVER, moment_ns, taken_ms - 1, route
            ),
        )


def _span(
    trace_id: bytes,
    span_id: bytes,
    parent: bytes,
    name: str,
    kind: Span.SpanKind.ValueType,
    start_ns: int,
    taken_ms: int,
    attributes: dict[str, str],
) -> Span:
    span = Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        name=name,
        kind=kind,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=start_ns + taken_ms * 1_000_000,
    )
    for key, value in ({"http.request.method": "GET"} | attributes).items():
        span.attributes.add(key=key).value.string_value = value
    span.attributes.add(key="http.response.status_code").value.int_value = 200
    return span


def main() -> None:
    """Measure and print."""
    spans = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    bodies = list(requests(spans))
    size = sum(map(len, bodies))
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    now_s = START_NS / 1e9
    stand_in = StandIn(Settings(max_documents=10 * spans), lambda: now_s)
    started = time.process_time()
    for body in bodies:
        stand_in.take_otlp(otlp.decode(body, otlp.PROTOBUF), body)
    taken = time.process_time()
    now_s += 10
    while stand_in.tick():
        pass
    settled = time.process_time()
    arguments = {"StartTime": START_NS / 1e9, "EndTime": START_NS / 1e9 + 6 * 3600}
    first = stand_in.call("/ServiceGraph", arguments)
    answered = time.process_time()
    stand_in.call("/ServiceGraph", arguments)
    again = time.process_time()
    after_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = stand_in.status()
    print(f"{spans} spans, {size / spans:.0f} bytes each, {status['documents']} documents")
    print(f"decode, look and store {(taken - started) / spans * 1e6:.1f} us a span")
    print(f"add to the graph       {(settled - taken) / spans * 1e6:.1f} us a span")
    print(f"archive                {status['archive']['bytes'] / spans:.0f} bytes a span")
    print(f"memory                 {(after_kib - before_kib) * 1024 / spans:.0f} bytes a span")
    print(f"memory in all          {after_kib / 1024:.0f} MiB ({size / 2**20:.0f} MiB of it the sent spans)")
    print(f"GetServiceGraph        {answered - settled:.2f} s, again {again - answered:.2f} s")
    print(f"nodes                  {len(first['Services'])}")


if __name__ == "__main__":
    main()
