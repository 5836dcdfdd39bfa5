"""Serving a pod's pages: routing, SERVER spans, and the way out on SIGTERM."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

import msgspec
from aiohttp import web
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from k8s.lab.store.settings import PodSettings
from k8s.lab.store.tracing import flush

JSON = "application/json"
HTML = "text/html;charset=UTF-8"
_SERVER_FAULT = 500
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
class Reply:
    """What a handler answers."""

    body: bytes
    content_type: str = JSON
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path's handler."""

    template: str
    """The path with its parameters named, e.g. ``/catalog/{id}``."""
    handler: Callable[[Call], Awaitable[Reply]]
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


class Server:
    """Answers a pod's requests, one SERVER span each."""

    def __init__(self, router: Router, tracer: Tracer) -> None:
        self._router = router
        self._tracer = tracer

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer, traced if its route is."""
        path, _, query = request.raw_path.partition("?")
        route = self._router(path)
        if route is None:
            reply = error_reply(404, f"no page {path}")
        elif request.method not in {"GET", "HEAD"}:
            reply = error_reply(405, f"{request.method} is not allowed")
        elif route.traced:
            reply = await self._traced(request, route, path, query)
        else:
            reply = await route.handler(_call(path, query, None))
        return web.Response(
            body=reply.body, status=reply.status, headers={"Content-Type": reply.content_type}
        )

    async def _traced(self, request: web.BaseRequest, route: Route, path: str, query: str) -> Reply:
        transport = request.transport
        peer = transport.get_extra_info("peername") if transport is not None else None
        peer_ip, peer_port = peer or ("", 0)
        span = self._tracer.start_span(
            route.span_name,
            context=_propagator.extract(request.headers),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": request.method,
                "http.route": route.template,
                "url.path": path,
                "url.scheme": "http",
                "server.address": request.host.partition(":")[0],
                "network.peer.address": peer_ip,
                "network.peer.port": peer_port,
                "client.address": peer_ip,
            },
        )
        try:
            reply = await route.handler(_call(path, query, set_span_in_context(span)))
            span.set_attribute("http.response.status_code", reply.status)
            if reply.status >= _SERVER_FAULT:
                span.set_status(Status(StatusCode.ERROR))
            return reply
        finally:
            span.end()


def _call(path: str, query: str, context: Context | None) -> Call:
    return Call(path=unquote(path), query=dict(parse_qsl(query)) if query else {}, context=context)


async def serve_until_told(server: Server, pod: PodSettings, provider: TracerProvider) -> None:
    """Serve at the pod's address until SIGTERM, then export the last spans."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sys.setswitchinterval(_SWITCH_S)
    gc.freeze()  # what was imported is for ever; later collections need not look at it
    runner = web.ServerRunner(web.Server(server.handle, access_log=None), shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, pod.ip, pod.port, backlog=1024).start()
        _log.info("%s serves at %s:%d", pod.name, pod.ip, pod.port)
        await stop.wait()
    finally:
        await runner.cleanup()
        if not await asyncio.to_thread(flush, provider):
            _log.warning("%s leaves with spans that were not exported", pod.name)
