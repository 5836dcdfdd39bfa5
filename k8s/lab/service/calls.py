"""A pod's calls to a Service: from its own address, one CLIENT span and usually one connection each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from k8s.errors import UnreachableError
from k8s.lab.service.exchange import HttpAnswer, HttpLink, connect

CALL_TIMEOUT_S = 5.0
_ERROR = 400
_propagator = TraceContextTextMapPropagator()
T = TypeVar("T")


class CallFailedError(UnreachableError):
    """The Service did not answer, or not well; *status* is its answer, 0 if there was none."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ServiceCalls:
    """A client of one Service; close it at the end."""

    def __init__(
        self, service: str, base_url: str, *, source_ip: str, keep_alive: bool, tracer: Tracer
    ) -> None:
        """*service* is what complaints call it."""
        parts = urlsplit(base_url)
        self._service = service
        self._base_url = base_url
        self._target = (parts.hostname or "", parts.port or 80)
        self._source_ip = source_ip
        self._keep_alive = keep_alive
        self._tracer = tracer
        self._idle: list[HttpLink] = []

    async def get_json(
        self, path: str, query: Mapping[str, str], context: Context | None, decoder: msgspec.json.Decoder[T]
    ) -> T:
        """The decoded answer; CallFailedError if there is none, or one that says no."""
        resource = f"{path}?{urlencode(query)}" if query else path
        with self._spanned(resource, context) as span:
            try:
                return decoder.decode(await self._body(resource, span))
            except msgspec.DecodeError as error:
                raise CallFailedError(f"reading {self._service}'s answer: {error}") from error

    async def get(self, resource: str, context: Context | None) -> bytes:
        """The answer's body; CallFailedError if there is none, or one that says no."""
        with self._spanned(resource, context) as span:
            return await self._body(resource, span)

    @contextmanager
    def _spanned(self, resource: str, context: Context | None) -> Iterator[Span]:
        """A CLIENT span as long as the call takes."""
        span = self._tracer.start_span(
            "GET",
            context=context,
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": "GET",
                "url.full": f"{self._base_url}{resource}",
                "server.address": self._target[0],
                "server.port": self._target[1],
            },
        )
        try:
            yield span
        except CallFailedError:
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            span.end()

    def close(self) -> None:
        """Close what is open."""
        while self._idle:
            self._idle.pop().close()

    async def _body(self, resource: str, span: Span) -> bytes:
        try:
            answer = await self._ask(self._request(resource, span))
        except OSError as error:
            span.set_attribute("error.type", type(error).__name__)
            raise CallFailedError(f"calling {self._service}: {error or type(error).__name__}") from error
        span.set_attribute("http.response.status_code", answer.status)
        if answer.status >= _ERROR:
            span.set_attribute("error.type", str(answer.status))
            raise CallFailedError(f"{self._service} answered {answer.status}", answer.status)
        return answer.body

    def _request(self, resource: str, span: Span) -> bytes:
        headers = {"Host": f"{self._target[0]}:{self._target[1]}", "Accept": "application/json"}
        if not self._keep_alive:
            headers["Connection"] = "close"
        _propagator.inject(headers, set_span_in_context(span))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"GET {resource} HTTP/1.1\r\n{lines}\r\n".encode()

    async def _ask(self, request: bytes) -> HttpAnswer:
        link = self._kept() or await connect(self._target, self._source_ip, CALL_TIMEOUT_S)
        reusable = False
        try:
            answer = await link.exchange(request, CALL_TIMEOUT_S)
            reusable = self._keep_alive and answer.reusable
        finally:
            if reusable:
                self._idle.append(link)
            else:
                link.close()
        return answer

    def _kept(self) -> HttpLink | None:
        """An idle connection that is still good; the one used last, as most pools do."""
        while self._idle:
            link = self._idle.pop()
            if link.is_usable:
                return link
            link.close()
        return None
