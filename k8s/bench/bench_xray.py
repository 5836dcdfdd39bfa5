"""What the X-Ray stand-in bears: ``python -m k8s.bench.bench_xray [segments]``.

100 client pods call 100 server pods; every call is three spans (the client's segment, its call, the server's
segment) that arrive in batches of 512 from their pods, over HTTP, from another process. Each size runs with a
server of its own. Both rates are told: by the clock, and by the server's processor time, because the sender
has a processor to itself. Afterwards every count of the graph is compared with what was sent.
"""

import http.client
import json
import os
import random
import struct
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from k8s.errors import SamezoneError, UnreachableError
from k8s.lab.xray.app import serve
from k8s.lab.xray.behaviour import Settings

SEGMENTS: Final = 1_000_000
SIZES: Final = (0.25, 0.5, 1.0)
PODS: Final = 100
BATCH: Final = 512
AT_ONCE: Final = 64
"""Batches that are made ready before the clock runs."""
LEAST_SPANS_S: Final = 20_000.0
LONGEST_GRAPH_S: Final = 2.0
MOST_RSS_MIB: Final = 1536.0
HOUR_S: Final = 3600
ZONES: Final = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
HEADERS: Final = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=bench/20261122/eu-west-1/xray/aws4_request, Signature=0"
}

Pair = tuple[int, int]
"""(client pod, server pod)"""
Slot = tuple[bytes, bytes, bytes, int, int]
"""Trace id, span id, parent id, start and end in nanoseconds: what differs between spans."""

PlainAttributes = dict[str, str | int]


class WrongGraphError(SamezoneError):
    """The stand-in's graph does not count what was sent."""


class Template:
    """A serialized batch of one pod; only ids and times are written anew, which is quick."""

    def __init__(self, pod: str, zone: str, spans: tuple[Span, ...]) -> None:
        """*spans* take turns until the batch is full."""
        request = _request(pod, zone)
        into = request.resource_spans[0].scope_spans[0].spans
        for number in range(BATCH):
            span = into.add()
            span.CopyFrom(spans[number % len(spans)])
            span.trace_id = _mark(b"T", number, 16)
            span.span_id = _mark(b"S", number, 8)
            span.parent_span_id = _mark(b"P", number, 8) if span.parent_span_id else b""
            span.start_time_unix_nano = int.from_bytes(_mark(b"B", number, 8), "little")
            span.end_time_unix_nano = int.from_bytes(_mark(b"E", number, 8), "little")
        self._bytes = bytearray(request.SerializeToString())
        self._places: list[list[int]] = []
        place = 0
        for number in range(BATCH):
            found: list[int] = []
            for letter, size in ((b"T", 16), (b"S", 8), (b"P", 8), (b"B", 8), (b"E", 8)):
                at = -1
                if letter != b"P" or spans[number % len(spans)].parent_span_id:
                    at = place = self._bytes.index(_mark(letter, number, size), place)
                found.append(at)
            self._places.append(found)

    def filled(self, slots: list[Slot]) -> bytes:
        """The batch with these ids and times."""
        content, pack = self._bytes, struct.pack_into
        for (trace, own, parent, begin, end), slot in zip(self._places, slots, strict=True):
            content[trace : trace + 16] = slot[0]
            content[own : own + 8] = slot[1]
            if parent >= 0:
                content[parent : parent + 8] = slot[2]
            pack("<Q", content, begin, slot[3])
            pack("<Q", content, end, slot[4])
        return bytes(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One size."""

    spans: int
    sent_s: float
    cpu_s: float
    graph_s: float
    graph_cpu_s: float
    again_s: float
    graph_mib: float
    rss_mib: float


def batches(calls: int, began_s: float, sent: Counter[Pair], pods: int = PODS) -> Iterator[bytes]:
    """The calls as bodies of full batches, in the order of time; *sent* counts the calls of each pair.

    The last batch of a pod is filled up with spans that it sends once more, and that must not count twice.
    """
    rng = random.Random(1)  # noqa: S311 - a seeded example, not a secret
    templates = _templates(pods)
    waiting: dict[tuple[str, int], list[Slot]] = defaultdict(list)
    # Every client calls every server equally often, in an order drawn at random, so that all batches fill up.
    pairs = [(client, server) for client in range(pods) for server in range(pods)]
    step_ns = HOUR_S * 1_000_000_000 // calls
    for number in range(calls):
        if number % len(pairs) == 0:
            rng.shuffle(pairs)
        client, server = pairs[number % len(pairs)]
        start_ns = int(began_s * 1e9) + number * step_ns
        taken_ns = rng.randrange(2, 200) * 1_000_000
        trace, ids = rng.randbytes(16), rng.randbytes(24)
        page, call, answer = ids[:8], ids[8:16], ids[16:]
        sent[client, server] += 1
        callers, callees = waiting["ui", client], waiting["catalog", server]
        callers.append((trace, page, b"", start_ns, start_ns + taken_ns + 2_000_000))
        callers.append((trace, call, page, start_ns + 1_000_000, start_ns + 1_000_000 + taken_ns))
        callees.append((trace, answer, call, start_ns + 1_500_000, start_ns + 500_000 + taken_ns))
        for key in (("ui", client), ("catalog", server)):
            if len(waiting[key]) == BATCH:
                yield templates[key].filled(waiting.pop(key))
    for key, slots in waiting.items():
        if slots:
            yield templates[key].filled((slots * BATCH)[:BATCH])


def measure(segments: int) -> Measured:
    """Send so many segments to a new server, ask for the graph, compare it with what was sent."""
    server = subprocess.Popen([sys.executable, "-m", "k8s.bench.bench_xray", "serve"], stdout=subprocess.PIPE)
    try:
        _apart(server.pid)
        assert server.stdout is not None  # noqa: S101 - it was asked for
        connection = http.client.HTTPConnection("127.0.0.1", int(server.stdout.readline()))
        began_s = time.time() - 2 * HOUR_S
        sent: Counter[Pair] = Counter()
        before_s, sent_s, spans = _cpu_s(connection), 0.0, 0
        ready: list[bytes] = []
        for body in batches(segments // 2, began_s, sent):
            ready.append(body)
            if len(ready) == AT_ONCE:
                sent_s += _send(connection, ready)
                spans += BATCH * len(ready)
                ready.clear()
        sent_s += _send(connection, ready)
        spans += BATCH * len(ready)
        taken_s = _cpu_s(connection)
        graph_s, graph = _graph(connection, began_s)
        answered_s = _cpu_s(connection)
        again_s, _ = _graph(connection, began_s)
        compare(json.loads(graph)["Services"], sent)
        rss_mib = _status(connection)["process"]["peak_rss_kib"] / 1024
    finally:
        server.terminate()
        server.wait()
    return Measured(
        spans=spans,
        sent_s=sent_s,
        cpu_s=taken_s - before_s,
        graph_s=graph_s,
        graph_cpu_s=answered_s - taken_s,
        again_s=again_s,
        graph_mib=len(graph) / 2**20,
        rss_mib=rss_mib,
    )


def compare(services: list[dict[str, Any]], sent: Mapping[Pair, int]) -> None:
    """End with what differs, if a node or an edge does not count what was sent."""
    names = {service["ReferenceId"]: service["Name"] for service in services}
    edges = {
        (names[service["ReferenceId"]], names[edge["ReferenceId"]]): edge["SummaryStatistics"]["TotalCount"]
        for service in services
        if service.get("Type") != "client"
        for edge in service["Edges"]
    }
    nodes = {
        service["Name"]: service["SummaryStatistics"]["TotalCount"]
        for service in services
        if service.get("Type") != "client"
    }
    wanted: Counter[str] = Counter()
    for (client, server), count in sent.items():
        wanted[f"ui-{client}"] += count
        wanted[f"catalog-{server}"] += count
    if edges != {(f"ui-{client}", f"catalog-{server}"): count for (client, server), count in sent.items()}:
        raise WrongGraphError("the graph's edges are not what was sent")
    if nodes != wanted:
        raise WrongGraphError("the graph's nodes are not what was sent")


def main() -> int:
    """All sizes, and whether the bounds hold."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else SEGMENTS
    held = True
    for size in SIZES:
        try:
            found = measure(int(most * size))
        except SamezoneError as error:
            print(f"bench_xray: {error}", file=sys.stderr)
            return error.exit_code
        by_clock, by_cpu = found.spans / found.sent_s, found.spans / found.cpu_s
        print(
            f"{int(most * size):>9,} segments {found.spans:>9,} spans  in: {by_clock:7,.0f} spans/s by the "
            f"clock, {by_cpu:7,.0f} by its processor  graph: {found.graph_s:.2f} s "
            f"({found.graph_cpu_s:.2f} s of CPU, again {found.again_s:.2f} s), {found.graph_mib:.1f} MiB, "
            f"exact  peak {found.rss_mib:5,.0f} MiB",
            flush=True,
        )
        held &= min(by_clock, by_cpu) >= LEAST_SPANS_S
        held &= max(found.graph_s, found.graph_cpu_s) <= LONGEST_GRAPH_S and found.rss_mib <= MOST_RSS_MIB
    print(
        f"{'holds' if held else 'DOES NOT HOLD'}: at least {LEAST_SPANS_S:,.0f} spans/s, a graph within "
        f"{LONGEST_GRAPH_S:g} s, at most {MOST_RSS_MIB:,.0f} MiB"
    )
    return 0 if held else 1


def _send(connection: http.client.HTTPConnection, bodies: list[bytes]) -> float:
    """Send bodies one after the other; returns the seconds that took."""
    began_s = time.perf_counter()
    for body in bodies:
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise UnreachableError(f"the stand-in answered {answer.status}")
    return time.perf_counter() - began_s


def _graph(connection: http.client.HTTPConnection, began_s: float) -> tuple[float, bytes]:
    """GetServiceGraph over everything: how long it took, and the answer."""
    asked_s = time.perf_counter()
    body = json.dumps({"StartTime": began_s - 1, "EndTime": began_s + HOUR_S + 1})
    connection.request("POST", "/ServiceGraph", body, HEADERS)
    content = connection.getresponse().read()
    return time.perf_counter() - asked_s, content


def _status(connection: http.client.HTTPConnection) -> dict[str, Any]:
    connection.request("GET", "/_standin/status")
    status: dict[str, Any] = json.loads(connection.getresponse().read())
    return status


def _cpu_s(connection: http.client.HTTPConnection) -> float:
    return float(_status(connection)["process"]["cpu_s"])


def _apart(server: int) -> None:
    """Give the server one processor, and the sender another where there is one."""
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(server, processors[:1])
    os.sched_setaffinity(0, processors[1:2] or processors[:1])


def _templates(pods: int) -> dict[tuple[str, int], Template]:
    ok: PlainAttributes = {
        "http.request.method": "GET",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
    }
    serving: PlainAttributes = ok | {
        "url.path": "/catalog/products",
        "http.route": "/catalog/products",
        "server.port": 8080,
    }
    calling: PlainAttributes = ok | {
        "url.full": "http://127.100.201.1:8080/catalog/products",
        "server.address": "127.100.201.1",
    }
    page = _span("GET /home", Span.SPAN_KIND_SERVER, serving, b"")
    call = _span("GET", Span.SPAN_KIND_CLIENT, calling, b"parent..")
    answer = _span("GET /catalog/products", Span.SPAN_KIND_SERVER, serving, b"parent..")
    spans = {"ui": (page, call), "catalog": (answer,)}
    return {
        (name, number): Template(f"{name}-{number}", ZONES[number % len(ZONES)], spans[name])
        for name in spans
        for number in range(pods)
    }


def _span(name: str, kind: Span.SpanKind.ValueType, attributes: PlainAttributes, parent: bytes) -> Span:
    span = Span(name=name, kind=kind, parent_span_id=parent)
    for key, value in (attributes | {"http.response.status_code": 200}).items():
        pair = span.attributes.add(key=key).value
        if isinstance(value, int):
            pair.int_value = value
        else:
            pair.string_value = value
    return span


def _request(pod: str, zone: str) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add()
    attributes = {
        "service.name": pod,
        "k8s.pod.name": pod,
        "k8s.node.name": f"node-{zone[-1]}-1",
        "k8s.namespace.name": pod.partition("-")[0],
        "k8s.cluster.name": "samezone-bench",
        "cloud.provider": "aws",
        "cloud.platform": "aws_eks",
        "cloud.region": zone[:-1],
        "cloud.availability_zone": zone,
        "host.id": f"node-{zone[-1]}-1",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": "1.45.0",
    }
    for key, value in attributes.items():
        spans.resource.attributes.add(key=key).value.string_value = value
    spans.scope_spans.add().scope.name = "bench"
    return request


def _mark(letter: bytes, number: int, size: int) -> bytes:
    """Bytes that stand nowhere else in a batch."""
    return (letter + b"\xf5" + number.to_bytes(2) + letter * size)[:size]


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        plenty = Settings(max_documents=10 * SEGMENTS)
        serve("127.0.0.1", 0, settings=plenty, on_ready=lambda port: print(port, flush=True))
    else:
        sys.exit(main())
