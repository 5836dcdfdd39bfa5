"""The stand-in's routes: two APIs of AWS, OTLP at ``/v1/traces``, its own ``/_standin`` and ``/healthz``.

The APIs are X-Ray's, and of CloudWatch Logs what asks the log group of the spans.

Pages that a browser shows are not let in, see ``k8s/doors.py``. What changes the stand-in itself needs the
header CONTROL besides, which no page can send without asking first: in a lab with the lab's token, so that
nobody else on the machine takes a measurement away. X-Ray's own calls carry what the AWS clients send, a
SigV4 header, which no page can send either.
"""

import asyncio
import logging
import re
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from hmac import compare_digest
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from k8s import doors
from k8s.lab.logs.logs_api import TARGET
from k8s.lab.logs.logs_errors import LogsError
from k8s.lab.xray import otlp
from k8s.lab.xray.api_errors import XrayError, invalid_request
from k8s.lab.xray.behaviour import Settings
from k8s.lab.xray.credentials import check_credentials, check_signature
from k8s.lab.xray.standin import StandIn

_LOG: Final = logging.getLogger(__name__)
CONTROL: Final = "Samezone-Control"
_TICK_S: Final = 0.25
_MUCH_BYTES: Final = 64 * 1024
"""Of a body, as it came."""
_TOO_SLOW: Final = HTTPStatus.REQUEST_TIMEOUT
_DUMPED: Final = 100
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_NEEDS_TRANSACTION_SEARCH: Final = (
    "The OTLP API is supported with CloudWatch Logs as a Trace Segment Destination."
)


def application(
    stand_in: StandIn, settings: Settings, is_own: Callable[[str], bool], *, body_s: float
) -> web.Application:
    """The routes, without a socket; *is_own* tells the host names that it is asked by.

    A body has to come within *body_s*.
    """

    @web.middleware
    async def at_the_door(request: web.Request, handler: Handler) -> web.StreamResponse:
        outside = doors.refusal(request.headers, is_own)
        if outside is not None:
            return _refusal(XrayError("AccessDeniedException", outside.why, outside.status))
        try:
            async with asyncio.timeout(body_s):
                await request.read()
        except TimeoutError:
            return _refusal(XrayError("RequestTimeoutException", f"no body within {body_s:g} s", _TOO_SLOW))
        return await handler(request)

    app = web.Application(client_max_size=otlp.LARGEST_BYTES, middlewares=[at_the_door])
    handlers = _Handlers(stand_in, settings)
    app.router.add_post("/v1/traces", handlers.traces)
    app.router.add_get("/healthz", handlers.healthz)
    app.router.add_get("/_standin/status", handlers.status)
    app.router.add_get("/_standin/dump", handlers.dump)
    app.router.add_post("/_standin/reset", handlers.reset)
    app.router.add_get("/_standin/knobs", handlers.knobs)
    app.router.add_post("/_standin/knobs", handlers.turn)
    app.router.add_route("*", "/{operation:.*}", handlers.operation)
    app.cleanup_ctx.append(_ticking(stand_in))
    return app


def _ticking(stand_in: StandIn) -> Callable[[web.Application], AsyncIterator[None]]:
    async def tick() -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            for _ in range(stand_in.ticks_due):
                stand_in.tick()
                await asyncio.sleep(0)  # others want an answer, too

    async def context(_app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(tick())
        task.add_done_callback(_tell_failure)
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        stand_in.close()

    return context


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _LOG.error("the regular work of the X-Ray stand-in ended: %r", error)


class _Handlers:
    def __init__(self, stand_in: StandIn, settings: Settings) -> None:
        self._stand_in = stand_in
        self._settings = settings

    async def traces(self, request: web.Request) -> web.Response:
        """OTLP: any problem with the body is a 400 that tells it; the client does not send it again."""
        body = await request.read()
        kind = request.content_type
        if kind not in {otlp.PROTOBUF, otlp.JSON}:
            return web.Response(
                status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text=f"use {otlp.PROTOBUF} or {otlp.JSON}"
            )
        if not self._stand_in.takes_otlp:
            return _otlp(HTTPStatus.BAD_REQUEST, otlp.failure(_NEEDS_TRANSACTION_SEARCH, kind), kind)
        encoding = request.headers.get("Content-Encoding", "").lower()
        try:
            # What is small is done before a thread would have begun.
            if len(body) < _MUCH_BYTES:
                message, content = _decoded(body, encoding, kind)
            else:
                message, content = await asyncio.to_thread(_decoded, body, encoding, kind)
        except otlp.NotOtlpError as error:
            return _otlp(HTTPStatus.BAD_REQUEST, otlp.failure(str(error), kind), kind)
        for part, encoded in otlp.slices(message, content):
            self._stand_in.take_otlp(part, encoded)
            if part is not message:
                await asyncio.sleep(0)  # others want an answer, too
        return _otlp(HTTPStatus.OK, otlp.success(kind), kind)

    async def operation(self, request: web.Request) -> web.Response:
        """One call of X-Ray's API, or of CloudWatch Logs': those name their operation in a header."""
        target = request.headers.get("X-Amz-Target", "")
        if target.startswith(TARGET):
            return await self._logs(request, target)
        try:
            authorization = request.headers.get("Authorization", "")
            if self._settings.require_signature:
                check_signature(authorization)
            check_credentials(
                authorization,
                request.path,
                refuse=self._stand_in.knobs.refuse,
                account=self._settings.account_id,
            )
            path = request.path if request.method == "POST" else f"{request.method} {request.path}"
            body = await _body(request)
            for _ in self._stand_in.catching_up(path):
                await asyncio.sleep(0)
            answer = self._stand_in.call(path, body)
        except XrayError as error:
            return _refusal(error)
        return _json(answer)

    async def _logs(self, request: web.Request, target: str) -> web.Response:
        """Its errors come with HTTP 400, those of credentials, too."""
        try:
            authorization = request.headers.get("Authorization", "")
            if self._settings.require_signature:
                check_signature(authorization, "logs")
            check_credentials(
                authorization,
                request.path,
                refuse=self._stand_in.knobs.refuse,
                account=self._settings.account_id,
                action=f"logs:{target.removeprefix(TARGET)}",
            )
            body = await _body(request)
            for _ in self._stand_in.reading_spans(target):
                await asyncio.sleep(0)
            return _json(self._stand_in.logs(target, body))
        except (LogsError, XrayError) as error:
            return _json(
                {"__type": error.code, "message": error.message},
                status=HTTPStatus.BAD_REQUEST,
                headers={"x-amzn-ErrorType": error.code},
            )

    async def healthz(self, _request: web.Request) -> web.Response:
        """Whether it answers."""
        return web.Response(text="ok")

    async def status(self, _request: web.Request) -> web.Response:
        """What is kept, what was dropped, and what this process has used."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        process = {"cpu_s": round(used.ru_utime + used.ru_stime, 3), "peak_rss_kib": used.ru_maxrss}
        return _json({**self._stand_in.status(), "process": process})

    async def dump(self, request: web.Request) -> web.Response:
        """The status and the newest traces, ``?traces=`` of them."""
        asked = request.query.get("traces", "")
        return _json(self._stand_in.dump(int(asked) if _NUMBER.fullmatch(asked) else _DUMPED))

    async def knobs(self, _request: web.Request) -> web.Response:
        """The knobs as they are."""
        return _json(self._stand_in.turn({}))

    async def turn(self, request: web.Request) -> web.Response:
        """Turn the knobs that the body names."""
        try:
            self._check_control(request)
            return _json(self._stand_in.turn(await _body(request)))
        except XrayError as error:
            return _refusal(error)

    async def reset(self, request: web.Request) -> web.Response:
        """Forget everything."""
        try:
            self._check_control(request)
        except XrayError as error:
            return _refusal(error)
        self._stand_in.reset()
        return _json({})

    def _check_control(self, request: web.Request) -> None:
        """XrayError for a request without the header of those who may change the stand-in itself."""
        given, token = request.headers.get(CONTROL), self._settings.control_token
        if given is None or (token and not compare_digest(given.encode(), token.encode())):
            what = "the lab's token, SAMEZONE_LAB_TOKEN of its env file" if token else "any value"
            why = f"{request.path} needs the header {CONTROL} with {what}"
            raise XrayError("AccessDeniedException", why, HTTPStatus.FORBIDDEN)


def _decoded(body: bytes, encoding: str, kind: str) -> tuple[ExportTraceServiceRequest, bytes]:
    """An OTLP request and its protobuf encoding; NotOtlpError."""
    content = otlp.decompressed(body, encoding)
    message = otlp.decode(content, kind)
    return message, content if kind == otlp.PROTOBUF else message.SerializeToString()


async def _body(request: web.Request) -> dict[str, Any]:
    content = await request.read()
    try:
        content = otlp.decompressed(content, request.headers.get("Content-Encoding", "").lower())
        body = msgspec.json.decode(content or b"{}")
    except (otlp.NotOtlpError, msgspec.DecodeError, ValueError, RecursionError) as error:
        raise XrayError("SerializationException", str(error), HTTPStatus.BAD_REQUEST) from error
    if not isinstance(body, dict):
        raise invalid_request("The body must be a JSON object")
    return body


def _refusal(error: XrayError) -> web.Response:
    return _json(
        {"__type": error.code, "Message": error.message},
        status=error.status,
        headers={"x-amzn-ErrorType": error.code},
    )


def _json(
    answer: dict[str, Any], *, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(answer), status=status, headers=headers, content_type=otlp.JSON
    )


def _otlp(status: HTTPStatus, body: bytes, kind: str) -> web.Response:
    return web.Response(body=body, status=status, content_type=kind)
