"""The program of any workload, on sockets of the loopback, with its spans in memory."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from k8s.lab.design.application import AppCall, AppRoute, Workload
from k8s.lab.service.calls import ServiceCalls
from k8s.lab.service.httpd import HttpServer
from k8s.lab.service.pod_settings import PodSettings
from k8s.lab.service.program import ServiceProgram
from k8s.lab.service.serving import TracedPages
from k8s.lab.service.tracing import resource_of
from k8s.topology import ServiceKey
from tests.k8s.lab.store.shop import Page, page_of, talk
from tests.k8s.lab.xray.builders import EKS, Clock, counts, stand_in, take

FRONT_IP, ORDERS_IP = "127.78.3.1", "127.78.3.2"
ORDERS = ServiceKey(namespace="shop", name="orders")
CALL = AppCall(to=ORDERS, path="/orders")
FRONT = Workload(
    key=ServiceKey(namespace="shop", name="front"),
    calls=(CALL,),
    routes=(
        AppRoute(path="/none", response_bytes=0),
        AppRoute(path="/some", calls=(replace(CALL, times=2.25),)),
        AppRoute(path="/item/{id}/buy", calls=(CALL, CALL), response_bytes=3, think_s=0.05),
    ),
    response_bytes=100,
)
BACK = Workload(key=ORDERS)


@dataclass
class Pair:
    """A front pod and the orders pod that it calls."""

    front: ServiceProgram
    port: int
    orders: HttpServer
    spans: InMemorySpanExporter

    async def ask(self, path: str, method: str = "GET", headers: str = "", body: str = "") -> Page:
        """One request on a connection of its own."""
        said = f"{method} {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n{headers}\r\n{body}"
        return page_of(await talk(FRONT_IP, self.port, said))

    def finished(self, kind: SpanKind) -> list[ReadableSpan]:
        return [span for span in self.spans.get_finished_spans() if span.kind is kind]

    def calls(self) -> int:
        return len(self.finished(SpanKind.CLIENT))


def pod_of(span: ReadableSpan) -> object:
    return span.resource.attributes["service.name"]


def pod(workload: Workload, ip: str) -> PodSettings:
    return PodSettings(
        name=f"{workload.key.name}-1",
        namespace="shop",
        node="node-a-1",
        zone="eu-west-1a",
        region="eu-west-1",
        ip=ip,
        otlp_url="http://127.0.0.1:1/v1/traces",
        workload=workload,
    )


@contextlib.asynccontextmanager
async def open_pair(
    front: Workload = FRONT, orders: Workload = BACK, chance: float = 0.5
) -> AsyncIterator[Pair]:
    """Both pods as long as the context lasts."""
    exporter = InMemorySpanExporter()

    def provider(settings: PodSettings) -> TracerProvider:
        made = TracerProvider(shutdown_on_exit=False, resource=resource_of(settings))
        made.add_span_processor(SimpleSpanProcessor(exporter))
        return made

    def program(settings: PodSettings, callees: dict[ServiceKey, ServiceCalls]) -> ServiceProgram:
        tracer = provider(settings).get_tracer("test")
        return ServiceProgram(settings, callees, tracer=tracer, database_tracer=tracer, chance=lambda: chance)

    called, calling = pod(orders, ORDERS_IP), pod(front, FRONT_IP)
    orders_pages = TracedPages(program(called, {}).route, provider(called).get_tracer("test"))
    orders_server = HttpServer(ORDERS_IP, 0, orders_pages.answer, any_method=True)
    calls = ServiceCalls(
        str(ORDERS),
        f"http://{ORDERS_IP}:{orders_server.port}",
        source_ip=FRONT_IP,
        keep_alive=front.keep_alive,
        tracer=provider(calling).get_tracer("test"),
    )
    front_program = program(calling, {ORDERS: calls})
    pages = TracedPages(front_program.route, provider(calling).get_tracer("test"))
    server = HttpServer(FRONT_IP, 0, pages.answer, any_method=True)
    try:
        yield Pair(front=front_program, port=server.port, orders=orders_server, spans=exporter)
    finally:
        calls.close()
        await server.close(0.0)
        await orders_server.close(0.0)


def in_pair(act: Callable[[Pair], Awaitable[None]], **given: object) -> None:
    async def run() -> None:
        async with open_pair(**given) as pair:  # type: ignore[arg-type]
            await act(pair)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "calls", "size", "route"),
    [
        ("/", 1, 100, "/*"),
        ("/what/nobody?named=it", 1, 100, "/*"),
        ("/none", 0, 0, "/none"),
        ("/item/7/buy", 2, 3, "/item/{id}/buy"),
        ("/item//buy", 1, 100, "/*"),
        ("/item/7/buy/more", 1, 100, "/*"),
    ],
)
def test_a_path_makes_its_calls_or_the_default_ones(path: str, calls: int, size: int, route: str) -> None:
    """With an answer of its own length; the span says which of the routes it was."""

    async def act(pair: Pair) -> None:
        answer = await pair.ask(path)
        assert (answer.status, len(answer.body), pair.calls()) == (200, size, calls)
        (front,) = [span for span in pair.finished(SpanKind.SERVER) if pod_of(span) == "front-1"]
        assert (front.attributes or {})["http.route"] == route

    in_pair(act)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "PURGE"])
def test_every_method_is_answered(method: str) -> None:
    """And named in the span."""

    async def act(pair: Pair) -> None:
        answer = await pair.ask("/x", method, "Content-Length: 5\r\n", "hello")
        assert (answer.status, pair.calls()) == (200, 1)
        assert f"{method} /*" in [span.name for span in pair.finished(SpanKind.SERVER)]

    in_pair(act)


def test_a_body_is_read_before_the_next_request() -> None:
    """In chunks, or announced and awaited: what follows on the connection is answered as well."""

    async def act(pair: Pair) -> None:
        said = (
            "POST /none HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\n"
            "PUT /none HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nPOST"
            "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        assert (await talk(FRONT_IP, pair.port, said)).count(b"HTTP/1.1 200 OK") == 3
        reader, writer = await asyncio.open_connection(FRONT_IP, pair.port)
        writer.write(b"POST /none HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ok")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        writer.write(b"POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n")
        assert (await reader.read(-1)).startswith(b"HTTP/1.1 400 ")
        writer.close()

    in_pair(act)


@pytest.mark.parametrize(("chance", "calls"), [(0.2, 3), (0.25, 2), (0.9, 2)])
def test_a_part_of_a_call_is_made_by_chance(chance: float, calls: int) -> None:
    """2.25 calls are two, and a third one a quarter of the time."""

    async def act(pair: Pair) -> None:
        await pair.ask("/some")
        assert pair.calls() == calls

    in_pair(act, chance=chance)


def test_thinking_takes_its_time() -> None:
    """Beside the calls."""

    async def act(pair: Pair) -> None:
        began_s = time.monotonic()
        await pair.ask("/item/7/buy")
        assert time.monotonic() - began_s >= 0.05

    in_pair(act)


def test_a_failing_callee_is_a_bad_gateway() -> None:
    """At the first call that fails; both spans tell of an error."""

    async def act(pair: Pair) -> None:
        await pair.orders.close(0.0)
        answer = await pair.ask("/item/7/buy")
        assert (answer.status, pair.calls()) == (502, 1)
        assert b"calling shop/orders: " in answer.body
        spans = (*pair.finished(SpanKind.CLIENT), *pair.finished(SpanKind.SERVER))
        assert [span.status.is_ok for span in spans] == [False, False]

    in_pair(act)


def test_health_is_not_traced() -> None:
    """Kubelets ask all the time."""

    async def act(pair: Pair) -> None:
        answer = await pair.ask("/healthz")
        assert (answer.status, answer.body, pair.spans.get_finished_spans()) == (200, b"OK", ())

    in_pair(act)


def test_spans_make_a_graph_of_pods_with_a_database_below() -> None:
    """What X-Ray shows of a page and of a call by itself: the pods, and nothing that is none of them."""

    async def act(pair: Pair) -> None:
        await pair.ask("/item/7/buy")
        for _ in range(3):
            await pair.front.act()
        target = stand_in(Clock(time.time()))
        take(target, encode_spans(pair.spans.get_finished_spans()))
        now_s = time.time()
        found = target.call("/ServiceGraph", {"StartTime": now_s - 60, "EndTime": now_s + 60})["Services"]
        nodes, edges = counts(found)
        front, orders, sql = ("front-1", EKS), ("orders-1", EKS), ("gorm.Query", "Database::SQL")
        assert set(nodes) == {("front-1", "client"), front, orders, sql}
        assert (nodes[front], nodes[orders], nodes[sql]) == (4, 5, 5)
        assert (edges[front, orders], edges[orders, sql]) == (5, 5)

    in_pair(act, orders=Workload(key=ORDERS, database=True))


def test_a_failed_call_by_itself_is_an_error_of_the_pod() -> None:
    """And stops nothing: the next turn tries again."""

    async def act(pair: Pair) -> None:
        await pair.orders.close(0.0)
        await pair.front.act()
        (root,) = pair.finished(SpanKind.INTERNAL)
        assert (root.status.is_ok, root.parent) == (False, None)

    in_pair(act)
