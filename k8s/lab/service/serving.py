"""A pod's pages: routing, SERVER spans, and the way out on SIGTERM."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

import msgspec
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from k8s.lab.service.httpd import HttpServer, Reply, Request
from k8s.lab.service.pod_settings import PodSettings
from k8s.lab.service.tracing import flush
from k8s.lab.service.xray_header import traced

HTML = "text/html;charset=UTF-8"
_SERVER_FAULT = 500
_PATIENCE_S = 0.3
_SWITCH_S = 0.0005
"""How long the exporter's thread may keep the interpreter from a request; Python's 5 ms would show in p99."""
_propagator = TraceContextTextMapPropagator()
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as handlers see it."""

    path: str
    query: Mapping[str, str]
    context: Context | None
    """The SERVER span, for spans beneath it; None where nothing is traced."""

    def number(self, name: str, default: int) -> int | None:
        """A query parameter as a number; None if it is none."""
        text = self.query.get(name)
        if not text:
            return default
        try:
            return int(text)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path's handler."""

    template: str
    """The path with its parameters named, e.g. ``/catalog/{id}``."""
    handler: Callable[[Call], Reply | Awaitable[Reply]]
    traced: bool = True
    span_name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "span_name", f"GET {self.template}")


Router = Callable[[str], Route | None]
"""The route of a path, or None."""


def json_reply(value: object, status: int = 200) -> Reply:
    """*value* as JSON."""
    return Reply(body=msgspec.json.encode(value), status=status)


def error_reply(status: int, message: str) -> Reply:
    """A refusal in the sample's form."""
    return json_reply({"code": status, "message": message}, status)


class TracedPages:
    """Answers a pod's requests, with one SERVER span for each whose route is traced."""

    def __init__(self, router: Router, tracer: Tracer) -> None:
        self._router = router
        self._tracer = tracer

    def answer(self, request: Request) -> Reply | Awaitable[Reply]:
        """The answer, at once if the handler gives it at once."""
        route = self._router(request.path)
        if route is None:
            return error_reply(404, f"no page {request.path}")
        if not route.traced:
            return route.handler(_call(request, None))
        span = self._span(request, route)
        reply = route.handler(_call(request, set_span_in_context(span)))
        if isinstance(reply, Reply):
            return _ended(span, reply)
        return _later(span, reply)

    def _span(self, request: Request, route: Route) -> Span:
        peer_ip, peer_port = request.peer
        return self._tracer.start_span(
            route.span_name if request.method == "GET" else f"{request.method} {route.template}",
            context=_propagator.extract(traced(request.headers)),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": request.method,
                "http.route": route.template,
                "url.path": request.path,
                "url.scheme": "http",
                "server.address": request.headers.get("host", "").partition(":")[0],
                "network.peer.address": peer_ip,
                "network.peer.port": peer_port,
                "client.address": peer_ip,
            },
        )


async def _later(span: Span, reply: Awaitable[Reply]) -> Reply:
    return _ended(span, await reply)


def _ended(span: Span, reply: Reply) -> Reply:
    span.set_attribute("http.response.status_code", reply.status)
    if reply.status >= _SERVER_FAULT:
        span.set_status(Status(StatusCode.ERROR))
    span.end()
    return reply


def _call(request: Request, context: Context | None) -> Call:
    query = dict(parse_qsl(request.query)) if request.query else {}
    return Call(path=unquote(request.path), query=query, context=context)


async def serve_until_told(
    pages: TracedPages,
    pod: PodSettings,
    provider: TracerProvider,
    *,
    any_method: bool = False,
    background: Callable[[], Coroutine[None, None, None]] | None = None,
) -> None:
    """Serve at the pod's address until SIGTERM, then export the last spans.

    *background* is what the pod does by itself meanwhile; it is cancelled at the end.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sys.setswitchinterval(_SWITCH_S)
    gc.freeze()  # what was imported is for ever; later collections need not look at it
    server = HttpServer(pod.ip, pod.port, pages.answer, any_method=any_method)
    _log.info("%s serves at %s:%d", pod.name, pod.ip, pod.port)
    told = asyncio.create_task(stop.wait())
    own = asyncio.create_task(background()) if background else None
    await asyncio.wait([told, *([own] if own else [])], return_when=asyncio.FIRST_COMPLETED)
    if own is not None and not own.cancel():
        own.result()  # it only ends by an error that nobody expected
    elif own is not None:
        await asyncio.wait([own])
    await server.close(_PATIENCE_S)
    if not await asyncio.to_thread(flush, provider):
        _log.warning("%s leaves with spans that were not exported", pod.name)
